"""The exchanges that were undone: they are out of their session, but still in the log."""

from __future__ import annotations

from collections.abc import Iterable

from .log import Log


def undone_in(log: Log, thread_id: str) -> frozenset[str]:
    """Return the first turns of the exchanges of a thread that were undone. A log without the table has none."""
    if not log.columns("memory_undone"):
        return frozenset()
    sql = "select turn_id from memory_undone where thread_id = :thread_id"
    return frozenset(turn_id for (turn_id,) in log.tuples(sql, {"thread_id": thread_id}))


def threads_with_undone(log: Log) -> list[str]:
    """Return the threads that have undone exchanges."""
    if not log.columns("memory_undone"):
        return []
    return [thread_id for (thread_id,) in log.tuples("select distinct thread_id from memory_undone")]


def undone_at(log: Log, thread_id: str) -> dict[str, str]:
    """Return when each exchange of a thread was undone, by its first turn, the latest first."""
    if not log.columns("memory_undone"):
        return {}
    sql = "select turn_id, undone_utc from memory_undone where thread_id = :id order by undone_utc desc, turn_id"
    return dict(log.tuples(sql, {"id": thread_id}))


def take_out(log: Log, thread_id: str, turn_ids: Iterable[str], undone_utc: str) -> None:
    """Take exchanges, given by their first turns, out of a thread. Call it inside a transaction."""
    log.many(
        "insert or replace into memory_undone (thread_id, turn_id, undone_utc) values (:thread_id, :turn_id, :utc)",
        ({"thread_id": thread_id, "turn_id": turn_id, "utc": undone_utc} for turn_id in turn_ids),
    )


def bring_back(log: Log, thread_id: str, turn_ids: Iterable[str]) -> None:
    """Bring exchanges, given by their first turns, back into a thread. Call it inside a transaction."""
    log.many(
        "delete from memory_undone where thread_id = :thread_id and turn_id = :turn_id",
        ({"thread_id": thread_id, "turn_id": turn_id} for turn_id in turn_ids),
    )
