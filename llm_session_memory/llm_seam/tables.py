"""llm's own tables."""

from __future__ import annotations

from ..model import Session
from ..rules import names
from ..services.bundle import Services
from ..services.desk import Desk
from ..store import Log

RELIED_ON = {"migrations": "migrate"}
"""The parts of llm that this module relies on (see `shape`)."""


def migrated(log: Log) -> None:
    """Bring llm's own tables up to date, as any llm command that writes would, in one transaction.

    llm's own commands migrate one statement at a time, and fail if two of them do so at once.
    """
    from llm.migrations import migrate

    with log.writing():
        migrate(log.database)


def named(memory: Services, thread_id: str, name: str) -> Session:
    """Bind a name to an existing conversation, in a log that may be from before the installed llm.

    Raises NoSuchSession or NameRefused before anything is written.
    """
    names.check(name)
    memory.sessions.check_thread(thread_id)
    migrated(memory.desk.log)
    return memory.sessions.name_thread(thread_id, name)


def made_for(desk: Desk) -> None:
    """Make llm's tables in a new log."""
    migrated(desk.log)
