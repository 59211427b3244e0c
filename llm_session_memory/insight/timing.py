"""The timing of a replay: which call was how far at which moment, with pauses kept but capped. Pure.

static/replay.js does the same sums in the browser, where speed and cap change while playing; a test holds the two
together. A moment is told in milliseconds of the replay at its own speed (1).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

SPEEDS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)

IDLE = 3.0
"""Seconds that a pause takes at most, where nothing else is asked for."""


@dataclass(frozen=True)
class Step:
    """One call: how long nothing happened before it, and how long it took, in milliseconds."""

    pause: int
    run: int


@dataclass(frozen=True)
class Moment:
    """A moment of a replay: the steps that are over, and the part of the next one that is; None: it has not begun."""

    done: int
    part: float | None = None


class Timeline:
    """The steps of a session in time, each pause at most `idle` seconds; None: as long as it was."""

    def __init__(self, steps: Sequence[Step], idle: float | None = IDLE) -> None:
        self.steps = tuple(steps)
        cap = None if idle is None else round(max(idle, 0) * 1000)
        self.pauses = [step.pause if cap is None else min(step.pause, cap) for step in self.steps]
        lengths = [pause + step.run for pause, step in zip(self.pauses, self.steps, strict=True)]
        self.ends = list(accumulate(lengths))
        self.starts = [end - step.run for end, step in zip(self.ends, self.steps, strict=True)]
        self._models = [0, *accumulate(step.run for step in self.steps)]

    @property
    def total(self) -> int:
        """How long it is at speed 1."""
        return self.ends[-1] if self.ends else 0

    def lasts(self, speed: float) -> float:
        """Return how long it takes to play all of it."""
        return self.total / speed

    def at(self, moment: float) -> Moment:
        """Return what there is at a moment."""
        done = bisect_right(self.ends, moment)
        if done == len(self.ends) or moment < self.starts[done]:
            return Moment(done)
        return Moment(done, (moment - self.starts[done]) / self.steps[done].run)

    def model_time(self, moment: float) -> float:
        """Return how long models had worked by then."""
        found = self.at(moment)
        return self._models[found.done] + (0 if found.part is None else found.part * self.steps[found.done].run)


@dataclass(frozen=True)
class Playing:
    """A replay at a place, playing at a speed."""

    timeline: Timeline
    moment: float = 0
    speed: float = 1

    def after(self, passed: float) -> Playing:
        """Return where it is when so many real milliseconds have passed."""
        return Playing(self.timeline, min(self.moment + passed * self.speed, self.timeline.total), self.speed)

    def seeking(self, moment: float) -> Playing:
        """Return it at another moment."""
        return Playing(self.timeline, min(max(moment, 0), self.timeline.total), self.speed)

    @property
    def now(self) -> Moment:
        """What there is."""
        return self.timeline.at(self.moment)


def revealed(text: str, part: float | None) -> str:
    """Return as much of a reply as had come when a part of its call had passed."""
    return "" if part is None else text[: int(len(text) * min(max(part, 0.0), 1.0))]
