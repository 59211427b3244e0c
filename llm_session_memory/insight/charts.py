"""Charts as values, and the same charts in words and numbers. Pure; show/svg.py of the views draws them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from typing import Any

from ..reader.figures import small_dollars
from .periods import Period

SERIES = 6
"""The most series that a reader can tell apart in one chart."""

Number = float | int | None

COUNTED = frozenset({"tokens", "calls", "prompts", "conversations"})
"""Units of whole things: an axis has no half of them."""


@dataclass(frozen=True)
class Series:
    """One measure: its name and its value at each label, or None if a label has no value."""

    name: str
    values: tuple[Number, ...]


@dataclass(frozen=True)
class Chart:
    """A chart. `kind` is columns (stacked), rows, lines or grid; `unit` is that of its values (see `with_unit`)."""

    kind: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    unit: str = ""
    each: str = ""
    """The period of one column: day, week, month, year, or some years. Empty if the columns aren't periods."""
    periods: tuple[Period, ...] = ()
    """The period of each column."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to draw; values below zero are not drawn."""
        return not any((value or 0) > 0 for one in self.series for value in one.values)


def described(chart: Chart) -> str:
    """Return a chart in words: its kind, its range, and the greatest value of each series."""
    if chart.empty:
        return "Nothing to show."
    first, last = chart.labels[0], chart.labels[-1]
    over = first if first == last else f"{first} to {last}"
    said = {
        "columns": [f"Columns, one per {chart.each}: {over}." if chart.each else f"Columns: {over}."],
        "rows": [f"Bars: {', '.join(chart.labels[:SERIES])}."],
        "lines": [f"Lines: {over}."],
        "grid": [f"Squares sized by value: {over}, {chart.series[0].name} to {chart.series[-1].name}."],
    }[chart.kind]
    for one in chart.series[:SERIES]:
        most = max(range(len(one.values)), key=lambda place, one=one: one.values[place] or 0)  # type: ignore[misc]
        if one.values[most]:
            said.append(f"{one.name}: up to {with_unit(one.values[most], chart.unit)} ({chart.labels[most]}).")
    return " ".join(said)


def figure(value: Number) -> str:
    """Return a number as text for sentences and tables."""
    if value is None:
        return ""
    if isinstance(value, int) or (value == int(value) and abs(value) >= 1_000):  # noqa: PLR2004  no decimals there
        return f"{int(value):,}"
    return f"{value:,.4f}".rstrip("0").rstrip(".") or "0"


def with_unit(value: Number, unit: str) -> str:
    """Return a number with its unit: `$1.47`, `66.7%`, `1.2 s`, `1,234 tokens`; empty if it is unknown."""
    if value is None or not unit:
        return figure(value)
    if unit == "US dollars":
        return small_dollars(value)
    if unit == "percent":
        return f"{figure(value)}%"
    if unit == "seconds":
        return f"{figure(value)} s"
    singular = value == 1 and unit in COUNTED
    return f"{figure(value)} {unit[:-1] if singular else unit}"


def on_axis(value: float, unit: str) -> str:
    """Return a number on an axis: `950`, `1.2k`, `$0.50`, `50%`, `2 s`."""
    exact = without_noise(value)
    if unit == "US dollars" and 0 < exact < _WITH_CENTS and exact != int(exact) and round(exact, 2) == exact:
        return f"${value:.2f}"
    said = short(value)
    return {"US dollars": f"${said}", "percent": f"{said}%", "seconds": f"{said} s"}.get(unit, said)


_WITH_CENTS = 10
"""The dollars below which the numbers on an axis have cents."""


def without_noise(value: Any) -> Any:
    """Return the value, with floats rounded to hide binary rounding errors: 3.6, not 3.5999…96."""
    return round(value, 9) if isinstance(value, float) else value


def short(value: float) -> str:
    """Return a number as text for an axis: `950`, `1.2k`, `3M`."""
    for size, sign in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{sign}"
    return f"{value:.3g}"


def ticks(most: float, unit: str = "") -> tuple[float, ...]:
    """Return the marks of an axis from 0: round numbers at equal distances, the last at or above the greatest value."""
    if most <= 0:
        return (0.0, 1.0)
    least = 1.0 if unit in COUNTED else 0.0
    size = 10.0 ** math.floor(math.log10(most / _STEPS))
    step = max(next(step * size for step in (1, 2, 2.5, 5, 10, 20) if step * size * _STEPS >= most * 0.999_999), least)
    if least:
        step = math.ceil(step)
    return tuple(step * place for place in range(math.ceil(most / step * 0.999_999) + 1))


_STEPS = 4
"""The most distances between the marks of an axis."""


def when(period: Period, each: str, *, within_a_year: bool = True) -> str:
    """Return a period in a few letters, for an axis: `1 Sep`, `Sep 2026`, `2026`."""
    try:
        first = date.fromisoformat(period.first)
    except ValueError:
        return period.label
    month = _MONTHS[first.month - 1]
    if each == "day" or (each == "week" and within_a_year):
        return f"{first.day} {month}"
    return f"{month} {first.year}" if each in ("week", "month") else str(first.year)


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
