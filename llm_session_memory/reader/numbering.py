"""Number a thread's exchanges and find the turns of each. Every page and link depends on these numbers.

The numbering of a long thread is cached until the thread changes: numbering 10,000 exchanges takes 50 ms.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ..store.forks import Lineage, joined, traced
from ..store.numbering import Numbering, Pair, paired, with_older, without
from .cache import CACHE, kept
from .figures import Cost, Figures
from .older import older_log
from .source import Source, ids

_LONG = 200
"""The fewest exchanges of a thread whose numbering is worth caching."""


def numbering(source: Source, thread_id: str) -> Numbering:
    """Return a thread's numbering, without the exchanges that were undone. A fork's begins with what it shares."""
    line, older = lineage(source, thread_id), older_log(source)
    now = tuple(
        (one, last, older.get(one), *(source.first("thread_state", thread_id=one) or {}).values()) for one, last in line
    )
    return CACHE.get(
        (source.log, source.tables, "numbering", thread_id),
        lambda: now,
        lambda: _read(source, thread_id),
        lambda made: made.turn_count // 2 if len(made) >= _LONG else None,
    )


def lineage(source: Source, thread_id: str) -> Lineage:
    """Return a thread and those it was forked from, oldest first."""
    sql = "select from_thread_id, at_turn_id from memory_forks where thread_id = :id"
    return traced(thread_id, lambda one: next((tuple(row.values()) for row in source.query(sql, id=one)), None))


def family_line(source: Source, thread_id: str) -> str:
    """Return the ids of a thread and those it was forked from, in the form that our statements expect."""
    return ids(one for one, _ in lineage(source, thread_id))


def own_turns(source: Source, thread_id: str) -> list[str]:
    """Return the ids of the turns that were logged in a thread, undone ones too, but nothing that a fork shares."""
    return [turn_id for turn_id, _ in _own(source, thread_id)]


def turns_of(source: Source, exchanges: Mapping[str, Iterable[str]]) -> list[str]:
    """Return all turns of exchanges given by thread and first turn. It suits many threads: nothing is cached."""
    found: list[str] = []
    for thread_id, first_turns in exchanges.items():
        numbers = _read(source, thread_id)
        for turn_id in first_turns:
            number = numbers.number_of(turn_id)
            found += numbers.turns(number) if number else ()
    return found


def figures(source: Source, thread_id: str, numbers: Numbering) -> Figures:
    """Return the totals of a thread's exchanges."""
    if len(numbers) < _LONG:
        return _figures(source, thread_id, numbers)
    return kept(source, ("figures", thread_id), lambda: _figures(source, thread_id, numbers))


def _read(source: Source, thread_id: str) -> Numbering:
    line = lineage(source, thread_id)
    sql = "select turn_id from memory_undone where thread_id = :thread_id"
    undone = frozenset(str(row["turn_id"]) for row in source.query(sql, thread_id=thread_id))
    if len(line) > 1:
        return joined(line, [[*_own(source, one)] for one, _ in line], undone)
    return without(_own(source, thread_id), undone)


def _own(source: Source, thread_id: str) -> Iterable[Pair]:
    """Return the turns that were logged in a thread."""
    turns = paired(
        source.tuples("turns_of_thread", thread_id=thread_id),
        lambda hashes: source.tuples("request_answers", hashes=ids(hashes)),
        {},
    )
    older = older_log(source).get(thread_id)
    if older:
        where = {"first_row": older.first_row, "last_row": older.last_row}
        earlier = source.tuples("old_turns", thread_id=thread_id, **where)
        return with_older([(str(id_), continues) for id_, continues in earlier], [*turns])
    return turns


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
