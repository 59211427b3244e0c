"""Offer the canned queries in Datasette: through a hook on 0.65, in the internal table of queries on 1.0.

Configured queries win: if a database already has a query of the same name, ours is not offered. A query is hidden from
people who may not view all the tables that it reads.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

from llm_session_memory.insight.catalogue import Query, by_topic, catalogue
from llm_session_memory.reader.tables import is_log

from ..compat import IS_1, OfferedQuery, allowed_queries, denial_rules, offer_queries, own_queries
from .asked_once import allowed_tables, queries_offered, tables_of

_offered: WeakKeyDictionary[Any, dict[str, tuple[Any, frozenset[str]]]] = WeakKeyDictionary()
"""For each Datasette and database: the tables that queries were offered for, and the names of the queries."""


async def on_hook(datasette: Any, database: str) -> dict[str, OfferedQuery]:
    """Return the queries of a database, for 0.65's hook."""
    offered: dict[str, dict[str, OfferedQuery]] = queries_offered(datasette)
    if database not in offered:
        tables = await _tables(datasette, database)
        own = own_queries(datasette, database)
        queries = _offers(tables).items() if is_log(tables) else ()
        offered[database] = {name: OfferedQuery(one) for name, one in queries if name not in own}
    return offered[database]


async def offer(datasette: Any, databases: Iterable[str] | None = None) -> None:
    """Add our queries to 1.0's table for all databases that contain a log, unless they are already there.

    Called when Datasette starts, and again from our pages because llm may have created its tables since then.
    """
    if not IS_1:
        return
    known = _offered.setdefault(datasette, {})
    for name in list(databases if databases is not None else datasette.databases):
        tables = await _tables(datasette, name)
        if name in known and known[name][0] == tables:
            continue
        queries = _offers(tables) if is_log(tables) else {}
        taken = await offer_queries(datasette, name, queries)
        known[name] = (tables, frozenset(queries) - taken)


async def may_see(datasette: Any, actor: Any, database: str, name: str) -> bool:
    """Return whether an actor may see all tables that one of our queries reads. Return True for other queries."""
    query = catalogue().get(name)
    if query is None or name in own_queries(datasette, database):
        return True
    tables = await _tables(datasette, database)
    needed = tables & set(query.tables)
    return needed <= await allowed_tables(datasette, actor, database, needed)


async def visible(datasette: Any, actor: Any, database: str) -> dict[str, list[Query]]:
    """Return our queries of a database that an actor may run, by topic, without those that configured ones replace."""
    ours = catalogue().keys() - own_queries(datasette, database)
    if IS_1:
        ours &= _offered.get(datasette, {}).get(database, (None, frozenset()))[1]
    seen = await openable(datasette, actor, database, ours)
    found = {topic: [query for query in queries if query.name in seen] for topic, queries in by_topic().items()}
    return {topic: queries for topic, queries in found.items() if queries}


async def openable(datasette: Any, actor: Any, database: str, names: AbstractSet[str]) -> frozenset[str]:
    """Return the queries that an actor may open, out of these names: queries of ours, or configured ones instead."""
    if IS_1:
        return await allowed_queries(datasette, actor, database, names)
    ours = names - own_queries(datasette, database)
    denied = await _denied(datasette, actor, database, await _tables(datasette, database), ours)
    return await allowed_queries(datasette, actor, database, names, ours - denied)


async def denials(datasette: Any, actor: Any) -> list[Any]:
    """Return rules for 1.0's permission hook that deny the queries an actor may not see."""
    denied: list[tuple[str, str]] = []
    for database, (tables, names) in _offered.get(datasette, {}).items():
        denied += [(database, name) for name in await _denied(datasette, actor, database, tables, names)]
    return denial_rules(denied)


async def _denied(
    datasette: Any, actor: Any, database: str, tables: frozenset[str], names: AbstractSet[str]
) -> frozenset[str]:
    """Return which of our queries an actor may not see. All their tables are asked for together."""
    read = {name: tables & set(catalogue()[name].tables) for name in names}
    needed = frozenset[str]().union(*read.values())
    seen = await allowed_tables(datasette, actor, database, needed) if needed else needed
    return frozenset(name for name, tables in read.items() if tables - seen)


async def _tables(datasette: Any, database: str) -> frozenset[str]:
    if database not in datasette.databases or database == "_internal":
        return frozenset()
    return await tables_of(datasette, datasette.databases[database])


@lru_cache(maxsize=20)
def _offers(tables: frozenset[str]) -> dict[str, OfferedQuery]:
    """Return all queries by name. 0.65 asks for them again to check the permission for each of them."""
    return {query.name: _offer(query, tables) for query in catalogue().values()}


def _offer(query: Query, tables: frozenset[str]) -> OfferedQuery:
    return OfferedQuery(
        sql=query.text(tables),
        title=query.title,
        description=" ".join([query.means, *(f"Fill in {name}: {words}." for name, words in query.parameters)]),
        params=[name for name, _ in query.parameters],
        hide_sql=True,
    )
