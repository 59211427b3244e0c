"""Explain a composed request, line by line, and read from the log what the lines need."""

from __future__ import annotations

from ..model import Context, ContextItem
from ..rules import explanation
from ..rules.explanation import notes_item, recalled_items, summary_item
from ..rules.request import system_text
from .seen_session import SeenSession


def explain(seen: SeenSession, made: Context) -> tuple[ContextItem, ...]:
    """Return the explanation of a request, item by item, in the order sent."""
    sizes = _sizes(seen, made)
    measure, request = seen.measure, seen.request
    asked = measure.tokens(measure.base(made.input) + request.extra)  # includes the fence around excerpts
    return explanation.explain(
        made.block,
        sizes,
        len(seen.turns),
        made.start,
        pins=seen.pinned,
        system=(request.system, seen.tokens_of_system(request.system)) if request.system else None,
        tools=[(name, measure.tokens(weight)) for name, weight in request.tools],
        prompt=(request.text, asked - sum(one.tokens for one in made.recalled)),
        kept=_kept(seen),
        summarised=seen.covered,
        recalled=recalled_items(made.recalled),
    )


def _sizes(seen: SeenSession, made: Context) -> dict[str, tuple[int, int]]:
    """Return the number and the tokens of each exchange that is sent, by id."""
    numbers = {seen.numbers[id_] for id_ in made.block.pinned if id_ in seen.numbers}
    if made.start is not None:
        numbers |= {*range(made.start, len(seen.turns) + 1)}
    sizes = {one.id: (one.number, one.tokens) for one in seen.sized(seen.exchanges(sorted(numbers)))}
    if made.block.clip is not None and made.block.start_id in sizes:
        number, _ = sizes[made.block.start_id]
        sizes[made.block.start_id] = (number, made.block.clip)
    return sizes


def _kept(seen: SeenSession) -> list[ContextItem]:
    """Return the lines for notes and summary, each with the tokens that it adds to the system message."""
    system, notes, summary, everywhere = (
        seen.request.system,
        seen.notes,
        seen.summary,
        seen.everywhere,
    )
    texts = (
        system_text(system),
        system_text(system, everywhere=everywhere),
        system_text(system, notes, everywhere=everywhere),
        seen.system(),
    )
    alone, shared, noted, summed = map(seen.tokens_of_system, texts)
    items = [notes_item(everywhere, shared - alone, everywhere=True)] if everywhere else []
    items += [notes_item(notes, noted - shared)] if notes else []
    if summary is not None and seen.covered is not None:
        items.append(summary_item(summary, seen.covered, summed - noted))
    return items
