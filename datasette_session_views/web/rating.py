"""Keeping what a visitor thinks of an exchange: the only thing that is written here, by the rules of the llm plugin.

What `llm sessions rate` does, the same code does here: what may be said is checked, and written, by the memory package.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from llm_session_memory.errors import LogUnusable, SessionError
from llm_session_memory.model import Rating
from llm_session_memory.reader.source import Source
from llm_session_memory.reader.threads import owner
from llm_session_memory.rules.limits import LONGEST_REMARK, checked_rating
from llm_session_memory.services.desk import Desk
from llm_session_memory.services.ratings import Ratings

__all__ = ["LONGEST_REMARK", "Problem", "Rating", "keep", "rating_of"]


@dataclass(frozen=True)
class Problem:
    """Why nothing was written, as a sentence."""

    words: str


def rating_of(mark: str, note: str) -> Rating | Problem:
    """Return a rating as it is kept, of what a form brought; or which rule it breaks."""
    try:
        return checked_rating(mark, note.replace("\r\n", "\n"), datetime.now(timezone.utc).isoformat())
    except SessionError as error:
        return Problem(str(error))


def keep(
    connection: sqlite3.Connection, source: Source, name: str, place: tuple[str, str], rating: Rating | None
) -> Problem | None:
    """Rate the exchange at a place (thread, first turn); without a rating, take back the one that it has.

    One transaction that has the lock for writing from its start; where another program has it, it is waited for.
    """
    thread_id, turn_id = place
    try:
        with Desk.lent(connection, Path(name)) as desk, desk.writing():
            if owner(source, turn_id) != thread_id:
                return Problem("Nothing was changed: the exchange has been deleted.")
            Ratings(desk).keep(thread_id, turn_id, rating)
    except LogUnusable as error:
        return Problem(str(error))
    return None
