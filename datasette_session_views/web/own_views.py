"""The SQL views that our llm plugin adds to a log: nobody may read in one what they may not read in its tables."""

from __future__ import annotations

import sqlite3
from typing import Any

from llm_session_memory.reader.tables import VIEWS

from ..compat import denial_rules
from .asked_once import allowed_tables, asking_for_tables, tables_of


async def may_view(datasette: Any, actor: Any, database: str, name: str) -> bool:
    """Return whether an actor may view all the tables that one of our views reads; True for anything else."""
    needed = VIEWS.get(name, frozenset())
    if needed and database in datasette.databases:
        needed = needed & await tables_of(datasette, datasette.databases[database])
    return not needed or needed <= await allowed_tables(datasette, actor, database, needed)


async def denials(datasette: Any, actor: Any) -> list[Any]:
    """Return rules for 1.0's permission hook that deny our views to an actor who may not view their tables."""
    if asking_for_tables.get():
        return []
    denied = [
        (name, view)
        for name, database in list(datasette.databases.items())
        if name != "_internal"
        for view in await _denied(datasette, actor, name, await _present(datasette, database))
    ]
    return denial_rules(denied)


async def _denied(datasette: Any, actor: Any, database: str, there: frozenset[str]) -> list[str]:
    """Return our views of a database that an actor may not view. Its tables are asked for once: 1.0 takes a while."""
    needed = {view: VIEWS[view] & there for view in VIEWS.keys() & there}
    every = frozenset[str]().union(*needed.values())
    seen = await allowed_tables(datasette, actor, database, every) if every else every
    return [view for view, tables in needed.items() if tables - seen]


async def _present(datasette: Any, database: Any) -> frozenset[str]:
    """Return the tables and views of a database, or none if it can't be read: nobody reads a view in it then."""
    try:
        return await tables_of(datasette, database)
    except sqlite3.DatabaseError:
        return frozenset()
