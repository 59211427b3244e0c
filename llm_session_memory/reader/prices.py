"""What a call cost, by model and date, from the prices that the genai-prices package brings along.

Nothing is fetched. A price that is not known is None, never 0; neither is that of a model which runs on the person's
own machine. Without the package no price is known.
"""

from __future__ import annotations

from bisect import bisect_left
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass, field
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

Rate = Callable[[int, int], float]


def cost(model: object, input_tokens: object, output_tokens: object, datetime_utc: object) -> float | None:
    """Return what a call cost in US dollars, None where that is not known. Any argument may be anything."""
    if not isinstance(model, str) or not isinstance(input_tokens, int):
        return None
    written = 0 if output_tokens is None else output_tokens
    if not isinstance(written, int):
        return None
    rate = _rate(model, datetime_utc[:10] if isinstance(datetime_utc, str) else "")
    if rate is None:
        return None
    if input_tokens < 0 or written < 0:  # asked of each of 500,000 calls: max() of each takes as long as the price
        return rate(max(input_tokens, 0), max(written, 0))
    return rate(input_tokens, written)


def is_local(model: object) -> bool:
    """Say whether a model runs on the person's own machine, so that it has no price."""
    if not isinstance(model, str):
        return False
    name = model.lower()
    return name.startswith(_LOCAL) or (":" in name and "/" not in name and _rate(model, "") is None)


@lru_cache(maxsize=65_536)
def _rate(model: str, day: str) -> Rate | None:
    """Return how a model's calls of a day are priced: as those of the whole month, unless prices changed within it."""
    if model.lower().startswith(_LOCAL):
        return None
    moment = _noon(day)
    if moment is not None:
        first, last = _found(model, moment.replace(day=1)), _found(model, _end_of_month(moment))
        if first == last:
            return _factors(first)
    return _factors(_found(model, moment))


@dataclass(frozen=True)
class _Price:
    """A price of genai-prices: the provider and model that an id was read as, and the time for which."""

    provider: str | None
    name: str
    listed: Any
    moment: datetime | None = field(compare=False)

    def __hash__(self) -> int:
        return hash((self.provider, self.name))

    def exactly(self, given: int, written: int) -> float:
        """Return what genai-prices itself says."""
        from genai_prices import Usage, calc_price

        usage = Usage(input_tokens=given, output_tokens=written)
        moment = self.moment
        priced = calc_price(usage, self.name, provider_id=self.provider, genai_request_timestamp=moment)
        return float(priced.total_price)


@lru_cache(maxsize=4096)
def _found(model: str, moment: datetime | None) -> _Price | None:
    """Return the price of a model at a time, None where it has none."""
    try:
        from genai_prices import Usage, calc_price
    except ImportError:
        return None
    for provider, name in _readings(model):
        usage = Usage(input_tokens=1_000, output_tokens=1_000)
        try:
            priced = calc_price(usage, name, provider_id=provider, genai_request_timestamp=moment)
        except (LookupError, ValueError):
            continue
        return _Price(provider, name, priced.model_price, moment)
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


@lru_cache(maxsize=4096)
def _factors(price: _Price | None) -> Rate | None:
    """Return a price as factors, one pair for each size of a request from which it is another: quick, and the same."""
    if price is None:
        return None
    starts = sorted({tier.start for listed in vars(price.listed).values() for tier in getattr(listed, "tiers", ())})
    pairs = []
    for start in (0, *starts):
        size = start + 1_000
        whole = price.exactly(size, 0)
        pairs.append((whole / size, (price.exactly(size, 1_000_000) - whole) / 1_000_000))

    def rate(given: int, written: int) -> float:
        per_input, per_output = pairs[bisect_left(starts, given)]
        return float(given * per_input + written * per_output)

    return rate


def _noon(day: str) -> datetime | None:
    try:
        found = date.fromisoformat(day)
    except ValueError:
        return None
    return datetime(found.year, found.month, found.day, 12, tzinfo=timezone.utc)


def _end_of_month(moment: datetime) -> datetime:
    return moment.replace(day=monthrange(moment.year, moment.month)[1])
