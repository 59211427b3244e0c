"""The laws of a replay's timing, checked with the player's arithmetic in Python."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.insight.timing import SPEEDS, CallTiming, Timeline
from tests.views.playing import Moment, Playing, at, lasts, model_time, revealed

STEPS = st.lists(st.builds(CallTiming, st.integers(0, 10**8), st.integers(0, 10**6)), max_size=40)
IDLE = st.one_of(st.none(), st.floats(0, 1000))
SPEED = st.sampled_from(SPEEDS)


def order(moment: Moment) -> float:
    """Return the position of a moment: the steps that are over plus the fraction of the next one."""
    return moment.done + (0 if moment.part is None else moment.part)


@given(STEPS, IDLE, st.floats(0, 10**9), st.floats(0, 10**9))
def test_time_never_runs_backwards(steps: list[CallTiming], idle: float | None, one: float, other: float) -> None:
    """A later moment shows everything that an earlier one shows, and the models' time never decreases."""
    line = Timeline(steps, idle)
    early, late = sorted((one, other))
    assert order(at(line, early)) <= order(at(line, late))
    assert model_time(line, early) <= model_time(line, late)


@given(STEPS, st.floats(0, 1000))
def test_no_pause_exceeds_the_cap(steps: list[CallTiming], idle: float) -> None:
    """Pauses are kept but never exceed the cap; calls take as long as they really took."""
    line = Timeline(steps, idle)
    ends = [0, *line.ends]
    for step, before, start, end in zip(steps, ends, line.starts, line.ends, strict=False):
        assert start - before == min(step.pause, round(idle * 1000))
        assert end - start == step.run


@given(STEPS)
def test_without_a_cap_a_replay_is_as_long_as_the_session(steps: list[CallTiming]) -> None:
    """Without a cap, every pause and every call takes as long as it really took."""
    assert Timeline(steps, None).total == sum(step.pause + step.run for step in steps)


@given(STEPS, IDLE, SPEED)
def test_the_length_is_divided_by_the_speed(steps: list[CallTiming], idle: float | None, speed: float) -> None:
    """At speed s, a replay takes exactly its total divided by s."""
    line = Timeline(steps, idle)
    assert lasts(line, speed) == line.total / speed
    assert Playing(line, speed=speed).after(lasts(line, speed)).moment == pytest.approx(line.total)
    if line.total:
        assert Playing(line, speed=speed).after(lasts(line, speed) * 0.9).moment < line.total


@given(STEPS, IDLE, SPEED, st.lists(st.integers(0, 10**6), max_size=30))
def test_seeking_equals_playing(steps: list[CallTiming], idle: float | None, speed: float, frames: list[int]) -> None:
    """Playing up to a moment, in any frames, shows the same as seeking to that moment."""
    played = Playing(Timeline(steps, idle), speed=speed)
    for frame in frames:
        played = played.after(frame)
    sought = Playing(Timeline(steps, idle), speed=speed).seeking(sum(frames) * speed)
    assert played.moment == sought.moment
    assert played.now == sought.now


@given(STEPS, IDLE)
def test_everything_is_shown_at_the_end(steps: list[CallTiming], idle: float | None) -> None:
    """At the end every step is over; before the first step begins, nothing is shown."""
    line = Timeline(steps, idle)
    assert at(line, line.total) == Moment(len(steps))
    if steps and line.starts[0]:
        assert at(line, 0) == Moment(0)


@given(st.text(), st.floats(0, 1), st.floats(0, 1))
def test_a_reply_comes_letter_by_letter(text: str, one: float, other: float) -> None:
    """A reply is revealed from its beginning: nothing at first, all of it at the end, and never less than before."""
    early, late = sorted((one, other))
    assert text.startswith(revealed(text, early))
    assert revealed(text, late).startswith(revealed(text, early))
    assert (revealed(text, None), revealed(text, 0.0), revealed(text, 1.0)) == ("", "", text)
