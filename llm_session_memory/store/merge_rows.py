"""Merge what people can change: the newer row wins, and the older one is kept in memory_conflicts.

A row that was removed in one log is removed in the other, if that was later than the row's last change. A row's time is
its own, or that of memory_changes, whichever is later. Rows of the same time are ordered by their values, so that both
logs come to the same. Only the rows that the other log has are looked at, so that a few rows need no time in a large
log.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from . import merge_changes, merge_conflicts, merge_names
from .changes import unrecorded
from .log import Log
from .merge_conflicts import COLUMNS, as_json
from .merge_kinds import KINDS, Kind


def tables() -> tuple[str, ...]:
    """Return the tables that are merged here."""
    return (*(one.table for one in KINDS), "memory_sessions", "memory_projects", "memory_shared_names")


@dataclass(frozen=True)
class MergedRows:
    """How many rows were newer in the other log or removed from it, and the new sessions."""

    changed: int
    added: tuple[tuple[str, str], ...]
    """The name of each new session in the other log, and its name here."""


def rows(log: Log, host: str, now: str, hosts: Mapping[str, str] | None = None) -> MergedRows:
    """Merge all rows that people change from the attached log `other` into this one, within a transaction.

    Args:
        log: The log, with the other one attached.
        host: What sessions are called after if their name is taken here.
        now: The time, ISO in UTC.
        hosts: What some sessions are called after instead, by thread.
    """
    calls = merge_names.Calls(log, host, hosts or {})
    with unrecorded(log):
        merge_changes.prepare(log)
        changed = 0
        removed = {name for (name,) in log.tuples("select distinct kind from temp.merge_news where removed")}
        for kind in KINDS:
            changed += _remove(log, kind) if kind.name in removed else 0
            changed += _merge(log, kind, now)
        # one log removed a group while a session was added to it in the other
        log.run(
            "delete from main.memory_group_members where name_key in (select key from temp.merge_news"
            " where kind = 'group' and removed union select name_key from other.memory_group_members)"
            " and name_key not in (select name_key from main.memory_groups)"
        )
        changed += _projects(log, now)
        changed += _settings(log, "session", "memory_sessions", "thread_id", _NAMED, now)
        changed += merge_names.rename(log, calls, now)
        added = merge_names.add(log, calls)
        merge_names.settle(log, calls)
        _without_project(log)
        log.run(
            f"insert or ignore into main.memory_conflicts ({COLUMNS})"  # noqa: S608  constants
            " select kind, thread_id, key, row_json, changed_utc, :now, machine, person from other.memory_conflicts",
            {"now": now},
        )
        merge_changes.put(log)
    return MergedRows(changed, added)


# -- rows by their keys ------------------------------------------------


def _merge(log: Log, kind: Kind, now: str) -> int:
    """Merge the rows that the other log has of a table, and return how many are newer there."""
    if not log.value(f"select 1 from {kind.source} limit 1"):  # noqa: S608  constants
        return 0
    columns = [name for name in _columns(log, kind.table) if not (kind.numbered and name == "id")]
    _pair(log, kind, columns)
    count = 0
    if kind.values:
        _keep_older(log, kind, now)
        count = log.value(f"select count(*) from temp.merge_pairs where {_NEWER}")  # noqa: S608
    names = ", ".join(columns)
    log.run("drop table if exists temp.merge_wins")
    log.run(f"create temp table merge_wins as select {names} from temp.merge_pairs where {_WINS} order by rowid")  # noqa: S608
    log.run(f"delete from main.{kind.table} where {kind.among('temp.merge_wins')}")  # noqa: S608
    log.run(f"insert into main.{kind.table} ({names}) select {names} from temp.merge_wins order by rowid")  # noqa: S608
    if kind.numbered:
        _renumber(log, kind, columns)
    return int(count)


_NEWER = "pair_there and (pair_theirs, pair_their_values) > (pair_mine, pair_my_values)"
_WINS = f"{_NEWER} or not pair_there and not pair_removed"


def _remove(log: Log, kind: Kind) -> int:
    """Remove the rows that the other log removed after they were changed here, and return how many."""
    near = f" and {kind.near.format(row='r', change='c')}" if kind.near else ""
    log.run("drop table if exists temp.merge_gone")
    log.run(
        f"create temp table merge_gone as select {', '.join(f'r.{name}' for name in kind.keys)}"  # noqa: S608  constants
        f" from temp.merge_news c cross join main.{kind.table} r on {kind.same_change('c', 'r')}{near}"
        f" left join main.memory_changes m on {kind.same_change('m', 'r')}"
        f" where c.kind = '{kind.name}' and c.removed and c.changed_utc > {kind.at('r', 'm')}"
    )
    gone = int(log.value("select count(*) from temp.merge_gone"))
    if gone:
        log.run(f"delete from main.{kind.table} where {kind.among('temp.merge_gone')}")  # noqa: S608
    return gone


def _pair(log: Log, kind: Kind, columns: list[str]) -> None:
    """Put each row of the other log beside that of this one, if there is one, with the time and the values of both."""
    log.run("drop table if exists temp.merge_pairs")
    log.run(
        f"create temp table merge_pairs as select {', '.join(f'o.{name}' for name in columns)},"  # noqa: S608  constants
        f" l.{kind.keys[0]} is not null as pair_there,"
        f" coalesce(m.removed and m.changed_utc > {kind.at('o', 't')}, 0) as pair_removed,"
        f" {kind.at('o', 't')} as pair_theirs, {kind.json('o')} as pair_their_values,"
        f" {kind.at('l', 'm')} as pair_mine, {kind.json('l')} as pair_my_values,"
        " t.machine as pair_their_machine, t.person as pair_their_person,"
        " m.machine as pair_my_machine, m.person as pair_my_person"
        f" from {kind.source} o left join main.{kind.table} l on {kind.on('l', 'o')}"
        f" left join temp.merge_theirs t on {kind.same_change('t', 'o')}"
        f" left join main.memory_changes m on {kind.same_change('m', 'o')}"
        f"{' order by o.id' if kind.numbered else ''}"
    )


def _keep_older(log: Log, kind: Kind, now: str) -> None:
    """Keep the older one of two rows that differ."""
    for side, wins, row in (("their", f"not ({_NEWER})", "p"), ("my", _NEWER, "l")):
        at = "pair_theirs" if side == "their" else "pair_mine"
        log.run(
            f"insert or ignore into main.memory_conflicts ({COLUMNS})"  # noqa: S608  constants
            f" select '{kind.name}', {kind.thread('p')}, {kind.key.format(row='p')}, {kind.fields(row)}, {at}, :now,"
            f" pair_{side}_machine, pair_{side}_person"
            f" from temp.merge_pairs p cross join main.{kind.table} l on {kind.on('l', 'p')}"
            f" where pair_their_values <> pair_my_values and {wins}",
            {"now": now},
        )


def _renumber(log: Log, kind: Kind, columns: list[str]) -> None:
    """Let the numbers of new rows be in the order of their times within each thread: lists show them so."""
    thread = "thread_id" if "thread_id" in columns else "''"
    order = ", ".join(dict.fromkeys((str(kind.time), *kind.keys)))
    among = f" where {thread} in (select {thread} from temp.merge_wins)"  # noqa: S608  constants
    within = f"id, lead(id) over (partition by {thread} order by {order}) as next from main.{kind.table}{among}"
    wrong = log.tuples(f"select distinct thread from (select {thread} as thread, {within}) where next < id")  # noqa: S608
    names = ", ".join(columns)
    for (one,) in wrong:
        here = {"thread": one}
        rows_of = f"from main.{kind.table} where {thread} = :thread"
        log.run("drop table if exists temp.merge_order")
        log.run(f"create temp table merge_order as select {names} {rows_of} order by {order}", here)
        log.run(f"delete {rows_of}", here)
        log.run(f"insert into main.{kind.table} ({names}) select {names} from temp.merge_order order by rowid")  # noqa: S608


def _columns(log: Log, table: str) -> list[str]:
    return [name for (name,) in log.tuples(f"select name from pragma_table_info('{table}', 'main')")]  # noqa: S608  constants


# -- sessions and projects ---------------------------------------------

_NAMED = ("thread_id", "name", "name_key", "created_utc")


def _projects(log: Log, now: str) -> int:
    """Merge projects, and return how many are newer in the other log."""
    changed = _settings(log, "project", "memory_projects", "name_key", ("name_key", "created_utc"), now)
    names = ", ".join(_columns(log, "memory_projects"))
    log.run(
        f"insert into main.memory_projects ({names}) select {names} from other.memory_projects o"  # noqa: S608  constants
        " where not exists (select 1 from main.memory_projects l where l.name_key = o.name_key)"
        " and not exists (select 1 from main.memory_changes m where m.kind = 'project' and m.thread_id = ''"
        " and m.key = o.name_key and m.removed and m.changed_utc > coalesce((select t.changed_utc"
        " from temp.merge_theirs t where t.kind = 'project' and t.thread_id = '' and t.key = o.name_key"
        " and not t.removed), '')) order by rowid"
    )
    log.run(
        "delete from main.memory_projects where name_key in"
        " (select key from temp.merge_news where kind = 'project' and removed)"
    )
    return changed


def _without_project(log: Log) -> None:
    """Let sessions be in no project if theirs was removed in one log while they were put into it in the other."""
    log.run(
        "update main.memory_sessions set project = null where project in (select key from temp.merge_news"
        " where kind = 'project' and removed union select project from other.memory_sessions)"
        " and project not in (select name_key from main.memory_projects)"
    )


def _settings(log: Log, kind: str, table: str, by: str, fixed: tuple[str, ...], now: str) -> int:  # noqa: PLR0913
    """Merge rows of settings; return how many are newer in the other log. `by` is the key; `fixed` never differs."""
    columns = [name for name in _columns(log, table) if name not in fixed]
    differ = " or ".join(f"l.{name} is not o.{name}" for name in columns)
    sql = f"select o.{by} from other.{table} o cross join main.{table} l on l.{by} = o.{by} where {differ}"  # noqa: S608  constants
    newer = 0
    for (id_,) in log.tuples(sql):
        where = {"kind": kind, "thread": id_ if kind == "session" else "", "key": "" if kind == "session" else id_}
        pair = {}
        for schema, changes in (("main", "main.memory_changes"), ("other", "temp.merge_theirs")):
            row = log.row(f"select {', '.join(columns)} from {schema}.{table} where {by} = :id", {"id": id_}) or {}  # noqa: S608
            found = f"select * from {changes} where kind = :kind and thread_id = :thread and key = :key"  # noqa: S608
            change = log.row(found, where) or {}
            pair[schema] = (str(change.get("changed_utc") or ""), as_json(row), row, change)
        wins, loses = ("other", "main") if pair["other"][:2] > pair["main"][:2] else ("main", "other")
        if wins == "other" and pair["main"][2].get("private"):
            # whoever changes another setting elsewhere would make it public without a word, and a push would send it
            pair["other"][2]["private"] = pair["main"][2]["private"]
            if pair["other"][2] == pair["main"][2]:
                continue
        if pair[loses][0] or not pair[wins][0]:  # otherwise it is as it was at first, and nothing is lost
            left = {name: value for name, value in pair[loses][2].items() if value != pair[wins][2][name]}
            merge_conflicts.keep(log, where, left, pair[loses][3], now)
        if wins == "other":
            newer += 1
            marks = ", ".join(f"{name} = :{name}" for name in columns)
            log.run(f"update main.{table} set {marks} where {by} = :by_", {**pair[wins][2], "by_": id_})  # noqa: S608
    return newer
