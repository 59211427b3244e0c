"""What a comparison shows, as frozen values that become JSON with `dataclasses.asdict`. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["ratio", "log", "share", "difference"]
"""How a measure is compared.

`ratio`: means, by their ratio. `log`: medians, and the ratio of geometric means. `share`: the share of prompts, by
difference. `difference`: means, by difference.
"""

Better = Literal["less", "more", ""]
"""Which values are better; empty: neither, such as of lengths."""

Unit = Literal["conversation", "prompt", "answer"]
"""What is drawn at random: the level at which the figures can be expected to hold for others."""


@dataclass(frozen=True)
class Interval:
    """Where the true effect is likely to be: a method that makes such intervals is right in `level` of all cases."""

    low: float
    high: float
    level: float = 0.95


@dataclass(frozen=True)
class Figure:
    """One measure of two sides.

    `pairs` are the prompts for which both sides have a value; `less`, `equal` and `more` count those for which the
    second side's is less, as much, or more. `first` and `second` are the sides' means, medians or shares.

    `effect` is the second side's relative to the first's: a ratio (1: no difference) for the kinds `ratio` and `log`,
    else a difference (0: none). None if it can't be calculated. `interval` is about the effect; None with fewer than 15
    units. `p` is the probability of a difference at least as large if there is none in truth, `adjusted` the same
    after Holm's correction for several comparisons. `detectable` is the smallest effect, as a ratio above 1 or as a
    difference, that this many units would have shown in four of five cases.

    `unit` is what counts as one independent observation, `units` their number. `shown` tells whether a difference is
    shown: `adjusted` is below 0.05 and the interval, if there is one, leaves out no difference.
    """

    measure: str
    label: str
    unit_of_value: str
    kind: Kind
    better: Better
    pairs: int
    less: int
    equal: int
    more: int
    first: float | None = None
    second: float | None = None
    unit: Unit = "prompt"
    units: int = 0
    effect: float | None = None
    interval: Interval | None = None
    p: float | None = None
    adjusted: float | None = None
    test: str = ""
    detectable: float | None = None
    shown: bool = False
    sentence: str = ""

    @property
    def wins(self) -> int:
        """The prompts for which the second side is better; 0 if neither less nor more is."""
        return {"less": self.less, "more": self.more, "": 0}[self.better]

    @property
    def losses(self) -> int:
        """The prompts for which the first side is better; 0 if neither less nor more is."""
        return {"less": self.more, "more": self.less, "": 0}[self.better]

    @property
    def none(self) -> float:
        """The effect that means no difference."""
        return 1.0 if self.kind in ("ratio", "log") else 0.0


@dataclass(frozen=True)
class Alike:
    """How alike the answers of two sides are.

    `similarity` is the mean share of words that the two answers to a prompt have in common, from 0 to 1; `identical`
    counts the prompts with an answer that both gave word for word. `pairs` are the prompts that both answered.
    """

    pairs: int
    identical: int
    similarity: float | None
    sentence: str = ""


@dataclass(frozen=True)
class Comparison:
    """Two sides, counted from 0, with their figures. `pairs` are the prompts that both have, failures included."""

    first: int
    second: int
    pairs: int
    figures: tuple[Figure, ...]
    alike: Alike
    sentence: str = ""


@dataclass(frozen=True)
class Verdict:
    """What a comparison shows: each pair of sides, and what has to be known about the whole.

    `notes` are sentences: what was left out, what the figures can't say, and the extra to install if it is missing.
    """

    comparisons: tuple[Comparison, ...]
    notes: tuple[str, ...] = ()
