"""Dates as people type them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone

import pytest

from llm_session_memory.errors import SessionError
from llm_session_memory.rules.dates import ago, since, until


@pytest.fixture(autouse=True)
def _in_new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Set the clock of a person five hours (in summer four) behind UTC."""
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("typed", "begins", "is_over"),
    [
        ("2026-01-31", "2026-01-31T05:00:00", "2026-02-01T05:00:00"),
        ("2026-07-31", "2026-07-31T04:00:00", "2026-08-01T04:00:00"),
        ("2026-02", "2026-02-01T05:00:00", "2026-03-01T05:00:00"),
        ("2026-12", "2026-12-01T05:00:00", "2027-01-01T05:00:00"),
        ("2026", "2026-01-01T05:00:00", "2027-01-01T05:00:00"),
        (" 2026-01-31 ", "2026-01-31T05:00:00", "2026-02-01T05:00:00"),
    ],
    ids=["a day", "a day in summer", "a month", "December", "a year", "blanks"],
)
def test_a_date_is_the_whole_day_month_or_year(typed: str, begins: str, is_over: str) -> None:
    """A day, month or year begins with its first local moment, and ends with its last."""
    assert (since(typed), until(typed)) == (begins, is_over)


@pytest.mark.parametrize(
    ("typed", "moment"),
    [
        ("2026-01-31T10:30", "2026-01-31T15:30:00"),
        ("2026-01-31 10:30:15", "2026-01-31T15:30:15"),
        ("2026-01-31T10:30Z", "2026-01-31T10:30:00"),
        ("2026-01-31T10:30+02:00", "2026-01-31T08:30:00"),
    ],
    ids=["local", "with a blank", "Z", "with an offset"],
)
def test_a_time_is_one_moment(typed: str, moment: str) -> None:
    """A time is the same moment for both, and local if it has no zone."""
    assert since(typed) == until(typed) == moment


@pytest.mark.parametrize("typed", ["", "yesterday", "2026-13", "2026-02-30", "0000", "31.1.2026", "\x1b[31m"])
def test_other_text_is_not_a_date(typed: str) -> None:
    """Text that is not a date is an error that shows it, if it can be shown, and an example of a date."""
    with pytest.raises(SessionError) as raised:
        since(typed)
    shown = typed if typed.isprintable() else "…"
    assert raised.value.message == f"“{shown}” is not a date."
    assert raised.value.hint == "Use a date like 2026-01-31, 2026-01, or 2026-01-31T10:30."


@pytest.mark.parametrize(("read", "typed"), [(until, "9999"), (until, "9999-12-31"), (since, "0000")])
def test_dates_beyond_the_calendar_are_refused(read: Callable[[str], str], typed: str) -> None:
    """A date whose end no calendar has is an error, not a traceback."""
    with pytest.raises(SessionError, match="is not a date"):
        read(typed)


def test_years_have_four_digits() -> None:
    """Moments compare as texts, even those of long ago."""
    assert until("0001-01-01").startswith("0001-01-02T")


NOW = datetime(2026, 8, 31, 10, 30, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("typed", "moment"),
    [
        ("30d", "2026-08-01T10:30:00"),
        (" 2 W ", "2026-08-17T10:30:00"),
        ("6m", "2026-02-28T10:30:00"),
        ("8m", "2025-12-31T10:30:00"),
        ("1y", "2025-08-31T10:30:00"),
        ("0d", "2026-08-31T10:30:00"),
    ],
    ids=["days", "weeks, capital", "months, shorter", "months, last year", "years", "none"],
)
def test_a_length_of_time_ends_now(typed: str, moment: str) -> None:
    """Days, weeks, months and years are counted back from now, whatever the zone."""
    assert ago(typed, NOW) == moment


@pytest.mark.parametrize("typed", ["", "30", "d", "-3d", "1h", "30 days", "9999y", "999999d", "\x1b[31m"])
def test_other_text_is_not_a_length_of_time(typed: str) -> None:
    """Text that is not a length of time, or that goes back before the year 1, is an error."""
    with pytest.raises(SessionError, match="is not a length of time"):
        ago(typed, NOW)
