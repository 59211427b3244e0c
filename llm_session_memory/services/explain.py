"""Explain a composed request, line by line, and read from the log what the lines need."""

from __future__ import annotations

from ..model import Context, ContextItem
from ..rules import explanation
from ..rules.explanation import notes_item, recalled_items, summary_item
from ..rules.request import system_text
from .snapshot import Snapshot


def explain(snapshot: Snapshot, made: Context) -> tuple[ContextItem, ...]:
    """Return the explanation of a request, item by item, in the order sent."""
    sizes = _sizes(snapshot, made)
    measure, request = snapshot.measure, snapshot.request
    asked = measure.tokens(measure.base(made.input) + request.extra)  # includes the fence around excerpts
    return explanation.explain(
        made.block,
        sizes,
        len(snapshot.turns),
        made.start,
        pins=snapshot.pinned,
        system=(request.system, snapshot.tokens_of_system(request.system)) if request.system else None,
        tools=[(name, measure.tokens(weight)) for name, weight in request.tools],
        prompt=(request.text, asked - sum(one.tokens for one in made.recalled)),
        kept=_kept(snapshot),
        summarised=snapshot.covered,
        recalled=recalled_items(made.recalled),
    )


def _sizes(snapshot: Snapshot, made: Context) -> dict[str, tuple[int, int]]:
    """Return the number and the tokens of each exchange that is sent, by id."""
    numbers = {snapshot.numbers[id_] for id_ in made.block.pinned if id_ in snapshot.numbers}
    if made.start is not None:
        numbers |= {*range(made.start, len(snapshot.turns) + 1)}
    sizes = {one.id: (one.number, one.tokens) for one in snapshot.sized(snapshot.exchanges(sorted(numbers)))}
    if made.block.clip is not None and made.block.start_id in sizes:
        number, _ = sizes[made.block.start_id]
        sizes[made.block.start_id] = (number, made.block.clip)
    return sizes


def _kept(snapshot: Snapshot) -> list[ContextItem]:
    """Return the lines for notes and summary, each with the tokens that it adds to the system message."""
    system, notes, summary, everywhere = (
        snapshot.request.system,
        snapshot.notes,
        snapshot.summary,
        snapshot.everywhere,
    )
    texts = (
        system_text(system),
        system_text(system, everywhere=everywhere),
        system_text(system, notes, everywhere=everywhere),
        snapshot.system(),
    )
    alone, shared, noted, summed = map(snapshot.tokens_of_system, texts)
    items = [notes_item(everywhere, shared - alone, everywhere=True)] if everywhere else []
    items += [notes_item(notes, noted - shared)] if notes else []
    if summary is not None and snapshot.covered is not None:
        items.append(summary_item(summary, snapshot.covered, summed - noted))
    return items
