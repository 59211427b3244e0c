"""Dates as people type them, converted to moments in UTC.

Pure. A date without a time is the whole day (or month, or year) in local time: `since` counts from its beginning,
`until` up to its end.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone

from ..errors import SessionError

_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?")
_DURATION = re.compile(r"(?P<number>[0-9]{1,6})\s*(?P<unit>[dwmy])")
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


def ago(text: str, now: datetime) -> str:
    """Return the moment that lies a length of time before now: ISO, UTC. Raises SessionError.

    `30d` are days, `12w` weeks, `6m` months and `1y` years. A month before the 31st is the last day of a shorter month.
    """
    found = _DURATION.fullmatch(text.strip().lower())
    moment = _before(now.astimezone(timezone.utc), int(found["number"]), found["unit"]) if found else None
    if moment is None:
        message = f"“{text if text.isprintable() else '…'}” is not a length of time."
        raise SessionError(message, "Use a number with d, w, m or y for days, weeks, months or years, like 30d.")
    return moment.replace(tzinfo=None).isoformat(timespec="seconds")


def _before(now: datetime, number: int, unit: str) -> datetime | None:
    """Return the moment this many units before now, or None if that was before the year 1."""
    from calendar import monthrange

    try:
        if unit in "dw":
            return now - timedelta(days=number * (7 if unit == "w" else 1))
        months = now.year * _MONTHS + now.month - 1 - number * (_MONTHS if unit == "y" else 1)
        year, month = divmod(months, _MONTHS)
        return now.replace(year=year, month=month + 1, day=min(now.day, monthrange(year, month + 1)[1]))
    except (ValueError, OverflowError):
        return None


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
