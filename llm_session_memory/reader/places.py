"""Find where an exchange stands now: its session, and its place there. Ids last; numbers and names may change."""

from __future__ import annotations

from dataclasses import dataclass

from .entries import Relative
from .families import called
from .numbering import numbering
from .source import Source
from .threads import owner

_DIGITS = 11
"""The most digits of an exchange's number. An id is longer."""


@dataclass(frozen=True)
class Place:
    """Where an exchange or a failed prompt stands.

    `id` is that of its first call, or of the failed prompt. `number` is its own or, if it has none because it failed or
    was undone, that of the exchange before it (0 if there is none); then it is not `numbered`.
    """

    session: Relative
    id: str
    number: int
    undone: bool = False
    numbered: bool = True


def place(source: Source, wanted: str, thread_id: str | None = None) -> Place | None:
    """Return where an exchange is: in this thread if it is there, else in its own. Return None if the log lacks it.

    `wanted` is the id of one of its calls, the id of a failed prompt or, in a thread, the number of an exchange.
    """
    found = _within(source, thread_id, wanted) if thread_id is not None else None
    if found is not None:
        return found
    sql = "select thread_id from memory_attempts where id = :id"
    elsewhere = owner(source, wanted) or source.value(sql, id=wanted)
    return None if elsewhere in (None, thread_id) else _within(source, str(elsewhere), wanted)


def _within(source: Source, thread_id: str, wanted: str) -> Place | None:
    numbers = numbering(source, thread_id)
    number = numbers.number_of(wanted)
    if number is None and wanted.isascii() and wanted.isdigit() and len(wanted) <= _DIGITS:
        number = int(wanted) if 1 <= int(wanted) <= len(numbers) else None
    id_, undone = (numbers.first[number - 1], False) if number else (None, False)
    if id_ is None:
        id_ = next((turn_ids[0] for turn_ids in numbers.undone if wanted in turn_ids), None)
        undone = id_ is not None
    if id_ is None:
        sql = "select id from memory_attempts where thread_id = :thread_id and id = :id"
        id_ = source.value(sql, thread_id=thread_id, id=wanted)
    if id_ is None:
        return None
    return Place(
        called(source, [thread_id])[thread_id],
        str(id_),
        number or numbers.place(str(id_)),
        undone,
        numbered=number is not None,
    )
