"""Canned queries, panels and replays of a log at a path, for the command line."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from ..errors import SessionError
from ..reader.narrowing import Span, narrowed
from ..reader.open_log import opened
from ..reader.points import after_snapshot
from ..reader.source import Source
from ..reader.tables import is_log
from ..reader.threads import find
from .catalogue import Query
from .charts import without_noise
from .numbers import Numbers, numbers
from .panels import PANELS, Panel
from .replay import Replay, replay

_SEARCH = "llm sessions search WORDS --project NAME"

_NO_HURRY = 600.0
"""The most seconds that a panel may take: in a terminal, the user can interrupt it."""


def run(
    path: Path, query: Query, given: Mapping[str, str], project: str | None = None
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return the columns and rows of a query; parameters that are not given are empty.

    `project` is the key of a project: only the conversations of its sessions count.

    Raises:
        LogUnusable: the log cannot be read.
        SessionError: the query can't be limited to a project.
    """
    with opened(path) as source:
        return answered(source, query, given, project)


def answered(
    source: Source, query: Query, given: Mapping[str, str], project: str | None = None
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return the columns and rows of a query of an open log, as `run` does."""
    asked = {name: given.get(name, "") for name, _ in query.parameters}
    text = limited(query, source.tables, project)
    columns, rows = source.answer(text, asked | Span(project=project).parameters())
    return columns, [tuple(map(without_noise, row)) for row in rows]


def limited(query: Query, tables: Collection[str], project: str | None) -> str:
    """Return the SQL of a query for a log with these tables, limited to a project if there is one.

    Raises SessionError if the query can't be limited to a project.
    """
    text = narrowed(query.sql, tables, Span(project=project))
    if project is not None and (query.whole or text == query.text(tables)):
        hint = f"To search a project, use: {_SEARCH}" if query.topic == "Search" else "Leave out the project."
        raise SessionError(f"Query “{query.short_name}” can't be limited to a project.", hint)
    return text


def all_panels(path: Path, span: Span) -> list[tuple[Panel, Numbers]]:
    """Return the numbers of all panels within a span.

    Raises:
        LogUnusable: the log cannot be read.
    """
    with opened(path) as source:
        return [(panel, numbers(source, panel, span, _NO_HURRY)) for panel in PANELS]


def played(path: Path, reference: str, start: int | None = None) -> Replay | None:
    """Return the replay of a session (by name) or conversation (by id), or None if there is no such session.

    Raises:
        LogUnusable: the log cannot be read.
    """
    with opened(path) as source:
        thread_id = find(source, reference) if is_log(source.tables) else None
        return None if thread_id is None else replay(source, thread_id, start)


def after(path: Path, reference: str, label: str) -> int | None:
    """Return the number of the exchange that follows a snapshot of a session, or None if there is no such snapshot.

    Raises:
        LogUnusable: the log cannot be read.
    """
    with opened(path) as source:
        thread_id = find(source, reference) if is_log(source.tables) else None
        return None if thread_id is None else after_snapshot(source, thread_id, label)
