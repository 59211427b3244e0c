"""Groups of conversations that are compared with each other, and their members."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from ..model.groups import Group
from ..rules.names import key
from .log import Log

_MEMBERS = "select thread_id from memory_group_members where name_key = :key order by added_utc, thread_id"


class Groups:
    """The groups of a log. Make every change inside `with log.writing()`."""

    def __init__(self, log: Log) -> None:
        self.log = log

    def group(self, name: str) -> Group | None:
        """Return the group of this name, or None."""
        if not self._there():
            return None
        row = self.log.row("select * from memory_groups where name_key = :key", {"key": key(name)})
        return self._of(row) if row else None

    def groups(self) -> list[Group]:
        """Return all groups by name."""
        if not self._there():
            return []
        return [self._of(row) for row in self.log.rows("select * from memory_groups order by name_key")]

    def names(self) -> list[str]:
        """Return the names of all groups, in order."""
        return (
            [name for (name,) in self.log.tuples("select name from memory_groups order by name_key")]
            if self._there()
            else []
        )

    def make(self, name: str, created_utc: str) -> None:
        """Make an empty group; the name has to be free."""
        sql = "insert into memory_groups (name_key, name, created_utc) values (:key, :name, :created_utc)"
        self.log.run(sql, {"key": key(name), "name": name, "created_utc": created_utc})

    def add(self, name: str, thread_ids: Iterable[str], now: datetime) -> int:
        """Add members at the end, in this order; those that are in it stay where they are. Return how many are new.

        Times give the order, so each is a microsecond later than the one before.
        """
        given = {"key": key(name)}
        among = {thread_id for (thread_id,) in self.log.tuples(_MEMBERS, given)}
        last = self.log.value("select max(added_utc) from memory_group_members where name_key = :key", given)
        first = max(now, _next(last) or now)
        new = [one for one in dict.fromkeys(thread_ids) if one not in among]
        times = ((first + timedelta(microseconds=place)).isoformat() for place in range(len(new)))
        self.log.many(
            "insert into memory_group_members (name_key, thread_id, added_utc) values (:key, :thread_id, :added_utc)",
            ({**given, "thread_id": one, "added_utc": at} for one, at in zip(new, times, strict=True)),
        )
        return len(new)

    def take_out(self, name: str, thread_ids: Iterable[str]) -> None:
        """Remove members. The conversations stay."""
        sql = "delete from memory_group_members where name_key = :key and thread_id = :thread_id"
        self.log.many(sql, ({"key": key(name), "thread_id": thread_id} for thread_id in thread_ids))

    def delete(self, name: str) -> None:
        """Delete a group. The conversations stay."""
        self.log.run("delete from memory_group_members where name_key = :key", {"key": key(name)})
        self.log.run("delete from memory_groups where name_key = :key", {"key": key(name)})

    def _there(self) -> bool:
        return bool(self.log.columns("memory_groups"))

    def _of(self, row: Mapping[str, Any]) -> Group:
        members = self.log.tuples(_MEMBERS, {"key": row["name_key"]})
        return Group(row["name"], row["created_utc"], tuple(thread_id for (thread_id,) in members))


def _next(utc: str | None) -> datetime | None:
    """Return the moment after a stored time, or None if there is none or it can't be read."""
    try:
        moment = datetime.fromisoformat(utc or "")
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or timezone.utc) + timedelta(microseconds=1)
