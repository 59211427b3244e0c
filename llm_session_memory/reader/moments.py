"""The times in a log, from either generation of llm. Pure."""

from __future__ import annotations

from datetime import datetime, timezone


def parsed_moment(utc: str) -> datetime | None:
    """Return a stored time in UTC, or None if it is invalid."""
    try:
        found = datetime.fromisoformat(utc)
    except ValueError:
        return None
    return found.replace(tzinfo=timezone.utc) if found.tzinfo is None else found.astimezone(timezone.utc)
