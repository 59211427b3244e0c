"""A thread's exchanges in order: which turns each has, and its number. What every page and link rests on.

Kept for long threads for as long as nothing is added to them: numbering 10,000 exchanges takes 50 ms.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from .cache import kept
from .older import Older, older_log
from .source import Source
from .values import Cost, Figures

_LONG = 200
"""Exchanges from which a numbering is worth keeping."""

_MOST = 12
"""Numberings that are kept."""


class Numbering:
    """The turn ids of each exchange, oldest first."""

    def __init__(self, turns: Iterable[tuple[str, str | None]]) -> None:
        """Take turn ids in order, each with None where it begins an exchange, else with that exchange's first turn."""
        self.first: list[str] = []
        self._following: dict[str, list[str]] = {}
        self._heads: dict[str, str] = {}
        known: set[str] = set()
        for turn_id, continues in turns:
            if continues is None or not self.first:
                self.first.append(turn_id)
                known.add(turn_id)
            else:
                head = continues if continues in known else self.first[-1]
                self._following.setdefault(head, []).append(turn_id)
                self._heads[turn_id] = head

    def __len__(self) -> int:
        return len(self.first)

    def turns(self, number: int) -> tuple[str, ...]:
        """Return the turn ids of an exchange."""
        head = self.first[number - 1]
        return (head, *self._following.get(head, ()))

    def number(self, turn_id: str | None) -> int | None:
        """Return the number of the exchange that a turn belongs to, or None."""
        if turn_id is None:
            return None
        head = self._heads.get(turn_id, turn_id)
        place = bisect_left(self.first, head)
        return place + 1 if place < len(self.first) and self.first[place] == head else None


_kept: OrderedDict[tuple[str, str], tuple[tuple[Any, ...], Numbering]] = OrderedDict()
_lock = threading.Lock()


def numbering(source: Source, thread_id: str) -> Numbering:
    """Return a thread's numbering."""
    older = older_log(source).get(thread_id)
    state = source.first("thread_state", thread_id=thread_id) or {}
    now = (*state.values(), older, source.tables)
    with _lock:
        found = _kept.get((source.log, thread_id))
        if found is not None and found[0] == now:
            _kept.move_to_end((source.log, thread_id))
            return found[1]
    made = _read(source, older, thread_id)
    if len(made) >= _LONG:
        with _lock:
            _kept[source.log, thread_id] = (now, made)
            while len(_kept) > _MOST:
                _kept.popitem(last=False)
    return made


def turns_of(source: Source, exchanges: Mapping[str, Iterable[str]]) -> list[str]:
    """Return all turns of exchanges that are given by thread and first turn. For many threads: none is kept."""
    older = older_log(source)
    found: list[str] = []
    for thread_id, first_turns in exchanges.items():
        numbers = _read(source, older.get(thread_id), thread_id)
        for turn_id in first_turns:
            number = numbers.number(turn_id)
            found += numbers.turns(number) if number else ()
    return found


def figures(source: Source, thread_id: str, numbers: Numbering) -> Figures:
    """Return what a thread's exchanges come to."""
    if len(numbers) < _LONG:
        return _figures(source, thread_id, numbers)
    return kept(source, ("figures", thread_id), lambda: _figures(source, thread_id, numbers))


def _read(source: Source, older: Older | None, thread_id: str) -> Numbering:
    turns: Iterable[tuple[Any, ...]] = source.tuples("turns_of_thread", thread_id=thread_id)
    if older:
        where = {"first_row": older.first_row, "last_row": older.last_row}
        earlier = source.tuples("old_turns", thread_id=thread_id, **where)
        turns = sorted([*earlier, *turns], key=lambda turn: str(turn[0]))
    return Numbering((turn[0], turn[1]) for turn in turns)


def _figures(source: Source, thread_id: str, numbers: Numbering) -> Figures:
    older = older_log(source).get(thread_id)
    (found,) = source.rows("thread_figures", thread_id=thread_id)
    cost = Cost(found["cost"], found["calls"], found["counted"], found["priced"], found["local"] or 0)
    figures = Figures(
        0,
        found["calls"],
        found["input_tokens"],
        found["output_tokens"],
        cost,
        found["first_utc"] or "",
        found["last_utc"] or "",
        found["duration_ms"],
    )
    if older:
        figures += older.figures
    return replace(figures, exchanges=len(numbers))
