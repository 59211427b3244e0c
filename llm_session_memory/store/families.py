"""Families of forks: what a session was forked from, and the sessions that were forked from it."""

from __future__ import annotations

import json
from collections.abc import Iterable

from ..model import Relative
from . import history
from .log import Log


def origins(log: Log, thread_ids: Iterable[str]) -> dict[str, Relative]:
    """Return what these threads were forked from, by thread; only forks have an origin."""
    if not log.columns("memory_forks"):
        return {}
    sql = (
        "select f.thread_id, f.from_thread_id, s.name from memory_forks f"
        " left join memory_sessions s on s.thread_id = f.from_thread_id"
        " where f.thread_id in (select value from json_each(:ids))"
    )
    return {
        fork: Relative(origin, name, history.exchange_turns(log, fork).shared or None)
        for fork, origin, name in log.tuples(sql, {"ids": json.dumps(list(thread_ids))})
    }


def forks(log: Log, thread_id: str) -> tuple[Relative, ...]:
    """Return the forks of a thread, oldest first."""
    if not log.columns("memory_forks"):
        return ()
    sql = (
        "select f.thread_id, s.name, f.at_turn_id from memory_forks f"
        " left join memory_sessions s on s.thread_id = f.thread_id"
        " where f.from_thread_id = :id order by f.forked_utc, f.thread_id"
    )
    rows = log.tuples(sql, {"id": thread_id})
    numbers = history.exchange_turns(log, thread_id) if rows else None
    return tuple(Relative(fork, name, numbers.number_of(at) if numbers else None) for fork, name, at in rows)
