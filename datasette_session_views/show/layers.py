"""The places of a graph's nodes in layers, each below all that it needs. Pure.

Nodes are numbers from 0. The method is Sugiyama's: layers, dummies where an edge passes a layer, an order with few
crossings by barycenters, then coordinates. Layers have a greatest width, as Coffman's and Graham's method has, so that
a graph with a hundred independent nodes is no wider than a page. Edges that pass layers on their way to or from the
same node share their dummies: they are drawn as one line that branches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Edge = tuple[int, int]
"""From a node to one that needs it."""

WIDEST = 4
"""The most nodes side by side."""

_SWEEPS = 4
"""How often the layers are ordered, downwards and upwards in turn."""

_Spot = tuple[int, str, int]
"""Something in a layer: a node (its number, "", 0), or a dummy (the number and side of the node that it leads to or
comes from, and its layer)."""


@dataclass(frozen=True)
class Layout:
    """Where nodes and edges are. A unit across is a node's width with its gap, a unit down a layer's height.

    `nodes` has the place of each node, by its number: across and down, from 0. `lines` has the points of each edge or
    part of one; the first is the lower side of a node or a dummy, and the last the upper side of the next one.
    """

    nodes: tuple[tuple[float, int], ...]
    lines: tuple[tuple[tuple[float, int], tuple[float, int]], ...]
    width: float
    height: int


def layout(count: int, edges: Sequence[Edge], widest: int = WIDEST) -> Layout:
    """Return where to draw nodes 0 to `count` - 1 so that each is below the nodes that it needs.

    An edge that would close a circle is left out, as one from a node to itself or to no node is.
    """
    sound = _sound(count, edges)
    layer = _layers(count, sound, widest)
    rows, links = _with_dummies(count, sound, layer)
    _order(rows, links)
    across = _across(rows)
    width = max((place + 1 - _margin(spot) for spot, place in across.items()), default=1.0)
    places = {spot: (across[spot], down) for down, row in enumerate(rows) for spot in row}
    return Layout(
        tuple(places[number, "", 0] for number in range(count)),
        tuple(sorted((places[one], places[other]) for one, other in links)),
        width,
        len(rows),
    )


def _sound(count: int, edges: Sequence[Edge]) -> list[Edge]:
    """Return the edges without repetition, and without those that close a circle."""
    kept: list[Edge] = []
    below: dict[int, list[int]] = {}
    for one, other in dict.fromkeys(edges):
        if not (0 <= one < count and 0 <= other < count) or _reaches(below, other, one):
            continue
        below.setdefault(one, []).append(other)
        kept.append((one, other))
    return kept


def _reaches(below: dict[int, list[int]], start: int, end: int) -> bool:
    seen, waiting = {start}, [start]
    while waiting:
        here = waiting.pop()
        if here == end:
            return True
        new = [one for one in below.get(here, ()) if one not in seen]
        seen.update(new)
        waiting += new
    return False


def _layers(count: int, edges: Sequence[Edge], widest: int) -> list[int]:
    """Return the layer of each node: below all that it needs, and in the first one with room."""
    needs: list[list[int]] = [[] for _ in range(count)]
    needed_by: list[list[int]] = [[] for _ in range(count)]
    for one, other in edges:
        needs[other].append(one)
        needed_by[one].append(other)
    left = [len(them) for them in needs]
    ready = [number for number in range(count) if not left[number]]
    layer, filled = [0] * count, [0] * (count + 1)
    for number in ready:  # grows while it is walked through
        down = max((layer[one] + 1 for one in needs[number]), default=0)
        while filled[down] >= widest:
            down += 1
        layer[number] = down
        filled[down] += 1
        for other in needed_by[number]:
            left[other] -= 1
            if not left[other]:
                ready.append(other)
    return layer


def _with_dummies(
    count: int, edges: Sequence[Edge], layer: Sequence[int]
) -> tuple[list[list[_Spot]], set[tuple[_Spot, _Spot]]]:
    """Return what is in each layer, and the links between one layer and the next."""
    rows: list[list[_Spot]] = [[] for _ in range(max(layer, default=-1) + 1)]
    for number in range(count):
        rows[layer[number]].append((number, "", 0))
    outs, ins = [0] * count, [0] * count
    for one, other in edges:
        outs[one] += 1
        ins[other] += 1
    links: set[tuple[_Spot, _Spot]] = set()
    known: set[_Spot] = set()
    for one, other in edges:
        shared = (other, "to") if ins[other] >= outs[one] else (one, "from")
        last: _Spot = (one, "", 0)
        for down in range(layer[one] + 1, layer[other]):
            dummy: _Spot = (*shared, down)
            if dummy not in known:
                known.add(dummy)
                rows[down].append(dummy)
            links.add((last, dummy))
            last = dummy
        links.add((last, (other, "", 0)))
    return rows, links


def _order(rows: list[list[_Spot]], links: set[tuple[_Spot, _Spot]]) -> None:
    """Order the layers so that few links cross: by the mean place of each spot's neighbours in the layer before."""
    above: dict[_Spot, list[_Spot]] = {}
    below: dict[_Spot, list[_Spot]] = {}
    for one, other in sorted(links):
        below.setdefault(one, []).append(other)
        above.setdefault(other, []).append(one)
    for sweep in range(_SWEEPS):
        downwards = sweep % 2 == 0
        near = above if downwards else below
        for row in rows[1:] if downwards else rows[-2::-1]:
            place = _across(rows)
            means = {
                spot: sum(place[one] for one in near[spot]) / len(near[spot]) if spot in near else place[spot]
                for spot in row
            }
            row.sort(key=means.__getitem__)


def _across(rows: Sequence[Sequence[_Spot]]) -> dict[_Spot, float]:
    """Return how far across each spot is. Dummies are narrow, and each layer is in the middle."""
    widths = [sum(_width(spot) for spot in row) for row in rows]
    widest = max(widths, default=0.0)
    found: dict[_Spot, float] = {}
    for row, width in zip(rows, widths, strict=True):
        left = (widest - width) / 2
        for spot in row:
            found[spot] = left + (_width(spot) - 1) / 2
            left += _width(spot)
    least = min((place + _margin(spot) for spot, place in found.items()), default=0.0)
    return {spot: place - least for spot, place in found.items()}


_DUMMY = 0.1
"""The width of a dummy, in units of a node's."""


def _width(spot: _Spot) -> float:
    return _DUMMY if spot[1] else 1.0


def _margin(spot: _Spot) -> float:
    """Return how much of a unit is empty on each side of a spot."""
    return (1 - _width(spot)) / 2
