"""The replay player's timing in Python, to check static/replay/clock.js against."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from llm_session_memory.insight.timing import Timeline


@dataclass(frozen=True)
class Moment:
    """A moment of a replay: the number of finished steps, and the part of the next one, or None before it begins."""

    done: int
    part: float | None = None


def at(timeline: Timeline, moment: float) -> Moment:
    """Return the state at a moment."""
    done = bisect_right(timeline.ends, moment)
    if done == len(timeline.ends) or moment < timeline.starts[done]:
        return Moment(done)
    return Moment(done, (moment - timeline.starts[done]) / timeline.steps[done].run)


def lasts(timeline: Timeline, speed: float) -> float:
    """Return the time it takes to play everything."""
    return timeline.total / speed


def model_time(timeline: Timeline, moment: float) -> float:
    """Return the model time up to a moment."""
    found = at(timeline, moment)
    over = sum(step.run for step in timeline.steps[: found.done])
    return over + (0 if found.part is None else found.part * timeline.steps[found.done].run)


@dataclass(frozen=True)
class Playing:
    """A replay at a position, playing at a speed."""

    timeline: Timeline
    moment: float = 0
    speed: float = 1

    def after(self, passed: float) -> Playing:
        """Return the replay after some real milliseconds."""
        return Playing(self.timeline, min(self.moment + passed * self.speed, self.timeline.total), self.speed)

    def seeking(self, moment: float) -> Playing:
        """Return the replay at another moment."""
        return Playing(self.timeline, min(max(moment, 0), self.timeline.total), self.speed)

    @property
    def now(self) -> Moment:
        """Return the current state."""
        return at(self.timeline, self.moment)


def revealed(text: str, part: float | None) -> str:
    """Return the part of a reply that had arrived when a part of its call had passed."""
    return "" if part is None else text[: int(len(text) * min(max(part, 0.0), 1.0))]
