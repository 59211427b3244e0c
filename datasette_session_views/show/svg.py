"""Charts as inline SVG: pure functions from values to markup.

No scripts, no style attributes, nothing to load. Fills differ by pattern as well as by colour, so that charts work in
black and white. Each chart has a title and a description for screen readers. Charts are 360 wide, about the width of a
phone, so that their text stays readable there. All labels are escaped because models and people chose them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape

from llm_session_memory.insight.charts import SERIES, Chart, ceiling, described, figure, short
from llm_session_memory.rules.safe_text import one_line

_WIDTH = 360
_HEIGHT = 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 42, 8, 10, 24
_LABEL = 44
"""Characters of a label in a chart. The table has the full label."""

_INK, _SOFT, _LINE = "#111a35", "#54627a", "#dbe3ea"

_GROUNDS = ("#276890", "#fbe3c8", "#d5efe3", "#e8def4", "#e3e8ee", "#ffffff")
_INKS = ("#276890", "#a85c00", "#0f7b53", "#7a4fb0", "#44546a", "#54627a")
_STROKES = ("", "M-1,1l2,-2M0,6l6,-6M5,7l2,-2", "M1.5,1.5h1.6v1.6h-1.6z M4.5,4.5h1.6v1.6h-1.6z", "M0,1.5h6M0,4.5h6",
            "M0,0l6,6M6,0l-6,6", "")  # fmt: skip
"""The background, ink and pattern of each series: plain, stripes, dots, lines, crosses, blank."""

_DASHES = ("", "6 3", "2 3", "8 3 2 3", "1 4", "12 4")


def drawn(name: str, title: str, chart: Chart) -> str:
    """Return a chart as SVG. `name` is the prefix of its ids on the page."""
    body, height = {"columns": _columns, "rows": _rows, "lines": _lines, "grid": _grid}[chart.kind](name, chart)
    used = () if chart.kind == "grid" else range(min(len(chart.series), SERIES))
    patterns = "" if chart.kind == "lines" else "".join(_pattern(name, place) for place in used)
    return (
        f'<svg class="sv-chart" viewBox="0 0 {_WIDTH} {height}" role="img" aria-labelledby="{name}-title {name}-words"'
        f' font-size="10.5" fill="{_INK}"><title id="{name}-title">{_text(title)}</title>'
        f'<desc id="{name}-words">{_text(described(chart), 600)}</desc>'
        f"{f'<defs>{patterns}</defs>' if patterns else ''}{body}</svg>"
    )


def legend(name: str, chart: Chart) -> str:
    """Return the legend as a list, or nothing if there is only one series."""
    if len(chart.series) < 2 or chart.kind == "grid":  # noqa: PLR2004  one series needs no legend
        return ""
    items = []
    for place, one in enumerate(chart.series):
        if chart.kind == "lines":
            sample = f'<path d="M0,6h22" {_stroke(place)}/>'
        else:
            sample = f'<rect x=".5" y=".5" width="21" height="11" {_fill(name, place)}/>'
        svg = f'<svg viewBox="0 0 22 12" width="22" height="12" aria-hidden="true">{sample}</svg>'
        items.append(f"<li>{svg} <bdi>{_text(one.name)}</bdi></li>")
    return f'<ul class="sv-legend">{"".join(items)}</ul>'


# -- kinds ------------------------------------------------------------------------


def _columns(name: str, chart: Chart) -> tuple[str, int]:
    """Return stacked columns over time, and their height."""
    most = ceiling(
        max(sum(max(one.values[place] or 0, 0) for one in chart.series) for place in range(len(chart.labels)))
    )
    width = (_WIDTH - _LEFT - _RIGHT) / len(chart.labels)
    inner = min(max(width - (2 if width > 6 else 0.6), 0.5), 40)  # noqa: PLR2004  thin columns have thin gaps
    parts = [_axis(most), _ticks(chart.labels, lambda place: _LEFT + (place + 0.5) * width)]
    for place, label in enumerate(chart.labels):
        below, rects = 0.0, ""
        for number, one in enumerate(chart.series):
            value = max(one.values[place] or 0, 0)
            if value:
                top, bottom = _y(below + value, most), _y(below, most)
                rects += (
                    f'<rect x="{_at(_LEFT + place * width + (width - inner) / 2)}" y="{_at(top)}" width="{_at(inner)}"'
                    f' height="{_at(bottom - top)}" {_fill(name, number)}/>'
                )
                below += value
        if rects:
            parts.append(f"<g><title>{_text(_words(chart, place, label), 300)}</title>{rects}</g>")
    return "".join(parts), _HEIGHT


def _words(chart: Chart, place: int, label: str) -> str:
    unit = f" {chart.unit}" if chart.unit else ""
    said = ", ".join(f"{one.name} {figure(one.values[place])}" for one in chart.series if one.values[place])
    return f"{label}: {said}{unit}"


def _rows(name: str, chart: Chart) -> tuple[str, int]:
    """Return labels with a bar for each series below, and their height."""
    most = max(max(value or 0, 0) for one in chart.series for value in one.values) or 1
    thick, room = (12, 62) if len(chart.series) == 1 else (9, 62)
    y, parts = 12.0, []
    for place, label in enumerate(chart.labels):
        parts.append(f'<text x="0" y="{_at(y)}">{_text(label)}</text>')
        y += 4
        for number, one in enumerate(chart.series):
            value = one.values[place]
            long = max((value or 0) / most * (_WIDTH - room), 0)
            if value and value > 0:
                fill = _fill(name, number)
                parts.append(f'<rect x=".5" y="{_at(y)}" width="{_at(max(long, 1))}" height="{thick - 1}" {fill}/>')
            if value is not None:
                parts.append(
                    f'<text x="{_at(long + 5)}" y="{_at(y + thick - 2)}" fill="{_SOFT}">{figure(value)}</text>'
                )
            y += thick
        y += 15
    return "".join(parts), round(y - 8)


def _lines(name: str, chart: Chart) -> tuple[str, int]:
    """Return lines, each with its own dashes, and their height."""
    del name
    most = ceiling(max(max(value or 0, 0) for one in chart.series for value in one.values))
    width = (_WIDTH - _LEFT - _RIGHT - 8) / max(len(chart.labels) - 1, 1)
    parts = [_axis(most), _ticks(chart.labels, lambda place: _LEFT + 4 + place * width)]
    for number, one in enumerate(chart.series):
        points = [
            f"{_at(_LEFT + 4 + place * width)},{_at(_y(max(value, 0), most))}"
            for place, value in enumerate(one.values)
            if value is not None
        ]
        title = f"<title>{_text(one.name)}</title>"
        if len(points) == 1:
            x, _, y = points[0].partition(",")
            parts.append(f'<circle cx="{x}" cy="{y}" r="3" fill="{_INKS[number]}">{title}</circle>')
        elif points:
            parts.append(f'<polyline points="{" ".join(points)}" {_stroke(number)}>{title}</polyline>')
    return "".join(parts), _HEIGHT


def _grid(name: str, chart: Chart) -> tuple[str, int]:
    """Return a grid of squares whose area shows the value, readable without colour, and its height."""
    del name
    most = max(max(value or 0, 0) for one in chart.series for value in one.values) or 1
    left, cell = 34, (_WIDTH - 36) / len(chart.labels)
    parts = []
    for row, one in enumerate(chart.series):
        y = 8 + row * cell * 1.35
        parts.append(f'<text x="0" y="{_at(y + cell * 0.75)}">{_text(one.name[:3])}</text>')
        for place, value in enumerate(one.values):
            if value and value > 0:
                side = max(math.sqrt(value / most) * (cell - 1), 1.5)
                x = left + place * cell + (cell - side) / 2
                words = _text(f"{one.name} {chart.labels[place]}: {figure(value)} {chart.unit}")
                parts.append(
                    f'<rect x="{_at(x)}" y="{_at(y + (cell - side) / 2)}" width="{_at(side)}" height="{_at(side)}"'
                    f' fill="{_INKS[0]}"><title>{words}</title></rect>'
                )
    bottom = 8 + len(chart.series) * cell * 1.35
    parts.append(_ticks(chart.labels, lambda place: left + (place + 0.5) * cell, bottom + 12, every=3))
    return "".join(parts), round(bottom + 18)


# -- parts ------------------------------------------------------------------------


def _axis(most: float) -> str:
    lines = []
    for share in (0, 0.5, 1):
        y = _y(most * share, most)
        color = _SOFT if share == 0 else _LINE
        lines.append(f'<path d="M{_LEFT},{_at(y)}H{_WIDTH - _RIGHT}" stroke="{color}" fill="none"/>')
        lines.append(
            f'<text x="{_LEFT - 5}" y="{_at(y + 3.5)}" text-anchor="end" fill="{_SOFT}">{short(most * share)}</text>'
        )
    return "".join(lines)


def _ticks(labels: Sequence[str], x: Callable[[int], float], y: float = _HEIGHT - 8, every: int = 0) -> str:
    """Return labels below an axis: one in `every`, or a few including the first and the last."""
    last = len(labels) - 1
    few = {round(number * last / 3) for number in range(4)}
    texts = []
    for place in range(0, last + 1, every) if every else sorted(few):
        anchor = "middle"
        if last and not every:  # long labels must not stick out at the sides
            anchor = {0: "start", last: "end"}.get(place, "middle")
        texts.append(
            f'<text x="{_at(x(place))}" y="{_at(y)}" text-anchor="{anchor}" fill="{_SOFT}">{_text(labels[place], 12)}'
            "</text>"
        )
    return "".join(texts)


def _pattern(name: str, place: int) -> str:
    filled = place == 2  # noqa: PLR2004  dots are filled, the others are strokes
    ink = f'fill="{_INKS[place]}"' if filled else f'stroke="{_INKS[place]}" stroke-width="1.3" fill="none"'
    path = f'<path d="{_STROKES[place]}" {ink}/>' if _STROKES[place] else ""
    return (
        f'<pattern id="{name}-{place}" width="6" height="6" patternUnits="userSpaceOnUse">'
        f'<rect width="6" height="6" fill="{_GROUNDS[place]}"/>{path}</pattern>'
    )


def _fill(name: str, place: int) -> str:
    place = min(place, SERIES - 1)
    return f'fill="url(#{name}-{place})" stroke="{_INKS[place]}" stroke-width=".7"'


def _stroke(place: int) -> str:
    place = min(place, SERIES - 1)
    dash = f' stroke-dasharray="{_DASHES[place]}"' if _DASHES[place] else ""
    return f'fill="none" stroke="{_INKS[place]}" stroke-width="2"{dash}'


def _y(value: float, most: float) -> float:
    return _TOP + (1 - value / most) * (_HEIGHT - _TOP - _BOTTOM)


def _at(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _text(text: str, width: int = _LABEL) -> str:
    return escape(one_line(text, width))
