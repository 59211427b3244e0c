"""A database whose tables don't change, for writing many rows: sqlite-utils asks for their names 21 times a prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database


def steady(database: Database) -> Database:
    """Return the same database, for one transaction that makes no tables: the names of all are asked for once."""
    from sqlite_utils import Database

    tables, views = database.table_names(), database.view_names()

    class Steady(Database):
        def table_names(self, fts4: bool = False, fts5: bool = False) -> list[str]:  # noqa: FBT001, FBT002  as it is
            return super().table_names(fts4, fts5) if fts4 or fts5 else tables

        def view_names(self) -> list[str]:
            return views

    return Steady(database.conn, execute_plugins=False)
