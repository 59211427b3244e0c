"""The dashboard: numbers from the log as charts, with their tables."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, timezone
from typing import Any

from llm_session_memory.insight.catalogue import Query, catalogue
from llm_session_memory.insight.numbers import DAYS, LARGE, PATIENCE, Numbers, numbers, usual_start
from llm_session_memory.insight.panels import PANELS, Panel, Rows, totals
from llm_session_memory.insight.periods import Days
from llm_session_memory.insight.tiles import QUERIES, before, tiles
from llm_session_memory.reader.entries import Filters
from llm_session_memory.reader.listing import projects
from llm_session_memory.reader.narrowing import Span
from llm_session_memory.reader.usage import models_called
from llm_session_memory.rules import names

from ..compat import allowed, sql_url
from ..show.dashboard import DashboardPlace, panel_values, spread, tile_values
from ..show.svg import patterns
from ..web.access import VisitorLog, log_of
from ..web.answering import answering, as_json, as_page
from ..web.links import Links
from ..web.offering import may_see, offer, openable
from . import parameters

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
    today = datetime.now(timezone.utc).date()
    days = (span.since, span.until or (usual and _last(usual)))
    shown = await asyncio.gather(*map(reading.panel, PANELS))
    period = before(days, today)
    earlier = None if period is None else await reading.earlier(period)
    known = await log.read(models_called)
    rows = _rows_of(shown)
    figures = tiles(rows, None if earlier is None else _rows_of(earlier), days, today)
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
                "totals": dict(totals(rows)),
                "before": _earlier_fields(period, earlier),
                "panels": [_fields(one) for one in shown],
                "html_url": datasette.absolute_url(request, links.analytics(**asked)),
            }
        )
    place = DashboardPlace(links, span.model, chosen["project"])
    may = await _rights(datasette, request.actor, log, shown)
    panels = [await _panel(datasette, may, log, place, one, days) for one in shown]
    drawn = sorted((panel for panel in panels if not panel.get("nothing")), key=lambda panel: "svg" not in panel)
    empty = not any(one.numbers is None or one.numbers.late or one.numbers.rows for one in shown if not one.panel.fixed)
    context = {
        "database": log.name,
        "private": log.private,
        "links": links,
        "filters": filters,
        "whole": whole,
        "usual": None if usual is None else {"calls": f"{LARGE:,}", "days": DAYS},
        "all_url": links.analytics(since="all", **chosen),
        "all_time_url": links.analytics(since="all"),
        "models": known,
        "projects": offered,
        "patterns": patterns(),
        "tiles": [tile_values(tile) for tile in figures],
        "ranges": _ranges(links, filters, chosen, today),
        "empty": empty,
        "narrowed": bool(filters.since or filters.until or span.model or span.project),
        "panels": [{**panel, "classes": classes} for panel, classes in zip(drawn, spread(len(drawn)), strict=True)],
        "nothing": [panel for panel in panels if panel.get("nothing")],
    }
    return await as_page(datasette, request, "sv_analytics", context, links.analytics("json", **asked))


def _rows_of(shown: Sequence[_Shown]) -> dict[str, Rows]:
    return {one.panel.made_by: one.numbers.rows for one in shown if one.numbers and not one.numbers.late}


def _last(usual: str) -> str:
    """Return the last day of the range that a large log shows."""
    return (date.fromisoformat(usual) + timedelta(days=DAYS - 1)).isoformat()


def _earlier_fields(period: Days | None, earlier: Sequence[_Shown] | None) -> dict[str, Any] | None:
    """Return the period before and its totals, or None if all days are shown."""
    if period is None or earlier is None:
        return None
    return {"since": period[0], "until": period[1], "totals": dict(totals(_rows_of(earlier)))}


class _Reading:
    """Reads the panels of a dashboard in parallel, without taking all of Datasette's threads, and with a time limit."""

    def __init__(self, datasette: Any, request: Any, log: VisitorLog, span: Span) -> None:
        self._datasette, self._request, self._log, self._span = datasette, request, log, span
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._until = time.monotonic() + _PATIENCE

    async def earlier(self, period: Days) -> list[_Shown]:
        """Return what the tiles are made of, as it was in an earlier period."""
        span = replace(self._span, since=period[0], until=period[1])
        wanted = [panel for panel in PANELS if panel.made_by in QUERIES]
        return await asyncio.gather(*(self.panel(panel, span) for panel in wanted))

    async def panel(self, panel: Panel, span: Span | None = None) -> _Shown:
        """Return a panel with its numbers."""
        query = catalogue()[f"sessions_{panel.made_by}"]
        async with self._turn:  # Datasette 1.0 answers for permissions with queries of its own, which have a time limit
            if not await may_see(self._datasette, self._request.actor, self._log.name, query.name):
                return _Shown(panel, query, None)
            patience = max(min(PATIENCE, self._until - time.monotonic()), 0.0)
            return _Shown(panel, query, await self._log.read(numbers, panel, span or self._span, patience))


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


@dataclass(frozen=True)
class _Rights:
    """Whether a visitor may run SQL, and the panels' queries that they may open."""

    sql: bool
    queries: frozenset[str]


async def _rights(datasette: Any, actor: Any, log: VisitorLog, shown: Sequence[_Shown]) -> _Rights:
    queries = await openable(datasette, actor, log.name, {one.query.name for one in shown})
    return _Rights(await allowed(datasette, actor, "execute-sql", log.name), queries)


async def _panel(  # noqa: PLR0913  the parts of a page
    datasette: Any, may: _Rights, log: VisitorLog, place: DashboardPlace, one: _Shown, days: Days
) -> dict[str, Any]:
    panel, found = one.panel, one.numbers
    about: dict[str, Any] = {"name": panel.name, "title": panel.title, "means": one.query.means}
    if found is None:
        return {**about, "said": "You don't have permission to see a table that this panel reads."}
    if may.sql:
        about["sql_url"] = sql_url(datasette, log.name, found.sql, found.given)
    if one.query.name in may.queries:
        about["query_url"] = place.links.query(one.query.name)
    if found.late:
        return {**about, "said": "This took too long to compute. Choose fewer days, or run its query."}
    loop = asyncio.get_running_loop()
    broad = panel is PANELS[0]
    return about | await loop.run_in_executor(None, lambda: panel_values(place, panel, found, days, broad=broad))


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
