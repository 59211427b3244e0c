"""The tables of a log without a row, for databases in which conversations from elsewhere are put together.

An import, a sync and a sealed file make such databases, and a sync makes several. Making the tables takes longer than
writing a conversation into them, so they are made once in a process, and copied.
"""

from __future__ import annotations

import atexit
import json
import sqlite3
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from .log import Log
from .schema import statement


def take_tables(into: Log, like: Log, tables: Iterable[str]) -> None:
    """Give an empty database these tables of llm, as another log has them, and ours, unless an older llm made them.

    Raises LogUnusable if there is no space for them.
    """
    made = like.tuples(statement("tables_of_llm"), {"tables": json.dumps([*tables, "_llm_migrations"])})
    applied = like.tuples("select name, applied_at from _llm_migrations")
    with into.sentences():
        _made(tuple(made), tuple(applied)).backup(into.database.conn)


@lru_cache(maxsize=2)
def _made(statements: tuple[tuple[str], ...], applied: tuple[tuple[str, str], ...]) -> sqlite3.Connection:
    """Return a database in memory with the tables that these statements make, and ours."""
    from sqlite_utils import Database

    connection = sqlite3.connect(":memory:", check_same_thread=False)
    atexit.register(connection.close)
    with connection:
        for (sql,) in statements:
            connection.execute(sql)
        connection.executemany("insert into _llm_migrations (name, applied_at) values (?, ?)", applied)
    log = Log(Database(connection, execute_plugins=False), Path())
    if log.columns("turns"):
        log.migrate()
    return connection
