"""Rewriting a log, so that nothing of what was deleted is left in its file.

SQLite only marks deleted rows as free, and a full-text index keeps deleted words until it is merged.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import LogUnusable
from .log import Log

_INDEXES = ("turn_search_fts", "responses_fts", "memory_words")


@contextmanager
def overwriting(log: Log) -> Iterator[None]:
    """Let SQLite overwrite with zeros what is deleted."""
    connection = log.database.conn
    before = connection.execute("pragma secure_delete").fetchone()[0]
    connection.execute("pragma secure_delete = on")
    try:
        yield
    finally:
        connection.execute(f"pragma secure_delete = {before}")


def erase(log: Log) -> None:
    """Rewrite the log, so that no byte of what was deleted is left in its file.

    Nobody else can use the log meanwhile, about a second for each 100 MB, and its disk needs room for two more copies
    of it. There must be no open transaction.

    Raises:
        LogUnusable: Another program uses the log, or the disk is full. The log is whole, and what was deleted is gone
            from it, but the bytes may still be in its file.
    """
    connection = log.database.conn
    level, connection.isolation_level = connection.isolation_level, None
    try:
        for name in _INDEXES:
            if log.columns(name):
                log.run(f"insert into {name} ({name}) values ('optimize')")  # noqa: S608  constants
        if log.columns("sqlite_stat4"):
            log.run("analyze")  # it has samples of texts that were deleted
        log.run("vacuum")
        if log.value("pragma wal_checkpoint(truncate)"):
            raise LogUnusable(
                f"The deleted text is still in {log.path.name}-wal, because another program is reading the log.",
                "It disappears when the last program that uses the log ends.",
            )
    finally:
        connection.isolation_level = level
