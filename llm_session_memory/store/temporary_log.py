"""A temporary log, into which the conversations of a remote are written before they are merged."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ..errors import LogUnusable
from .empty_tables import take_tables
from .log import Log
from .merge_tables import LLMS
from .private_copy import private_folder


@contextmanager
def empty_log(like: Log) -> Iterator[Log]:
    """Make a temporary log with llm's tables as in another log, and ours. Nobody else can read it.

    Raises LogUnusable if there is no space for it.
    """
    from sqlite_utils import Database

    with private_folder() as folder:
        path = folder / "other.db"
        log = _Temporary(Database(sqlite3.connect(path), execute_plugins=False), path)
        try:
            _hurry(log)
            take_tables(log, like, LLMS)
            log.database.conn.isolation_level = None  # otherwise a temporary table would begin a transaction
            yield log
        finally:
            with suppress(sqlite3.Error):
                log.close()


def _hurry(log: Log) -> None:
    """Don't wait for the disk: nobody needs a temporary log after a crash."""
    for pragma in ("journal_mode = memory", "synchronous = off", "cache_size = -64000"):
        log.run(f"pragma {pragma}")


def _unusable(why: str) -> LogUnusable:
    """Return the error of a temporary log: if there is no space for it, the user's log is not what is full."""
    message = f"The temporary log for the remote's conversations could not be used: {why}."
    hint = "If the disk is full, choose a folder on another disk with SQLITE_TMPDIR."
    return LogUnusable(message, hint, "Nothing was changed.")


class _Temporary(Log):
    """A temporary log, whose errors say that it is one."""

    @contextmanager
    def sentences(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise _unusable(str(error)) from error
