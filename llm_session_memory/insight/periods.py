"""Days grouped into the columns of a chart over time. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

MOST = 92
"""The most columns of a chart over time. Days that exceed it are grouped into weeks, months or years."""

LEAST = 7
"""The fewest days that a chart shows, so that a single day is not all there is."""

Days = tuple[str | None, str | None]
"""The first and last day that were asked for, as `YYYY-MM-DD`; None means no limit."""

ALL: Days = (None, None)


@dataclass(frozen=True)
class Period:
    """One column: its label, and the first and last of its days as `YYYY-MM-DD`."""

    label: str
    first: str
    last: str


@dataclass(frozen=True)
class Periods:
    """The columns of a chart in order. `each` is what a column is: `day`, `week`, `month`, `year` or `25 years`."""

    each: str
    columns: tuple[Period, ...]
    places: dict[str, int]

    def place(self, day: str) -> int | None:
        """Return the place of the column that has a day, or None if no column has it."""
        known = day_of(day)
        return None if known is None else self.places.get(_label(known, self.each))


def day_of(text: str | None) -> date | None:
    """Return the date of a text like `2026-11-28`, or None if it is not a date."""
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


def periods(days: Iterable[str], asked: Days = ALL, most: int = MOST) -> Periods:
    """Return at most `most` columns that have all these days and, if there is room, the days that were asked for."""
    known = sorted(day for day in map(day_of, days) if day is not None)
    if not known:
        return Periods("day", (), {})
    first, last = _widened(known[0], known[-1], asked, most)
    each = _unit(first, last, most)
    columns: list[Period] = []
    start: date | None = _start(first, each)
    while start is not None and start <= last:
        following = _next(start, each)
        end = date.max if following is None else following - timedelta(days=1)
        columns.append(Period(_label(start, each), start.isoformat(), end.isoformat()))
        start = following
    return Periods(each, tuple(columns), {column.label: place for place, column in enumerate(columns)})


def _widened(first: date, last: date, asked: Days, most: int) -> tuple[date, date]:
    """Return the range of a chart: the days asked for if columns of a day are enough for them, and a week at least."""
    begin, end = (day_of(text) for text in asked)
    wide = min(first, begin or first), max(last, end or last)
    if (wide[1] - wide[0]).days < most:
        first, last = wide
    if (last - first).days < LEAST - 1 and last.toordinal() > LEAST:
        first = last - timedelta(days=LEAST - 1)
    return first, last


def _unit(first: date, last: date, most: int) -> str:
    days = (last - first).days + 1
    if days <= most:
        return "day"
    if days <= (most - 1) * 7:
        return "week"
    if (last.year - first.year) * 12 + last.month - first.month < most:
        return "month"
    years = last.year - first.year + 1
    size = -(-years // (most - 1))
    return "year" if size == 1 else f"{size} years"


def _size(each: str) -> int:
    return int(each.partition(" ")[0]) if each[0].isdigit() else 1


def _start(day: date, each: str) -> date:
    if each == "day":
        return day
    if each == "week":
        return day - timedelta(days=day.weekday()) if day.toordinal() > day.weekday() else date.min
    if each == "month":
        return day.replace(day=1)
    size = _size(each)
    return date(max(day.year // size * size, 1), 1, 1)


def _next(start: date, each: str) -> date | None:
    """Return the start of the next column, or None if there are no more dates."""
    try:
        if each in ("day", "week"):
            return start + timedelta(days=1 if each == "day" else 7)
        if each == "month":
            return date(start.year + start.month // 12, start.month % 12 + 1, 1)
        size = _size(each)
        return date(start.year // size * size + size, 1, 1)
    except (OverflowError, ValueError):
        return None


def _label(day: date, each: str) -> str:
    start = _start(day, each).isoformat()
    return start if each in ("day", "week") else start[:7] if each == "month" else start[:4]
