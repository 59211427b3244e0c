"""What is already here of a conversation that arrives: its lines, in the log and among what has just arrived.

A line is a thread with the exchanges that it shares with another. A conversation with branches has several lines.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from ...rules.arrivals import mark_in
from ...store import Log, Sessions, history, origins

_SEVERAL = 2


@dataclass
class ArrivingLine:
    """A thread's turns, those that it shares included. It grows while a conversation arrives.

    Attributes:
        name: The name of its session, or None if it has none (any more).
        ids: The ids of its turns, in order.
        starts: The places in `ids` at which exchanges begin.
        here: How many of its own turns the log had before (None: the log does not have the thread).
    """

    thread_id: str
    name: str | None
    ids: list[str] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    here: int | None = None

    def has(self, place: int, marks: Sequence[str]) -> int:
        """Return how many turns with these marks it has from a place on, up to the first other one."""
        count = 0
        for id_, mark in zip(self.ids[place : place + len(marks)], marks, strict=False):
            if mark_in(id_) != mark:
                break
            count += 1
        return count

    def end_of(self, turn: int) -> int:
        """Return where the exchange that a turn belongs to ends, given the turn's place."""
        after = bisect_right(self.starts, turn)
        return self.starts[after] if after < len(self.starts) else len(self.ids)

    def head_before(self, end: int) -> str | None:
        """Return the first turn of the exchange that ends at a place, or None at the beginning."""
        after = bisect_right(self.starts, end - 1)
        return self.ids[self.starts[after - 1]] if end and after else None

    def find(self, mark: str) -> int | None:
        """Return the place of the turn with a mark, or None."""
        return next((place for place, id_ in enumerate(self.ids) if mark_in(id_) == mark), None)


@dataclass
class ArrivingFamily:
    """The lines of one conversation."""

    lines: list[ArrivingLine]
    _copies: Counter[str] | None = None

    def copies(self, mark: str) -> int:
        """Return how many turns with a mark there are, and count one more: the one that is about to be written."""
        if len(self.lines) < _SEVERAL:
            return 0
        if self._copies is None:
            self._copies = Counter(map(mark_in, {id_ for line in self.lines for id_ in line.ids}))
        self._copies[mark] += 1
        return self._copies[mark] - 1


class Families:
    """The lines of each conversation of a tool. `theirs` is the log, or None if there is none yet."""

    def __init__(self, source: str, theirs: Log | None) -> None:
        self._source = source
        self._theirs = theirs
        self._known: dict[str, ArrivingFamily] = {}

    def of(self, key: str) -> ArrivingFamily:
        """Return the lines of a conversation, given its key. A line that is added to them stays."""
        if key not in self._known:
            threads = origins.threads_of(self._theirs, self._source, key) if self._theirs else []
            self._known[key] = ArrivingFamily([self._line(one) for one in threads])
        return self._known[key]

    def _line(self, thread_id: str) -> ArrivingLine:
        assert self._theirs is not None
        session = Sessions(self._theirs).session_of_thread(thread_id)
        own = history.own_count(self._theirs, thread_id)
        line = ArrivingLine(thread_id, session.name if session else None, here=own)
        turns = history.every_exchange(self._theirs, thread_id)
        for ids in turns:
            line.starts.append(len(line.ids))
            line.ids.extend(ids)
        self._theirs.answers.pop(thread_id, None)  # what was looked up for that isn't needed again
        return line
