"""Links to sessions on Datasette's own pages: in menus, on database pages, and in table cells."""

from __future__ import annotations

import re
import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from weakref import WeakSet

from markupsafe import Markup

from llm_session_memory.reader.moments import parsed_moment
from llm_session_memory.reader.tables import is_log, present
from llm_session_memory.rules.safe_text import visible

from ..compat import jump_sql
from .access import is_seen, logs, seen
from .links import Links, everything


async def menu(datasette: Any, actor: Any) -> list[dict[str, str]]:
    """Return the menu entry if there is a log that the actor may see."""
    for database in list(datasette.databases.values()):
        with suppress(sqlite3.DatabaseError):  # a damaged file must not take every page of Datasette with it
            if await is_seen(datasette, actor, database):  # stop at the first one: this runs on every page
                return [{"href": everything(datasette), "label": "Sessions"}]
    return []


async def of_database(datasette: Any, actor: Any, database: str) -> list[dict[str, str]]:
    """Return the action of a database if it contains a log that the actor may see."""
    if not await is_seen(datasette, actor, datasette.get_database(database)):
        return []
    links = Links(datasette, database)
    return [
        {"href": links.listing(), "label": "Sessions", "description": "Read and search the conversations in this log"},
    ]


async def on_top(datasette: Any, actor: Any, database: str) -> str | None:
    """Return a line for the top of a database's page."""
    log = await seen(datasette, actor, datasette.get_database(database))
    if log is None:
        return None
    links = Links(datasette, database)
    line = Markup('<p>This is an llm log: <a href="{}">read its sessions</a>').format(links.listing())
    if log.searchable:
        line += Markup(' or <a href="{}">search them</a>').format(links.search())
    return str(line + Markup(".</p>"))


@dataclass(frozen=True)
class CellPlace:
    """The position of a cell. `table` is None in the results of a query."""

    database: str
    table: str | None
    column: str | None


_logs: WeakSet[Any] = WeakSet()
"""Databases known to contain a log."""

_THREAD_COLUMNS = ("thread_id", "conversation_id")
_TURN_COLUMNS = ("turn_id", "response_id")
_NAMED = ("threads", "conversations")
"""Tables that have a row for each thread, with its name."""


async def cell(datasette: Any, place: CellPlace, row: Any, value: Any) -> Any:
    """Return a cell that refers to a thread or turn as a link to its transcript, or None for other cells.

    A row's own id is left alone, because Datasette makes it the link to the row.
    """
    of_query = await _of_query(datasette, place, row, value) if place.table is None else None
    return await _of_id(datasette, place, row, value) if of_query is None else of_query


async def _of_id(datasette: Any, place: CellPlace, row: Any, value: Any) -> Any:
    names_thread = place.table in _NAMED and place.column == "name"
    if not names_thread and place.column not in (*_THREAD_COLUMNS, *_TURN_COLUMNS):
        return None
    label = value
    if isinstance(value, dict):  # a foreign key with its label
        label, value = value.get("label"), value.get("value")
    if not isinstance(value, str) or not await _is_log(datasette.get_database(place.database)):
        return None
    links = Links(datasette, place.database)
    if names_thread:
        return Markup('<a href="{}">{}</a>').format(links.session(str(row["id"])), label)
    if not _is_id(value):
        return None
    if place.column in _TURN_COLUMNS:
        return Markup('{} <a href="{}">transcript</a>').format(label, links.turn(value))
    linked = Markup('<a href="{}">{}</a>').format(links.session(value), label)
    if place.table in ("turns", "responses"):
        linked += Markup(' <a href="{}">exchange</a>').format(links.turn(str(row["id"])))
    return linked


_STORED = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[0-9.]*(?:Z|\+00:00)?", re.ASCII)
"""A time as llm and our tables store it."""


async def _of_query(datasette: Any, place: CellPlace, row: Any, value: Any) -> Any:
    """Return a cell of a query's results: a time to the minute that does not break, or a session as a link to it.

    The exact time is in the tooltip, and in the CSV and JSON of the query.
    """
    if not isinstance(value, str):
        return None
    thread_id = row["thread_id"] if place.column == "session" and "thread_id" in row.keys() else None  # noqa: SIM118  a row of SQLite has no `in`
    found = parsed_moment(value) if _STORED.fullmatch(value) else None
    if not (found or (isinstance(thread_id, str) and _is_id(thread_id))):
        return None
    if not await _is_log(datasette.get_database(place.database)):
        return None
    if thread_id:
        return Markup('<a href="{}"><bdi>{}</bdi></a>').format(
            Links(datasette, place.database).session(thread_id), visible(value)
        )
    words = f"{found:%Y-%m-%d %H:%M}".replace(" ", "\N{NO-BREAK SPACE}").replace("-", "\N{NON-BREAKING HYPHEN}")
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(f"{found:%Y-%m-%dT%H:%M:%SZ}", value, words)


async def _is_log(database: Any) -> bool:
    if database not in _logs and await database.execute_fn(lambda connection: is_log(present(connection))):
        _logs.add(database)
    return database in _logs


def _is_id(text: str) -> bool:
    return 20 <= len(text) <= 40 and text.isascii() and text.isalnum()  # noqa: PLR2004  ULIDs and their like


_ABOUT = """
    coalesce('last used ' || (
        select substr(u.datetime_utc, 1, 10) from turns u where u.thread_id = memory_sessions.thread_id
        order by u.rowid desc limit 1
    ) || ', ' || (
        select count(*) || case count(*) when 1 then ' call' else ' calls' end
        from turns u where u.thread_id = memory_sessions.thread_id
    ), 'not used yet') || coalesce(', ' || nullif(model, ''), '')
"""
"""What the jump menu says of a session."""


async def jump(datasette: Any, actor: Any) -> list[Any]:
    """Return entries for 1.0's jump menu: the named sessions of every log that the actor may see."""
    found = []
    for log in await logs(datasette, actor):
        base = Links(datasette, log.name).session("")
        if "memory_sessions" in log.tables:
            about = _ABOUT if "turns" in log.tables else "coalesce(model, '')"
            sql = (
                f"select 'session' as type, name as label, {about} as description,"  # noqa: S608  our own words
                " :base || thread_id as url, name as search_text, name as display_name from memory_sessions"
            )
            if "memory_sessions without archived_utc" not in log.tables:
                sql += " where archived_utc is null"
            found.append(jump_sql(log.name, sql, {"base": base}))
    return found
