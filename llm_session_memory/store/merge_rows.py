"""Merge what people can change: the newer row wins, and the older one is kept in memory_conflicts.

A row that was removed in one log is removed in the other, if that was later than the row's last change. A row's time is
its own, or that of memory_changes. Rows of the same time are ordered by their values, so that both logs come to the
same. Triggers record the changes that are made here as well; `rows` replaces these records by the merged ones.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..rules.merging import from_elsewhere
from ..rules.names import key as name_key
from .log import Log


@dataclass(frozen=True)
class Kind:
    """A table that people change.

    `keys` name a row, `key` is the same without the thread as memory_changes has it, `time` is the column with the time
    of the last change (None: only memory_changes knows), `values` are the columns that can differ. Without values a row
    is only there or not. `numbered`: the rows have numbers, which are in the order of the times.
    """

    name: str
    table: str
    keys: tuple[str, ...]
    key: str
    time: str | None = None
    values: tuple[str, ...] = ()
    numbered: bool = False


_NOTE = "{row}.created_utc || ' ' || length({row}.text)"
_VOTE = "{row}.a_turn_id || ' ' || {row}.b_turn_id"

KINDS = (
    Kind("pin", "memory_pins", ("thread_id", "turn_id"), "{row}.turn_id", "pinned_utc"),
    Kind("undo", "memory_undone", ("thread_id", "turn_id"), "{row}.turn_id", "undone_utc"),
    Kind("tag", "memory_tags", ("thread_id", "tag_key"), "{row}.tag_key"),
    Kind("fact", "memory_meta", ("thread_id", "key"), "{row}.key", None, ("value",)),
    Kind("rating", "memory_ratings", ("thread_id", "turn_id"), "{row}.turn_id", "rated_utc", ("mark", "note")),
    Kind("bookmark", "memory_bookmarks", ("thread_id", "turn_id"), "{row}.turn_id", "created_utc", ("label",)),
    Kind("title", "memory_titles", ("thread_id",), "''", "made_utc", ("title", "author")),
    Kind("origin", "memory_origins", ("thread_id",), "''", "imported_utc"),
    Kind("group", "memory_groups", ("name_key",), "{row}.name_key", "created_utc", ("name",)),
    Kind("member", "memory_group_members", ("name_key", "thread_id"), "{row}.name_key", "added_utc"),
    Kind("vote", "memory_votes", ("a_turn_id", "b_turn_id"), _VOTE, "voted_utc", ("better", "blind")),
    Kind(
        *("snapshot", "memory_snapshots", ("thread_id", "label_key"), "{row}.label_key", "made_utc"),
        values=("label", "turn_id", "state_json"),
        numbered=True,
    ),
    Kind(
        *("note", "memory_notes", ("thread_id", "created_utc", "author", "text"), _NOTE, "created_utc"), numbered=True
    ),
    Kind("note", "memory_global_notes", ("created_utc", "author", "text"), _NOTE, "created_utc", numbered=True),
    Kind(
        *("summary", "memory_summaries", ("thread_id", "made_utc", "first_turn_id", "last_turn_id", "text")),
        *("{row}.made_utc", "made_utc"),
        numbered=True,
    ),
)


def tables() -> tuple[str, ...]:
    """Return the tables that are merged here."""
    return (*(one.table for one in KINDS), "memory_sessions", "memory_projects")


@dataclass(frozen=True)
class Merged:
    """How many rows the other log had newer or had removed, and the new sessions."""

    changed: int
    added: tuple[tuple[str, str], ...]
    """The name of each new session in the other log, and its name here."""


def rows(log: Log, host: str, now: str) -> Merged:
    """Merge all rows that people change from the attached log `other` into this one.

    `host` is what sessions are called after if their name is taken here; `now` is the time, ISO in UTC.
    """
    _merge_changes(log)
    changed = 0
    for kind in KINDS:
        changed += _merge(log, kind, now)
    # one log removed a group while a session was added to it in the other
    log.run("delete from main.memory_group_members where name_key not in (select name_key from main.memory_groups)")
    changed += _projects(log, now)
    changed += _sessions(log, now)
    _names(log, now)
    added = _new_sessions(log, host)
    log.run(
        "insert or ignore into main.memory_conflicts (kind, thread_id, key, row_json, changed_utc, merged_utc)"
        " select kind, thread_id, key, row_json, changed_utc, :now from other.memory_conflicts",
        {"now": now},
    )
    log.run("delete from main.memory_changes")
    log.run("insert into main.memory_changes select * from temp.merge_changes")
    return Merged(changed, added)


# -- changes -----------------------------------------------------------


def _thread(kind: Kind, row: str) -> str:
    return f"{row}.thread_id" if "thread_id" in kind.keys else "''"


def _same_change(kind: Kind, change: str, row: str) -> str:
    """Return the condition that a row of memory_changes is about a row."""
    key = kind.key.format(row=row)
    return f"{change}.kind = '{kind.name}' and {change}.thread_id = {_thread(kind, row)} and {change}.key = {key}"


def _time(kind: Kind, schema: str, row: str) -> str:
    """Return the expression for a row's time."""
    if kind.time:
        return f"coalesce({row}.{kind.time}, '')"
    same = _same_change(kind, "c", row)
    return f"coalesce((select c.changed_utc from {schema}.memory_changes c where {same}), '')"  # noqa: S608  constants


def forget_undone_removals(log: Log) -> None:
    """Forget that rows were removed if they are there: they were added again since."""
    for kind in KINDS:
        found = log.tuples(
            f"select c.kind, c.thread_id, c.key from {kind.table} r join memory_changes c"  # noqa: S608  constants
            f" on {_same_change(kind, 'c', 'r')} where c.removed"
        )
        log.many(
            "delete from memory_changes where kind = :kind and thread_id = :thread_id and key = :key",
            (dict(zip(("kind", "thread_id", "key"), one, strict=True)) for one in found),
        )


def _merge_changes(log: Log) -> None:
    log.run("drop table if exists temp.merge_changes")
    log.run(
        "create temp table merge_changes (kind text, thread_id text, key text, changed_utc text, removed integer,"
        " primary key (kind, thread_id, key)) without rowid"
    )
    log.run("insert into temp.merge_changes select kind, thread_id, key, changed_utc, removed from main.memory_changes")
    log.run(
        "insert into temp.merge_changes select kind, thread_id, key, changed_utc, removed from other.memory_changes"
        " where true on conflict (kind, thread_id, key) do update"
        " set changed_utc = excluded.changed_utc, removed = excluded.removed"
        " where (excluded.changed_utc, -excluded.removed) > (changed_utc, -removed)"
    )


# -- rows by their keys ------------------------------------------------


def _merge(log: Log, kind: Kind, now: str) -> int:
    """Merge the rows of a table, and return how many are newer in the other log or were removed there."""
    columns = [name for name in _columns(log, kind.table) if not (kind.numbered and name == "id")]
    on = " and ".join(f"l.{name} = o.{name}" for name in kind.keys)
    theirs = f"{_time(kind, 'other', 'o')}, {_json(kind, 'o')}"
    mine = f"{_time(kind, 'main', 'l')}, {_json(kind, 'l')}"
    if kind.values:
        _keep_older(log, kind, on, now)
    newer = f"exists (select 1 from main.{kind.table} l where {on} and ({theirs}) > ({mine}))"  # noqa: S608  constants
    count = log.value(f"select count(*) from other.{kind.table} o where {newer}") if kind.values else 0  # noqa: S608
    names = ", ".join(columns)
    new = f"not exists (select 1 from main.{kind.table} l where {on}) and not {_removed(kind, 'other', 'o')}"  # noqa: S608
    log.run("drop table if exists temp.merge_wins")
    log.run(
        f"create temp table merge_wins as select {', '.join(f'o.{name}' for name in columns)}"  # noqa: S608
        f" from other.{kind.table} o where {newer} or {new}"
        f" order by {'o.id' if kind.numbered else '1'}"
    )
    there = " and ".join(f"w.{name} = {kind.table}.{name}" for name in kind.keys)
    log.run(f"delete from main.{kind.table} where exists (select 1 from temp.merge_wins w where {there})")  # noqa: S608
    log.run(f"insert into main.{kind.table} ({names}) select {names} from temp.merge_wins")  # noqa: S608
    removed = _removed(kind, "main", kind.table)
    gone = log.value(f"select count(*) from main.{kind.table} where {removed}")  # noqa: S608
    if gone:
        log.run(f"delete from main.{kind.table} where {removed}")  # noqa: S608
    if kind.numbered:
        _renumber(log, kind, columns)
    return int(count) + int(gone)


def _removed(kind: Kind, schema: str, row: str) -> str:
    """Return the condition that a row was removed in one of the logs after it was written."""
    later = "" if kind.time is None else f" and c.changed_utc > {_time(kind, schema, row)}"
    same = _same_change(kind, "c", row)
    return f"exists (select 1 from temp.merge_changes c where {same} and c.removed{later})"  # noqa: S608  constants


def _json(kind: Kind, row: str) -> str:
    return f"json_array({', '.join(f'{row}.{name}' for name in kind.values)})"


def _keep_older(log: Log, kind: Kind, on: str, now: str) -> None:
    """Keep the older one of two rows that differ."""
    older = {
        "o": f"({_time(kind, 'other', 'o')}, {_json(kind, 'o')})",
        "l": f"({_time(kind, 'main', 'l')}, {_json(kind, 'l')})",
    }
    for row, schema, other in (("o", "other", "l"), ("l", "main", "o")):
        fields = ", ".join(f"'{name}', {row}.{name}" for name in kind.values)
        log.run(
            "insert or ignore into main.memory_conflicts (kind, thread_id, key, row_json, changed_utc, merged_utc)"  # noqa: S608  constants
            f" select '{kind.name}', {_thread(kind, row)}, {kind.key.format(row=row)}, json_object({fields}),"
            f" {_time(kind, schema, row)}, :now from other.{kind.table} o join main.{kind.table} l on {on}"
            f" where {_json(kind, 'o')} <> {_json(kind, 'l')} and {older[row]} < {older[other]}",
            {"now": now},
        )


def _renumber(log: Log, kind: Kind, columns: list[str]) -> None:
    """Let the numbers of rows be in the order of their times within each thread: lists show them so."""
    thread = "thread_id" if "thread_id" in columns else "''"
    order = ", ".join(dict.fromkeys((str(kind.time), *kind.keys)))
    within = f"id, lead(id) over (partition by {thread} order by {order}) as next from main.{kind.table}"
    wrong = log.tuples(f"select distinct thread from (select {thread} as thread, {within}) where next < id")  # noqa: S608  constants
    names = ", ".join(columns)
    for (one,) in wrong:
        here = {"thread": one}
        rows_of = f"from main.{kind.table} where {thread} = :thread"
        log.run("drop table if exists temp.merge_wins")
        log.run(f"create temp table merge_wins as select {names} {rows_of} order by {order}", here)
        log.run(f"delete {rows_of}", here)
        log.run(f"insert into main.{kind.table} ({names}) select {names} from temp.merge_wins order by rowid")  # noqa: S608


def _columns(log: Log, table: str) -> list[str]:
    return [name for (name,) in log.tuples(f"select name from pragma_table_info('{table}', 'main')")]  # noqa: S608  constants


# -- sessions and projects ---------------------------------------------

_NAMED = ("thread_id", "name", "name_key", "created_utc")


def _sessions(log: Log, now: str) -> int:
    """Merge the settings of sessions that both logs have, and return how many the other one has newer."""
    return _settings(log, "session", "memory_sessions", "thread_id", _NAMED, now)


def _projects(log: Log, now: str) -> int:
    """Merge projects, and return how many the other log has newer."""
    changed = _settings(log, "project", "memory_projects", "name_key", ("name_key", "created_utc"), now)
    names = ", ".join(_columns(log, "memory_projects"))
    log.run(
        f"insert into main.memory_projects ({names}) select {names} from other.memory_projects"  # noqa: S608  constants
        " where name_key not in (select name_key from main.memory_projects) order by rowid"
    )
    log.run(
        "delete from main.memory_projects where name_key in"
        " (select key from temp.merge_changes where kind = 'project' and removed)"
    )
    return changed


def _settings(log: Log, kind: str, table: str, by: str, fixed: tuple[str, ...], now: str) -> int:  # noqa: PLR0913
    """Merge rows of settings, and return how many the other log has newer. `by` is the key, `fixed` never differs."""
    columns = [name for name in _columns(log, table) if name not in fixed]
    differ = " or ".join(f"l.{name} is not o.{name}" for name in columns)
    sql = f"select o.{by} from other.{table} o join main.{table} l on l.{by} = o.{by} where {differ}"  # noqa: S608  constants
    newer = 0
    for (id_,) in log.tuples(sql):
        pair = {}
        for schema in ("main", "other"):
            row = log.row(f"select {', '.join(columns)} from {schema}.{table} where {by} = :id", {"id": id_}) or {}  # noqa: S608
            where = "thread_id = :id" if kind == "session" else "key = :id"
            changed = f"select changed_utc from {schema}.memory_changes where kind = :kind and {where}"  # noqa: S608
            pair[schema] = (str(log.value(changed, {"kind": kind, "id": id_}) or ""), _as_json(row), row)
        wins, loses = ("other", "main") if pair["other"][:2] > pair["main"][:2] else ("main", "other")
        thread_id, key = (id_, "") if kind == "session" else ("", id_)
        if pair[loses][0] or not pair[wins][0]:  # otherwise it is as it was at first, and nothing is lost
            left = {name: value for name, value in pair[loses][2].items() if value != pair[wins][2][name]}
            _conflict(log, kind, thread_id, key, left, pair[loses][0], now)
        if wins == "other":
            newer += 1
            marks = ", ".join(f"{name} = :{name}" for name in columns)
            log.run(f"update main.{table} set {marks} where {by} = :by_", {**pair[wins][2], "by_": id_})  # noqa: S608
    return newer


def _as_json(row: Mapping[str, Any]) -> str:
    return json.dumps(row, sort_keys=True, default=str)


def _conflict(log: Log, kind: str, thread_id: str, key: str, row: Mapping[str, Any], at: str, now: str) -> None:  # noqa: PLR0913  the columns
    log.run(
        "insert or ignore into main.memory_conflicts values (:kind, :thread_id, :key, :row, :at, :now)",
        {"kind": kind, "thread_id": thread_id, "key": key, "row": _as_json(row), "at": at, "now": now},
    )


def _names(log: Log, now: str) -> None:
    """Rename sessions that were renamed in the other log since, if no other session here has that name."""
    sql = (
        "select o.thread_id, l.name, o.name, o.name_key, coalesce(cl.changed_utc, ''), coalesce(co.changed_utc, '')"
        " from other.memory_sessions o join main.memory_sessions l on l.thread_id = o.thread_id"
        " left join other.memory_changes co on co.kind = 'name' and co.thread_id = o.thread_id"
        " left join main.memory_changes cl on cl.kind = 'name' and cl.thread_id = o.thread_id"
        " where o.name <> l.name and co.changed_utc is not cl.changed_utc order by 6, 1"
    )
    for thread_id, mine, theirs, key, here, there in log.tuples(sql):
        older, at = (mine, here) if here < there else (theirs, there)
        if at:
            _conflict(log, "name", thread_id, "", {"name": older}, at, now)
        taken = "select 1 from main.memory_sessions where name_key = :key and thread_id <> :id"
        if here < there and not log.value(taken, {"key": key, "id": thread_id}):
            log.run(
                "update main.memory_sessions set name = :name, name_key = :key where thread_id = :id",
                {"name": theirs, "key": key, "id": thread_id},
            )


def _new_sessions(log: Log, host: str) -> tuple[tuple[str, str], ...]:
    """Add the sessions that only the other log has, under another name if theirs is taken, and return both names."""
    columns = _columns(log, "memory_sessions")
    found = log.rows(
        f"select {', '.join(columns)} from other.memory_sessions"  # noqa: S608  names of columns
        " where thread_id not in (select thread_id from main.memory_sessions) order by created_utc, thread_id"
    )
    taken = {key for (key,) in log.tuples("select name_key from main.memory_sessions")} if found else set()
    added: list[tuple[str, str]] = []
    for row in found:
        name = row["name"] if row["name_key"] not in taken else from_elsewhere(row["name"], host, taken)
        taken.add(name_key(name))
        added.append((row["name"], name))
        log.run(
            f"insert into main.memory_sessions ({', '.join(columns)})"  # noqa: S608
            f" values ({', '.join(f':{column}' for column in columns)})",
            {**row, "name": name, "name_key": name_key(name)},
        )
    return tuple(added)


def conflicts(log: Log) -> list[dict[str, Any]]:
    """Return the rows that lost against newer ones, with the names of their sessions, the newest merge first."""
    if not log.columns("memory_conflicts"):
        return []
    return log.rows(
        "select c.kind, c.thread_id, s.name, c.key, c.row_json, c.changed_utc, c.merged_utc from memory_conflicts c"
        " left join memory_sessions s on s.thread_id = c.thread_id"
        " order by c.merged_utc desc, s.name_key, c.thread_id, c.kind, c.key, c.changed_utc"
    )


def forget_conflicts(log: Log) -> None:
    """Forget all rows that lost."""
    log.run("delete from memory_conflicts")
