"""Checks of which parts of a log a visitor may see. Every page goes through here."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from llm_session_memory.reader.cache import version_of
from llm_session_memory.reader.source import Source
from llm_session_memory.reader.tables import COLUMNS, core, is_log, lacks, present
from llm_session_memory.reader.threads import find
from llm_session_memory.rules.safe_text import one_line

from ..compat import Forbidden, NotFound, database_of, execute_write, may_rate, tilde_decode
from .asked_once import allowed_database, allowed_tables, tables_of

T = TypeVar("T")

RATINGS = "memory_ratings"
"""The table of ratings."""


@dataclass(frozen=True)
class VisitorLog:
    """A log as one visitor sees it: its database, and the existing tables that they may view."""

    database: Any
    tables: frozenset[str]
    private: bool

    @property
    def name(self) -> str:
        """The database's name."""
        return str(self.database.name)

    @property
    def key(self) -> str:
        """A key that is unique to this log."""
        return f"{self.database.name}\n{self.database.path}"

    def version(self) -> Hashable | None:
        """Return a value that changes with every write to the log, or None if that can't be known."""
        return version_of(self.database.path, mutable=self.database.is_mutable)

    async def read(self, function: Callable[..., T], *given: Any, **named: Any) -> T:
        """Call a reader function with this log as its source, plus the given arguments."""

        def run(connection: Any) -> T:
            return function(Source(connection, self.tables, self.key, self.version), *given, **named)

        result: T = await self.database.execute_fn(run)
        return result

    @property
    def searchable(self) -> bool:
        """Whether the visitor may view one of llm's search indexes and the texts it covers."""
        return _searchable(self.tables)

    async def has_index(self) -> bool:
        """Return whether the log has one of llm's search indexes, whoever may view it."""
        return _searchable(await self.database.execute_fn(present))

    @property
    def mutable(self) -> bool:
        """Whether Datasette may write to it."""
        return bool(self.database.is_mutable)

    async def write(self, function: Callable[..., T], *given: Any) -> T:
        """Call a function with the write connection and a source limited to what this visitor may see."""

        def run(connection: Any) -> T:
            return function(connection, Source(connection, self.tables, self.key), *given)

        return await execute_write(self.database, run)

    async def may_be_rated_by(self, datasette: Any, actor: Any) -> bool:
        """Return whether an actor may rate exchanges. Only the llm plugin creates the ratings table."""
        if not self.mutable or RATINGS not in self.tables:
            return False
        return await may_rate(datasette, actor, self.name, RATINGS)


def _searchable(tables: frozenset[str]) -> bool:
    return any(tables >= pair for pair in ({"turn_search_fts", "turn_search"}, {"responses_fts", "responses"}))


async def log_of(datasette: Any, request: Any) -> VisitorLog:
    """Return the log named in a request. Raise NotFound if there is none, Forbidden if the visitor may not see it."""
    database = database_of(datasette, request)
    if not await allowed_database(datasette, request.actor, database.name):
        raise Forbidden("view-database")
    log = await seen(datasette, request.actor, database)
    if log is None:
        if is_log(await tables_of(datasette, database)):
            raise Forbidden("view-table")
        raise NotFound("This database does not contain an llm log.")
    return log


async def thread_of(log: VisitorLog, request: Any) -> str:
    """Return the id of the thread named in a request's path. Raise NotFound if there is none."""
    return await thread_named(log, tilde_decode(request.url_vars["session"]))


async def thread_named(log: VisitorLog, reference: str) -> str:
    """Return the id of the thread with this name or id. Raise NotFound if there is none."""
    thread_id = await log.read(find, reference)
    if thread_id is None:
        raise NotFound(f"Session “{one_line(reference, 200)}” not found.")
    return thread_id


async def seen(datasette: Any, actor: Any, database: Any) -> VisitorLog | None:
    """Return a database's log as an actor sees it, or None if it has no log or the actor may not see it.

    The actor must be allowed to view every table that is needed to show a conversation. Other tables that they may not
    view are treated as missing.
    """
    if not await is_seen(datasette, actor, database):
        return None
    there = await tables_of(datasette, database)
    tables = await allowed_tables(datasette, actor, database.name, there & COLUMNS.keys())
    private = actor is not None and not await is_seen(datasette, None, database)
    return VisitorLog(database, tables | lacks(there), private)


async def is_seen(datasette: Any, actor: Any, database: Any) -> bool:
    """Return whether a database has a log that an actor may see. It asks for the tables that every page needs."""
    if database.name == "_internal":
        return False
    there = await tables_of(datasette, database)
    if not is_log(there) or not await allowed_database(datasette, actor, database.name):
        return False
    return set(core(there)) <= await allowed_tables(datasette, actor, database.name, core(there))


async def logs(datasette: Any, actor: Any) -> list[VisitorLog]:
    """Return all logs that an actor may see, in the order their databases were attached, but none that is damaged."""
    found: list[VisitorLog | None] = []
    for database in list(datasette.databases.values()):
        with suppress(sqlite3.DatabaseError):
            found.append(await seen(datasette, actor, database))
    return [log for log in found if log is not None]
