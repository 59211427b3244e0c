"""Intervals and tests by drawing units at random, and exact ones for shares. Pure; needs numpy and scipy.

The same values always give the same figures, because what is drawn at random begins with one seed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .values import Interval, Kind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


RESAMPLES = 9_999
EXACT = 20_000
"""The most arrangements that are all tried; if there are more, RESAMPLES of them are drawn."""

SEED = 20_261_128

_ENOUGH = 1_999
_WORK = 4_000_000
"""Of many units fewer samples are drawn, so that a comparison takes seconds: this many numbers, but _ENOUGH samples."""

_AT_ONCE = 2_000_000
"""How many random numbers are held at once."""


def bca(tops: Array, bottoms: Array, kind: Kind, level: float = 0.95) -> Interval | None:
    """Return the interval of a ratio of sums, one top and one bottom for each unit, or None if it can't be said."""
    import numpy as np

    n = len(tops)
    rng = np.random.default_rng(SEED)
    drawn = []
    for size in batches(draws(n), n):
        weights = rng.multinomial(n, np.full(n, 1 / n), size=size).astype(np.float64)
        drawn.append(divided(weights @ tops, weights @ bottoms))
    return corrected(np.concatenate(drawn), tops.sum() / bottoms.sum(), moves(tops, bottoms), kind, tail_of(n, level))


def moves(tops: Array, bottoms: Array) -> Array:
    """Return how far a ratio of sums moves down if one unit is left out, relative to the mean of all such moves."""
    left = divided(tops.sum() - tops, bottoms.sum() - bottoms)
    found: Array = left.mean() - left
    return found


def tail_of(n: int, level: float = 0.95) -> float:
    """Return how many standard errors an interval reaches: as many as with Student's t, as if by n - 1 units.

    The bootstrap's own standard error is too small by that, which matters for few units (Hesterberg 2015).
    """
    return math.sqrt(n / (n - 1)) * t_of((1 + level) / 2, n - 1)


def corrected(drawn: Array, theta: float, away: Array, kind: Kind, tail: float) -> Interval | None:
    """Return the BCa interval of what was `drawn`, with the effect `theta`.

    `away` is what `moves` returns, `tail` how many standard errors the interval reaches if nothing is skewed.
    """
    import numpy as np
    from scipy.special import ndtr, ndtri

    total = len(drawn)
    drawn, away = drawn[np.isfinite(drawn)], away[np.isfinite(away)]
    if len(drawn) < total / 2 or len(away) == 0 or np.ptp(drawn) == 0:
        return None
    bias = float(ndtri(float(np.mean(drawn < theta) + np.mean(drawn <= theta)) / 2))
    if not math.isfinite(bias):
        return None
    spread = float((away**2).sum()) ** 1.5
    acceleration = float((away**3).sum()) / (6 * spread) if spread else 0.0
    ends = [bias + (bias + z) / (1 - acceleration * (bias + z)) for z in (-tail, tail)]
    low, high = (float(np.quantile(drawn, float(ndtr(end)))) for end in ends)
    return Interval(math.exp(low), math.exp(high)) if kind == "log" else Interval(low, high)


def sign_test(differences: Array) -> tuple[float, str]:
    """Return the two-sided p of the sum of differences if each may as well have the other sign, and the test's name."""
    import numpy as np

    values = differences[differences != 0]
    n = len(values)
    if n == 0:
        return 1.0, "exact permutation"
    seen = abs(float(values.sum())) * (1 - 1e-9)
    if 2**n <= EXACT:
        signs = 1 - 2 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
        return float(np.mean(np.abs(signs @ values) >= seen)), "exact permutation"
    rng = np.random.default_rng(SEED)
    more, total = 0, draws(n)
    for size in batches(total, n):
        signs = rng.integers(0, 2, size=(size, n)) * 2 - 1
        more += int(np.sum(np.abs(signs @ values) >= seen))
    return (more + 1) / (total + 1), "permutation"


def mcnemar(less: int, more: int) -> float:
    """Return the two-sided p of McNemar's exact test, of the pairs for which the second side is less, and more."""
    from scipy.special import bdtr

    return min(1.0, 2 * float(bdtr(min(less, more), less + more, 0.5)))


def matched_shares(less: int, more: int, n: int, level: float = 0.95) -> Interval:
    """Return the interval of the difference of two shares in `n` matched pairs (Agresti and Min's “Wald + 2”)."""
    one, other, total = less + 0.5, more + 0.5, n + 2
    difference = (other - one) / total
    half = z_of((1 + level) / 2) * math.sqrt((one + other) / total - difference**2) / math.sqrt(total)
    return Interval(max(-1.0, difference - half), min(1.0, difference + half), level)


def divided(tops: Array, bottoms: Array) -> Array:
    """Return the ratios of numbers; those by 0 are infinite or no numbers."""
    import numpy as np

    with np.errstate(divide="ignore", invalid="ignore"):
        return tops / bottoms


def z_of(share: float) -> float:
    """Return the value below which this share of a standard normal distribution is."""
    from scipy.special import ndtri

    return float(ndtri(share))


def t_of(share: float, df: int) -> float:
    """Return the value below which this share of Student's t distribution is.

    scipy.stats has the same, but takes half a second to import.
    """
    from scipy.special import stdtrit

    return float(stdtrit(df, share))


def draws(width: int) -> int:
    """Return how many samples of this many numbers to draw."""
    return min(RESAMPLES, max(_ENOUGH, _WORK // max(width, 1)))


def batches(total: int, width: int) -> Iterator[int]:
    """Yield how many rows of this width to draw at a time."""
    size = max(1, _AT_ONCE // max(width, 1))
    for start in range(0, total, size):
        yield min(size, total - start)
