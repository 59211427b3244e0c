"""Running canned queries on a log by its path, for the command line: read-only, with our SQL functions."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..reader.cache import version_of
from ..reader.functions import register, register_escape
from ..reader.listing import find
from ..reader.source import Source
from ..reader.tables import is_log, present
from .catalogue import Query
from .narrowing import Span
from .numbers import Numbers, numbers
from .panels import PANELS, Panel
from .replay import Replay, replay

_NO_HURRY = 600.0
"""Seconds that a panel may take: whoever waits in a terminal can end it."""


def run(path: Path, query: Query, given: Mapping[str, str]) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return columns and rows of a query; parameters that are not given are empty. Raises sqlite3.Error."""
    with _opened(path) as connection:
        asked = {name: given.get(name, "") for name, _ in query.parameters}
        cursor = connection.execute(query.text(present(connection)), asked)
        return [column[0] for column in cursor.description], cursor.fetchall()


def all_panels(path: Path, span: Span) -> list[tuple[Panel, Numbers]]:
    """Return the numbers of all panels, narrowed. Raises sqlite3.Error."""
    with _opened(path) as connection:
        source = Source(connection, present(connection), str(path), lambda: version_of(path))
        return [(panel, numbers(source, panel, span, _NO_HURRY)) for panel in PANELS]


def played(path: Path, reference: str, start: int | None = None) -> Replay | None:
    """Return a session (by name, or a conversation by id) to be replayed, from an exchange on. Raises sqlite3.Error."""
    with _opened(path) as connection:
        source = Source(connection, present(connection), str(path))
        thread_id = find(source, reference) if is_log(source.tables) else None
        return None if thread_id is None else replay(source, thread_id, start)


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    try:
        connection.text_factory = lambda raw: str(raw, "utf-8", "replace")
        register(connection)
        register_escape(connection)
        yield connection
    finally:
        connection.close()
