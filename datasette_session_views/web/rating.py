"""Save a visitor's rating of an exchange, the only thing that the pages write.

`llm sessions rate` uses the same code: the memory package checks the rating and writes it.
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
    """The reason why nothing was written, as a sentence."""

    words: str


def rating_of(mark: str, note: str) -> Rating | Problem:
    """Return the rating in a form's fields, or the problem with it."""
    try:
        return checked_rating(mark, note.replace("\r\n", "\n"), datetime.now(timezone.utc).isoformat())
    except SessionError as error:
        return Problem(str(error))


def keep(
    connection: sqlite3.Connection, source: Source, name: str, place: tuple[str, str], rating: Rating | None
) -> Problem | None:
    """Save the rating of an exchange, given as (thread, first turn). Without a rating, remove the current one.

    This is one transaction that takes the write lock at its start, and waits if another program has it.
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
