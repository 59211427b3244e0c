"""What a call cost, by model and date, from the prices that the genai-prices package brings along.

Nothing is fetched. A price that is not known is None, never 0; neither is that of a model which runs on the person's
own machine. Without the package no price is known.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timezone
from functools import lru_cache
from typing import Any

_LOCAL = ("ollama/", "llamafile", "gguf", "mlx-", "mlx/", "gpt4all/", "lmstudio/", "lm-studio/", "llama-cpp/")
"""How llm's plugins for local models begin their models' ids."""

_PROVIDERS = {
    "anthropic": "anthropic",
    "azure": "azure",
    "bedrock": "aws",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "fireworks": "fireworks",
    "gemini": "google",
    "grok": "x-ai",
    "groq": "groq",
    "mistral": "mistral",
    "openai": "openai",
    "openrouter": "openrouter",
    "perplexity": "perplexity",
    "together": "together",
    "vertex": "google",
    "xai": "x-ai",
}
"""What llm's plugins put before a model's id, and what genai-prices calls that provider."""

Rate = Callable[[int, int], float | None]


def cost(model: object, input_tokens: object, output_tokens: object, datetime_utc: object) -> float | None:
    """Return what a call cost in US dollars, None where that is not known. Any argument may be anything."""
    if not isinstance(model, str) or not isinstance(input_tokens, int) or not isinstance(output_tokens, int | None):
        return None
    day = datetime_utc[:10] if isinstance(datetime_utc, str) else ""
    rate = _rate(model, day)
    return None if rate is None else rate(max(input_tokens, 0), max(output_tokens or 0, 0))


def is_local(model: object) -> bool:
    """Say whether a model runs on the person's own machine, so that it has no price."""
    if not isinstance(model, str):
        return False
    name = model.lower()
    return name.startswith(_LOCAL) or (":" in name and "/" not in name and _rate(model, "") is None)


def register(connection: Any) -> None:
    """Give a connection to SQLite the functions that our statements and queries call."""
    connection.create_function("session_cost", 4, cost, deterministic=True)
    connection.create_function("session_is_local", 1, lambda model: int(is_local(model)), deterministic=True)


@lru_cache(maxsize=4096)
def _rate(model: str, day: str) -> Rate | None:
    """Return how a model's calls of a day are priced. Prices that don't depend on the size of a call become factors."""
    if model.lower().startswith(_LOCAL):
        return None
    try:
        from genai_prices import Usage, calc_price
    except ImportError:
        return None
    moment = _noon(day)

    def whole(provider: str | None, name: str) -> Rate | None:
        def priced(given: int, written: int) -> float | None:
            usage = Usage(input_tokens=given, output_tokens=written)
            try:
                found = calc_price(usage, name, provider_id=provider, genai_request_timestamp=moment)
            except (LookupError, ValueError):
                return None
            return float(found.total_price)

        return priced if priced(1_000, 1_000) is not None else None

    for provider, name in _readings(model):
        rate = whole(provider, name)
        if rate is not None:
            return _as_factors(rate)
    return None


def _readings(model: str) -> list[tuple[str | None, str]]:
    """Return what an id of llm's may mean: a provider (None: to be found out) and its name of the model."""
    prefix, slash, rest = model.partition("/")
    readings: list[tuple[str | None, str]] = []
    if slash and prefix.lower() in _PROVIDERS:
        readings.append((_PROVIDERS[prefix.lower()], rest))
        readings.append((_PROVIDERS[prefix.lower()], rest.rsplit("/", 1)[-1]))
    readings.append((None, model))
    if slash:
        readings.append((None, model.rsplit("/", 1)[-1]))
    return readings


def _as_factors(rate: Rate) -> Rate:
    """Return a rate that multiplies, where the price is the same for calls of any size; else the rate itself."""
    small, large = rate(1_000, 0), rate(2_000_000, 0)
    little, much = rate(0, 1_000), rate(0, 2_000_000)
    both = rate(400_000, 1_000)
    if None in (small, large, little, much, both):
        return rate
    assert small is not None
    assert large is not None
    assert little is not None
    assert much is not None
    assert both is not None
    per_input, per_output = small / 1_000, little / 1_000
    alike = (
        _near(large, per_input * 2_000_000)
        and _near(much, per_output * 2_000_000)
        and _near(both, per_input * 400_000 + per_output * 1_000)
    )
    return (lambda given, written: given * per_input + written * per_output) if alike else rate


def _near(one: float, other: float) -> bool:
    return abs(one - other) <= 1e-6 * max(one, other, 1e-9)


def _noon(day: str) -> datetime | None:
    try:
        found = date.fromisoformat(day)
    except ValueError:
        return None
    return datetime(found.year, found.month, found.day, 12, tzinfo=timezone.utc)
