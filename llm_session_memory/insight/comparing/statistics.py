"""The statistics of paired values: bootstrap intervals, exact and permutation tests, and what could have been shown.

Pure, and the same for the same values: what is drawn at random begins with one seed. Needs numpy and scipy.

- Intervals: the bias-corrected and accelerated bootstrap (BCa; Efron 1987, "Better bootstrap confidence intervals",
  Journal of the American Statistical Association 82) of a ratio of sums, as wide as few units need (Hesterberg 2015,
  "What teachers should know about the bootstrap", The American Statistician 69). Whole units are drawn, and for a
  prompt with repeated answers then its answers.
- Tests: signs are flipped at random for each unit, and exactly if there are few (Fisher's paired permutation test). For
  shares without repeats that is the exact test of McNemar, by binomial probabilities. Its interval is "Wald + 2"
  (Agresti and Min 2005, "Simple improved confidence intervals for comparing matched proportions", Statistics in
  Medicine 24).
- Several comparisons: Holm 1979, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
  Statistics 6.
- What counts as a unit, after Miller 2024, "Adding error bars to evals" (arXiv 2411.00640): answers of one conversation
  depend on each other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import repeated
from .drawing import bca, divided, matched_shares, mcnemar, sign_test, t_of, z_of
from .measures import FEW, Pair
from .values import Interval, Kind, Unit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

ENOUGH = 15
"""The fewest units for an interval: with fewer, bootstrap intervals are too narrow."""

SIGNIFICANT = 0.05
POWER = 0.8


@dataclass(frozen=True)
class Tested:
    """What the statistics say about one measure of two sides; see `values.Figure` for the fields."""

    unit: Unit
    units: int
    effect: float | None = None
    interval: Interval | None = None
    p: float | None = None
    test: str = ""
    detectable: float | None = None


def examined(pairs: Sequence[Pair], kind: Kind, comparisons: int = 1) -> Tested:
    """Return the effect of the second side against the first with its interval, its test, and what was detectable.

    Args:
        pairs: the values, prompt by prompt; for the kind `log` all above 0
        kind: how the values are compared; those of the kind `share` are 0 or 1
        comparisons: how many pairs of sides are compared, for what was detectable after Holm's correction
    """
    repeated_too = any(len(pair.first) > 1 or len(pair.second) > 1 for pair in pairs)
    unit = unit_of(pairs)
    if unit == "answer":
        return _of_answers(pairs, kind, comparisons)
    tops, bottoms = _sums(pairs, kind, unit)
    n = len(tops)
    effect = _effect(float(tops.sum()), float(bottoms.sum()), kind)
    if effect is None:
        return Tested(unit, n)
    flips = tops - bottoms if kind == "ratio" else tops
    if kind == "share" and unit == "prompt" and not repeated_too:
        return _of_shares(flips, effect, comparisons)
    p, test = sign_test(flips)
    interval = None
    if n >= ENOUGH and unit == "prompt" and repeated_too:
        interval = repeated.nested(*repeated.transformed(pairs, kind), kind)
    elif n >= ENOUGH:
        interval = bca(tops, bottoms, kind)
    return Tested(unit, n, effect, interval, p, test, _detectable(tops, bottoms, kind, comparisons))


def unit_of(pairs: Sequence[Pair]) -> Unit:
    """Return what counts as independent: the highest of conversation, prompt and answer with at least FEW of them.

    Conversations come first only if any has several prompts. With too few of everything it is the prompt.
    """
    clusters = len({pair.cluster for pair in pairs})
    if FEW <= clusters < len(pairs):
        return "conversation"
    several = any(len(pair.first) > 1 and len(pair.second) > 1 for pair in pairs)
    return "answer" if several and len(pairs) < FEW else "prompt"


def holm(ps: Sequence[float | None]) -> list[float | None]:
    """Return probabilities adjusted for testing all of them, in the same order; None stays None and doesn't count."""
    known = sorted((p, place) for place, p in enumerate(ps) if p is not None)
    found: list[float | None] = [None] * len(ps)
    least = 0.0
    for rank, (p, place) in enumerate(known):
        least = max(least, min(1.0, p * (len(known) - rank)))
        found[place] = least
    return found


def _of_shares(differences: Array, effect: float, comparisons: int) -> Tested:
    """Return what pairs of yes and no say; a difference is -1, 0 or 1."""
    n, less, more = len(differences), int((differences < 0).sum()), int((differences > 0).sum())
    interval = matched_shares(less, more, n) if n >= ENOUGH else None
    spread = z_of(1 - SIGNIFICANT / comparisons / 2) + z_of(POWER)
    smallest = max(FEW / n, spread * math.sqrt(less + more) / n)
    detectable = smallest if smallest <= 1 else None
    return Tested("prompt", n, effect, interval, mcnemar(less, more), "exact McNemar", detectable)


def _of_answers(pairs: Sequence[Pair], kind: Kind, comparisons: int) -> Tested:
    """Return what repeated answers to a few prompts say: within each prompt, they are as if drawn at random."""
    ones, others = repeated.transformed(pairs, kind)
    top, bottom = repeated.sums(others), repeated.sums(ones)
    effect = _effect(top, bottom, kind) if kind == "ratio" else _effect(top - bottom, float(len(pairs)), kind)
    sizes = [sum(map(len, side)) for side in (ones, others)]
    if effect is None:
        return Tested("answer", min(sizes))
    p, test = repeated.relabelled(ones, others)
    error = repeated.standard_error(ones, others, kind)
    smallest = _smallest(error, sum(sizes) - 2 * len(pairs), kind, comparisons)
    interval = repeated.stratified(ones, others, kind) if min(sizes) >= ENOUGH else None
    return Tested("answer", min(sizes), effect, interval, p, test, smallest)


def _sums(pairs: Sequence[Pair], kind: Kind, unit: Unit) -> tuple[Array, Array]:
    """Return the tops and bottoms of the units, of which the effect is the ratio of the sums."""
    import numpy as np

    sums: dict[int, list[float]] = {}
    for place, pair in enumerate(pairs):
        x, y = (_mean(side, kind) for side in (pair.first, pair.second))
        top, bottom = (y, x) if kind == "ratio" else (y - x, 1.0)
        both = sums.setdefault(pair.cluster if unit == "conversation" else place, [0.0, 0.0])
        both[0] += top
        both[1] += bottom
    tops, bottoms = np.array(list(sums.values()), dtype=np.float64).T
    return tops, bottoms


def _mean(values: Sequence[float], kind: Kind) -> float:
    known = [math.log(value) for value in values] if kind == "log" else values
    return math.fsum(known) / len(known)


def _effect(top: float, bottom: float, kind: Kind) -> float | None:
    if not bottom or (kind == "ratio" and not top):
        return None
    try:
        effect = math.exp(top / bottom) if kind == "log" else top / bottom
    except OverflowError:
        return None
    return effect if math.isfinite(effect) else None


def _detectable(tops: Array, bottoms: Array, kind: Kind, comparisons: int) -> float | None:
    """Return the smallest effect that would have shown, by the jackknife's standard error."""
    import numpy as np

    n = len(tops)
    if n < FEW:
        return None
    left = divided(tops.sum() - tops, bottoms.sum() - bottoms)
    if kind == "ratio":
        left = np.log(np.where(left > 0, left, np.nan))
    if not np.isfinite(left).all():
        return None
    error = math.sqrt((n - 1) / n * float(((left - left.mean()) ** 2).sum()))
    return _smallest(error, n - 1, kind, comparisons)


def _smallest(error: float, df: int, kind: Kind, comparisons: int) -> float | None:
    """Return the smallest effect that would have shown, given the standard error of its estimate."""
    if error <= 0 or df < 1:
        return None
    smallest = (t_of(1 - SIGNIFICANT / comparisons / 2, df) + t_of(POWER, df)) * error
    if kind in ("ratio", "log"):
        return math.exp(smallest) if smallest < math.log(1_000) else None
    return smallest
