"""Forks: a session whose history begins with that of another, up to an exchange. Nothing is copied but their settings.

memory_forks has a row for each fork. Its history is that of the thread it was forked from, up to the exchange
`at_turn_id`, as it is at any time: an exchange that gets another turn later has it in the fork too. Then come the
turns of the fork's own thread.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import groupby

from .log import Log
from .numbering import Inherited, Numbering, Pair, without
from .schema import statement

Lineage = tuple[tuple[str, "str | None"], ...]
"""A thread and those it was forked from, oldest first, each with its last exchange in the next one's history.

The exchange is given by its first turn, and is None for the last one: the thread itself.
"""


def lineage(log: Log, thread_id: str) -> Lineage:
    """Return a thread and those it was forked from. A log without the table has no forks."""
    if not log.columns("memory_forks"):
        return ((thread_id, None),)
    sql = "select from_thread_id, at_turn_id from memory_forks where thread_id = :thread_id"
    return traced(thread_id, lambda one: next(iter(log.tuples(sql, {"thread_id": one})), None))


def traced(thread_id: str, origin: Callable[[str], Sequence[str] | None]) -> Lineage:
    """Return a thread and those it was forked from; `origin` returns what a thread was forked from, and where."""
    found: list[tuple[str, str | None]] = [(thread_id, None)]
    seen = {thread_id}
    while (row := origin(found[0][0])) is not None and row[0] not in seen:  # a damaged log may go in circles
        seen.add(row[0])
        found.insert(0, (row[0], row[1]))
    return tuple(found)


def shared(turns: Iterable[Pair], last: str) -> list[Pair]:
    """Return the turns of the exchanges up to the one that begins with `last`, in order, those logged late too.

    If that exchange is gone, it is the ones with a lesser id: no other exchange comes into a fork instead.
    """
    pairs = [*turns]
    known = any(turn_id == last for turn_id, _ in pairs)
    heads: set[str] = set()
    head, found = "", []
    ended = False
    for turn_id, continues in pairs:
        if continues is None or not head:
            ended = ended or (head == last if known else turn_id > last)
            head = turn_id
            if not ended:
                heads.add(turn_id)
        within = continues if continues in heads else head
        if within in heads:
            found.append((turn_id, continues))
    return found


def joined(line: Lineage, turns: Sequence[Iterable[Pair]], undone: Collection[str]) -> Numbering:
    """Number the history of a fork: the turns of each thread of its lineage, as far as they are shared.

    Exchanges that were `undone` in the fork, given by their first turns, are left out.
    """
    pairs: list[Pair] = []
    owners: dict[str, str] = {}
    for (thread_id, last), some in zip(line, turns, strict=True):
        own = [*some]
        owners.update((turn_id, thread_id) for turn_id, _ in own)
        pairs += own
        if last is not None:
            pairs = shared(pairs, last)
    found = without(pairs, undone)
    inherited: list[Inherited] = []
    number = 0
    for thread_id, some_heads in groupby(found.first, key=lambda head: owners[head]):
        number += sum(1 for _ in some_heads)
        inherited.append((thread_id, number))
    own_id = line[-1][0]
    found.inherited = tuple(one for one in inherited if one[0] != own_id)
    return found


# -- families ----------------------------------------------------------


def all_parents(log: Log) -> frozenset[str]:
    """Return the threads that have forks."""
    if not log.columns("memory_forks"):
        return frozenset()
    return frozenset(one for (one,) in log.tuples("select distinct from_thread_id from memory_forks"))


def unnamed_parents(log: Log) -> list[str]:
    """Return the conversations without a name that have forks."""
    if not log.columns("memory_forks"):
        return []
    sql = (
        "select distinct from_thread_id from memory_forks"
        " where from_thread_id not in (select thread_id from memory_sessions) order by from_thread_id"
    )
    return [one for (one,) in log.tuples(sql)]


def forks_of(log: Log, thread_id: str) -> list[tuple[str, str]]:
    """Return the thread and the name of each fork of a thread, and of their forks, oldest first."""
    if not log.columns("memory_forks"):
        return []
    return [(fork, name) for fork, name in log.tuples(statement("forks_of"), {"thread_id": thread_id})]


# -- making ------------------------------------------------------------


def add(log: Log, thread_id: str, from_thread_id: str, at_turn_id: str, forked_utc: str) -> None:
    """Record that a thread is a fork of another. Call it inside `log.writing()`."""
    log.run(
        "insert into memory_forks (thread_id, from_thread_id, at_turn_id, forked_utc)"
        " values (:thread_id, :from_thread_id, :at_turn_id, :forked_utc)",
        {
            "thread_id": thread_id,
            "from_thread_id": from_thread_id,
            "at_turn_id": at_turn_id,
            "forked_utc": forked_utc,
        },
    )


def copy_beside(log: Log, thread_id: str, from_thread_id: str, shared: Iterable[str]) -> None:
    """Copy what a person put on the shared exchanges, and tags, facts and notes. Call it inside `log.writing()`.

    `shared` are the first turns of the shared exchanges, those that were undone too.
    """
    asked = {"fork": thread_id, "origin": from_thread_id, "shared": json.dumps(list(shared))}
    for one in statement("fork_copies").split(";\n"):
        if one.strip():
            log.run(one, asked)


def origin(log: Log, thread_id: str) -> str | None:
    """Return the thread that a fork was forked from, if llm has no row for the fork yet, or None."""
    if not log.columns("memory_forks"):
        return None
    sql = (
        "select from_thread_id from memory_forks where thread_id = :id"
        " and not exists (select 1 from threads where id = :id)"
    )
    found = log.value(sql, {"id": thread_id})
    return None if found is None else str(found)


def has_row(log: Log, thread_id: str) -> bool:
    """Return whether llm has a row for a thread: not if only older llms logged it, or nothing was said in it yet."""
    return bool(log.value("select 1 from threads where id = :id", {"id": thread_id}))
