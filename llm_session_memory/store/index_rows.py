"""What the index stores of turns: their passages as rows, with their words, in batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..rules.passages import entries, split
from ..rules.tokens import base
from .beside import BETWEEN, FRAGMENT, Beside, joined

_BATCH = 500
"""The most turns indexed in one transaction, so that other writers do not wait for long."""

_FRAGMENTS = 20
"""The most texts that went with prompts which are indexed in one transaction, unless one prompt had more."""

OF_FRAGMENTS = "f"
"""The word that passages of texts which went with prompts have in the index besides the number of their thread."""


def scope_words(number: int, side: int) -> str:
    """Return the words of the column `thread` of the index for a passage."""
    return f"{number} {OF_FRAGMENTS}" if side == FRAGMENT else str(number)


def batches(turn_ids: Sequence[str], there: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    """Yield turns in batches that are indexed in one transaction each. `there` are the keys of what went with them."""
    batch: list[str] = []
    held = 0
    for turn_id in turn_ids:
        batch.append(turn_id)
        held += len(there.get(turn_id, ()))
        if len(batch) == _BATCH or held >= _FRAGMENTS:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


def passages_of(
    turn_id: str, texts: Sequence[str], pieces: Sequence[Beside] = (), fresh: Sequence[str] = ()
) -> Iterator[dict[str, Any]]:
    """Yield the passages of a turn's texts as rows; a turn without any text has one empty passage.

    `pieces` are the texts that went with its prompt, `fresh` the keys of those to index.
    """
    empty = True
    for side, text in enumerate(texts[:FRAGMENT]):
        weight = base(text) if text else 0.0
        spans = split(text, weight=weight)
        for part, (start, end) in enumerate(spans):
            empty = False
            passage = text[start:end]
            words, parts = entries(text, start, end)
            yield {
                "turn_id": turn_id,
                "side": side,
                "part": part,
                "start": start,
                "end": end,
                "weight": base(passage) if len(spans) > 1 else weight,
                "message_weight": weight,
                "text": words,
                "parts": parts,
            }
    for row in passages_beside_of(turn_id, pieces, fresh):
        empty = False
        yield row
    if empty:
        nothing = dict.fromkeys(("side", "part", "start", "end", "weight", "message_weight"), 0)
        yield {"turn_id": turn_id, "text": "", "parts": "", **nothing}


def passages_beside_of(turn_id: str, pieces: Sequence[Beside], fresh: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield the passages of those texts that went with a prompt whose keys are `fresh`, each text once.

    They are long and about many things, so each passage is a message of its own for ranking.
    """
    whole, wanted = joined(pieces), set(fresh)
    begin = part = 0
    for piece in pieces:
        if piece.key in wanted:
            wanted.remove(piece.key)
            for start, end in split(piece.text):
                weight = base(piece.text[start:end])
                words, parts = entries(whole, begin + start, begin + end)
                yield {
                    "turn_id": turn_id,
                    "side": FRAGMENT,
                    "part": part,
                    "start": begin + start,
                    "end": begin + end,
                    "weight": weight,
                    "message_weight": weight,
                    "text": words,
                    "parts": parts,
                }
                part += 1
        begin += len(piece.text) + len(BETWEEN)
