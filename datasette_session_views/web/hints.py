"""Where to go from a page that doesn't exist or that failed: what its address names, and what is called like it."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from typing import Any

from llm_session_memory.reader.alike import alike
from llm_session_memory.reader.entries import Line
from llm_session_memory.reader.source import Source
from llm_session_memory.reader.threads import find, lines
from llm_session_memory.rules import names
from llm_session_memory.rules.safe_text import one_line

from ..compat import tilde_decode
from .access import VisitorLog, logs, seen
from .links import Links

_OURS = re.compile(r"/-/sessions(?:[/.].*)?|/(?P<database>[^/.]+)/-/sessions?(?:[/.].*)?", re.DOTALL)
_SESSION = re.compile(r"/[^/.]+/-/session/(?P<session>[^/.]+)")

_MOST = 8
"""The most names that are offered."""


@dataclass(frozen=True)
class Hints:
    """What a page's address names, as far as the visitor may see it, and what else it may have meant.

    `alike` are the names of sessions or of databases, each with its URL. `wanted` is the name of a session that is not
    there.
    """

    log: VisitorLog | None = None
    links: Links | None = None
    session: Line | None = None
    wanted: str = ""
    alike: tuple[tuple[str, str], ...] = ()


def path_of(request: Any) -> str:
    """Return the path of a request without Datasette's base_url."""
    return str(request.scope.get("route_path") or request.path).partition("?")[0]


def is_ours(request: Any) -> bool:
    """Return whether a request is for one of our pages, there or not."""
    return _OURS.fullmatch(path_of(request)) is not None


async def hints(datasette: Any, request: Any) -> Hints:
    """Return what helps a visitor whose request failed. What can't be read is left out."""
    try:
        return await _hints(datasette, request)
    except (sqlite3.Error, KeyError):
        return Hints()


async def _hints(datasette: Any, request: Any) -> Hints:
    found = _OURS.fullmatch(path_of(request))
    route = tilde_decode(found["database"]) if found and found["database"] else None
    database = next((one for one in datasette.databases.values() if route in (one.name, one.route)), None)
    log = None if database is None else await seen(datasette, request.actor, database)
    if log is None:
        return Hints(alike=await _databases(datasette, request, route or ""))
    links = Links(datasette, log.name)
    in_path = _SESSION.match(path_of(request))
    reference = tilde_decode(in_path["session"]) if in_path else request.args.get("session") or ""
    if not reference:
        return Hints(log, links)

    def read(source: Source) -> tuple[Line | None, tuple[Line, ...]]:
        thread_id = find(source, reference)
        if thread_id is not None:
            return next(iter(lines(source, [thread_id])), None), ()
        return None, alike(source, reference)

    session, others = await log.read(read)
    near = tuple((one_line(one.heading, 80) or one.thread_id, links.session(one.reference)) for one in others)
    return Hints(log, links, session, "" if session else one_line(reference, 200), near)


async def _databases(datasette: Any, request: Any, route: str) -> tuple[tuple[str, str], ...]:
    """Return the databases that have a log that the visitor may see, the ones that are called like the route first."""
    there = [log.name for log in await logs(datasette, request.actor)]
    ordered = dict.fromkeys([*names.alike(route, there), *there])
    return tuple((name, Links(datasette, name).listing()) for name in [*ordered][:_MOST])
