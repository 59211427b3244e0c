"""Read SQLite files of other programs: their tables, and the rows of a table in an order. Nothing is written to them.

Such a file may be damaged, in use, or an attack: only tables are read, never views, whose SQL is the file's own.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import SessionError
from ..store.log import WAIT_SECONDS


class DatabaseRefused(SessionError):
    """Another program's database can't be read."""


@contextmanager
def opened(path: Path) -> Iterator[OtherDatabase]:
    """Open a database of another program for reading.

    Raises:
        DatabaseRefused: it can't be opened, or reading it fails later.
    """
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=WAIT_SECONDS)
        try:
            connection.text_factory = lambda raw: str(raw, "utf-8", "replace")
            connection.execute("pragma trusted_schema = off")
            connection.execute("pragma cell_size_check = on")
            yield OtherDatabase(connection)
        finally:
            connection.close()
    except (sqlite3.Error, UnicodeDecodeError) as error:  # the names in a damaged file may not be text
        busy = "locked" in str(error) or "busy" in str(error)
        hint = "Close the program that uses it, then try again." if busy else "Copy the file, and try the copy."
        raise DatabaseRefused(f"{path.name} can't be read: {error}.", hint, "Nothing was imported.") from error


class OtherDatabase:
    """An open database of another program."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def tables(self) -> dict[str, tuple[str, ...]]:
        """Return the columns of each table, by the names of the tables.

        Those of virtual tables are left out: they belong to extensions, which may be missing here.
        """
        return {name: self._columns(name) for name in self._names(virtual=False)}

    def beside(self, known: Collection[str]) -> dict[str, int]:
        """Return how many rows each table has that is not known, without empty ones and those of an index of words."""
        indexes = tuple(f"{name}_" for name in self._names(virtual=True))
        names = [name for name in self._names(virtual=False) if name not in known and not name.startswith(indexes)]
        counts = {name: self._connection.execute(f"select count(*) from {quoted(name)}").fetchone() for name in names}  # noqa: S608  quoted
        return {name: int(count) for name, (count,) in counts.items() if count}

    def _names(self, *, virtual: bool) -> list[str]:
        sql = "select name from sqlite_master where type = 'table' and sql like 'create virtual%' = ? order by name"
        return [
            str(name) for (name,) in self._connection.execute(sql, (virtual,)) if not str(name).startswith("sqlite_")
        ]

    def _columns(self, table: str) -> tuple[str, ...]:
        return tuple(str(row[0]) for row in self._connection.execute("select name from pragma_table_info(?)", (table,)))

    def has_whole_key(self, table: str) -> bool:
        """Return whether a table's rows are numbered in the order in which they were added, by a column of its own."""
        rows = self._connection.execute("select type from pragma_table_info(?) where pk > 0", (table,)).fetchall()
        return len(rows) == 1 and str(rows[0][0]).lower() == "integer"

    def rows(self, table: str, order: Sequence[str] = ()) -> Iterator[Mapping[str, Any]]:
        """Yield the rows of a table, in the order of columns and then in that of its own."""
        names = self._columns(table)
        by = ", ".join([*map(quoted, order), *self._own_order(table)])
        return self._run(names, f"select {', '.join(map(quoted, names))} from {quoted(table)} order by {by or '1'}")  # noqa: S608  quoted

    def _own_order(self, table: str) -> list[str]:
        """Return what tells the order in which a table's rows were added: the number of a row, if it has one."""
        try:
            self._connection.execute(f"select rowid from {quoted(table)} limit 0")  # noqa: S608  quoted
        except sqlite3.OperationalError:
            return []  # WITHOUT ROWID
        return ["rowid"]

    def _run(self, names: Sequence[str], sql: str) -> Iterator[Mapping[str, Any]]:
        for values in self._connection.execute(sql):
            yield dict(zip(names, values, strict=True))


def quoted(name: str) -> str:
    """Return a name of a table or a column for SQL."""
    return '"' + name.replace('"', '""') + '"'
