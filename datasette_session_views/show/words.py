"""Format numbers, times and snippets for the pages. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from statistics import median_low

from llm_session_memory.reader.entries import MARK, UNMARK
from llm_session_memory.reader.moments import parsed_moment
from llm_session_memory.rules.safe_text import one_line, visible
from llm_session_memory.rules.words import counted

_MINUTE = 60
_TWO_DAYS = 48
_HOUR = 3600
_DAY = 24 * _HOUR
_ROUGHLY = (
    ("year", 365 * _DAY, 2.0),
    ("month", 30 * _DAY, 2.0),
    ("week", 7 * _DAY, 2.0),
    ("day", _DAY, 0.9),
    ("hour", _HOUR, 0.0),
)
"""Units of time with their seconds, and how many there must be for a long time to be said in them."""

_FEW, _TIMES = 4, 3
"""From so many pauses on one of them is usual, and from so many times the usual one on a pause stands out."""

_UNITS = ("k", "M", "G", "T")
_JUST_BELOW_1000, _JUST_BELOW_10 = 999.5, 9.95
"""From here on, rounding makes 1,000 and 10 of a number."""


def marked(snippet: str) -> str:
    """Return a snippet as HTML with its matches in balanced mark tags."""
    pieces: list[str] = []
    within = False
    for stretch in visible_but_marks(snippet):
        if stretch in (MARK, UNMARK):
            if within != (stretch == MARK):
                within = not within
                pieces.append("<mark>" if within else "</mark>")
        else:
            pieces.append(escape(stretch))
    return "".join(pieces) + ("</mark>" if within else "")


def visible_but_marks(snippet: str) -> list[str]:
    """Return a snippet as a list of texts and marks."""
    found: list[str] = []
    for part in " ".join(visible(snippet).split()).split(MARK):
        if found:
            found.append(MARK)
        for place, piece in enumerate(part.split(UNMARK)):
            if place:
                found.append(UNMARK)
            found.append(piece)
    return found


def span(seconds: float) -> str:
    """Return a duration in words: `800 ms`, `3.2 s`, `9 min 12 s`, `3 h 10 min`, `101 days`."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), _MINUTE)
    if minutes < _MINUTE:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, _MINUTE)
    if hours < _TWO_DAYS:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{hours // 24} days"


def compact(number: int) -> str:
    """Return a number in short: `980`, `1.2k`, `418k`, `1.2M`."""
    scaled, units = float(number), iter(_UNITS)
    unit = ""
    while abs(scaled) >= _JUST_BELOW_1000 and (following := next(units, None)):
        scaled, unit = scaled / 1000, following
    if not unit:
        return f"{number:,}"
    return f"{scaled:,.0f}{unit}" if abs(scaled) >= _JUST_BELOW_10 else f"{scaled:.1f}{unit}".replace(".0", "")


def long_pause(pauses: Iterable[float | None]) -> float:
    """Return from how many seconds on one of these pauses stands out: an hour, and three times the usual pause.

    In a session with a prompt every two hours, “2 hours later” before each of them would say nothing.
    """
    known = [one for one in pauses if one is not None]
    return max(_HOUR, _TIMES * median_low(known)) if len(known) >= _FEW else _HOUR


def pause(seconds: float) -> str:
    """Return a long time roughly, as a person would say it: `9 hours`, `2 days`, `3 weeks`, `5 months`, `2 years`."""
    unit, one, _ = next(row for row in _ROUGHLY if seconds >= row[1] * row[2])
    return counted(max(round(seconds / one), 1), unit)


def moment(utc: str) -> str:
    """Return a stored time to the minute in UTC, as in `2026-11-21 14:02`. Return other texts unchanged."""
    found = parsed_moment(utc)
    return one_line(utc, 30) if found is None else f"{found:%Y-%m-%d %H:%M}"


def exact_moment(utc: str) -> str:
    """Return a stored time to the second with its zone, as in `2026-11-21 14:02:31 UTC`; empty if it is not a time."""
    found = parsed_moment(utc)
    return "" if found is None else f"{found:%Y-%m-%d %H:%M:%S} UTC"


def iso_moment(utc: str) -> str:
    """Return a stored time as a `time` element has it, as in `2026-11-21T14:02:31Z`; empty if it is not a time."""
    found = parsed_moment(utc)
    return "" if found is None else f"{found:%Y-%m-%dT%H:%M:%SZ}"


def day(utc: str) -> str:
    """Return the day of a stored time, as in `21 Nov 2026`."""
    found = parsed_moment(utc)
    return one_line(utc, 30) if found is None else f"{found.day} {found:%b %Y}"


def days(first: str, last: str) -> str:
    """Return the days from one stored time to another: `21 Nov 2026`, `20–22 Nov 2026`, `28 Nov – 3 Dec 2026`."""
    begin, end = parsed_moment(first), parsed_moment(last)
    if begin is None or end is None or begin.date() == end.date():
        return day(last or first)
    if begin.year != end.year:
        return f"{day(first)} – {day(last)}"
    if begin.month != end.month:
        return f"{begin.day} {begin:%b} – {day(last)}"
    return f"{begin.day}–{day(last)}"


FILTERS = {
    "sv_compact": compact,
    "sv_moment": moment,
    "sv_exact_moment": exact_moment,
    "sv_iso_moment": iso_moment,
    "sv_visible": visible,
}
"""The filters of our templates."""
