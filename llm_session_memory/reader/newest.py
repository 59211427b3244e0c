"""The conversation that plain `llm -c` would continue. Imports almost nothing, because every `llm -c` asks."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

_TABLES = ("threads", "conversations")


def newest_conversation(path: Path) -> str | None:
    """Return the greatest id of a log's conversations, or None if there is none or the file can't be read."""
    if not path.is_file():
        return None
    found: list[str] = []
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            there = {name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")}
            for table in _TABLES:
                if table in there:
                    (id_,) = connection.execute(f"select max(id) from {table}").fetchone()  # noqa: S608  constants
                    found += [] if id_ is None else [str(id_)]
    except (sqlite3.Error, OSError, ValueError):
        return None
    return max(found, default=None)
