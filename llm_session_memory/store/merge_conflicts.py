"""The rows that lost to newer ones in merges: memory_conflicts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .log import Log

COLUMNS = "kind, thread_id, key, row_json, changed_utc, merged_utc, machine, person"
"""The columns of memory_conflicts."""


def keep(log: Log, place: Mapping[str, str], row: Mapping[str, Any], change: Mapping[str, Any], now: str) -> None:
    """Keep a row that lost.

    Args:
        log: The log.
        place: The kind, thread and key of the row, as memory_changes has them.
        row: The values that lost.
        change: Its row of memory_changes, or nothing.
        now: When it lost.
    """
    log.run(
        f"insert or ignore into main.memory_conflicts ({COLUMNS})"  # noqa: S608  constants
        " values (:kind, :thread, :key, :row, :at, :now, :machine, :person)",
        {
            **place,
            "row": as_json(row),
            "at": str(change.get("changed_utc") or ""),
            "now": now,
            "machine": change.get("machine"),
            "person": change.get("person"),
        },
    )


def as_json(row: Mapping[str, Any]) -> str:
    """Return a row as JSON, the same for the same values."""
    return json.dumps(row, sort_keys=True, default=str)


def conflicts(log: Log) -> list[dict[str, Any]]:
    """Return the rows that lost to newer ones, with the names of their sessions, the newest merge first."""
    if not log.columns("memory_conflicts"):
        return []
    by = ", ".join(
        f"c.{name}" if name in log.columns("memory_conflicts") else f"null as {name}" for name in ("machine", "person")
    )
    return log.rows(
        f"select c.kind, c.thread_id, s.name, c.key, c.row_json, c.changed_utc, c.merged_utc, {by}"  # noqa: S608  constants
        " from memory_conflicts c left join memory_sessions s on s.thread_id = c.thread_id"
        " order by c.merged_utc desc, s.name_key, c.thread_id, c.kind, c.key, c.changed_utc"
    )


def count(log: Log) -> int:
    """Return how many rows lost."""
    return int(log.value("select count(*) from memory_conflicts")) if log.columns("memory_conflicts") else 0


def forget(log: Log) -> None:
    """Forget all rows that lost."""
    log.run("delete from memory_conflicts")
