"""The timing of a replay: when each call begins and ends, with pauses kept but capped. Pure.

static/replay/clock.js does the same arithmetic in the browser, where speed and cap can change during playback; a test
checks that both agree. Moments are milliseconds of the replay at speed 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

SPEEDS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""The speeds that a player offers, in the terminal and on the page."""

IDLE = 3.0
"""The longest pause in seconds, unless another limit is set."""


@dataclass(frozen=True)
class CallTiming:
    """One call: the pause before it and its duration, in milliseconds."""

    pause: int
    run: int


class Timeline:
    """The steps of a session in time. Each pause is at most `idle` seconds; None keeps the real pauses."""

    def __init__(self, steps: Sequence[CallTiming], idle: float | None = IDLE) -> None:
        self.steps = tuple(steps)
        cap = None if idle is None else round(max(idle, 0) * 1000)
        pauses = [step.pause if cap is None else min(step.pause, cap) for step in self.steps]
        lengths = [pause + step.run for pause, step in zip(pauses, self.steps, strict=True)]
        self.ends = list(accumulate(lengths))
        self.starts = [end - step.run for end, step in zip(self.ends, self.steps, strict=True)]

    @property
    def total(self) -> int:
        """The length of the replay in milliseconds at speed 1."""
        return self.ends[-1] if self.ends else 0
