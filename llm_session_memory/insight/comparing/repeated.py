"""What repeated answers to a few prompts show. Pure; needs numpy and scipy.

Within each prompt, the answers of both sides are exchanged at random, or drawn again for each side. That holds for
these prompts only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING

from .drawing import EXACT, RESAMPLES, SEED, batches, corrected, divided, draws, moves, tail_of, z_of
from .measures import Pair
from .values import Interval, Kind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


def transformed(pairs: Sequence[Pair], kind: Kind) -> tuple[list[Array], list[Array]]:
    """Return the answers of each side, prompt by prompt, as they are compared: the kind `log` by their logarithms."""
    import numpy as np

    def side(values: tuple[float, ...]) -> Array:
        given = np.array(values, dtype=np.float64)
        changed: Array = np.log(given) if kind == "log" else given
        return changed

    return [side(pair.first) for pair in pairs], [side(pair.second) for pair in pairs]


def sums(values: Sequence[Array]) -> float:
    """Return the sum of the means of a side's answers to each prompt."""
    return math.fsum(float(one.mean()) for one in values)


def standard_error(ones: Sequence[Array], others: Sequence[Array], kind: Kind) -> float:
    """Return the standard error of the effect: of the logarithm of a ratio, or of a difference."""
    noise = [sum(float(one.var(ddof=1)) / len(one) for one in side if len(one) > 1) for side in (ones, others)]
    if kind == "ratio":
        return math.sqrt(noise[0] / sums(ones) ** 2 + noise[1] / sums(others) ** 2)
    return math.sqrt(math.fsum(noise)) / len(ones)


def relabelled(ones: Sequence[Array], others: Sequence[Array]) -> tuple[float, str]:
    """Return the p of the sum of differences of means if each prompt's answers may as well be the other side's."""
    import numpy as np

    arrangements = math.prod(math.comb(len(x) + len(y), len(x)) for x, y in zip(ones, others, strict=True))
    seen = abs(sum(float(y.mean() - x.mean()) for x, y in zip(ones, others, strict=True))) * (1 - 1e-9)
    if arrangements <= EXACT:
        drawn = np.zeros(1)
        for x, y in zip(ones, others, strict=True):
            drawn = (drawn[:, None] + _all_differences(x, y)[None, :]).ravel()
        return float(np.mean(np.abs(drawn) >= seen)), "exact permutation"
    rng = np.random.default_rng(SEED)
    drawn = np.zeros(RESAMPLES)
    for x, y in zip(ones, others, strict=True):
        both = rng.permuted(np.tile(np.concatenate([x, y]), (RESAMPLES, 1)), axis=1)
        drawn += both[:, len(x) :].mean(axis=1) - both[:, : len(x)].mean(axis=1)
    return (int(np.sum(np.abs(drawn) >= seen)) + 1) / (RESAMPLES + 1), "permutation"


def _all_differences(x: Array, y: Array) -> Array:
    """Return the difference of means for each way to say which of the values are the first side's."""
    import numpy as np

    both = np.concatenate([x, y])
    totals = np.array([both[list(chosen)].sum() for chosen in combinations(range(len(both)), len(x))])
    differences: Array = (both.sum() - totals) / len(y) - totals / len(x)
    return differences


def nested(ones: Sequence[Array], others: Sequence[Array], kind: Kind) -> Interval | None:
    """Return the BCa interval if prompts are drawn, and for each of them its answers, of both sides.

    The scatter of the answers is in that of the prompts too, so such intervals are not too narrow for few units.
    """
    import numpy as np

    rng = np.random.default_rng(SEED)
    n, most = len(ones), max(map(len, (*ones, *others)))
    drawn = []
    for size in batches(draws(n * most), n * most):
        chosen = rng.integers(0, n, size=(size, n))
        x, y = (_means(rng, side, chosen, most) for side in (ones, others))
        drawn.append(divided(y.sum(axis=1), x.sum(axis=1)) if kind == "ratio" else (y - x).mean(axis=1))
    one, other = (np.array([values.mean() for values in side]) for side in (ones, others))
    tops, bottoms = (other, one) if kind == "ratio" else (other - one, np.ones(n))
    return corrected(np.concatenate(drawn), tops.sum() / bottoms.sum(), moves(tops, bottoms), kind, z_of(0.975))


def _means(rng: np.random.Generator, side: Sequence[Array], chosen: NDArray[np.int64], most: int) -> Array:
    """Return the means of answers drawn for each of the prompts that were `chosen`."""
    import numpy as np

    padded = np.array([np.pad(values, (0, most - len(values))) for values in side])
    sizes = np.array([len(values) for values in side])[chosen]
    which = (rng.random((*chosen.shape, most)) * sizes[:, :, None]).astype(np.int64)
    among = np.arange(most) < sizes[:, :, None]
    means: Array = np.where(among, padded[chosen[:, :, None], which], 0).sum(axis=2) / sizes
    return means


def stratified(ones: Sequence[Array], others: Sequence[Array], kind: Kind) -> Interval | None:
    """Return the BCa interval if answers are drawn within each prompt and side."""
    import numpy as np

    rng = np.random.default_rng(SEED)

    def total(values: Array) -> Array:
        drawn: Array = values[rng.integers(0, len(values), size=(RESAMPLES, len(values)))].mean(axis=1)
        return drawn

    x, y = (np.sum([total(one) for one in side], axis=0) for side in (ones, others))
    top, bottom = sums(others), sums(ones)
    theta = top / bottom if kind == "ratio" else (top - bottom) / len(ones)
    away: list[float] = []
    for side, mine in ((ones, bottom), (others, top)):
        for values in (one for one in side if len(one) > 1):
            without = mine - values.mean() + (values.sum() - values) / (len(values) - 1)
            left = _left(without, top, bottom, kind, first=side is ones) / (1 if kind == "ratio" else len(ones))
            away += [*((left.mean() - left) * (len(values) - 1) / len(values))]
    drawn = divided(y, x) if kind == "ratio" else (y - x) / len(ones)
    smallest = min(sum(map(len, side)) for side in (ones, others))
    return corrected(drawn, theta, np.array(away), kind, tail_of(smallest))


def _left(without: Array, top: float, bottom: float, kind: Kind, *, first: bool) -> Array:
    """Return the effects if an answer is left out, of the first side or of the second."""
    if kind == "ratio":
        return top / without if first else without / bottom
    return top - without if first else without - bottom
