"""A workflow's steps as an inline SVG: each below those that it needs, with its state, time and cost. Pure.

A step that runs for each value of a list is one node with the number of its items. States differ by sign, word and
border, not by colour alone. A node leads to the step's answer, or to its items if there are several.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from llm_session_memory.model.jobs import ItemState
from llm_session_memory.rules.safe_text import one_line

from .axes import at, text
from .layers import WIDEST, Layout, layout

SIGNS: dict[ItemState, str] = {
    "done": "✓",
    "failed": "✗",
    "running": "▸",
    "waiting": "○",
    "skipped": "↷",
    "cancelled": "–",
}
"""A sign for each state, which stands before its word."""

_ACROSS, _DOWN = 224, 104
"""The distance of nodes from each other, in pixels."""

_WIDE, _HIGH = 200, 66
"""The size of a node."""

_EDGE = 6
"""The room around the drawing, for borders and the focus."""

_LABEL, _LINE = 22, 33
"""Characters of a node's name and of the lines below it. Its tooltip has all of it."""


@dataclass(frozen=True)
class GraphNode:
    """A step: its name, its state, two lines about it, where it leads, and the places of the steps that it needs."""

    name: str
    state: ItemState
    said: str
    took: str = ""
    url: str = ""
    needs: tuple[int, ...] = ()

    @property
    def words(self) -> str:
        """All that is said about it, on one line."""
        return ", ".join(filter(None, (one_line(self.name, 200), self.said, self.took)))


def graph(nodes: Sequence[GraphNode], title: str, widest: int = WIDEST) -> str:
    """Return the steps as SVG, at most `widest` of them side by side: a page lets it be scrolled if it is too wide."""
    laid = layout(len(nodes), [(need, place) for place, node in enumerate(nodes) for need in node.needs], widest)
    width = round(laid.width * _ACROSS - (_ACROSS - _WIDE)) + 2 * _EDGE
    height = max(laid.height, 1) * _DOWN - (_DOWN - _HIGH) + 2 * _EDGE
    drawn = "".join(_node(node, *place) for node, place in zip(nodes, laid.nodes, strict=True))
    return (
        f'<svg class="sv-graph" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="group"'
        f' aria-labelledby="graph-{widest}" font-size="12.5"><title id="graph-{widest}">{text(title, 120)}</title>'
        f'<defs><marker id="sv-arrow-{widest}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8"'
        ' orient="auto"><path class="sv-tip" d="M0,0L8,4L0,8z"/></marker></defs>'
        f'<g class="sv-edges" aria-hidden="true">{_edges(laid, widest)}</g>{drawn}</svg>'
    )


def _edges(laid: Layout, widest: int) -> str:
    ends = set(laid.nodes)
    found = []
    for one, other in laid.lines:
        left, right = (place[0] * _ACROSS + _WIDE / 2 + _EDGE for place in (one, other))
        low, high = one[1] * _DOWN + _HIGH + _EDGE, other[1] * _DOWN + _EDGE
        begin = f"M{at(left)},{low}" if one in ends else f"M{at(left)},{low - _HIGH}V{low}"
        bend = (low + high) / 2
        tip = f' marker-end="url(#sv-arrow-{widest})"' if other in ends else ""
        found.append(f'<path d="{begin}C{at(left)},{at(bend)} {at(right)},{at(bend)} {at(right)},{high}"{tip}/>')
    return "".join(found)


def _node(node: GraphNode, across: float, down: int) -> str:
    left, top = across * _ACROSS + _EDGE, down * _DOWN + _EDGE
    body = (
        f'<rect x="{at(left)}" y="{top}" width="{_WIDE}" height="{_HIGH}" rx="8"/>'
        f'<text class="sv-t" x="{at(left + 12)}" y="{top + 22}">{text(node.name, _LABEL)}</text>'
        f'<text x="{at(left + 12)}" y="{top + 40}">{text(f"{SIGNS[node.state]} {node.said}", _LINE)}</text>'
        f'<text x="{at(left + 12)}" y="{top + 56}">{text(node.took, _LINE)}</text>'
    )
    kind = f'class="sv-step sv-st-{node.state}"'
    said = escape(node.words)
    if not node.url:
        return f'<g {kind} role="img" aria-label="{said}">{body}<title>{said}</title></g>'
    return f'<a {kind} href="{escape(node.url)}" aria-label="{said}">{body}<title>{said}</title></a>'
