"""Which excerpts were sent with a turn, in and out: by turn, side and part, since passages have other ids elsewhere."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..model import SIDES, Recalled
from ..store import Blocks, Index, Log
from ..store.details import Recall
from .places import Places
from .records import Place, RecallRecord, place_record

_WAITING = 10_000
"""Turns whose excerpts wait until the index knows the passages that they are from."""


def record(recall: Recall, place: Place | None) -> dict[str, Any]:
    """Return what a line says of an excerpt; `place` is the turn that it is from, if that is still there."""
    said = {
        "from": place_record(place),
        "part": recall.part or None,
        "number": recall.number if place is None or recall.number != place[0] else None,
        "side": SIDES[recall.side],
        "score": recall.score,
        "tokens": recall.tokens,
        "words": list(recall.words) or None,
    }
    return {name: value for name, value in said.items() if value is not None}


class Recalls:
    """The excerpts of an import: each is recorded as soon as the turn that it is from is in the index."""

    def __init__(self, log: Log, thread_id: str, places: Places) -> None:
        self.index, self.blocks = Index(log), Blocks(log)
        self.thread_id = thread_id
        self.places = places
        self.waiting: list[tuple[str, tuple[RecallRecord, ...]]] = []

    def add(self, turn_id: str, records: tuple[RecallRecord, ...]) -> None:
        """Take the excerpts that were sent with a turn, the best first."""
        if records:
            self.waiting.append((turn_id, records))
        if len(self.waiting) >= _WAITING:
            self.flush()

    def flush(self) -> None:
        """Record what waits; an excerpt whose passage is not there is recorded as one of an unknown passage."""
        if not self.waiting:
            return
        self.index.catch_up(self.thread_id)
        wanted = {self.places.turn(one.turn) or "" for _, records in self.waiting for one in records}
        passages = {(row["turn_id"], row["side"], row["part"]): row["id"] for row in self.index.passages(wanted)}
        for turn_id, records in self.waiting:
            self.blocks.add_recalls(turn_id, [self._found(one, passages) for one in records])
        self.waiting.clear()

    def _found(self, one: RecallRecord, passages: dict[tuple[str, int, int], int]) -> Recalled:
        key = (self.places.turn(one.turn) or "", SIDES.index(one.side), one.part)
        return replace(one.recalled, passage_id=passages.get(key, 0))
