"""Limits by the minute, and waits after failures."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.rules.pacing import Limits, Pace, backoff
from tests.world.laws import tried


@tried(60)
@given(
    limit=st.integers(1, 200),
    tokens=st.lists(st.integers(0, 5_000), min_size=1, max_size=120),
    idle=st.floats(0, 90),
)
def test_no_minute_has_more_than_its_limits(limit: int, tokens: list[int], idle: float) -> None:
    """Whatever the answers take, no 60 seconds have more requests than the limit, nor more tokens than it but one's."""
    pace, now, sent = Pace(Limits(limit, 10_000)), 1_000.0, list[tuple[float, int]]()
    for place, one in enumerate(tokens):
        now += pace.wait(now)
        pace.answered(pace.take(now), one)
        sent.append((now, one))
        now += idle if place == len(tokens) // 2 else 0
    for begin, _ in sent:
        within = [one for moment, one in sent if begin <= moment < begin + 60 - 1e-6]
        assert len(within) <= limit
        assert sum(within) - within[-1] <= 10_000 + 1


def test_without_limits_nothing_waits() -> None:
    """Without limits, requests are sent at once, unless the server asked for a pause."""
    pace = Pace(Limits())
    assert [pace.wait(5.0), pace.take(5.0), pace.wait(5.0)] == [0, 1_000, 0]
    pace.pause(30.0)
    pace.pause(20.0)
    assert pace.wait(5.0) == 25


def test_a_request_that_was_not_sent_is_not_counted() -> None:
    """What is given back leaves the pace as it was."""
    pace = Pace(Limits(60, 1_000))
    pace.answered(pace.take(10.0), 100)
    before = pace.wait(10.0)
    pace.give_back(pace.take(10.0))
    assert pace.wait(10.0) == before


def test_waits_double_up_to_a_minute() -> None:
    """Each failure doubles the wait; chance adds at most as much again."""
    assert [backoff(n, lambda: 0.0) for n in (1, 2, 3, 6, 7, 10_000)] == [1, 2, 4, 32, 60, 60]
    assert backoff(3, lambda: 0.5) == 6
