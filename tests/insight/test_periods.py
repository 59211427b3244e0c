"""Rules of the columns of charts over time, and of the figures above them."""

from __future__ import annotations

import itertools
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.insight.charts import when
from llm_session_memory.insight.periods import LEAST, MOST, day_of, periods
from llm_session_memory.insight.tiles import Change, before, shares, tiles

DATES = st.dates()


@given(st.lists(DATES, min_size=1, max_size=5), st.tuples(st.none() | DATES, st.none() | DATES), st.integers(7, MOST))
def test_any_days_have_a_column_each_and_there_are_not_too_many(
    days: list[date], asked: tuple[date | None, date | None], most: int
) -> None:
    """Columns follow each other without a gap; there are at most as many as there is room for."""
    texts = [day.isoformat() for day in days]
    begin, end = (None if day is None else day.isoformat() for day in asked)
    over = periods(texts, (begin, end), most)
    assert 1 <= len(over.columns) <= most
    assert len(over.places) == len(over.columns)
    for one, following in itertools.pairwise(over.columns):
        assert date.fromisoformat(one.last) + timedelta(days=1) == date.fromisoformat(following.first)
    for text in texts:
        column = over.columns[over.place(text) or 0]
        assert column.first <= text <= column.last
        assert when(column, over.each)


@pytest.mark.parametrize(
    ("days", "asked", "each", "first", "last", "count"),
    [
        (["2026-11-20"], (None, None), "day", "2026-11-14", "2026-11-20", LEAST),
        (["2026-11-20"], ("2026-11-01", "2026-11-28"), "day", "2026-11-01", "2026-11-28", 28),
        (["2026-11-20"], ("1990-01-01", None), "day", "2026-11-14", "2026-11-20", LEAST),
        (["2026-01-01", "2026-11-20"], (None, None), "week", "2025-12-29", "2026-11-22", 47),
        (["2022-03-31", "2026-11-20"], (None, None), "month", "2022-03-01", "2026-11-30", 57),
        (["2001-01-01", "2026-11-20"], (None, None), "year", "2001-01-01", "2026-12-31", 26),
        (["0001-01-01", "9999-12-31"], (None, None), "110 years", "0001-01-01", "9999-12-31", 91),
        (["soon", "2026-11-20", ""], (None, None), "day", "2026-11-14", "2026-11-20", LEAST),
    ],
)
def test_columns_are_days_or_longer(  # noqa: PLR0913  a table
    days: list[str], asked: tuple[str | None, str | None], each: str, first: str, last: str, count: int
) -> None:
    """A chart has a week at least and the days asked for if there is room. A wrong clock doesn't make it endless."""
    over = periods(days, asked)
    assert (over.each, over.columns[0].first, over.columns[-1].last, len(over.columns)) == (each, first, last, count)


def test_no_days_have_no_columns() -> None:
    """Without a day there is nothing to draw, and what is no day has no place."""
    assert periods(["soon"]).columns == ()
    assert periods(["2026-11-20"]).place("soon") is None
    assert day_of(None) is None


TODAY = date(2026, 11, 28)


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (("2026-11-22", None), ("2026-11-15", "2026-11-21")),
        (("2026-11-01", "2026-11-01"), ("2026-10-31", "2026-10-31")),
        ((None, "2026-11-01"), None),
        (("2026-11-29", "2026-11-01"), None),
        (("0001-01-02", "2026-11-01"), None),
    ],
)
def test_the_period_before_is_as_long(days: tuple[str | None, str | None], expected: object) -> None:
    """It ends on the day before; days without a beginning have none."""
    assert before(days, TODAY) == expected


@pytest.mark.parametrize(
    ("now", "then", "recent", "words"),
    [
        (112, 100, False, "12% more than in the 30 days before"),
        (50, 100, True, "50% less in the last 30 days than in the 30 days before"),
        (1000, 999, False, "<1% more than in the 30 days before"),
        (100, 100, False, "The same as in the 30 days before"),
        (5, None, False, "Nothing in the 30 days before"),
        (0, None, False, "Nothing in the 30 days before either"),
        (0, None, True, "Nothing in the last 30 days"),
        (5, 0, True, "All in the last 30 days, nothing in the 30 days before"),
        (None, 5, True, "100% less in the last 30 days than in the 30 days before"),
        (120, 10, False, "12 times as much as in the 30 days before"),
    ],
)
def test_a_change_is_a_sentence(now: int | None, then: int | None, recent: bool, words: str) -> None:
    """A change says by how much, and than what."""
    assert Change(now, then, 30, recent).words == words


def test_tiles_compare_with_the_period_before_or_the_last_days_with_those_before() -> None:
    """Unknown figures have no tile. Without a period before, the rows themselves say how it goes."""
    rows: dict[str, list[dict[str, object]]] = {
        "tokens_a_day_by_model": [
            {"day": "2026-11-28", "calls": 3, "tokens_in": 10, "tokens_out": None},
            {"day": "2026-10-01", "calls": 2, "tokens_in": 5, "tokens_out": 1},
        ],
        "cost_a_day": [{"day": "2026-11-28", "dollars": None}],
    }
    calls, tokens = tiles(rows, None, (None, None), TODAY)
    assert (calls.value, calls.change and (calls.change.now, calls.change.before)) == (5, (3, 2))
    assert (tokens.value, len(tokens.trend)) == (16, 9)
    earlier = {"tokens_a_day_by_model": [{"day": "2026-10-20", "calls": 10, "tokens_in": 1, "tokens_out": 1}]}
    calls, _ = tiles(rows, earlier, ("2026-10-29", None), TODAY)
    assert calls.change == Change(5, 10, 31, recent=False)
    assert shares((1, None, 4, -1)) == (25, 0, 100, 0)
