"""Charts as values, and the same charts in words and numbers. Pure; show/svg.py of the views draws them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

SERIES = 6
"""The most series that a reader can tell apart in one chart."""

Number = float | int | None


@dataclass(frozen=True)
class Series:
    """One measure: its name and its value at each label, or None if a label has no value."""

    name: str
    values: tuple[Number, ...]


@dataclass(frozen=True)
class Chart:
    """A chart. `kind` is columns (stacked), rows, lines or grid; `unit` follows a value in a description."""

    kind: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    unit: str = ""
    each: str = ""
    """The period of one column: day, week or month."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to draw; values below zero are not drawn."""
        return not any((value or 0) > 0 for one in self.series for value in one.values)


def described(chart: Chart) -> str:
    """Return a chart in words: its kind, its range, and the greatest value of each series."""
    if chart.empty:
        return "Nothing to show."
    unit = f" {chart.unit}" if chart.unit else ""
    first, last = chart.labels[0], chart.labels[-1]
    over = first if first == last else f"{first} to {last}"
    said = {
        "columns": [f"Columns, one per {chart.each or 'day'}: {over}."],
        "rows": [f"Bars: {', '.join(chart.labels[:SERIES])}."],
        "lines": [f"Lines: {over}."],
        "grid": [f"Squares sized by value: {over}, {chart.series[0].name} to {chart.series[-1].name}."],
    }[chart.kind]
    for one in chart.series[:SERIES]:
        most = max(range(len(one.values)), key=lambda place, one=one: one.values[place] or 0)  # type: ignore[misc]
        if one.values[most]:
            said.append(f"{one.name}: up to {figure(one.values[most])}{unit} ({chart.labels[most]}).")
    return " ".join(said)


def figure(value: Number) -> str:
    """Return a number as text for sentences and tables."""
    if value is None:
        return ""
    if isinstance(value, int) or (value == int(value) and abs(value) >= 1_000):  # noqa: PLR2004  no decimals there
        return f"{int(value):,}"
    return f"{value:,.4f}".rstrip("0").rstrip(".") or "0"


def without_noise(value: Any) -> Any:
    """Return the value, with floats rounded to hide binary rounding errors: 3.6, not 3.5999…96."""
    return round(value, 9) if isinstance(value, float) else value


def short(value: float) -> str:
    """Return a number as text for an axis: `950`, `1.2k`, `3M`."""
    for size, sign in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{sign}"
    return f"{value:.3g}"


def ceiling(most: float) -> float:
    """Return the end of an axis: a round number that is at least the greatest value."""
    if most <= 0:
        return 1.0
    size = 10.0 ** math.floor(math.log10(most))
    return next(step * size for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if step * size >= most * 0.999_999)
