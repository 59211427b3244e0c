"""Read the numbers of a panel: run its canned query, narrowed, with a time limit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from ..reader.cache import kept
from ..reader.extent import calls_logged, newest_utc
from ..reader.narrowing import Span, narrowed, rows_within
from ..reader.source import Source, TooSlow
from .catalogue import catalogue
from .charts import without_noise
from .panels import Panel

PATIENCE = 5.0
"""The most seconds that one panel may take: visitors must not keep the server busy."""

LARGE = 100_000
"""A log with more calls than this shows only its last DAYS, unless the visitor asks for another range."""

DAYS = 90
"""Days that a large log shows by default."""


@dataclass(frozen=True)
class Numbers:
    """The columns and rows of a panel, with the SQL and parameters behind them. `late` if the query took too long."""

    columns: tuple[str, ...]
    rows: tuple[dict[str, Any], ...]
    sql: str
    given: dict[str, str]
    late: bool = False


def statement_of(
    panel: Panel, tables: frozenset[str], span: Span, rows: tuple[int, int] | None = None
) -> tuple[str, dict[str, str]]:
    """Return a panel's SQL for a log that has these tables, and its parameters."""
    query = catalogue()[f"sessions_{panel.made_by}"]
    given = {name: panel.given.get(name, "") for name, _ in query.parameters}
    if panel.within:
        asked = {"since": span.since, "until": span.until, "model": span.model}
        given |= {name: value for name, value in asked.items() if value is not None}
        given |= Span(thread_id=span.thread_id, project=span.project).parameters()
    else:
        given |= span.parameters()
    return narrowed(query.sql, tables, span, within=panel.within, rows=rows), given


def usual_start(source: Source) -> str | None:
    """Return the first day to show if no range was asked for, or None (all days) unless the log is large."""
    if calls_logged(source) <= LARGE:
        return None
    try:
        return (date.fromisoformat(str(newest_utc(source))[:10]) - timedelta(days=DAYS - 1)).isoformat()
    except (ValueError, OverflowError):
        return None


def numbers(source: Source, panel: Panel, span: Span, patience: float = PATIENCE) -> Numbers:
    """Return a panel's numbers, from the cache if the log has not changed."""

    def read() -> Numbers:
        return _numbers(source, panel, span, patience)

    return kept(source, ("panel", panel.made_by, span), read, lambda found: None if found.late else len(found.rows) + 1)


def _numbers(source: Source, panel: Panel, span: Span, patience: float) -> Numbers:
    sql, given = statement_of(panel, source.tables, span)
    try:
        with source.hurried(patience):
            rows = None if panel.within else rows_within(source, span)
            columns, found = source.answer(statement_of(panel, source.tables, span, rows)[0], given)
    except TooSlow:
        return Numbers((), (), sql, given, late=True)
    return Numbers(
        tuple(columns),
        tuple(dict(zip(columns, map(without_noise, values), strict=True)) for values in found),
        sql,
        given,
    )
