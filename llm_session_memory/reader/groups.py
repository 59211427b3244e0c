"""Groups of sessions that are compared with each other."""

from __future__ import annotations

from dataclasses import dataclass

from ..rules import names
from .source import Source, ids


@dataclass(frozen=True)
class Gathered:
    """A group: its name, and the threads of its members in their order."""

    name: str
    thread_ids: tuple[str, ...]


def has_groups(source: Source) -> bool:
    """Return whether a log has a group."""
    return source.value("select 1 from memory_groups limit 1") is not None


def groups(source: Source) -> tuple[Gathered, ...]:
    """Return all groups by name."""
    members: dict[str, list[str]] = {}
    sql = "select name_key, thread_id from memory_group_members order by added_utc, thread_id"
    for row in source.query(sql):
        members.setdefault(row["name_key"], []).append(row["thread_id"])
    found = source.query("select name_key, name from memory_groups order by name_key")
    return tuple(Gathered(row["name"], tuple(members.get(row["name_key"], ()))) for row in found)


def group(source: Source, name: str) -> Gathered | None:
    """Return the group of this name, or None."""
    key = names.key(name)
    return next((one for one in groups(source) if names.key(one.name) == key), None)


def groups_of(source: Source, thread_id: str) -> tuple[str, ...]:
    """Return the names of the groups that a session is in."""
    sql = (
        "select g.name from memory_group_members m join memory_groups g on g.name_key = m.name_key"
        " where m.thread_id = :thread_id order by g.name_key"
    )
    return tuple(source.column(sql, thread_id=thread_id))


def known(source: Source, thread_ids: tuple[str, ...]) -> tuple[str, ...]:
    """Return which of these threads the log has, in their order."""
    sql = (
        "select value from json_each(:ids) w where exists (select 1 from threads t where t.id = w.value)"
        " or exists (select 1 from conversations c where c.id = w.value)"
        " or exists (select 1 from memory_sessions s where s.thread_id = w.value)"
    )
    there = set(source.column(sql, ids=ids(thread_ids)))
    return tuple(one for one in thread_ids if one in there)
