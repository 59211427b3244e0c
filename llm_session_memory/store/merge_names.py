"""Merge the names of sessions. Each has a shared name, the same in all logs; two sessions may have the same.

In a log, a name is unique: the second session of that name is called `work@HOST` there, and memory_shared_names has its
shared name. The newer shared name wins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..rules.merging import from_elsewhere
from ..rules.names import key
from . import merge_conflicts
from .log import Log


@dataclass(frozen=True)
class Calls:
    """Finds the names of sessions in a log: `host` is what they are called after, `hosts` is so for some threads."""

    log: Log
    host: str
    hosts: Mapping[str, str]

    def name(self, thread_id: str, shared: str) -> str:
        """Return what a session with this shared name is called here."""
        taken = _Taken(self.log, thread_id)
        if key(shared) not in taken:
            return shared
        return from_elsewhere(shared, self.hosts.get(thread_id, self.host), taken)

    def remember(self, thread_id: str, name: str, shared: str) -> None:
        """Remember the shared name of a session if it is called otherwise here."""
        if name == shared:
            self.log.run("delete from main.memory_shared_names where thread_id = :id", {"id": thread_id})
        else:
            sql = "insert or replace into main.memory_shared_names (thread_id, name) values (:id, :name)"
            self.log.run(sql, {"id": thread_id, "name": shared})


@dataclass(frozen=True)
class _Taken:
    """The keys of the names of all sessions but one: looked up one by one, because there may be many."""

    log: Log
    but: str

    def __contains__(self, name_key: object) -> bool:
        sql = "select 1 from main.memory_sessions where name_key = :key and thread_id <> :but"
        return bool(self.log.value(sql, {"key": name_key, "but": self.but}))


_DIFFERENT = (
    "select o.thread_id, coalesce(n.name, l.name) as mine, coalesce(p.name, o.name) as theirs,"
    " m.changed_utc as my_time, m.machine as my_machine, m.person as my_person,"
    " t.changed_utc as their_time, t.machine as their_machine, t.person as their_person"
    " from other.memory_sessions o cross join main.memory_sessions l on l.thread_id = o.thread_id"
    " left join main.memory_shared_names n on n.thread_id = o.thread_id"
    " left join other.memory_shared_names p on p.thread_id = o.thread_id"
    " left join main.memory_changes m on m.kind = 'name' and m.thread_id = o.thread_id and m.key = ''"
    " left join temp.merge_theirs t on t.kind = 'name' and t.thread_id = o.thread_id and t.key = ''"
    " where coalesce(n.name, l.name) <> coalesce(p.name, o.name) order by coalesce(t.changed_utc, ''), o.thread_id"
)


def rename(log: Log, calls: Calls, now: str) -> int:
    """Rename the sessions that have a newer name in the other log, and return how many."""
    changed = 0
    for row in log.rows(_DIFFERENT):
        mine = (row["my_time"] or "", row["mine"])
        theirs = (row["their_time"] or "", row["theirs"])
        older, newer, side = (mine, theirs, "my") if theirs > mine else (theirs, mine, "their")
        if older[0] or not newer[0]:  # otherwise it is as it was at first, and nothing is lost
            change = {name: row[f"{side}_{name}"] for name in ("machine", "person")} | {"changed_utc": older[0]}
            place = {"kind": "name", "thread": row["thread_id"], "key": ""}
            merge_conflicts.keep(log, place, {"name": older[1]}, change, now)
        if theirs > mine:
            changed += 1
            _call(log, calls, row["thread_id"], row["theirs"])
    return changed


def _call(log: Log, calls: Calls, thread_id: str, shared: str) -> None:
    name = calls.name(thread_id, shared)
    log.run(
        "update main.memory_sessions set name = :name, name_key = :key where thread_id = :id",
        {"name": name, "key": key(name), "id": thread_id},
    )
    calls.remember(thread_id, name, shared)


def add(log: Log, calls: Calls) -> tuple[tuple[str, str], ...]:
    """Add the sessions that only the other log has, and return the name of each there and here."""
    columns = [name for (name,) in log.tuples("select name from pragma_table_info('memory_sessions', 'main')")]
    names = ", ".join(columns)
    found: list[dict[str, Any]] = log.rows(
        f"select {', '.join(f'o.{name}' for name in columns)}, coalesce(n.name, o.name) as shared"  # noqa: S608  names
        " from other.memory_sessions o left join other.memory_shared_names n on n.thread_id = o.thread_id"
        " where not exists (select 1 from main.memory_sessions l where l.thread_id = o.thread_id)"
        " order by o.created_utc, o.thread_id"
    )
    added: list[tuple[str, str]] = []
    for row in found:
        shared = row.pop("shared")
        name = calls.name(row["thread_id"], shared)
        added.append((row["name"], name))
        log.run(
            f"insert into main.memory_sessions ({names}) values ({', '.join(f':{column}' for column in columns)})",  # noqa: S608
            {**row, "name": name, "name_key": key(name)},
        )
        calls.remember(row["thread_id"], name, shared)
    return tuple(added)


def settle(log: Log, calls: Calls) -> None:
    """Give sessions their shared names if these are free by now."""
    for thread_id, shared in log.tuples("select thread_id, name from main.memory_shared_names order by thread_id"):
        if calls.name(thread_id, shared) == shared:
            _call(log, calls, thread_id, shared)
