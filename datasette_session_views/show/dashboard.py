"""The parts of the dashboard as values for its templates. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

from llm_session_memory.insight.charts import Chart, figure, with_unit
from llm_session_memory.insight.numbers import Numbers
from llm_session_memory.insight.panels import Panel
from llm_session_memory.insight.periods import Days, Period
from llm_session_memory.insight.tiles import Tile, shares
from llm_session_memory.rules.safe_text import one_line

from ..web.links import Links
from .svg import drawn, legend, trend, words_of
from .words import compact

_ROWS = 50
"""Rows of a table on the page. The query returns all."""

_COMPACT_FROM = 10_000
"""From this figure on, a tile shows it in short, with the exact one in the tooltip."""

_TWO, _THREE = 2, 3
"""Columns of panels on a wide and on a very wide page."""


@dataclass(frozen=True)
class DashboardPlace:
    """Where the dashboard's links lead: its log, and the filters that the list of sessions has in common with it."""

    links: Links
    model: str | None = None
    project: str | None = None

    def sessions(self, first: str, last: str) -> str:
        """Return the URL of the list of the sessions that were used on these days."""
        return self.links.listing(since=first, until=last, model=self.model, project=self.project, archived="all")


def tile_values(tile: Tile) -> dict[str, Any]:
    """Return a tile for its template."""
    unit, value = tile.measure.unit, tile.value or 0
    short = compact(round(value)) if unit != "US dollars" and abs(value) >= _COMPACT_FROM else ""
    exact = with_unit(value, unit if unit == "US dollars" else "")
    label = tile.measure.label
    if value == 1 and label in ("calls", "failed prompts"):
        label = label[:-1]
    values: dict[str, Any] = {"label": label, "figure": short or exact, "exact": exact if short else ""}
    values["trend"] = trend(shares(tile.trend))
    if tile.change is not None:
        values["change"] = {
            "words": tile.change.words,
            "sign": {1: "▲", -1: "▼", 0: ""}[tile.change.direction],
            "exact": tile.change.exact(unit),
        }
    return values


def panel_values(
    place: DashboardPlace, panel: Panel, found: Numbers, days: Days, *, broad: bool = False
) -> dict[str, Any]:
    """Return the chart and the table of a panel for its template."""
    chart = panel.draw(found.rows, days)
    values: dict[str, Any] = {"title": panel.titled(chart)}
    if found.rows and not chart.empty:
        values |= {
            "svg": drawn(panel.name, values["title"], chart),
            "hits": hits(place, chart),
            "legend": legend(chart),
            "caption": _caption(chart),
        }
        if broad:
            values["broad"] = drawn(f"{panel.name}-broad", values["title"], chart, broad=True)
    else:
        values["said"] = "No chart: all values are zero or unknown." if found.rows else "No data yet."
        values["nothing"] = not found.rows
    return values | _table(place, found)


def hits(place: DashboardPlace, chart: Chart) -> str:
    """Return an area over each column of a chart: its figures as a tooltip and, for days, a link to their sessions.

    The table has the same links, so these are not for the keyboard or for screen readers.
    """
    if chart.kind != "columns":
        return ""
    areas = []
    for number in range(len(chart.labels)):
        said = escape(one_line(words_of(chart, number), 300))
        period = chart.periods[number] if chart.periods else None
        used = period and any(one.values[number] for one in chart.series)
        if period and used:
            areas.append(f'<a href="{escape(_url(place, period))}" tabindex="-1" title="{said}"></a>')
        else:
            areas.append(f'<span title="{said}"></span>')
    return f'<div class="sv-hits" aria-hidden="true">{"".join(areas)}</div>'


def _url(place: DashboardPlace, period: Period) -> str:
    return place.sessions(period.first, period.last)


def _caption(chart: Chart) -> str | None:
    if chart.kind == "grid":
        return f"A larger square means more {chart.unit}."
    if chart.each and chart.each != "day":
        return f"One column per {chart.each}."
    return None


def spread(count: int) -> list[str]:
    """Return the CSS classes of panels, so that they fill their rows whether there are two columns or three.

    The first panel is as wide as the page. If there would be a hole, the first ones of the others are wider.
    """
    rest = max(count - 1, 0)
    wide: list[list[str]] = [[] for _ in range(rest)]
    if rest % _TWO:
        wide[0].append("sv-fills-two")
    for place in range(0, 2 * (-rest % _THREE), 2):
        wide[min(place, rest - 1)].append("sv-doubles-three" if rest > 1 else "sv-fills-three")
    return ["sv-first", *(" ".join(one) for one in wide)][:count]


def _table(place: DashboardPlace, found: Numbers) -> dict[str, Any]:
    rows = found.rows[:_ROWS]
    right = [any(isinstance(row[column], int | float) for row in rows) for column in found.columns]
    cells = [
        [
            (_cell(column, row[column]), _link(place, column, row), side)
            for column, side in zip(found.columns, right, strict=True)
        ]
        for row in rows
    ]
    heads = [(column.replace("_", " "), side) for column, side in zip(found.columns, right, strict=True)]
    return {"heads": heads, "cells": cells, "rows": len(found.rows), "more": max(len(found.rows) - _ROWS, 0)}


_UNITS = {"dollars": "US dollars", "percent": "percent"}


def _cell(column: str, value: Any) -> str:
    if value is None or isinstance(value, int | float):
        return with_unit(value, _UNITS.get(column.partition("_")[0], "")) if value is not None else figure(value)
    return one_line(str(value), 120)


def _link(place: DashboardPlace, column: str, row: Any) -> str | None:
    value = row[column]
    if not value:
        return None
    if column == "thread_id":
        return place.links.session(str(value))
    if column == "session" and row.get("thread_id"):
        return place.links.session(str(row["thread_id"]))
    return place.sessions(str(value), str(value)) if column == "day" else None
