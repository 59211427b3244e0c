"""The strengths of models in the Bradley-Terry model, with intervals, from how often each was preferred to each other.

Pure. The most likely strengths come from choix; the intervals are read from random strengths, drawn from Student's
distribution around the most likely ones and weighted by how likely they are (importance sampling). The seed is fixed,
so the same votes always have the same intervals.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..errors import SessionError

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

    Numbers = NDArray[float64]

Matrix = Sequence[Sequence[float]]

_OUTSIDE = 0.05
"""The probability that is left out of an interval."""

_DRAWS = 20_000
"""How many random strengths the intervals are read from. Their ends are then right to about half a percent."""

_CELLS = 4_000_000
"""The most pairs of models in all draws together, which bounds the memory: fewer are drawn for more than 14 models."""

_SEED = 20_260_101

_FREEDOM = 5
"""The degrees of freedom of Student's distribution: its tails are long enough."""


def strengths_of(wins: Matrix) -> list[tuple[float, float, float, float]]:
    """Return share, low, high and best (see `preference.Strength`) of each model.

    `wins` has how often each row was preferred to each column. Every model must be connected with every other one by
    comparisons, and have won and lost something (half a vote is enough). Raises SessionError if the libraries of the
    extra `compare` are missing.
    """
    np, choix = _libraries()
    won: Numbers = np.asarray(wins, dtype=float)
    logs = choix.ilsr_pairwise_dense(won, max_iter=10_000)
    logs = logs - logs[-1]  # only differences count: the last model stands still
    drawn, weights = _drawn(won, logs)
    middle, shares = _shares(logs[None, :])[0], _shares(drawn)
    first = drawn.argmax(axis=1)
    return [
        (float(middle[one]), *_ends(shares[:, one], weights), float(weights[first == one].sum()))
        for one in range(len(logs))
    ]


def _drawn(won: Numbers, logs: Numbers) -> tuple[Numbers, Numbers]:
    """Return random strengths around the most likely ones (as logarithms, a row a draw), and the weight of each."""
    np, _ = _libraries()
    size = len(logs)
    chance = _chances(logs[None, :])[0]
    curvature = -(won + won.T) * chance * (1 - chance)
    np.fill_diagonal(curvature, 0.0)
    np.fill_diagonal(curvature, -curvature.sum(axis=1))
    spread = np.linalg.cholesky(np.linalg.inv(curvature[:-1, :-1]))
    rng = np.random.default_rng(_SEED)
    draws = min(_DRAWS, _CELLS // size**2 + 1_000)
    normal = rng.standard_normal((draws, size - 1))
    steps = normal / np.sqrt(rng.chisquare(_FREEDOM, draws) / _FREEDOM)[:, None]
    drawn: Numbers = np.zeros((draws, size))
    drawn[:, :-1] = logs[:-1] + steps @ spread.T
    likely = _likelihood(won, drawn) + (_FREEDOM + size - 1) / 2 * np.log1p((steps**2).sum(axis=1) / _FREEDOM)
    weights = np.exp(likely - likely.max())
    return drawn, weights / weights.sum()


def _chances(logs: Numbers) -> Numbers:
    """Return, for each set of strengths, the probability that each model is preferred to each other one."""
    np, _ = _libraries()
    made: Numbers = 1 / (1 + np.exp(np.clip(logs[:, None, :] - logs[:, :, None], -500, 500)))
    return made


def _shares(logs: Numbers) -> Numbers:
    """Return, for each set of strengths, the mean probability that each model is preferred to another one."""
    size = logs.shape[1]
    made: Numbers = (_chances(logs).sum(axis=2) - 0.5) / (size - 1)
    return made


def _likelihood(won: Numbers, logs: Numbers) -> Numbers:
    """Return the logarithm of the likelihood of each set of strengths."""
    np, _ = _libraries()
    less = logs[:, None, :] - logs[:, :, None]
    made: Numbers = -(won[None, :, :] * np.logaddexp(0, less)).sum(axis=(1, 2))
    return made


def _ends(values: Numbers, weights: Numbers) -> tuple[float, float]:
    """Return the ends of the interval that leaves out 2.5 % of the weight on each side."""
    np, _ = _libraries()
    order = values.argsort()
    sums = weights[order].cumsum()
    low, high = np.searchsorted(sums, (_OUTSIDE / 2, 1 - _OUTSIDE / 2))
    last = len(values) - 1
    return float(values[order[min(low, last)]]), float(values[order[min(high, last)]])


def _libraries() -> tuple[Any, Any]:
    """Return numpy and choix. Raises SessionError if they are not installed."""
    try:
        import choix
        import numpy as np
    except ImportError:
        message = "The strengths of models need the packages of the extra “compare”, which are not installed."
        raise SessionError(message, "Install them with: llm install 'llm-session-memory[compare]'") from None
    return np, choix
