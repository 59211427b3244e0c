"""SQL that the pages offer as a start for the visitor's own queries."""

from __future__ import annotations

from .tables import statement


def sessions_by_hand(tables: frozenset[str]) -> str:
    """Return SQL that lists sessions and conversations, for a log that has these tables."""
    return statement("sessions_by_hand", tables)


def transcript_by_hand(tables: frozenset[str]) -> str:
    """Return SQL that reads the conversation `:thread_id`, for a log that has these tables."""
    return statement("transcript_by_hand", tables)
