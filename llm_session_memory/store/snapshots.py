"""Snapshots: named points in a session, each with the state that belongs to it as JSON."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from ..errors import NameRefused
from ..rules.names import key
from .log import Log


def snapshots(log: Log, thread_id: str | None = None) -> list[dict[str, Any]]:
    """Return the snapshots of a session, or of all, as rows of memory_snapshots, oldest first."""
    if not log.columns("memory_snapshots"):
        return []
    sql = "select * from memory_snapshots where :id is null or thread_id = :id order by id"
    return log.rows(sql, {"id": thread_id})


def labels(log: Log, thread_id: str) -> dict[str, list[str]]:
    """Return the labels of a session's snapshots, oldest first, by the first turn of their exchange."""
    found: dict[str, list[str]] = {}
    for row in snapshots(log, thread_id):
        found.setdefault(row["turn_id"] or "", []).append(row["label"])
    return found


def add(log: Log, thread_id: str, label: str, stored: Mapping[str, str | None]) -> None:
    """Store a snapshot, given as the other columns: turn_id, state_json, made_utc. Call it inside a transaction.

    Raises NameRefused if the session has a snapshot with this label.
    """
    try:
        log.database.conn.execute(
            "insert into memory_snapshots (thread_id, label, label_key, turn_id, state_json, made_utc)"
            " values (:thread_id, :label, :label_key, :turn_id, :state_json, :made_utc)",
            {"thread_id": thread_id, "label": label, "label_key": key(label), **stored},
        )
    except sqlite3.IntegrityError as error:
        hint = "Choose another label, or delete that snapshot first."
        raise NameRefused(f"There is a snapshot “{label}” of this session already.", hint) from error


def delete(log: Log, id_: int) -> None:
    """Delete a snapshot. Call it inside a transaction."""
    log.run("delete from memory_snapshots where id = :id", {"id": id_})
