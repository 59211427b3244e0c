"""How long conversations are kept, and whether the clock may be trusted before old ones are deleted. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from ..errors import SessionError
from . import dates

EVERY = timedelta(days=1)
"""How often old conversations are deleted at most, and how long before that it is said which."""

_AHEAD = timedelta(hours=1)
"""A call may be logged with a time this much later than now, by another clock."""

_SILENCE = 30
"""The fewest days without any prompt after which nothing is deleted at once, however short conversations are kept."""


def parsed_days(text: str, now: datetime) -> int:
    """Return the days in a length of time such as `90d` or `6m`. Raises SessionError if it is none, or zero."""
    days = (now.astimezone(timezone.utc).date() - datetime.fromisoformat(dates.ago(text, now)).date()).days
    if days < 1:
        raise SessionError("Conversations must be kept for at least a day.", "To delete them at once, use: purge")
    return days


def limit(now: datetime, days: int) -> str:
    """Return the moment since which a conversation must have been used to be kept: ISO, UTC."""
    return dates.ago(f"{days}d", now)


def distrusted(now: datetime, newest_utc: str | None, days: int) -> str | None:
    """Return why the clock may be wrong, given the time of the newest call before the present one, or None.

    A clock that jumped ahead makes every conversation look old.
    """
    if newest_utc is None:
        return None
    try:
        newest = datetime.fromisoformat(dates.zoned(newest_utc.replace("Z", "+00:00")))
    except ValueError:
        return None
    if newest > now + _AHEAD:
        return f"the log has a prompt of {newest:%Y-%m-%d}, which is later than now"
    if now - newest > timedelta(days=max(days, _SILENCE)):
        return f"the prompt before this one was on {newest:%Y-%m-%d}"
    return None
