"""The steps of a workflow's run as the nodes of its graph. Pure; `graph` draws them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from llm_session_memory.model.jobs import ItemState
from llm_session_memory.reader.figures import Figures
from llm_session_memory.reader.jobs import Entry

from ..web.links import Links
from .graph import GraphNode
from .job_items import DID
from .words import span


def nodes(links: Links, entries: Sequence[Entry]) -> list[GraphNode]:
    """Return a run's items as the nodes of its graph: those of one step together, in the order of their first items."""
    steps: dict[str, list[Entry]] = {}
    for entry in entries:
        steps.setdefault(step_of(entry), []).append(entry)
    places = {name: place for place, name in enumerate(steps)}
    by_position = {entry.item.position: places[step_of(entry)] for entry in entries}
    return [_node(links, name, them, places[name], by_position) for name, them in steps.items()]


def step_of(entry: Entry) -> str:
    """Return the name of an item's step: `summary` for `summary[3]`."""
    name = entry.item.id or f"item {entry.item.position}"
    return name.partition("[")[0] or name


def _node(links: Links, name: str, items: Sequence[Entry], place: int, by_position: Mapping[int, int]) -> GraphNode:
    needed = (by_position.get(need) for entry in items for need in entry.item.needs)
    needs = tuple(dict.fromkeys(one for one in needed if one is not None and one != place))
    them = [entry for entry in items if "[" in (entry.item.id or "")] or list(items)
    state = _state(them)
    figures = sum((entry.figures for entry in items), Figures())
    seconds = [entry.seconds for entry in them if entry.seconds is not None and entry.item.state in DID]
    took = " · ".join(filter(None, (span(sum(seconds)) if seconds else "", figures.cost.words)))
    first = them[0]
    if len(them) > 1 or "[" in (first.item.id or ""):
        done = sum(entry.item.state == "done" for entry in them)
        failed = sum(entry.item.state == "failed" for entry in them)
        said = f"{done:,} of {len(them):,} done" + (f", {failed:,} failed" if failed else "")
        return GraphNode(name, state, said, took, links.job(first.item.job_id, step=name) + "#items", needs)
    url = links.turn(first.item.turn_id) if first.session and first.item.turn_id else ""
    url = url or links.job(first.item.job_id, step=name) + "#items"
    return GraphNode(name, state, first.item.state, took, url, needs)


def _state(entries: Sequence[Entry]) -> ItemState:
    """Return the state of a step by those of its items: the one that asks most for attention."""
    there = {entry.item.state for entry in entries}
    if there == {"done", "waiting"}:
        return "running"
    ordered: tuple[ItemState, ...] = ("failed", "running", "waiting", "cancelled", "done", "skipped")
    return next(state for state in ordered if state in there)
