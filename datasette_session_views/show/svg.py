"""Charts as inline SVG: pure functions from values to markup.

No scripts, no style attributes, nothing to load. Colours are classes, so that they follow the theme. Fills differ by
pattern as well as by colour, so that charts work in black and white. Each chart has a title and a description for
screen readers. All labels are escaped because models and people chose them.
"""

from __future__ import annotations

import math

from llm_session_memory.insight.charts import SERIES, Chart, described, ticks, when, with_unit

from .axes import BROAD, LETTER, NARROW, Frame, at, horizontal, text, vertical

_STROKES = ("", "M-1,1l2,-2M0,6l6,-6M5,7l2,-2", "M1.5,1.5h1.6v1.6h-1.6z M4.5,4.5h1.6v1.6h-1.6z", "M0,1.5h6M0,4.5h6",
            "M0,0l6,6M6,0l-6,6", "")  # fmt: skip
"""The pattern of each series: plain, stripes, dots, lines, crosses, blank. Classes (sv-g, sv-s, sv-d) colour it."""

_DASHES = ("", "6 3", "2 3", "8 3 2 3", "1 4", "12 4")


def drawn(name: str, title: str, chart: Chart, *, broad: bool = False) -> str:
    """Return a chart as SVG. `name` is the prefix of its ids on the page. A broad one fills a page on a desk."""
    frame = BROAD if broad else NARROW
    body, height = {"columns": _columns, "rows": _rows, "lines": _lines, "grid": _grid}[chart.kind](chart, frame)
    return (
        f'<svg class="sv-chart" viewBox="0 0 {frame.width} {height}" role="img"'
        f' aria-labelledby="{name}-title {name}-words" font-size="10.5"><title id="{name}-title">{text(title)}</title>'
        f'<desc id="{name}-words">{text(described(chart), 600)}</desc>'
        f"{body}</svg>"
    )


def legend(chart: Chart) -> str:
    """Return the legend as a list, or nothing if there is only one series."""
    if len(chart.series) < 2 or chart.kind == "grid":  # noqa: PLR2004  one series needs no legend
        return ""
    items = []
    for place, one in enumerate(chart.series):
        if chart.kind == "lines":
            sample = f'<path d="M0,6h22" {_stroke(place)}/>'
        else:
            sample = f'<rect x=".5" y=".5" width="21" height="11" {_fill(place)}/>'
        svg = f'<svg viewBox="0 0 22 12" width="22" height="12" aria-hidden="true">{sample}</svg>'
        items.append(f"<li>{svg} <bdi>{text(one.name)}</bdi></li>")
    return f'<ul class="sv-legend">{"".join(items)}</ul>'


def words_of(chart: Chart, place: int) -> str:
    """Return a column in words: `2026-11-28: gpt-4o 1,234 tokens, llama3 20 tokens`."""
    known = [one for one in chart.series if one.values[place]]
    said = ", ".join(f"{one.name} {with_unit(one.values[place], chart.unit)}" for one in known)
    if len(known) == 1 and len(chart.series) == 1:
        said = with_unit(known[0].values[place], chart.unit)
    over = f"{chart.each} from {chart.labels[place]}" if chart.each == "week" else chart.labels[place]
    return f"{over}: {said or 'nothing'}"


# -- kinds ------------------------------------------------------------------------


def _columns(chart: Chart, frame: Frame) -> tuple[str, int]:
    """Return stacked columns, and their height."""
    count = len(chart.labels)
    marks = ticks(
        max(sum(max(one.values[place] or 0, 0) for one in chart.series) for place in range(count)), chart.unit
    )
    width = frame.inner / count
    thick = min(max(width - (2 if width > 6 else 0.6), 0.5), 40)  # noqa: PLR2004  thin columns have thin gaps
    parts = [vertical(frame, marks, chart.unit)]
    parts.append(horizontal(frame, _labels(chart), lambda place: frame.left + (place + 0.5) * width))
    below = [0.0] * count
    for number, one in enumerate(chart.series):
        rects = []
        for place in range(count):
            value = max(one.values[place] or 0, 0)
            if not value:
                continue
            top, bottom = frame.y(below[place] + value, marks[-1]), frame.y(below[place], marks[-1])
            left = frame.left + place * width + (width - thick) / 2
            rects.append(f'<rect x="{at(left)}" y="{at(top)}" width="{at(thick)}" height="{at(bottom - top)}"/>')
            below[place] += value
        parts.append(f"<g {_fill(number)}>{''.join(rects)}</g>")
    return "".join(parts), frame.height


def _labels(chart: Chart) -> list[str]:
    """Return the labels of columns as they are below an axis."""
    if not chart.periods:
        return list(chart.labels)
    same = chart.labels[0][:4] == chart.labels[-1][:4]
    return [when(period, chart.each, within_a_year=same) for period in chart.periods]


def _rows(chart: Chart, frame: Frame) -> tuple[str, int]:
    """Return labels with a bar for each series below, and their height."""
    values = [value for one in chart.series for value in one.values]
    most = 100 if chart.unit == "percent" else max(max(value or 0, 0) for value in values) or 1
    room = max(len(with_unit(value, chart.unit)) for value in values) * LETTER + 12
    thick, y, parts = 12, 11.0, []
    for place, label in enumerate(chart.labels):
        parts.append(f'<text class="sv-t" x="0" y="{at(y)}">{text(label)}</text>')
        y += 4
        for number, one in enumerate(chart.series):
            value = one.values[place]
            long = min(max((value or 0) / most, 0), 1) * (frame.width - room)
            if value and value > 0:
                fill = _fill(number)
                parts.append(f'<rect x=".5" y="{at(y)}" width="{at(max(long, 1))}" height="{thick - 1}" {fill}/>')
            if value is not None:
                said = text(with_unit(value, chart.unit))
                parts.append(f'<text x="{at(long + 5)}" y="{at(y + thick - 2)}">{said}</text>')
            y += thick
        y += 13
    return "".join(parts), round(y - 6)


def _lines(chart: Chart, frame: Frame) -> tuple[str, int]:
    """Return lines, each with its own dashes, and their height."""
    marks = ticks(max(max(value or 0, 0) for one in chart.series for value in one.values), chart.unit)
    width = (frame.inner - 8) / max(len(chart.labels) - 1, 1)

    def x(place: int) -> float:
        return frame.left + 4 + place * width

    parts = [vertical(frame, marks, chart.unit), horizontal(frame, chart.labels, x)]
    for number, one in enumerate(chart.series):
        points = [
            f"{at(x(place))},{at(frame.y(max(value, 0), marks[-1]))}"
            for place, value in enumerate(one.values)
            if value is not None
        ]
        title = f"<title>{text(one.name)}</title>"
        if len(points) == 1:
            left, _, top = points[0].partition(",")
            parts.append(f'<circle cx="{left}" cy="{top}" r="3" class="sv-d{number}">{title}</circle>')
        elif points:
            parts.append(f'<polyline points="{" ".join(points)}" {_stroke(number)}>{title}</polyline>')
    return "".join(parts), frame.height


def _grid(chart: Chart, frame: Frame) -> tuple[str, int]:
    """Return a grid of squares whose area shows the value, readable without colour, and its height."""
    most = max(max(value or 0, 0) for one in chart.series for value in one.values) or 1
    left, cell = 34, (frame.width - 36) / len(chart.labels)
    parts = []
    for row, one in enumerate(chart.series):
        y = 4 + row * cell * 1.55
        parts.append(f'<text x="0" y="{at(y + cell * 0.75)}">{text(one.name[:3])}</text>')
        for place, value in enumerate(one.values):
            if value and value > 0:
                side = max(math.sqrt(value / most) * (cell - 1), 1.5)
                x = left + place * cell + (cell - side) / 2
                words = text(f"{one.name} {chart.labels[place]}: {with_unit(value, chart.unit)}")
                parts.append(
                    f'<rect class="sv-d0" x="{at(x)}" y="{at(y + (cell - side) / 2)}" width="{at(side)}"'
                    f' height="{at(side)}"><title>{words}</title></rect>'
                )
    bottom = 4 + len(chart.series) * cell * 1.55
    every = [label if place % 3 == 0 else "" for place, label in enumerate(chart.labels)]
    for place, label in enumerate(every):
        if label:
            middle = left + (place + 0.5) * cell
            parts.append(f'<text x="{at(middle)}" y="{at(bottom + 12)}" text-anchor="middle">{text(label, 12)}</text>')
    return "".join(parts), round(bottom + 18)


# -- parts ------------------------------------------------------------------------


def trend(heights: tuple[int, ...]) -> str:
    """Return a line without axes for a figure's trend; `heights` are from 0 to 100. A single one is not a line."""
    if len(heights) < 2:  # noqa: PLR2004  as said
        return ""
    step = 118 / (len(heights) - 1)
    points = " ".join(f"{at(1 + place * step)},{at(27 - height * 0.25)}" for place, height in enumerate(heights))
    return (
        '<svg class="sv-trend" viewBox="0 0 120 30" preserveAspectRatio="none" aria-hidden="true">'
        f'<path class="sv-area" d="M1,29L{points.replace(" ", "L")}L119,29z"/>'
        f'<polyline class="sv-s0" fill="none" points="{points}"/></svg>'
    )


def patterns() -> str:
    """Return the fills of all charts, for once on a page. They are not hidden, or no chart could use them."""
    made = "".join(map(_pattern, range(SERIES)))
    return f'<svg class="sv-aside" width="0" height="0" aria-hidden="true"><defs>{made}</defs></svg>'


def _pattern(place: int) -> str:
    filled = place == 2  # noqa: PLR2004  dots are filled, the others are strokes
    ink = f'class="sv-d{place}"' if filled else f'class="sv-s{place}" stroke-width="1.3" fill="none"'
    path = f'<path d="{_STROKES[place]}" {ink}/>' if _STROKES[place] else ""
    return (
        f'<pattern id="sv-fill-{place}" width="6" height="6" patternUnits="userSpaceOnUse">'
        f'<rect class="sv-g{place}" width="6" height="6"/>{path}</pattern>'
    )


def _fill(place: int) -> str:
    place = min(place, SERIES - 1)
    return f'class="sv-s{place}" fill="url(#sv-fill-{place})" stroke-width=".7"'


def _stroke(place: int) -> str:
    place = min(place, SERIES - 1)
    dash = f' stroke-dasharray="{_DASHES[place]}"' if _DASHES[place] else ""
    return f'class="sv-s{place}" fill="none" stroke-width="2"{dash}'
