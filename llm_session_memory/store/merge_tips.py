"""Threads after a merge: where each ends, and the order of its turns."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable

from . import history
from .log import Log


def retip(log: Log, thread_id: str) -> None:
    """Let a thread's tip be the end of its newest turn."""
    log.run(
        "update threads set tip_message_hash = coalesce((select coalesce(t.tip_message_hash, t.parent_message_hash)"
        " from turns t where t.thread_id = threads.id order by t.rowid desc limit 1), tip_message_hash) where id = :id",
        {"id": thread_id},
    )


def untip(log: Log, threads: Iterable[str]) -> None:
    """Remove the tip of branches that all their turns have left: each log had another one."""
    log.run(
        "update threads set tip_message_hash = null where id in (select value from json_each(:ids))"
        " and id in (select thread_id from memory_branches)"
        " and not exists (select 1 from turns t where t.thread_id = threads.id)",
        {"ids": json.dumps(sorted(threads))},
    )


def reorder(log: Log, thread_id: str, order: Collection[str]) -> None:
    """Let the turns of a thread be in this order of its exchanges, which is that of their row numbers."""
    exchanges = history.own_exchanges(log, thread_id)
    there = {ids[0]: ids for ids in exchanges}
    wanted = [one for one in order if one in there] + [one for one in there if one not in {*order}]
    if wanted == exchanges.first:
        return
    newest = int(log.value("select coalesce(max(rowid), 0) from turns"))
    turns = [turn_id for one in wanted for turn_id in there[one]]
    log.many(
        "update turns set rowid = :place where id = :id",
        ({"id": turn_id, "place": newest + place} for place, turn_id in enumerate(turns, 1)),
    )
    retip(log, thread_id)
