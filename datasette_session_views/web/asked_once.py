"""Answers that hold for one request: which tables a log has, and which of them somebody may view.

Datasette 0.65 asks us about every query of a page, and the queries read the same tables. Each table is a question to
Datasette and to all its plugins, so it is asked once for a request. The next request asks again.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from llm_session_memory.reader.tables import COLUMNS, VIEWS, present

from .. import compat

App = Callable[[Any, Any, Any], Awaitable[None]]
"""An ASGI application."""

_LONGEST = 5.0
"""Seconds that answers hold. Some requests of other plugins stay open for hours, and permissions change meanwhile."""


@dataclass
class _Answers:
    """What was answered in one request. A task that the request left running must not go on using it."""

    datasette: Any
    until: float = field(default_factory=lambda: time.monotonic() + _LONGEST)
    there: dict[str, frozenset[str]] = field(default_factory=dict)
    """What `present` found, by database."""
    may: dict[tuple[str, str], dict[str, bool]] = field(default_factory=dict)
    """Whether an actor may view each table that was asked for, by database and actor."""
    may_whole: dict[tuple[str, str], bool] = field(default_factory=dict)
    """Whether an actor may view a database, by database and actor."""
    queries: dict[str, Any] = field(default_factory=dict)
    """The queries that we offer, by database: 0.65 asks for all of them twice for each of them."""


asking_for_tables: ContextVar[bool] = ContextVar("datasette_session_views_asking_for_tables", default=False)
"""Whether a question is about tables alone: 1.0 asks us for our rules then, and they are about our views."""

_current: ContextVar[_Answers | None] = ContextVar("datasette_session_views_answers", default=None)


def remembering(datasette: Any, app: App) -> App:
    """Return an application that remembers answers while it responds to a request."""

    async def asked(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":  # Datasette's own life is one call, too
            await app(scope, receive, send)
            return
        answers = _Answers(datasette)
        token = _current.set(answers)
        try:
            await app(scope, receive, send)
        finally:
            answers.until = 0
            _current.reset(token)

    return asked


def _answers(datasette: Any) -> _Answers:
    """Return the answers of this request. Outside of one nothing is remembered."""
    found = _current.get()
    return found if found and found.datasette is datasette and time.monotonic() < found.until else _Answers(datasette)


def queries_offered(datasette: Any) -> dict[str, Any]:
    """Return the queries that this request was offered so far, by database."""
    return _answers(datasette).queries


async def tables_of(datasette: Any, database: Any) -> frozenset[str]:
    """Return what `present` finds in a database."""
    there = _answers(datasette).there
    if database.name not in there:
        there[database.name] = await database.execute_fn(present)
    return there[database.name]


async def allowed_database(datasette: Any, actor: Any, database: str) -> bool:
    """Return whether an actor may view a database."""
    may = _answers(datasette).may_whole
    asked = (database, repr(actor))
    if asked not in may:
        may[asked] = await compat.allowed(datasette, actor, "view-database", database)
    return may[asked]


async def allowed_tables(datasette: Any, actor: Any, database: str, tables: Iterable[str]) -> frozenset[str]:
    """Return the tables that an actor may view, out of the given ones."""
    wanted = frozenset(tables)
    answers = _answers(datasette)
    # An actor is a dict, and counts as somebody else as soon as anything in it differs
    known = answers.may.setdefault((database, repr(actor)), {})
    if unknown := wanted - known.keys():
        if compat.tables_in_one_answer(datasette):  # all others of a log come with them, and will be asked for next
            unknown |= answers.there.get(database, frozenset()) & COLUMNS.keys() - known.keys()
        token = asking_for_tables.set(unknown.isdisjoint(VIEWS))
        try:
            seen = await compat.allowed_tables(datasette, actor, database, unknown)
        finally:
            asking_for_tables.reset(token)
        known.update({table: table in seen for table in unknown})
    return frozenset(table for table in wanted if known[table])
