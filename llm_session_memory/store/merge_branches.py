"""Conversations that were continued in two logs: find them, and give their branches threads of their own in both.

Each log is brought into the form in which both agree on the thread of each exchange (see rules/merging.py). Then the
two can be put together row by row. What belongs to a session (its settings, notes, pins and so on) stays with the
branch that this log had.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from ..rules.merging import Apart, Branch, apart
from . import deletion_words, history
from .deletion import statements
from .log import Log
from .merge_tips import retip, untip

_WITH_THREAD = (
    "memory_sessions",
    "memory_attempts",
    "memory_pins",
    "memory_notes",
    "memory_tags",
    "memory_meta",
    "memory_summaries",
    "memory_ratings",
    "memory_other_ratings",
    "memory_shared_names",
    "memory_bookmarks",
    "memory_undone",
    "memory_snapshots",
    "memory_titles",
    "memory_changes",
    "memory_conflicts",
)
"""The tables with what belongs to a session, which goes with its branch."""

_CALLS = (("turns", "thread_id"), ("responses", "conversation_id"))
"""The tables of calls, with the column that has the conversation."""

_AT_ONCE = 5_000
"""How many calls are looked up at a time."""

_THERE = (
    "select 1 from turns where thread_id = :id union all select 1 from responses where conversation_id = :id"
    " union all select 1 from memory_branches where thread_id = :id limit 1"
)
"""Whether a log knows the thread of a branch."""


class GrownApart(NamedTuple):
    """A conversation that continued in both logs: the thread where it began, its threads, and what becomes of them."""

    root: str
    threads: frozenset[str]
    apart: Apart


def went_on(ours: Log, theirs: Log) -> list[GrownApart]:
    """Return the conversations whose branches have to be set apart."""
    near: dict[str, set[str]] = defaultdict(set)
    touched = _touched(ours, theirs, near)
    if not touched:
        return []
    apart_before = _branches(ours)
    for thread_id, (root, branch) in _branches(theirs).items():
        here = apart_before.get(thread_id)
        if here is None or branch.kept_turn_id < here[1].kept_turn_id:
            apart_before[thread_id] = root, branch
    for thread_id, (root, _) in apart_before.items():
        near[thread_id].add(root)
        near[root].add(thread_id)
    found = []
    for threads in _families(near, touched):
        roots = sorted(threads - apart_before.keys())
        if len(roots) == 1:
            found.append(_conversation(roots[0], threads, (ours, theirs), apart_before))
    return found


def _touched(ours: Log, theirs: Log, near: dict[str, set[str]]) -> set[str]:
    """Return the threads that are not the same in both logs, or the beginning of each other; `near` gets the pairs."""
    touched: set[str] = set()
    grown: set[str] = set()
    for table, column in _CALLS:
        every = theirs.stream(f"select id, {column} from {table} where {column} is not null order by id")  # noqa: S608  constants
        for _, other, mine in _side_by_side(every, ours, table, column):
            if mine is None:
                grown.add(other)
            elif mine != other:
                near[mine].add(other)
                near[other].add(mine)
                touched.update((mine, other))
    for thread_id in grown - touched:
        if ours.value(_THERE, {"id": thread_id}):
            mine_, others = history.own_turns(ours, thread_id), history.own_turns(theirs, thread_id)
            if mine_ != others[: len(mine_)]:
                touched.add(thread_id)
    return touched


def _side_by_side(
    calls: Iterator[tuple[str, str]], elsewhere: Log, table: str, column: str
) -> Iterator[tuple[str, str, str | None]]:
    """Yield each of some calls with its conversation, and with that in another log, or None if it lacks the call.

    Only these calls are looked up there, so the other log may be large.
    """
    known = f"select id, {column} from {table} where {column} is not null and id in (select value from json_each(:ids))"  # noqa: S608  constants
    while some := [*islice(calls, _AT_ONCE)]:
        there = dict(elsewhere.tuples(known, {"ids": json.dumps([id_ for id_, _ in some])}))
        for id_, thread_id in some:
            yield id_, thread_id, there.get(id_)


def follow(log: Log, elsewhere: Log, gone: Collection[str], *, indexed: bool) -> None:
    """Give the turns of conversations that were deleted elsewhere to the forks that took them over there."""
    if not gone:
        return
    moved: dict[str, str] = {}
    for table, column in _CALLS:
        sql = f"select id, {column} from {table} where {column} in (select value from json_each(:ids)) order by id"  # noqa: S608  constants
        calls = iter(log.tuples(sql, {"ids": json.dumps(sorted(gone))}))
        there = _side_by_side(calls, elsewhere, table, column)
        moved.update((id_, other) for id_, mine, other in there if other not in (None, mine))
    _move(log, moved, indexed=indexed)


def _move(log: Log, moved: Mapping[str, str], *, indexed: bool) -> None:
    """Give turns to other threads. `indexed`: the search index of the log is kept up."""
    log.run("create temp table if not exists moved_turns (id text primary key, thread_id text not null) without rowid")
    log.run("delete from temp.moved_turns")
    log.many(
        "insert into temp.moved_turns values (:id, :thread_id)",
        ({"id": turn_id, "thread_id": thread_id} for turn_id, thread_id in moved.items()),
    )
    if moved:
        _add_threads(log)
        if indexed:
            deletion_words.move(log)
        for sql in statements("deletion_moves"):
            log.run(sql)


def _branches(log: Log) -> dict[str, tuple[str, Branch]]:
    sql = "select thread_id, root_id, turn_id, kept_turn_id from memory_branches"
    return {thread_id: (root, Branch(first, kept)) for thread_id, root, first, kept in log.tuples(sql)}


def _families(near: Mapping[str, Collection[str]], touched: Iterable[str]) -> Iterator[frozenset[str]]:
    done: set[str] = set()
    for one in sorted(touched):
        if one in done:
            continue
        family, new = {one}, [one]
        while new:
            new = [other for thread in new for other in near.get(thread, ()) if other not in family]
            family.update(new)
        done |= family
        yield frozenset(family)


def _conversation(
    root: str, threads: frozenset[str], logs: tuple[Log, Log], known: Mapping[str, tuple[str, Branch]]
) -> GrownApart:
    found = [(thread_id, *_own(log, thread_id, threads)) for log in logs for thread_id in sorted(threads)]
    real = {one for _, _, own in found for one in own}
    paths: list[list[str]] = []
    for thread_id, every, own in found:
        # a branch whose first exchange is gone; one that is there has its place by the logs, not by an old link
        if every and thread_id in known and (branch := known[thread_id][1].turn_id) not in real:
            first = next((place for place, one in enumerate(every) if one in own), len(every))
            every.insert(first, branch)
        if every:
            paths.append(every)
    branches = [known[one][1] for one in sorted(threads & known.keys())]
    return GrownApart(root, threads, apart(root, paths, branches, real))


def _own(log: Log, thread_id: str, threads: Collection[str]) -> tuple[list[str], frozenset[str]]:
    """Return the exchanges of a thread that were logged in one of `threads`, and those that were logged in itself."""
    every = history.every_exchange(log, thread_id)
    ids = json.dumps(every.first)
    sql = (
        "select id, thread_id from turns where id in (select value from json_each(:ids)) union all"
        " select id, conversation_id from responses where id in (select value from json_each(:ids))"
        " and id not in (select id from turns)"
    )
    owners = dict(log.tuples(sql, {"ids": ids}))
    own = frozenset(one for one in every.first if owners.get(one) == thread_id)
    return [one for one in every.first if owners.get(one) in threads], own


def known(log: Log, conversations: Iterable[GrownApart]) -> frozenset[str]:
    """Return which threads of some conversations a log has."""
    ids = json.dumps([thread for one in conversations for thread in one.apart.order])
    sql = (
        "select id from threads where id in (select value from json_each(:ids))"
        " union select id from conversations where id in (select value from json_each(:ids))"
    )
    return frozenset(one for (one,) in log.tuples(sql, {"ids": ids}))


def moving(log: Log, one: GrownApart) -> dict[str, str]:
    """Return the turns of a log that get another thread, with it."""
    moved: dict[str, str] = {}
    for thread_id in one.threads:
        for turns in history.own_exchanges(log, thread_id):
            to = one.apart.threads.get(turns[0], thread_id)
            if to != thread_id:
                moved.update(dict.fromkeys(turns, to))
    return moved


def set_apart(log: Log, one: GrownApart, *, indexed: bool) -> None:
    """Give the branches of a conversation their threads in a log. `indexed`: the search index of the log is kept up."""
    goes = {thread_id: _goes(log, one, thread_id) for thread_id in sorted(one.threads)}
    moved = moving(log, one)
    _move(log, moved, indexed=indexed)
    if moved:
        _relabel(log, {was: to for was, to in goes.items() if was != to})
    record(log, one)


def _goes(log: Log, one: GrownApart, thread_id: str) -> str:
    """Return the thread in which this log's own exchanges of a thread are now."""
    own = history.own_exchanges(log, thread_id).first
    return one.apart.threads.get(own[-1], thread_id) if own else thread_id


def _add_threads(log: Log) -> None:
    """Add llm's rows for the threads of branches, with the time of their first turn."""
    log.run(
        "insert or ignore into threads (id, name, datetime_utc)"
        " select m.thread_id, (select h.name from threads h where h.id = t.thread_id), min(t.datetime_utc)"
        " from temp.moved_turns m join turns t on t.id = m.id group by m.thread_id"
    )


def _relabel(log: Log, threads: Mapping[str, str]) -> None:
    """Move what belongs to sessions, all at once: a branch may get the thread that another one leaves."""
    log.run("create temp table if not exists relabelled (was text primary key, thread_id text not null) without rowid")
    log.run("delete from temp.relabelled")
    rows = ({"was": was, "to": to} for was, to in threads.items())
    log.many("insert into temp.relabelled values (:was, :to)", rows)
    to = "(select r.thread_id from temp.relabelled r where r.was = {table}.thread_id)"
    for table in _WITH_THREAD:
        # twice, so that no row meets one that has yet to move
        away = f"update {table} set thread_id = char(1) || {to} where thread_id in (select was from temp.relabelled)"  # noqa: S608  constants
        log.run(away.format(table=table))
        log.run(f"update or replace {table} set thread_id = substr(thread_id, 2) where thread_id glob char(1) || '*'")  # noqa: S608
    log.run(
        "update memory_blocks set thread_id ="
        " (select r.thread_id from temp.relabelled r where was = memory_blocks.thread_id)"
        " where thread_id in (select was from temp.relabelled)"
        " and id not in (select block_id from memory_contexts c where c.thread_id = memory_blocks.thread_id)"
    )


def record(log: Log, one: GrownApart) -> None:
    """Record the branches and their forks, and put the tips of the threads right."""
    for thread_id, branch in one.apart.branches.items():
        if not log.value(_THERE, {"id": thread_id}):
            continue
        log.run(
            "insert into memory_branches values (:thread_id, :root, :turn_id, :kept) on conflict (thread_id) do update"
            " set kept_turn_id = min(kept_turn_id, excluded.kept_turn_id)",
            {"thread_id": thread_id, "root": one.root, "turn_id": branch.turn_id, "kept": branch.kept_turn_id},
        )
        link = one.apart.links.get(thread_id)
        if link is None:
            log.run("delete from memory_forks where thread_id = :id", {"id": thread_id})
            continue
        at = "select coalesce(min(datetime_utc), '') from turns where thread_id = :id"
        log.run(
            "insert or replace into memory_forks (thread_id, from_thread_id, at_turn_id, forked_utc)"  # noqa: S608  constants
            f" values (:id, :origin, :at, ({at}))",
            {"id": thread_id, "origin": link.from_thread_id, "at": link.at_turn_id},
        )
    _relink(log, one)
    for thread_id in {one.root, *one.apart.branches}:
        retip(log, thread_id)
    untip(log, {*one.threads, *one.apart.branches})


def _relink(log: Log, one: GrownApart) -> None:
    """Give the forks that a person made of a branch its new thread."""
    sql = "select thread_id, at_turn_id from memory_forks where from_thread_id in (select value from json_each(:ids))"
    for thread_id, at in log.tuples(sql, {"ids": json.dumps(sorted(one.threads))}):
        if thread_id not in one.apart.branches and at in one.apart.threads:
            log.run(
                "update memory_forks set from_thread_id = :origin where thread_id = :id",
                {"id": thread_id, "origin": one.apart.threads[at]},
            )
