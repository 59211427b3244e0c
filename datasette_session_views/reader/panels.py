"""Reading the numbers of a panel: its canned query, narrowed, with an end to its patience."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass
from typing import Any

from ..catalogue import catalogue
from ..panels import Panel
from .narrowing import Span, narrowed
from .source import Source

PATIENCE = 5.0
"""Seconds that one panel may take: visitors must not keep the server busy."""

_STEPS = 20_000
"""SQLite's steps between two looks at the clock."""


@dataclass(frozen=True)
class Numbers:
    """What a panel shows: columns and rows, and the text and parameters that they came from. `late`: too slow."""

    columns: tuple[str, ...]
    rows: tuple[dict[str, Any], ...]
    sql: str
    given: dict[str, str]
    late: bool = False


def statement_of(panel: Panel, tables: frozenset[str], span: Span) -> tuple[str, dict[str, str]]:
    """Return a panel's query as it is run on a log that has these tables, and what it is run with."""
    query = catalogue()[f"sessions_{panel.made_by}"]
    given = {name: panel.given.get(name, "") for name, _ in query.parameters}
    if panel.within:
        asked = {"since": span.since, "until": span.until, "model": span.model}
        given |= {name: value for name, value in asked.items() if value is not None}
        if span.thread_id is not None:
            given["thread_id"] = span.thread_id
    else:
        given |= span.parameters()
    return narrowed(query.sql, tables, span, within=panel.within), given


def numbers(source: Source, panel: Panel, span: Span, patience: float = PATIENCE) -> Numbers:
    """Return a panel's numbers."""
    sql, given = statement_of(panel, source.tables, span)
    until = time.monotonic() + patience
    source.connection.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
    try:
        cursor = source.connection.execute(sql, given)
        columns = tuple(column[0] for column in cursor.description)
        rows = tuple(dict(zip(columns, values, strict=True)) for values in cursor)
    except sqlite3.OperationalError as error:
        if "interrupt" not in str(error):
            raise
        return Numbers((), (), sql, given, late=True)
    finally:
        source.connection.set_progress_handler(None, 0)
    return Numbers(columns, rows, sql, given)
