"""The dashboard: numbers from the log as charts, with their tables."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, timezone
from typing import Any

from llm_session_memory.insight.catalogue import Query, catalogue
from llm_session_memory.insight.charts import Chart, figure
from llm_session_memory.insight.numbers import DAYS, LARGE, PATIENCE, Numbers, numbers, usual_start
from llm_session_memory.insight.panels import PANELS, Panel, in_words, totals
from llm_session_memory.reader.entries import Filters
from llm_session_memory.reader.listing import models, projects
from llm_session_memory.reader.narrowing import Span
from llm_session_memory.rules import names
from llm_session_memory.rules.safe_text import one_line

from ..compat import allowed, sql_url
from ..show.svg import drawn, legend
from ..web.access import Log, log_of
from ..web.answering import answering, as_json, as_page
from ..web.links import Links
from ..web.offering import may_see, offer
from . import parameters

_ROWS = 50
"""Rows of a table on the page. The query returns all."""

_AT_ONCE = 2
"""Panels computed at once. Datasette has three threads for SQL, and other pages need them too."""

_PATIENCE = 12.0
"""Seconds after which no more panels are computed."""

_PROJECTS = frozenset({"memory_projects", "memory_sessions"})
"""The tables that a visitor must be allowed to see to choose a project."""

_RANGES = ((7, "7 days"), (30, "30 days"), (90, "90 days"), (365, "1 year"))


@dataclass(frozen=True)
class _Shown:
    """A panel with its numbers, or None if the visitor may not see all the tables that it reads."""

    panel: Panel
    query: Query
    numbers: Numbers | None


@answering
async def analytics(datasette: Any, request: Any) -> Any:
    """Return the dashboard of one log."""
    log = await log_of(datasette, request)
    await offer(datasette, [log.name])
    parameters.only(request, "since", "until", "model", "project")
    filters = await parameters.narrowed(log, request)
    whole = parameters.all_days(request)
    usual = None if whole or filters.since or filters.until else await log.read(usual_start)
    filters = replace(filters, since=filters.since or usual)
    offered = await log.read(projects) if log.tables >= _PROJECTS else ()
    project = filters.project and names.key(filters.project)
    span = Span(filters.since, filters.until, filters.model, project=project if offered else None)
    reading = _Reading(datasette, request, log, span)
    shown = await asyncio.gather(*map(reading.panel, PANELS))
    known = await log.read(models)
    figures = totals({one.panel.made_by: one.numbers.rows for one in shown if one.numbers})
    chosen = {"model": span.model, "project": span.project and filters.project}
    asked = {"since": span.since or ("all" if whole else None), "until": span.until, **chosen}
    links = Links(datasette, log.name)
    if request.url_vars.get("format") == "json":
        return as_json(
            {
                "ok": True,
                "database": log.name,
                "since": span.since,
                "until": span.until,
                **chosen,
                "usual_range": usual is not None,
                "models": list(known),
                "totals": dict(figures),
                "panels": [_fields(one) for one in shown],
            }
        )
    may_sql = await allowed(datasette, request.actor, "execute-sql", log.name)
    panels = [await _panel(datasette, request, log, links, one, may_sql=may_sql) for one in shown]
    context = {
        "database": log.name,
        "private": log.private,
        "links": links,
        "filters": filters,
        "whole": whole,
        "usual": None if usual is None else {"calls": f"{LARGE:,}", "days": DAYS},
        "all_url": links.analytics(since="all", **chosen),
        "models": known,
        "projects": offered,
        "figures": in_words(figures, lambda value: figure(_rounded(value))),
        "ranges": _ranges(links, filters, chosen, datetime.now(timezone.utc).date()),
        "panels": panels,
    }
    return await as_page(datasette, request, "sv_analytics", context, links.analytics("json", **asked))


class _Reading:
    """Reads the panels of a dashboard in parallel, without taking all of Datasette's threads, and with a time limit."""

    def __init__(self, datasette: Any, request: Any, log: Log, span: Span) -> None:
        self._datasette, self._request, self._log, self._span = datasette, request, log, span
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._until = time.monotonic() + _PATIENCE

    async def panel(self, panel: Panel) -> _Shown:
        """Return a panel with its numbers."""
        query = catalogue()[f"sessions_{panel.made_by}"]
        if not await may_see(self._datasette, self._request.actor, self._log.name, query.name):
            return _Shown(panel, query, None)
        async with self._turn:
            patience = max(min(PATIENCE, self._until - time.monotonic()), 0.0)
            return _Shown(panel, query, await self._log.read(numbers, panel, self._span, patience))


def _fields(one: _Shown) -> dict[str, Any]:
    return {
        "name": one.panel.name,
        "title": one.panel.title,
        "means": one.query.means,
        "query": one.query.name,
        "allowed": one.numbers is not None,
        "timed_out": one.numbers is not None and one.numbers.late,
        "columns": list(one.numbers.columns) if one.numbers else [],
        "rows": list(one.numbers.rows) if one.numbers else [],
    }


async def _panel(datasette: Any, request: Any, log: Log, links: Links, one: _Shown, *, may_sql: bool) -> dict[str, Any]:  # noqa: PLR0913  the parts of a page
    panel, found = one.panel, one.numbers
    about: dict[str, Any] = {"name": panel.name, "title": panel.title, "means": one.query.means}
    if found is None:
        return {**about, "said": "You don't have permission to see a table that this panel reads."}
    if may_sql:
        about["sql_url"] = sql_url(datasette, log.name, found.sql, found.given)
    if await allowed(datasette, request.actor, "view-query", log.name, one.query.name):
        about["query_url"] = links.query(one.query.name)
    if found.late:
        return {**about, "said": "This took too long to compute. Choose fewer days, or run its query."}
    chart = panel.draw(found.rows)
    if found.rows and not chart.empty:
        about |= {"svg": drawn(panel.name, panel.title, chart), "legend": legend(panel.name, chart)}
        about["caption"] = _caption(chart)
    else:
        about["said"] = "Nothing to draw: the rows have no values." if found.rows else "No data yet."
    return {**about, **_table(links, found)}


def _caption(chart: Chart) -> str | None:
    if chart.kind == "grid":
        return f"A larger square means more {chart.unit}."
    return f"One column per {chart.each}." if chart.each not in ("", "day") else None


def _table(links: Links, found: Numbers) -> dict[str, Any]:
    rows = found.rows[:_ROWS]
    right = [any(isinstance(row[column], int | float) for row in rows) for column in found.columns]
    cells = [
        [
            (_cell(row[column]), _link(links, column, row[column]), side)
            for column, side in zip(found.columns, right, strict=True)
        ]
        for row in rows
    ]
    heads = [(column.replace("_", " "), side) for column, side in zip(found.columns, right, strict=True)]
    return {"heads": heads, "cells": cells, "rows": len(found.rows), "more": max(len(found.rows) - _ROWS, 0)}


def _cell(value: Any) -> str:
    if value is None or isinstance(value, int | float):
        return figure(value)
    return one_line(str(value), 120)


def _link(links: Links, column: str, value: Any) -> str | None:
    return links.session(str(value)) if column == "thread_id" and value else None


def _rounded(value: float | None) -> float | int | None:
    return round(value, 2) if isinstance(value, float) else value


def _ranges(
    links: Links, filters: Filters, chosen: dict[str, str | None], today: date
) -> Sequence[tuple[str, str, bool]]:
    """Return the ranges offered as links, each with its label, its URL, and whether it is the current one."""
    found = [("all time", links.analytics(since="all", **chosen), not filters.since and not filters.until)]
    for days, called in _RANGES:
        since = (today - timedelta(days=days - 1)).isoformat()
        here = filters.since == since and not filters.until
        found.append((called, links.analytics(since=since, **chosen), here))
    return found
