"""Tombstones in a merge: what one log has and the other deleted, and the tombstones that both have afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ..rules.ulids import IMPORTED
from .log import Log
from .tombstones import bury_calls, is_buried, register


class Buried(NamedTuple):
    """Rows that one log has and another deleted: turns by thread, and conversations that were deleted as a whole."""

    turns: Mapping[str, Sequence[str]]
    threads: frozenset[str]


NOTHING = Buried({}, frozenset())


def buried(log: Log, elsewhere: Log) -> Buried:
    """Return what a log has and another one deleted. One of them may be large: it is searched, never read whole.

    A conversation that continued after the log learnt of its deletion goes with its last exchange.
    """
    log.run("create temp table if not exists merge_buried (kind text, id text, primary key (kind, id)) without rowid")
    log.run("delete from temp.merge_buried")
    deleted = elsewhere.value("select count(*) from memory_tombstones")
    if not deleted:
        return NOTHING
    calls = "select count(*) from (select 1 from turns union all select 1 from responses limit :most)"
    few = log.value(calls, {"most": deleted}) < deleted
    found = [*_looked_up(log, elsewhere)] if few else elsewhere.stream("select kind, id from memory_tombstones")
    log.many("insert into temp.merge_buried values (:kind, :id)", ({"kind": k, "id": id_} for k, id_ in found))
    for one in (log, elsewhere):
        log.many("delete from temp.merge_buried where kind = 'content' and id = :id", one.rows(_RESTORED))
    turns: dict[str, list[str]] = {}
    for thread_id, turn_id in (*log.tuples(_BURIED_TURNS), *_buried_imports(log)):
        turns.setdefault(thread_id, []).append(turn_id)
    whole = {one for (one,) in log.tuples(_BURIED_THREADS)}
    return Buried(turns, frozenset(whole.union(is_buried(log, "thread", turns))))


def _looked_up(log: Log, elsewhere: Log) -> Iterator[tuple[str, str]]:
    """Yield the tombstones in another log of what a log has."""
    register(log)
    for kind, sql in _THERE.items():
        ids = [id_ for (id_,) in log.tuples(sql, _IMPORTED)]
        for start in range(0, len(ids), _AT_ONCE):
            values = {"kind": kind, "ids": json.dumps(ids[start : start + _AT_ONCE])}
            yield from elsewhere.tuples(
                "select kind, id from memory_tombstones"
                " where kind = :kind and id in (select value from json_each(:ids))",
                values,
            )


_RESTORED = "select id from memory_tombstones where kind = 'restored'"
"""The texts that somebody imported again although they were deleted: for them, a call goes only by its id."""

_AT_ONCE = 5_000
_IMPORTED = {"imported": f"{IMPORTED}*"}
_IMPORTS = "turns t join turn_search s on s.turn_id = t.id where t.thread_id glob :imported"
_THERE = {
    "turn": "select id from turns union select id from responses",
    "thread": "select id from threads union select id from conversations union select thread_id from memory_sessions",
    "content": f"select distinct content_hash(t.datetime_utc, s.prompt, s.response) from {_IMPORTS}",  # noqa: S608  constants
}
"""The ids that tombstones may have of what is in a log, by their kind."""

_BURIED_TURNS = (
    "select t.thread_id, t.id from temp.merge_buried b join turns t on t.id = b.id where b.kind = 'turn' union"
    " select r.conversation_id, r.id from temp.merge_buried b join responses r on r.id = b.id where b.kind = 'turn'"
)
_BURIED_THREADS = (
    "select id from temp.merge_buried where kind = 'thread' and (id in (select id from threads)"
    " or id in (select id from conversations) or id in (select thread_id from memory_sessions))"
)


def _buried_imports(log: Log) -> list[tuple[str, str]]:
    """Return the imported turns whose texts were deleted: each log gives them ids of its own."""
    if not log.value("select 1 from temp.merge_buried where kind = 'content' limit 1"):
        return []
    register(log)
    return log.tuples(
        f"select t.thread_id, t.id from {_IMPORTS} and content_hash(t.datetime_utc, s.prompt, s.response) in"  # noqa: S608
        " (select id from temp.merge_buried where kind = 'content')",
        _IMPORTED,
    )


def drop_removed_snapshots(log: Log, elsewhere: Log) -> None:
    """Delete the snapshots that were deleted from another log since: they would keep their exchanges."""
    gone = elsewhere.rows("select thread_id, key, changed_utc from memory_changes where kind = 'snapshot' and removed")
    log.many(
        "delete from memory_snapshots where thread_id = :thread_id and label_key = :key and made_utc < :changed_utc"
        " and not exists (select 1 from memory_changes c where c.kind = 'snapshot' and c.thread_id = :thread_id"
        " and c.key = :key and not c.removed and c.changed_utc >= :changed_utc)",
        gone,
    )


def put_tombstones(log: Log, turns: Iterable[str], deleted_utc: str) -> None:
    """Add the attached log's tombstones; each has the time of the first deletion.

    `turns` are those that go or are left out. If that is because their texts were deleted under other ids, they get
    tombstones of their own, so that all logs agree on them, those too where a fork keeps them.
    """
    log.run(
        "insert into main.memory_tombstones (kind, id, deleted_utc) select kind, id, deleted_utc"
        " from other.memory_tombstones where true on conflict (kind, id) do update"
        " set deleted_utc = min(deleted_utc, excluded.deleted_utc)"
    )
    bury_calls(log, turns, deleted_utc)
