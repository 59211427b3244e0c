"""Dates as people type them, as moments in UTC.

Pure. A date alone is a day (month, year) here, in local time: `since` means from its beginning on, `until` to its end.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone

from ..errors import SessionError

_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?")
_MONTHS = 12


def since(text: str) -> str:
    """Return when a date or time begins, as it is compared with the log's: ISO, UTC. Raises SessionError."""
    return _moment(text, end=False)


def until(text: str) -> str:
    """Return when a date is over, or what a time says: ISO, UTC. Raises SessionError."""
    return _moment(text, end=True)


def day_after(day: str | None) -> str | None:
    """Return the day after, before which a time must lie to be of that day or an earlier one.

    For pages, where days are those of UTC. What is no day comes back as it is: it is compared as text.
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
        raise SessionError(message, "Give one such as 2026-01-31, 2026-01, or 2026-01-31T10:30.") from None


def _edge(found: re.Match[str], *, end: bool) -> datetime:
    """Return the first moment of a day, month or year, or of the one that follows it."""
    year, month, day = (int(group) if group else None for group in found.groups())
    first = datetime(year or 0, month or 1, day or 1)  # noqa: DTZ001  local time
    if not end:
        return first
    if day:
        return first + timedelta(days=1)
    following = first.month % _MONTHS + 1 if month else 1
    return first.replace(year=first.year + (following == 1), month=following)


def _time(text: str) -> datetime:
    """Return an ISO time; one that says no zone is local."""
    return datetime.fromisoformat(re.sub(r"[zZ]$", "+00:00", text))
