"""The cost of a call by model and date, from the prices bundled with the genai-prices package.

Nothing is downloaded. An unknown price is None, never 0, and so is the price of a model on the user's own machine.
Without the package, all prices are unknown.
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
"""Prefixes of model ids from llm's plugins for local models."""

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
"""Prefixes of model ids from llm's plugins, and the provider's name in genai-prices."""

Rate = Callable[[int, int], float]


def cost(model: object, input_tokens: object, output_tokens: object, datetime_utc: object) -> float | None:
    """Return the cost of a call in US dollars, or None if unknown. Arguments may have any type."""
    if not isinstance(model, str) or not isinstance(input_tokens, int):
        return None
    written = 0 if output_tokens is None else output_tokens
    if not isinstance(written, int):
        return None
    rate = _rate(model, datetime_utc[:10] if isinstance(datetime_utc, str) else "")
    if rate is None:
        return None
    if input_tokens < 0 or written < 0:  # checked once per call: calling max() here doubled the time for 500,000 calls
        return rate(max(input_tokens, 0), max(written, 0))
    return rate(input_tokens, written)


def steps(model: str, day: str) -> list[tuple[int, float, float]]:
    """Return the rate of a model on a day as (above, dollars an input token, dollars an output token), or nothing.

    A rate holds for requests of more than `above` input tokens, up to the next one; the first is above -1.
    """
    price = _price(model, day)
    if price is None:
        return []
    starts, pairs = _steps(price)
    return [(above, *pair) for above, pair in zip((-1, *starts), pairs, strict=True)]


def installed() -> bool:
    """Return whether the package with the prices is installed."""
    from importlib.util import find_spec

    return find_spec("genai_prices") is not None


def is_local(model: object) -> bool:
    """Return whether a model runs on the user's own machine and so has no price."""
    if not isinstance(model, str):
        return False
    name = model.lower()
    return name.startswith(_LOCAL) or (":" in name and "/" not in name and _rate(model, "") is None)


@lru_cache(maxsize=65_536)
def _rate(model: str, day: str) -> Rate | None:
    """Return the rate of a model on a day."""
    return _factors(_price(model, day))


def _price(model: str, day: str) -> _Price | None:
    """Return the price of a model on a day: that of the whole month, unless it changed within it."""
    if model.lower().startswith(_LOCAL):
        return None
    moment = _noon(day)
    if moment is not None:
        first, last = _found(model, moment.replace(day=1)), _found(model, _end_of_month(moment))
        if first == last:
            return first
    return _found(model, moment)


@dataclass(frozen=True)
class _Price:
    """A price of genai-prices, with the provider, model name and time that it was found by."""

    provider: str | None
    name: str
    listed: Any
    moment: datetime | None = field(compare=False)

    def __hash__(self) -> int:
        return hash((self.provider, self.name))

    def exactly(self, given: int, written: int) -> float:
        """Return the price as genai-prices calculates it."""
        from genai_prices import Usage, calc_price

        usage = Usage(input_tokens=given, output_tokens=written)
        moment = self.moment
        priced = calc_price(usage, self.name, provider_id=self.provider, genai_request_timestamp=moment)
        return float(priced.total_price)


@lru_cache(maxsize=4096)
def _found(model: str, moment: datetime | None) -> _Price | None:
    """Return the price of a model at a time, or None if it is unknown."""
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
    """Return the possible meanings of a model id: pairs of provider (None: unknown) and model name."""
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
    """Return a price as a fast function with the same results: one pair of factors per tier of request sizes."""
    if price is None:
        return None
    starts, pairs = _steps(price)

    def rate(given: int, written: int) -> float:
        per_input, per_output = pairs[bisect_left(starts, given)]
        return float(given * per_input + written * per_output)

    return rate


@lru_cache(maxsize=4096)
def _steps(price: _Price) -> tuple[list[int], list[tuple[float, float]]]:
    """Return the sizes of requests above which a price has other factors, and the pairs of factors: one more."""
    starts = sorted({tier.start for listed in vars(price.listed).values() for tier in getattr(listed, "tiers", ())})
    pairs = []
    for start in (0, *starts):
        size = start + 1_000
        whole = price.exactly(size, 0)
        pairs.append((whole / size, (price.exactly(size, 1_000_000) - whole) / 1_000_000))
    return starts, pairs


def _noon(day: str) -> datetime | None:
    try:
        found = date.fromisoformat(day)
    except ValueError:
        return None
    return datetime(found.year, found.month, found.day, 12, tzinfo=timezone.utc)


def _end_of_month(moment: datetime) -> datetime:
    return moment.replace(day=monthrange(moment.year, moment.month)[1])
