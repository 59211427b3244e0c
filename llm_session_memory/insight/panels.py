"""The panels of the dashboard: the canned query behind each one, and how its rows become a chart. Pure.

`llm sessions stats` prints the same panels in the terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..reader.figures import small_dollars
from .charts import SERIES, Chart, Number, Series, without_noise
from .periods import ALL, Days, periods

Rows = Sequence[Mapping[str, Any]]

_MOST_ROWS = 6
"""The most models or sessions in a chart; its table has all of them. So all charts are about equally high."""

_WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True)
class Panel:
    """One panel: the short name of its query, its title, and the function that makes its chart of rows and days.

    `within` means that the query filters by day and model itself, because it needs earlier rows too. The terminal
    draws a bar for the column `bar` and shows `rows` rows: the first ones, or, if `spread`, a sample over all of them.
    """

    made_by: str
    title: str
    chart: Callable[[Rows, Days], Chart]
    bar: str
    given: Mapping[str, str] = field(default_factory=dict)
    within: bool = False
    rows: int = 10
    spread: bool = False
    fixed: bool = False
    """Whether the query has the same rows for every log, also for an empty one."""

    @property
    def name(self) -> str:
        """The panel's name in URLs and element ids."""
        return self.made_by.replace("_", "-")

    def draw(self, rows: Rows, days: Days = ALL) -> Chart:
        """Return the panel's chart. `days` are those that were asked for, shown even if they have no rows."""
        return self.chart(rows, days)

    def titled(self, chart: Chart) -> str:
        """Return the title for a chart: one of weeks is not called “per day”."""
        return self.title.replace("per day", f"per {chart.each}") if chart.each else self.title


# -- over time -----------------------------------------------------------------------


def _by_day(rows: Rows, days: Days, measures: Mapping[str, str], unit: str = "") -> Chart:
    """Return a chart over all days with one series per measure; `measures` maps columns to series names."""
    cells = [(called, str(row["day"]), row[column]) for row in rows for column, called in measures.items()]
    return _over_time(cells, days, tuple(measures.values()), unit)


def _by_day_and(
    rows: Rows, days: Days, column: str, measure: Callable[[Mapping[str, Any]], Number], unit: str
) -> Chart:
    """Return a chart over all days with a series for each of a column's top values, and one for the others."""
    cells = [(str(row[column] or "unknown"), str(row["day"]), measure(row) or 0) for row in rows]
    totals: dict[str, float] = {}
    for name, _, value in cells:
        totals[name] = totals.get(name, 0) + value
    ranked = sorted(totals, key=lambda name: (-totals[name], name))
    shown = ranked if len(ranked) <= SERIES else ranked[: SERIES - 1]
    rest = f"{len(ranked) - len(shown)} others"
    cells = [(name if name in shown else rest, day, value) for name, day, value in cells]
    return _over_time(cells, days, (*shown, rest) if len(shown) < len(ranked) else tuple(shown), unit)


def _over_time(cells: Iterable[tuple[str, str, Number]], days: Days, names: Sequence[str], unit: str) -> Chart:
    """Return a chart of values, each given with its series and its day."""
    known = list(cells)
    over = periods((day for _, day, _ in known), days)
    values: dict[str, list[Number]] = {name: [None] * len(over.columns) for name in names}
    for name, day, value in known:
        place = over.place(day)
        if place is not None and value is not None:
            values[name][place] = (values[name][place] or 0) + value
    labels = tuple(column.label for column in over.columns)
    series = tuple(Series(name, tuple(map(without_noise, row))) for name, row in values.items())
    return Chart("columns", labels, series, unit, over.each, over.columns)


def summed(values: Iterable[Number]) -> Number:
    """Return the sum of the known numbers, or None if all are unknown."""
    known = [value for value in values if value is not None]
    return without_noise(sum(known)) if known else None


# -- by label ------------------------------------------------------------------------


def _by(rows: Rows, label: str, measures: Mapping[str, str], unit: str = "", most: int = _MOST_ROWS) -> Chart:
    shown = rows[:most]
    series = (Series(called, tuple(row[column] for row in shown)) for column, called in measures.items())
    return Chart("rows", tuple(str(row[label] or "unknown") for row in shown), tuple(series), unit)


def _lengths(rows: Rows, _: Days) -> Chart:
    """Return a chart with a column for each range of lengths, up to the longest that any session has."""
    measures = {"named_sessions": "named sessions", "unnamed_conversations": "unnamed conversations"}
    last = max((place for place, row in enumerate(rows) if any(row[column] for column in measures)), default=-1)
    chart = _by(rows[: last + 1], "exchanges", measures, "conversations", len(rows))
    labels = (label.replace(" to ", "–").replace("more than ", ">").replace(",000", "k") for label in chart.labels)
    return replace(chart, kind="columns", labels=tuple(labels))


def _hours(rows: Rows, _: Days) -> Chart:
    by_hour = {row["hour"]: row for row in rows}
    series = (Series(day.capitalize(), tuple(_at(by_hour, hour, day) for hour in range(24))) for day in _WEEK)
    return Chart("grid", tuple(f"{hour}h" for hour in range(24)), tuple(series), "calls")


def _at(rows: Mapping[Any, Mapping[str, Any]], hour: int, day: str) -> Number:
    value: Number = rows[hour][day] if hour in rows else None
    return value


def _pruning(rows: Rows, _: Days) -> Chart:
    labels = tuple(f"#{row['exchange']}" for row in rows)
    columns = {"tokens_whole_about": "whole history (estimate)", "tokens_sent": "as sent"}
    series = (Series(called, tuple(row[column] for row in rows)) for column, called in columns.items())
    return Chart("lines", labels, tuple(series), "tokens")


def _sessions(rows: Rows, _: Days) -> Chart:
    named = [{**row, "session": row["session"] or row["thread_id"]} for row in rows]
    return _by(named, "session", {"calls": "calls"}, "calls")


def _saved(rows: Rows, days: Days) -> Chart:
    return _by_day(rows, days, {"tokens_sent": "sent", "tokens_saved_about": "saved (estimate)"}, "tokens")


def _recalled(rows: Rows, days: Days) -> Chart:
    split = [{**row, "without": row["prompts"] - row["with_excerpts"]} for row in rows]
    return _by_day(split, days, {"with_excerpts": "with excerpts", "without": "without excerpts"}, "prompts")


PANELS = (
    Panel(
        "tokens_a_day_by_model",
        "Tokens per day, by model",
        lambda rows, days: _by_day_and(
            rows, days, "model", lambda row: (row["tokens_in"] or 0) + (row["tokens_out"] or 0), "tokens"
        ),
        "tokens_in",
    ),
    Panel(
        "cost_a_day",
        "Cost per day",
        lambda rows, days: _by_day(rows, days, {"dollars": "cost"}, "US dollars"),
        "dollars",
    ),
    Panel(
        "latency_by_model",
        "Time per call, by model",
        lambda rows, _: _by(
            rows, "model", {"p50": "median", "p95": "95th percentile", "p99": "99th percentile"}, "seconds", 3
        ),
        "p50",
    ),
    Panel(
        "output_speed",
        "Output speed, by model",
        lambda rows, _: _by(rows, "model", {"tokens_a_second": "tokens per second"}, "tokens per second"),
        "tokens_a_second",
    ),
    Panel("hour_of_the_week", "Hour and weekday (UTC)", _hours, "all_days", rows=24),
    Panel("session_lengths", "Session lengths, in exchanges", _lengths, "unnamed_conversations", fixed=True),
    Panel(
        "pruning_by_exchange", "Requests with and without pruning", _pruning, "tokens_sent", within=True, spread=True
    ),
    Panel("tokens_saved", "Tokens saved by pruning", _saved, "tokens_saved_about", within=True),
    Panel("recall_a_day", "Prompts with recalled excerpts", _recalled, "excerpts"),
    Panel(
        "failed_prompts",
        "Failed prompts",
        lambda rows, days: _by_day_and(rows, days, "model", lambda row: row["failed"], "prompts"),
        "failed",
    ),
    Panel(
        "rating_by_model",
        "Ratings, by model",
        lambda rows, _: _by(rows, "model", {"percent_good": "good"}, "percent"),
        "percent_good",
    ),
    Panel("longest_sessions", "Sessions with the most calls", _sessions, "calls"),
)
"""The panels, in the order of the dashboard."""


def totals(rows: Mapping[str, Rows]) -> list[tuple[str, Number]]:
    """Return the totals of the panels as (name, value). `rows` maps the short name of a query to its rows."""

    def of(query: str, column: str) -> Number:
        return summed(row[column] for row in rows.get(query, ()))

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
        if name == "US dollars":
            said.append((small_dollars(value), "spent"))
            continue
        label, _, about = name.partition(", ")
        singular = value == 1 and label in ("calls", "failed prompts")
        said.append((f"{about} {written(value)}".lstrip(), label[:-1] if singular else label))
    return said
