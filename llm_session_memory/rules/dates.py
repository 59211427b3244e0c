"""Dates as people type them, converted to moments in UTC.

Pure. A date without a time is the whole day (or month, or year) in local time: `since` counts from its beginning,
`until` up to its end.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone

from ..errors import SessionError

_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?")
_MONTHS = 12


def zoned(utc: str) -> str:
    """Return a time of the log, which is in UTC, with its zone: llm stores it without one, our tables with it."""
    return utc if re.search(r"T.*(Z|[+-]\d\d:\d\d)$", utc) or "T" not in utc else f"{utc}+00:00"


def since(text: str) -> str:
    """Return when a date or time begins: ISO, UTC, comparable with the log's times. Raises SessionError."""
    return _moment(text, end=False)


def until(text: str) -> str:
    """Return when a date ends, or the moment of a time: ISO, UTC. Raises SessionError."""
    return _moment(text, end=True)


def day_after(day: str | None) -> str | None:
    """Return the following day, so that times before it belong to the given day or an earlier one.

    For pages, where days are UTC. Text that is not a date is returned unchanged and compared as text.
    """
    if day is None:
        return None
    try:
        return (date.fromisoformat(day) + timedelta(days=1)).isoformat()
    except (ValueError, OverflowError):
        return day


def _moment(text: str, *, end: bool) -> str:
    try:
        found = _DATE.fullmatch(text.strip())
        moment = _edge(found, end=end) if found else _time(text.strip())
        return moment.astimezone(timezone.utc).replace(tzinfo=None).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        message = f"“{text if text.isprintable() else '…'}” is not a date."
        raise SessionError(message, "Use a date like 2026-01-31, 2026-01, or 2026-01-31T10:30.") from None


def _edge(found: re.Match[str], *, end: bool) -> datetime:
    """Return the first moment of a day, month or year, or the first moment of the next one if `end`."""
    year, month, day = (int(group) if group else None for group in found.groups())
    first = datetime(year or 0, month or 1, day or 1)  # noqa: DTZ001  local time
    if not end:
        return first
    if day:
        return first + timedelta(days=1)
    following = first.month % _MONTHS + 1 if month else 1
    return first.replace(year=first.year + (following == 1), month=following)


def _time(text: str) -> datetime:
    """Return an ISO time; a time without a zone is local."""
    return datetime.fromisoformat(re.sub(r"[zZ]$", "+00:00", text))
