"""The explanation of a composed request: a line for each part of it, with its fate, reason and tokens."""

from __future__ import annotations

from collections.abc import Iterable

from ..model import Context, Item, Recalled
from ..rules import explanation
from ..rules.request import system_messages, system_text
from .composer import Composer


def explain(composer: Composer, made: Context) -> tuple[Item, ...]:
    """Return the explanation of a request, item by item, in the order in which it is sent."""
    numbers = [composer.numbers[id_] for id_ in made.block.pinned if id_ in composer.numbers]
    if made.start is not None:
        numbers += range(made.start, len(composer.turns) + 1)
    exchanges = composer.exchanges(sorted(set(numbers)))
    sizes = {sized.id: (sized.number, sized.tokens) for sized in composer.sized(exchanges)}
    if made.block.clip is not None and made.block.start_id in sizes:
        number, _ = sizes[made.block.start_id]
        sizes[made.block.start_id] = (number, made.block.clip)
    measure, request = composer.measure, composer.request
    system = measure.tokens(measure.base(system_messages(request.system)))
    asked = measure.tokens(measure.base(made.input) + request.extra)  # with the fence of what is recalled
    earlier = composer.store.blocks.recalls(made.block.id) if made.block.id else []
    before = list(_recalled(earlier, " (for an earlier prompt of this block)"))
    if before:
        chain = measure.tokens(measure.base([one for one in made.chain if one.role != "system"]))
        known = sum(tokens for _, tokens in sizes.values()) + sum(item.tokens for item in before)
        before.append(Item("recalled", "the fence around the excerpts of earlier prompts", max(chain - known, 0)))
    return explanation.explain(
        made.block,
        sizes,
        len(composer.turns),
        made.start,
        pins={composer.numbers[id_] for id_ in composer.store.pins(composer.thread_id) if id_ in composer.numbers},
        system=(request.system, system) if request.system else None,
        tools=[(name, measure.tokens(weight)) for name, weight in request.tools],
        prompt=(request.text, asked - sum(one.tokens for one in made.recalled)),
        kept=tuple(_kept(composer)),
        summarised=_covered(composer),
        recalled=[*before, *_recalled(made.recalled)],
    )


def _kept(composer: Composer) -> Iterable[Item]:
    """Yield the lines for notes and summary, which are part of the system message."""
    measure, request = composer.measure, composer.request
    notes = [note.text for note in composer.notes]
    texts = [
        system_text(request.system),
        system_text(request.system, notes),
        system_text(request.system, notes, composer.summary.text if composer.summary else None),
    ]
    sizes = [measure.tokens(measure.base(system_messages(text))) for text in texts]
    if notes:
        many = f"{len(notes)} notes" if len(notes) > 1 else "a note"
        yield Item("notes", f"{many}, always sent", sizes[1] - sizes[0], text="; ".join(notes))
    covered = _covered(composer)
    if composer.summary and covered:
        by = composer.summary.model or "you"
        reason = f"the summary of #{covered[0]} to #{covered[1]}, by {by}"
        yield Item("summary", reason, sizes[2] - sizes[1], text=composer.summary.text)


def _covered(composer: Composer) -> tuple[int, int] | None:
    summary = composer.summary
    if summary is None:
        return None
    return composer.numbers.get(summary.first_turn_id, 1), composer.numbers[summary.last_turn_id]


def _recalled(excerpts: Iterable[Recalled], when: str = "") -> Iterable[Item]:
    said = {"prompt": "of the prompt", "tool": "of a tool result", "reply": "of the reply"}
    for one in sorted(excerpts, key=lambda one: (one.number, one.passage_id)):
        found = f"found by {', '.join(one.words)}" if one.words else "beside what was found"
        text = one.text.partition("] ")[2]
        yield Item(
            "recalled", f"{said[one.side]}{when}, {found}", one.tokens, one.number, one.number, text, score=one.score
        )
