"""Sessions that share exchanges because one was forked from the other: what each sees, and what a deletion changes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from ..rules.deletion import Mark, View
from .history import every_exchange, own_turns
from .log import Log


def related(log: Log, thread_ids: Iterable[str]) -> dict[str, frozenset[str]]:
    """Return, for each of these threads that shares exchanges with others, all threads that it is related to."""
    near: dict[str, set[str]] = defaultdict(set)
    if log.columns("memory_forks"):
        for one, other in log.tuples("select thread_id, from_thread_id from memory_forks"):
            near[one].add(other)
            near[other].add(one)
    found: dict[str, frozenset[str]] = {}
    for thread_id in thread_ids:
        if thread_id in near and thread_id not in found:
            family, new = {thread_id}, [thread_id]
            while new:
                new = [other for one in new for other in near[one] if other not in family]
                family.update(new)
            found.update(dict.fromkeys(family, frozenset(family)))
    return found


class DeletionFamily:
    """Some threads with all their relatives, as a deletion sees them. `turns` has the turns of each exchange."""

    def __init__(self, log: Log, thread_ids: Iterable[str]) -> None:
        self.turns: dict[str, tuple[str, ...]] = {}
        self.views = {thread_id: self._view(log, thread_id) for thread_id in sorted(thread_ids)}

    def _view(self, log: Log, thread_id: str) -> View:
        every = every_exchange(log, thread_id)
        self.turns.update((ids[0], ids) for ids in every)
        own = {*own_turns(log, thread_id)} if every.inherited else {*every.first}
        here = {"id": thread_id}
        undone = "select turn_id, undone_utc from memory_undone where thread_id = :id"
        marks = "select label, turn_id, made_utc from memory_snapshots where thread_id = :id order by id"
        fork = "select from_thread_id, at_turn_id, forked_utc from memory_forks where thread_id = :id"
        origin = next(iter(log.tuples(fork, here)), None) if log.columns("memory_forks") else None
        return View(
            thread_id,
            every.first,
            frozenset(id_ for id_ in every.first if id_ in own),
            dict(log.tuples(undone, here)) if log.columns("memory_undone") else {},
            [Mark(*row) for row in log.tuples(marks, here)] if log.columns("memory_snapshots") else [],
            (origin[0], origin[1]) if origin else None,
            origin[2] if origin else "",
        )

    def moved(self, heirs: Mapping[str, str]) -> dict[str, str]:
        """Return the thread that takes over each turn, given the thread that takes over each exchange."""
        return {turn_id: thread_id for exchange, thread_id in heirs.items() for turn_id in self.turns[exchange]}


def relink(log: Log, links: Mapping[str, tuple[str, str] | None]) -> None:
    """Give forks another origin; None: they have none any more."""
    for thread_id, link in links.items():
        if link is None:
            log.run("delete from memory_forks where thread_id = :id", {"id": thread_id})
        else:
            log.run(
                "update memory_forks set from_thread_id = :origin, at_turn_id = :at where thread_id = :id",
                {"id": thread_id, "origin": link[0], "at": link[1]},
            )


def take_out(log: Log, undone: Mapping[str, Iterable[str]], undone_utc: str) -> None:
    """Take exchanges out of sessions as undone."""
    rows = ({"id": one, "turn_id": exchange, "at": undone_utc} for one, some in undone.items() for exchange in some)
    log.many("insert or ignore into memory_undone values (:id, :turn_id, :at)", rows)
