"""The exchanges that were undone: they are out of their session, but still in the log."""

from __future__ import annotations

from .log import Log


def undone_in(log: Log, thread_id: str) -> frozenset[str]:
    """Return the first turns of the exchanges of a thread that were undone. A log without the table has none."""
    if not log.columns("memory_undone"):
        return frozenset()
    sql = "select turn_id from memory_undone where thread_id = :thread_id"
    return frozenset(turn_id for (turn_id,) in log.tuples(sql, {"thread_id": thread_id}))


def threads_with_undone(log: Log) -> list[str]:
    """Return the threads of which exchanges were undone."""
    if not log.columns("memory_undone"):
        return []
    return [thread_id for (thread_id,) in log.tuples("select distinct thread_id from memory_undone")]
