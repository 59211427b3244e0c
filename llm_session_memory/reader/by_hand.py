"""The statements that the pages offer to whoever wants to go on by hand, for a log that has these tables."""

from __future__ import annotations

from .tables import statement


def sessions_by_hand(tables: frozenset[str]) -> str:
    """Return the statement that lists sessions and conversations, to be edited."""
    return statement("sessions_by_hand", tables)


def transcript_by_hand(tables: frozenset[str]) -> str:
    """Return the statement that reads the thread `thread_id`, to be edited."""
    return statement("transcript_by_hand", tables)
