"""Points in a session's history: where a fork's own exchanges begin, its snapshots, and what was undone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..rules import names
from ..store.numbering import Numbering
from .exchanges import calls
from .families import called
from .numbering import numbering
from .source import Source
from .values import Exchange, NamedPoint, Stem, Undone


def snapshots(source: Source, numbers: Numbering, thread_id: str) -> tuple[NamedPoint, ...]:
    """Return the snapshots of a session in the order of their exchanges."""
    sql = "select id, label, turn_id, made_utc from memory_snapshots where thread_id = :id order by id"
    found = (_snapshot(numbers, row) for row in source.query(sql, id=thread_id))
    return tuple(sorted(found, key=lambda one: one.number))


def after_snapshot(source: Source, thread_id: str, label: str) -> int | None:
    """Return the number of the exchange that follows a snapshot, or the last one; None if there is no such snapshot."""
    numbers = numbering(source, thread_id)
    found = {names.key(one.label): one.number for one in snapshots(source, numbers, thread_id)}
    number = found.get(names.key(label))
    return None if number is None else max(min(number + 1, len(numbers)), 1)


def _snapshot(numbers: Numbering, row: Mapping[str, Any]) -> NamedPoint:
    number, undone = _place(numbers, row["turn_id"])
    return NamedPoint(row["id"], row["label"], number, row["made_utc"], undone)


def _place(numbers: Numbering, turn_id: str | None) -> tuple[int, str | None]:
    """Return the number of an exchange; if it was undone, the number of the one before it (or 0), and its id."""
    if turn_id is None:
        return 0, None
    number = numbers.number_of(turn_id)
    return (numbers.place(turn_id), turn_id) if number is None else (number, None)


def stems(source: Source, numbers: Numbering) -> tuple[Stem, ...]:
    """Return the parts of a fork's history that are other sessions' exchanges, oldest first."""
    if not numbers.inherited:
        return ()
    threads = [thread_id for thread_id, _ in numbers.inherited]
    known = called(source, threads)
    found: list[Stem] = []
    for thread_id, last in numbers.inherited:
        one = known[thread_id]
        first = found[-1].last + 1 if found else 1
        found.append(Stem(one.reference, one.heading, first, last))
    return tuple(found)


def undone_between(source: Source, numbers: Numbering, thread_id: str, begin: int, end: int) -> tuple[Undone, ...]:
    """Return the undone exchanges among the exchanges `begin` to `end`, oldest first."""
    least = begin if begin > 1 else 0
    places = [(numbers.place(turn_ids[0]), turn_ids) for turn_ids in numbers.undone]
    wanted = [(place, turn_ids) for place, turn_ids in places if least <= place <= end]
    found = calls(source, (turn_id for _, turn_ids in wanted for turn_id in turn_ids))
    sql = "select turn_id, undone_utc from memory_undone where thread_id = :id"
    times = {row["turn_id"]: row["undone_utc"] for row in source.query(sql, id=thread_id)}
    made = (
        (place, turn_ids[0], tuple(found[turn_id] for turn_id in turn_ids if turn_id in found))
        for place, turn_ids in wanted
    )
    return tuple(Undone(place, Exchange(0, some), times.get(head, "")) for place, head, some in made if some)
