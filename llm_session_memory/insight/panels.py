"""The panels of the dashboard: the canned query behind each one, and how its rows become a chart. Pure.

`llm sessions stats` prints the same panels in the terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from .charts import SERIES, Chart, Number, Series, without_noise

Rows = Sequence[Mapping[str, Any]]

_MOST_COLUMNS = 92
"""The most columns of a chart over time. Days that exceed it are grouped into weeks, and weeks into months."""

_MOST_ROWS = 8
"""The most models or sessions in a chart; its table has all of them."""

_WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True)
class Panel:
    """One panel: the short name of its query, its title, and the function that makes its chart.

    `within` means that the query filters by day and model itself, because it needs earlier rows too. The terminal
    draws a bar for the column `bar` and shows `rows` rows: the first ones, or, if `spread`, a sample over all of them.
    """

    made_by: str
    title: str
    draw: Callable[[Rows], Chart]
    bar: str
    given: Mapping[str, str] = field(default_factory=dict)
    within: bool = False
    rows: int = 10
    spread: bool = False

    @property
    def name(self) -> str:
        """The panel's name in URLs and element ids."""
        return self.made_by.replace("_", "-")


# -- over time -----------------------------------------------------------------------


def _by_day(rows: Rows, measures: Mapping[str, str], unit: str = "") -> Chart:
    """Return a chart over all days with one series per measure; `measures` maps columns to series names."""
    found = {str(row["day"]): row for row in rows}
    each, periods = _periods(found)
    series = tuple(
        Series(called, tuple(_summed(found[day][column] for day in days if day in found) for _, days in periods))
        for column, called in measures.items()
    )
    return Chart("columns", tuple(label for label, _ in periods), series, unit, each)


def _by_day_and(rows: Rows, column: str, measure: Callable[[Mapping[str, Any]], Number], unit: str) -> Chart:
    """Return a chart over all days with a series for each of a column's top values, and one for the others."""
    totals: dict[str, float] = {}
    cells: dict[tuple[str, str], float] = {}
    for row in rows:
        name, day, value = str(row[column] or "unknown"), str(row["day"]), measure(row) or 0
        totals[name] = totals.get(name, 0) + value
        cells[name, day] = cells.get((name, day), 0) + value
    ranked = sorted(totals, key=lambda name: (-totals[name], name))
    shown = ranked if len(ranked) <= SERIES else ranked[: SERIES - 1]
    others = ranked[len(shown) :]
    each, periods = _periods({str(row["day"]) for row in rows})
    series = [_series(name, (name,), periods, cells) for name in shown]
    if others:
        series.append(_series(f"{len(others)} others", others, periods, cells))
    return Chart("columns", tuple(label for label, _ in periods), tuple(series), unit, each)


_Periods = list[tuple[str, list[str]]]


def _series(called: str, names: Sequence[str], periods: _Periods, cells: Mapping[tuple[str, str], float]) -> Series:
    values = (_summed(cells.get((name, day)) for name in names for day in days) for _, days in periods)
    return Series(called, tuple(values))


def _summed(values: Iterable[Number]) -> Number:
    known = [value for value in values if value is not None]
    return without_noise(sum(known)) if known else None


def _periods(days: Iterable[str]) -> tuple[str, _Periods]:
    """Return all days from first to last, each with its label; weeks or months if there are too many days."""
    known = sorted(day for day in map(_day, days) if day is not None)
    if not known:
        return "day", []
    every = [known[0] + timedelta(days=number) for number in range((known[-1] - known[0]).days + 1)]
    each = "day" if len(every) <= _MOST_COLUMNS else "week" if len(every) <= _MOST_COLUMNS * 7 else "month"
    grouped: dict[str, list[str]] = {}
    for day in every:
        start = day - timedelta(days=day.weekday()) if each == "week" else day
        label = start.isoformat()[:7] if each == "month" else start.isoformat()
        grouped.setdefault(label, []).append(day.isoformat())
    return each, list(grouped.items())


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


# -- by label ------------------------------------------------------------------------


def _by(rows: Rows, label: str, measures: Mapping[str, str], unit: str = "", most: int = _MOST_ROWS) -> Chart:
    shown = rows[:most]
    series = (Series(called, tuple(row[column] for row in shown)) for column, called in measures.items())
    return Chart("rows", tuple(str(row[label] or "unknown") for row in shown), tuple(series), unit)


def _lengths(rows: Rows) -> Chart:
    measures = {"named_sessions": "named sessions", "unnamed_conversations": "unnamed conversations"}
    used = [row for row in rows if any(row[column] for column in measures)]
    return _by(used, "exchanges", measures, "conversations", len(rows))


def _hours(rows: Rows) -> Chart:
    by_hour = {row["hour"]: row for row in rows}
    series = (Series(day.capitalize(), tuple(_at(by_hour, hour, day) for hour in range(24))) for day in _WEEK)
    return Chart("grid", tuple(f"{hour}h" for hour in range(24)), tuple(series), "calls")


def _at(rows: Mapping[Any, Mapping[str, Any]], hour: int, day: str) -> Number:
    value: Number = rows[hour][day] if hour in rows else None
    return value


def _pruning(rows: Rows) -> Chart:
    labels = tuple(f"#{row['exchange']}" for row in rows)
    columns = {"tokens_whole_about": "whole history (estimate)", "tokens_sent": "as sent"}
    series = (Series(called, tuple(row[column] for row in rows)) for column, called in columns.items())
    return Chart("lines", labels, tuple(series), "tokens")


def _sessions(rows: Rows) -> Chart:
    named = [{**row, "session": row["session"] or row["thread_id"]} for row in rows]
    return _by(named, "session", {"calls": "calls"}, "calls")


def _saved(rows: Rows) -> Chart:
    return _by_day(rows, {"tokens_sent": "sent", "tokens_saved_about": "saved (estimate)"}, "tokens")


def _recalled(rows: Rows) -> Chart:
    split = [{**row, "without": row["prompts"] - row["with_excerpts"]} for row in rows]
    return _by_day(split, {"with_excerpts": "with excerpts", "without": "without excerpts"}, "prompts")


PANELS = (
    Panel(
        "tokens_a_day_by_model",
        "Tokens per day, by model",
        lambda rows: _by_day_and(
            rows, "model", lambda row: (row["tokens_in"] or 0) + (row["tokens_out"] or 0), "tokens"
        ),
        "tokens_in",
    ),
    Panel("cost_a_day", "Cost per day", lambda rows: _by_day(rows, {"dollars": "cost"}, "US dollars"), "dollars"),
    Panel(
        "latency_by_model",
        "Seconds per call, by model",
        lambda rows: _by(
            rows, "model", {"p50": "median", "p95": "95th percentile", "p99": "99th percentile"}, "seconds", 6
        ),
        "p50",
    ),
    Panel(
        "output_speed",
        "Tokens per second, by model",
        lambda rows: _by(rows, "model", {"tokens_a_second": "tokens per second"}, "tokens per second"),
        "tokens_a_second",
    ),
    Panel("hour_of_the_week", "Hour and weekday (UTC)", _hours, "all_days", rows=24),
    Panel("session_lengths", "Session lengths, in exchanges", _lengths, "unnamed_conversations"),
    Panel(
        "pruning_by_exchange", "Requests with and without pruning", _pruning, "tokens_sent", within=True, spread=True
    ),
    Panel("tokens_saved", "Tokens saved by pruning", _saved, "tokens_saved_about", within=True),
    Panel("recall_a_day", "Prompts with recalled excerpts", _recalled, "excerpts"),
    Panel(
        "failed_prompts",
        "Failed prompts",
        lambda rows: _by_day_and(rows, "model", lambda row: row["failed"], "prompts"),
        "failed",
    ),
    Panel(
        "rating_by_model",
        "Ratings, by model",
        lambda rows: _by(rows, "model", {"percent_good": "good"}, "percent"),
        "percent_good",
    ),
    Panel("longest_sessions", "Sessions with the most calls", _sessions, "calls"),
)
"""The panels, in the order of the dashboard."""


def totals(rows: Mapping[str, Rows]) -> list[tuple[str, Number]]:
    """Return the totals of the panels as (name, value). `rows` maps the short name of a query to its rows."""

    def of(query: str, column: str) -> Number:
        return _summed(row[column] for row in rows.get(query, ()))

    return [
        ("calls", of("tokens_a_day_by_model", "calls")),
        ("tokens in", of("tokens_a_day_by_model", "tokens_in")),
        ("tokens out", of("tokens_a_day_by_model", "tokens_out")),
        ("US dollars", of("cost_a_day", "dollars")),
        ("tokens saved, about", of("tokens_saved", "tokens_saved_about")),
        ("failed prompts", of("failed_prompts", "failed")),
    ]


def in_words(figures: Iterable[tuple[str, Number]], written: Callable[[Number], str]) -> list[tuple[str, str]]:
    """Return totals as (figure, label) for people: `about 623`, `tokens saved`. Unknown totals are left out."""
    said = []
    for name, value in figures:
        if value is None:
            continue
        label, _, about = name.partition(", ")
        singular = value == 1 and label in ("calls", "failed prompts")
        said.append((f"{about} {written(value)}".lstrip(), label[:-1] if singular else label))
    return said
