"""The frame of a chart: its size, its axes and their marks, as SVG. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from llm_session_memory.insight.charts import COUNTED, on_axis
from llm_session_memory.rules.safe_text import one_line

LETTER = 5.9
"""The width of a letter in the unit of the drawing, at its usual size."""

_APART = 14
"""The least distance between two labels below an axis."""

_LABEL = 44
"""Characters of a label in a chart. The table has the full label."""


@dataclass(frozen=True)
class Frame:
    """The size of a drawing and of the margins around what is drawn."""

    width: int = 360
    height: int = 190
    left: int = 44
    right: int = 12
    top: int = 20
    bottom: int = 24

    @property
    def inner(self) -> float:
        """The width of what is drawn."""
        return self.width - self.left - self.right

    def y(self, value: float, most: float) -> float:
        """Return the height of a value, if the axis ends at `most`."""
        return self.top + (1 - value / most) * (self.height - self.top - self.bottom)


NARROW = Frame()
"""About as wide as a phone, so that texts stay readable there."""

BROAD = Frame(width=1000, height=220)
"""As wide as a page on a desk."""


def vertical(frame: Frame, marks: Sequence[float], unit: str) -> str:
    """Return the vertical axis: a line and a number for each mark, and the unit unless the numbers have its sign."""
    parts = []
    if unit in COUNTED or (" " in unit and unit != "US dollars"):
        parts.append(f'<text x="0" y="9">{text(unit)}</text>')
    for mark in marks:
        y = frame.y(mark, marks[-1])
        kind = "sv-rule" if mark else "sv-base"
        parts.append(f'<path class="{kind}" d="M{frame.left},{at(y)}H{frame.width - frame.right}"/>')
        parts.append(f'<text x="{frame.left - 6}" y="{at(y + 3.5)}" text-anchor="end">{on_axis(mark, unit)}</text>')
    return "".join(parts)


def horizontal(frame: Frame, labels: Sequence[str], x: Callable[[int], float], bottom: float | None = None) -> str:
    """Return the marks below a chart and as many labels as fit, at equal distances and each below its mark."""
    shown = [one_line(label, 12) for label in labels]
    widest = max(map(len, shown), default=0) * LETTER + _APART
    distance = x(1) - x(0) if len(shown) > 1 else widest
    every = max(-(-int(widest) // max(int(distance), 1)), 1) if distance < widest else 1
    below = frame.height - frame.bottom if bottom is None else bottom
    parts = []
    for place in range(0, len(shown), every):
        middle, half = x(place), len(shown[place]) * LETTER / 2
        held = min(max(middle, half), frame.width - half)
        parts.append(
            f'<path class="sv-base" d="M{at(middle)},{at(below)}v4"/>'
            f'<text x="{at(held)}" y="{at(below + 15)}" text-anchor="middle">{escape(shown[place])}</text>'
        )
    return "".join(parts)


def at(value: float) -> str:
    """Return a coordinate as text, to a tenth."""
    return f"{value:.1f}".removesuffix(".0")


def text(words: str, width: int = _LABEL) -> str:
    """Return a label as escaped text on one line."""
    return escape(one_line(words, width))
