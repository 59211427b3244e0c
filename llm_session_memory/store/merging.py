"""Put another log into this one: what llm keeps by ids and hashes, and our rows about each turn.

That changes nothing that this log already has. Numbers that a log gives itself (of parts, fragments, blocks and so on)
are replaced by this log's own. Which tables these are is in `merge_tables`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from . import merge_tips
from .deletion import statements
from .log import Log
from .merge_tables import LLMS, OURS, WITHOUT_ROWID
from .other_log import file_of
from .staging import Renumbered

_SAME_BLOCK = " and ".join(
    f"l.{name} {'=' if name == 'thread_id' else 'is'} b.{name}"
    for name in ("thread_id", "began_utc", "start_turn_id", "policy", "budget", "front", "reason", "pinned_json")
)

_COUNTED = {
    "conversations": "select count(*) from (select id from temp.merge_threads where id not in"
    " (select id from main.conversations) union select c.id from other.conversations c"
    " where c.id not in (select id from main.conversations union select id from main.threads))",
    "turns": "select count(*) from (select id from temp.merge_turns union select id from temp.merge_responses"
    " where id not in (select id from main.turns))",
    "messages": "select count(*) from temp.merge_messages",
    "fragments": "select count(*) from temp.merge_fragments",
    "attachments": "select count(*) from temp.merge_attachments",
}


_CACHE_KB = 64_000


@contextmanager
def attachable(log: Log) -> Iterator[None]:
    """Let transactions begin and end only where the code says so, with a large cache. Detach `other` at the end.

    A database can be attached within a transaction, but not detached.
    """
    connection = log.database.conn
    level, connection.isolation_level = connection.isolation_level, None
    cache = int(connection.execute("pragma cache_size").fetchone()[0])
    connection.execute(f"pragma cache_size = {-_CACHE_KB}")
    try:
        yield
    finally:
        connection.execute(f"pragma cache_size = {cache}")
        with suppress(sqlite3.Error):  # it was never attached
            connection.execute("detach other")
        connection.isolation_level = level


@contextmanager
def attached(log: Log, other: Log) -> Iterator[None]:
    """Attach a copy of the other log as `other`, outside of transactions."""
    attach(log, other)
    try:
        yield
    finally:
        log.run("detach other")


def attach(log: Log, other: Log) -> None:
    """Attach a copy of the other log as `other`."""
    log.run("attach :file as other", {"file": file_of(other)})


def counts(log: Log) -> dict[str, int]:
    """Return how much is new to the log, after `find`."""
    return {name: int(log.value(sql)) for name, sql in _COUNTED.items()}


def version(log: Log) -> int:
    """Return a number that changes whenever someone else writes to the log."""
    return int(log.value("pragma data_version"))


def find(log: Log) -> None:
    """Find out what the attached log has that this one lacks."""
    for sql in statements("merge_find"):
        log.run(sql)


def put(log: Log, *, search: bool = True) -> None:
    """Add what `find` found; without llm's search rows if nothing of it is to stay."""
    # new ones too: the other log's row may be older than its newest turn
    sql = "select distinct t.thread_id from temp.merge_turns n join other.turns t on t.id = n.id"
    grown = [one for (one,) in log.tuples(sql)]
    values = {"results": log.value("select coalesce(max(id), 0) from main.tool_results")}
    for table, (changed, which) in LLMS.items():
        if table == "parts":
            numbers = log.tuples(
                "select f.id, l.id from other.fragments f join main.fragments l on l.hash = f.hash where f.id <> l.id"
            )
            log.database.conn.create_function("renumbered", 1, Renumbered(dict(numbers)))
        if search or table != "turn_search":
            copy_table(log, table, changed, which, values)
    _find_blocks(log)
    for table, (changed, which) in OURS.items():
        copy_table(log, table, changed, which, {})
    _finish_attempts(log)
    _join_branches(log)
    _join_forks(log)
    for thread_id in grown:
        merge_tips.retip(log, thread_id)
    merge_tips.untip(log, [one for (one,) in log.tuples("select id from temp.merge_threads")])


def copy_table(log: Log, table: str, changed: Mapping[str, str | None], which: str, values: Mapping[str, int]) -> None:
    """Copy rows of a table of the attached log, in their order. `values` are those of parameters."""
    if not log.value(f"select 1 from other.{table} limit 1"):  # noqa: S608  constants
        return
    columns = [one for (one,) in log.tuples("select name from pragma_table_info(:table, 'other')", {"table": table})]
    taken = {name: changed.get(name, f's."{name}"') for name in columns}
    taken = {name: value for name, value in taken.items() if value is not None}
    names = ", ".join(f'"{name}"' for name in taken)
    order = "" if table in WITHOUT_ROWID else " order by s.rowid"
    used = {
        name: value for name, value in values.items() if any(f":{name}" in str(one) for one in (*taken.values(), which))
    }
    log.run(
        f"insert into main.{table} ({names}) select {', '.join(map(str, taken.values()))} from other.{table} s "  # noqa: S608  constants
        + which
        + order,
        used,
    )


def _find_blocks(log: Log) -> None:
    """Find the number that each block of the other log has here, or will have."""
    newest = {"newest": log.value("select coalesce(max(id), 0) from main.memory_blocks")}
    log.run("drop table if exists temp.merge_blocks")
    log.run("create temp table merge_blocks (id integer primary key, to_id integer not null, is_new integer not null)")
    here = (
        "select b.id, min(l.id) as here from other.memory_blocks b left join main.memory_blocks l"  # noqa: S608  constants
        f" on {_SAME_BLOCK} group by b.id"
    )
    log.run(
        "insert into temp.merge_blocks"  # noqa: S608  constants
        f" select id, coalesce(here, :newest + row_number() over (order by id)), here is null from ({here})",
        newest,
    )


def _join_branches(log: Log) -> None:
    """Let each branch that both logs have begin beside the smallest exchange that one of them knows."""
    log.run(
        "insert into main.memory_branches (thread_id, root_id, turn_id, kept_turn_id)"
        " select thread_id, root_id, turn_id, kept_turn_id from other.memory_branches where true"
        " on conflict (thread_id) do update set kept_turn_id = min(kept_turn_id, excluded.kept_turn_id)"
    )


_LINKS = (
    "select o.thread_id, o.from_thread_id, o.at_turn_id, l.at_turn_id,"
    " exists (select 1 from main.memory_tombstones b where b.kind = 'turn' and b.id = l.at_turn_id)"
    " from other.memory_forks o join main.memory_forks l on l.thread_id = o.thread_id"
    " where o.at_turn_id <> l.at_turn_id"
)


def _join_forks(log: Log) -> None:
    """Let each fork that both logs have begin at the same exchange: one that is there, and of these the smaller one.

    A fork that keeps an exchange which was deleted elsewhere keeps it.
    """
    for thread_id, origin, theirs, ours, buried in log.tuples(_LINKS):
        here, there = (_is_here(log, one) for one in (ours, theirs))
        if not (here and buried) and (not there, theirs) < (not here, ours):
            log.run(
                "update main.memory_forks set from_thread_id = :origin, at_turn_id = :at where thread_id = :id",
                {"id": thread_id, "origin": origin, "at": theirs},
            )


def _is_here(log: Log, call: str) -> bool:
    sql = "select 1 from main.turns where id = :id union all select 1 from main.responses where id = :id"
    return log.value(sql, {"id": call}) is not None


def _finish_attempts(log: Log) -> None:
    """Leave no attempt open that one of the logs knows to be answered."""
    log.run("delete from main.memory_attempts where answered_by is null and id in (select id from temp.merge_turns)")
    log.run(
        "delete from main.memory_attempts where answered_by is null and id in"
        " (select o.id from other.memory_attempts o join main.turns t on t.id = o.id)"
    )
    log.run(
        "update main.memory_attempts set answered_by = (select o.answered_by from other.memory_attempts o"
        " where o.id = memory_attempts.id) where answered_by is null and id in"
        " (select id from other.memory_attempts where answered_by is not null)"
    )
