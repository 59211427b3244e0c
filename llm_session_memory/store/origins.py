"""Where imported conversations are from, and what is already here of one that is imported again."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from ..rules.arrivals import mark_in
from .log import Log


@dataclass(frozen=True)
class Origin:
    """Where a conversation is from. The columns are those of memory_origins."""

    thread_id: str
    source: str
    key: str
    file: str | None
    imported_utc: str


def threads_of(log: Log, source: str, key: str) -> list[str]:
    """Return the threads that have exchanges of a conversation of another tool, the first imported first."""
    if not log.columns("memory_origins"):
        return []
    sql = "select thread_id from memory_origins where source = :source and key = :key order by rowid"
    return [one for (one,) in log.tuples(sql, {"source": source, "key": key})]


def put(log: Log, origin: Origin) -> None:
    """Record where a thread is from. Call it inside `log.writing()`."""
    log.run(
        "insert into memory_origins (thread_id, source, key, file, imported_utc)"
        " values (:thread_id, :source, :key, :file, :imported_utc)"
        " on conflict (thread_id) do update set file = excluded.file, imported_utc = excluded.imported_utc",
        vars(origin),
    )


def known_ids(log: Log, table: str, ids: Iterable[str]) -> frozenset[str]:
    """Return which of these ids a table of llm (turns or threads) has."""
    sql = f"select id from {table} where id in (select value from json_each(:ids))"  # noqa: S608  a name of a table
    return frozenset(one for (one,) in log.tuples(sql, {"ids": json.dumps(list(ids))}))


def marks_of(log: Log) -> frozenset[str]:
    """Return the marks of all turns of a database."""
    return frozenset(mark_in(one) for (one,) in log.stream("select id from turns"))


def deleted_marks(log: Log) -> frozenset[str]:
    """Return the marks of the imported turns that were deleted from the log."""
    if not log.columns("memory_tombstones"):
        return frozenset()
    rows = log.stream("select id from memory_tombstones where kind = 'turn'")
    return frozenset(mark_in(one) for (one,) in rows)


def deleted_contents(log: Log) -> frozenset[str]:
    """Return the hashes of the texts that were deleted from the log (see tombstones.content_hash)."""
    if not log.columns("memory_tombstones"):
        return frozenset()
    return frozenset(one for (one,) in log.stream("select id from memory_tombstones where kind = 'content'"))


def dig_up(log: Log, marks: frozenset[str]) -> None:
    """Remove the tombstones of imported turns, by their marks. Call it inside `log.writing()`."""
    if not marks or not log.columns("memory_tombstones"):
        return
    rows = log.tuples("select id from memory_tombstones where kind = 'turn'")
    gone = [{"id": one} for (one,) in rows if mark_in(one) in marks]
    log.many("delete from memory_tombstones where kind = 'turn' and id = :id", gone)
