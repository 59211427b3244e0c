"""llm's own tables."""

from __future__ import annotations

from ..errors import SessionError
from ..model import Session
from ..rules import names
from ..services.bundle import Services
from ..services.desk import Desk
from ..store import Log

RELIED_ON = {"migrations": "migrate"}
"""The parts of llm that this module relies on (see `shape`)."""


def migrated(log: Log) -> None:
    """Bring llm's own tables up to date in one transaction, as any llm command that writes would.

    llm's own commands migrate one statement at a time, so two that migrate at once fail.
    """
    from llm.migrations import migrate

    with log.writing():
        migrate(log.database)


def up_to_date(desk: Desk) -> None:
    """Bring llm's own tables in an open log up to date, before rows of another log are put into them."""
    migrated(desk.log)


def ready_to_import(log: Log, *, dry_run: bool) -> None:
    """Check that a log can be imported into and, unless `dry_run`, bring llm's tables in it up to date.

    Raises SessionError within a transaction, and LogUnusable for a log that this version doesn't know.
    """
    if log.database.conn.in_transaction:
        raise SessionError("Nothing can be imported within a transaction.", "End the transaction first.")
    if not log.empty():
        log.check_shape()
        if not dry_run:
            migrated(log)


def names_of_migrations() -> list[str]:
    """Return the names of the migrations of llm's tables that the installed llm has, oldest first."""
    from llm import migrations

    return [one.__name__ for one in getattr(migrations, "MIGRATIONS", ())]


def named(memory: Services, thread_id: str, name: str) -> Session:
    """Bind a name to an existing conversation, in a log that may be older than the installed llm.

    Raises NoSuchSession or NameRefused before anything is written.
    """
    names.check(name)
    memory.sessions.check_thread(thread_id)
    migrated(memory.desk.log)
    return memory.sessions.name_thread(thread_id, name)


def made_for(desk: Desk) -> None:
    """Make llm's tables in a new log."""
    migrated(desk.log)
