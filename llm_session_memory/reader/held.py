"""In which session's history an exchange is found: its own, that of a fork that shares it, or none. For the search."""

from __future__ import annotations

from ..store.numbering import Numbering
from .numbering import lineage, numbering, own_turns
from .source import Source


def line_of(source: Source, thread_id: str | None) -> tuple[str, ...]:
    """Return a thread and those it was forked from, oldest first, or nothing for no thread."""
    return () if thread_id is None else tuple(one for one, _ in lineage(source, thread_id))


def elsewhere(source: Source, thread_id: str) -> list[str]:
    """Return the turns of a thread, and of those it was forked from, that are not in its history."""
    numbers, line = numbering(source, thread_id), line_of(source, thread_id)
    if len(line) == 1:  # no need to read 10,000 turns again
        return [turn_id for turn_ids in numbers.undone for turn_id in turn_ids]
    every = (turn_id for one in line for turn_id in own_turns(source, one))
    return [turn_id for turn_id in every if numbers.number_of(turn_id) is None]


def in_no_history(source: Source) -> list[str]:
    """Return the turns of exchanges that were undone in their own session and are in the history of no fork."""
    found: list[str] = []
    for row in source.query("select distinct thread_id from memory_undone order by thread_id"):
        thread_id = str(row["thread_id"])
        undone = numbering(source, thread_id).undone
        if len(line_of(source, thread_id)) > 1:
            own = {*own_turns(source, thread_id)}
            undone = tuple(turn_ids for turn_ids in undone if turn_ids[0] in own)
        forks = forks_below(source, thread_id) if undone else []
        for turn_ids in undone:
            if not any(numbering(source, fork).number_of(turn_ids[0]) for fork in forks):
                found += turn_ids
    return found


class Numberings:
    """The numberings that one search needs: each thread is numbered once, however many of its turns are found."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._known: dict[str, Numbering] = {}

    def number(self, thread_id: str, turn_id: str) -> int | None:
        """Return the number of a turn in a thread's history, or None. A turn may be newer than what is known."""
        known = thread_id in self._known
        number = self.of(thread_id).number_of(turn_id)
        return self._read(thread_id).number_of(turn_id) if number is None and known else number

    def of(self, thread_id: str) -> Numbering:
        """Return a thread's numbering."""
        return self._known[thread_id] if thread_id in self._known else self._read(thread_id)

    def holder(self, thread_id: str, turn_id: str) -> tuple[str, int | None]:
        """Return the session whose history has a turn, and the number there: its own session or, if undone, a fork."""
        number = self.number(thread_id, turn_id)
        if number is not None:
            return thread_id, number
        for fork in forks_below(self._source, thread_id):
            number = self.number(fork, turn_id)
            if number is not None:
                return fork, number
        return thread_id, None

    def _read(self, thread_id: str) -> Numbering:
        found = self._known[thread_id] = numbering(self._source, thread_id)
        return found


def forks_below(source: Source, thread_id: str) -> list[str]:
    """Return the forks of a thread, their forks and so on."""
    return [str(row["thread_id"]) for row in source.rows("family", root=thread_id, most=-1)]


def unnamed_parents(source: Source) -> list[str]:
    """Return the conversations without a name that forks share exchanges of: our index has them too."""
    sql = (
        "select distinct f.from_thread_id as id from memory_forks f"
        " where not exists (select 1 from memory_sessions s where s.thread_id = f.from_thread_id)"
    )
    return [str(row["id"]) for row in source.query(sql)]
