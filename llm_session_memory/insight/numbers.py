"""Reading the numbers of a panel: its canned query, narrowed, with an end to its patience."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from ..reader.cache import kept
from ..reader.source import Source
from .catalogue import catalogue
from .narrowing import Span, narrowed
from .panels import Panel

PATIENCE = 5.0
"""Seconds that one panel may take: visitors must not keep the server busy."""

LARGE = 100_000
"""Calls from which a log's numbers are those of its last days, unless another range is asked for."""

DAYS = 90
"""How many days these are."""

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


def statement_of(
    panel: Panel, tables: frozenset[str], span: Span, rows: tuple[int, int] | None = None
) -> tuple[str, dict[str, str]]:
    """Return a panel's query for a log that has these tables, and what it is run with."""
    query = catalogue()[f"sessions_{panel.made_by}"]
    given = {name: panel.given.get(name, "") for name, _ in query.parameters}
    if panel.within:
        asked = {"since": span.since, "until": span.until, "model": span.model}
        given |= {name: value for name, value in asked.items() if value is not None}
        if span.thread_id is not None:
            given["thread_id"] = span.thread_id
    else:
        given |= span.parameters()
    return narrowed(query.sql, tables, span, within=panel.within, rows=rows), given


def usual_start(source: Source) -> str | None:
    """Return the day from which on numbers are shown where no range was asked for: None, unless the log is large."""
    calls = "(select count(*) from turns) + (select count(*) from responses)"
    if source.value(f"select {calls}") <= LARGE:
        return None
    newest = " union all ".join(
        f"select * from (select datetime_utc from {table} order by rowid desc limit 1000)"  # noqa: S608  as above
        for table in ("turns", "responses")
    )
    last = source.value(f"select max(datetime_utc) from ({newest})")  # noqa: S608  as above
    try:
        return (date.fromisoformat(str(last)[:10]) - timedelta(days=DAYS - 1)).isoformat()
    except (ValueError, OverflowError):
        return None


def rows_within(source: Source, span: Span) -> tuple[int, int] | None:
    """Return the first and last row of turns that lie within the days of a span; None where it has none.

    No index of llm's knows days: this reads all turns once, so that not each panel has to.
    """
    days = Span(span.since, span.until)
    if not days.parameters() or "turns" not in source.tables:
        return None

    def read() -> tuple[int, int]:
        sql = f"select min(rowid), max(rowid) from main.turns where {days.conditions()}"  # noqa: S608  our own words
        first, last = source.connection.execute(sql, days.parameters()).fetchone()
        return (0, -1) if first is None else (first, last)

    return kept(source, ("rows", days), read)


def numbers(source: Source, panel: Panel, span: Span, patience: float = PATIENCE) -> Numbers:
    """Return a panel's numbers."""

    def read() -> Numbers:
        return _numbers(source, panel, span, patience)

    return kept(source, ("panel", panel.made_by, span), read, lambda found: None if found.late else len(found.rows) + 1)


def _numbers(source: Source, panel: Panel, span: Span, patience: float) -> Numbers:
    sql, given = statement_of(panel, source.tables, span)
    until = time.monotonic() + patience
    source.connection.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
    try:
        rows = None if panel.within else rows_within(source, span)
        cursor = source.connection.execute(statement_of(panel, source.tables, span, rows)[0], given)
        columns = tuple(column[0] for column in cursor.description)
        found = tuple(dict(zip(columns, values, strict=True)) for values in cursor)
    except sqlite3.OperationalError as error:
        if "interrupt" not in str(error):
            raise
        return Numbers((), (), sql, given, late=True)
    finally:
        source.connection.set_progress_handler(None, 0)
    return Numbers(columns, found, sql, given)
