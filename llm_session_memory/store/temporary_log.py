"""A temporary log, into which the conversations of a remote are written before they are merged."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ..errors import LogUnusable
from .log import Log
from .merging import LLMS
from .private_copy import private_folder
from .schema import statement


@contextmanager
def empty_log(like: Log) -> Iterator[Log]:
    """Make a temporary log with llm's tables as in another log, and ours. Nobody else can read it.

    Raises LogUnusable if there is no space for it.
    """
    from sqlite_utils import Database

    made = like.tuples(statement("tables_of_llm"), {"tables": json.dumps([*LLMS, "_llm_migrations"])})
    applied = like.rows("select name, applied_at from _llm_migrations")
    with private_folder() as folder:
        path = folder / "other.db"
        log = _Temporary(Database(sqlite3.connect(path), execute_plugins=False), path)
        try:
            for pragma in ("journal_mode = memory", "synchronous = off", "cache_size = -64000"):
                log.run(f"pragma {pragma}")
            with log.writing():
                for (sql,) in made:
                    log.run(sql)
                log.many("insert into _llm_migrations (name, applied_at) values (:name, :applied_at)", applied)
            log.migrate()
            log.database.conn.isolation_level = None  # otherwise a temporary table would begin a transaction
            yield log
        finally:
            with suppress(sqlite3.Error):
                log.close()


class _Temporary(Log):
    """A temporary log: if there is no space for it, the user's log is not what is full."""

    @contextmanager
    def sentences(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            message = f"The temporary log for the remote's conversations could not be used: {error}."
            hint = "If the disk is full, choose a folder on another disk with SQLITE_TMPDIR. Nothing was changed."
            raise LogUnusable(message, hint) from error
