"""Store which excerpts were sent with a turn. The file names each excerpt by turn, side and part."""

from __future__ import annotations

from dataclasses import replace

from ..model import SIDES, Recalled
from ..store import Log, Requests
from ..store.index import Index
from .places import Places
from .records import RecallRecord

_WAITING = 10_000
"""How many turns to collect before their excerpts are looked up in the index."""


class Recalls:
    """The excerpts of an import. An excerpt is recorded when the turn that it is from is in the index."""

    def __init__(self, log: Log, thread_id: str, places: Places) -> None:
        self.index, self.blocks = Index(log), Requests(log)
        self.thread_id = thread_id
        self.places = places
        self.waiting: list[tuple[str, tuple[RecallRecord, ...]]] = []

    def add(self, turn_id: str, records: tuple[RecallRecord, ...]) -> None:
        """Add the excerpts that were sent with a turn, best first."""
        if records:
            self.waiting.append((turn_id, records))
        if len(self.waiting) >= _WAITING:
            self.flush()

    def flush(self) -> None:
        """Record the excerpts collected so far. One whose passage is not in the index gets the passage id 0."""
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
