"""What was deleted from a log, so that an import does not bring it back."""

from __future__ import annotations

from collections.abc import Sequence

from ...store import Log, origins
from ...store.tombstones import content_hash
from .content import Arriving
from .families import ArrivingLine


class Tombstones:
    """The tombstones of a log; without one, nothing was deleted."""

    def __init__(self, log: Log | None) -> None:
        self._marks = origins.deleted_marks(log) if log else frozenset()
        self._contents = origins.deleted_contents(log) if log else frozenset()

    def has(self, arriving: Arriving, lines: Sequence[ArrivingLine]) -> bool:
        """Return whether an exchange was deleted, and is in no line of its conversation: nobody brought it back."""
        gone = not self._marks.isdisjoint(arriving.marks) or self._has_texts(arriving)
        return gone and all(line.find(arriving.marks[0]) is None for line in lines)

    def _has_texts(self, arriving: Arriving) -> bool:
        if not self._contents:
            return False
        hashes = (
            content_hash(turn.datetime_utc, turn.input[-1].text, "".join(message.text for message in turn.output))
            for turn in arriving.turns
        )
        return not self._contents.isdisjoint(hashes)
