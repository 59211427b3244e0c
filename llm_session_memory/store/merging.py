"""Put another log into this one: what llm keeps by ids and hashes, and our rows about each turn.

Nothing that this log has is changed by that. Numbers that a log gives itself (of parts, fragments, blocks and so on)
are replaced by this log's own.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

from ..rules.ulids import IMPORTED
from . import merge_branches
from .deletion import statements
from .log import Log
from .other_log import file_of
from .staging import Renumbered
from .tombstones import bury_calls, register

_FRAGMENT = "(select l.id from other.fragments f join main.fragments l on l.hash = f.hash where f.id = s.fragment_id)"
_TOOL = "(select l.id from other.tools t join main.tools l on l.hash = t.hash where t.id = s.tool_id)"
_INSTANCE = (
    "(select l.id from other.tool_instances i join main.tool_instances l on l.name is i.name"
    " and l.plugin is i.plugin and l.arguments is i.arguments where i.id = s.instance_id order by l.id limit 1)"
)
_PART = (
    "(select l.id from other.parts p join main.parts l on l.message_hash = p.message_hash"
    " and l.position = p.position where p.id = s.part_id)"
)
_RESULT = "(select r.place + :results from temp.merge_results r where r.id = {id_})"
_TURNS = "where s.turn_id in (select id from temp.merge_turns)"
_RESPONSES = "where s.response_id in (select id from temp.merge_responses)"

LLMS: dict[str, tuple[dict[str, str | None], str]] = {
    "schemas": ({}, "where s.id in (select id from temp.merge_schemas)"),
    "attachments": ({}, "where s.id in (select id from temp.merge_attachments)"),
    "fragments": ({"id": None}, "where s.id in (select id from temp.merge_fragments)"),
    "fragment_aliases": ({"fragment_id": _FRAGMENT}, "where s.alias not in (select alias from main.fragment_aliases)"),
    "tools": ({"id": None}, "where s.id in (select id from temp.merge_tools)"),
    "tool_instances": ({"id": None}, "where s.id in (select id from temp.merge_instances)"),
    "messages": ({}, "where s.hash in (select hash from temp.merge_messages)"),
    "parts": (
        {"id": None, "payload": "renumbered(s.payload)"},
        "where s.message_hash in (select hash from temp.merge_messages)",
    ),
    "part_attachments": ({"part_id": _PART}, "where s.part_id in (select id from temp.merge_parts)"),
    "part_fragments": (
        {"part_id": _PART, "fragment_id": _FRAGMENT},
        "where s.part_id in (select id from temp.merge_parts)",
    ),
    "threads": ({}, "where s.id in (select id from temp.merge_threads)"),
    "turns": ({}, "where s.id in (select id from temp.merge_turns)"),
    "turn_fragments": ({"fragment_id": _FRAGMENT}, _TURNS),
    "turn_tools": ({"tool_id": _TOOL, "instance_id": _INSTANCE}, _TURNS),
    "tool_instantiations": ({"instance_id": _INSTANCE}, _TURNS),
    "conversations": ({}, "where s.id not in (select id from main.conversations)"),
    "responses": ({}, "where s.id in (select id from temp.merge_responses)"),
    "prompt_attachments": ({}, _RESPONSES),
    "prompt_fragments": ({"fragment_id": _FRAGMENT}, _RESPONSES),
    "system_fragments": ({"fragment_id": _FRAGMENT}, _RESPONSES),
    "tool_responses": ({"tool_id": _TOOL}, _RESPONSES),
    "tool_calls": ({"id": None, "tool_id": _TOOL}, _RESPONSES),
    "tool_results": (
        {"id": _RESULT.format(id_="s.id"), "tool_id": _TOOL, "instance_id": _INSTANCE},
        "where s.id in (select id from temp.merge_results)",
    ),
    "tool_results_attachments": (
        {"tool_result_id": _RESULT.format(id_="s.tool_result_id")},
        "where s.tool_result_id in (select id from temp.merge_results)",
    ),
    "turn_search": (
        {"id": None},
        f"{_TURNS} and s.turn_id not in (select turn_id from main.turn_search)",  # noqa: S608  constants
    ),
}
"""llm's tables in the order in which they are copied: the columns that are not copied as they are (None: SQLite gives
the number), and which rows are copied."""

_BLOCK = "(select b.to_id from temp.merge_blocks b where b.id = s.block_id)"

_OURS: dict[str, tuple[dict[str, str | None], str]] = {
    "memory_blocks": (
        {"id": "(select b.to_id from temp.merge_blocks b where b.id = s.id)"},
        "where s.id in (select id from temp.merge_blocks where is_new)",
    ),
    "memory_contexts": ({"block_id": _BLOCK}, _TURNS),
    "memory_originals": ({}, _TURNS),
    "memory_changed": ({}, _TURNS),
    "memory_recalls": ({"passage_id": "0"}, _TURNS),
    "memory_attempts": ({}, "where s.id not in (select id from main.memory_attempts)"),
    "memory_forks": ({}, "where s.thread_id not in (select thread_id from main.memory_forks)"),
}

TABLES = (*LLMS, *_OURS, "memory_branches")

NOT_MERGED = frozenset(
    {"memory_windows", "memory_log_settings", "memory_sealed"}
    | {"memory_index", "memory_passages", "memory_words", "memory_vectors"}
    | {"memory_jobs", "memory_job_items"}
    | {"memory_machine", "memory_remotes", "memory_remote_threads"}
)
"""Our tables that are about one machine, or about the log's own index."""

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
    """Return a number that is another one if someone else has written to the log."""
    return int(log.value("pragma data_version"))


def find(log: Log) -> None:
    """Find out what the attached log has that this one lacks."""
    for sql in statements("merge_find"):
        log.run(sql)


def put(log: Log, *, search: bool = True) -> None:
    """Add what `find` found; without llm's search rows if nothing of it is to stay."""
    # those that are new here too: the other log's row may be older than its newest turn
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
    for table, (changed, which) in _OURS.items():
        copy_table(log, table, changed, which, {})
    _finish_attempts(log)
    _join_branches(log)
    _join_forks(log)
    for thread_id in grown:
        merge_branches.retip(log, thread_id)
    merge_branches.untip(log, [one for (one,) in log.tuples("select id from temp.merge_threads")])


def copy_table(log: Log, table: str, changed: Mapping[str, str | None], which: str, values: Mapping[str, int]) -> None:
    """Copy rows of a table of the attached log, in their order. `values` are those of parameters."""
    columns = [name for (name,) in log.tuples(f"select name from pragma_table_info('{table}', 'other')")]  # noqa: S608  constants
    taken = {name: changed.get(name, f's."{name}"') for name in columns}
    taken = {name: value for name, value in taken.items() if value is not None}
    names = ", ".join(f'"{name}"' for name in taken)
    order = "" if table in _WITHOUT_ROWID else " order by s.rowid"
    used = {
        name: value for name, value in values.items() if any(f":{name}" in str(one) for one in (*taken.values(), which))
    }
    log.run(
        f"insert into main.{table} ({names}) select {', '.join(map(str, taken.values()))} from other.{table} s "  # noqa: S608  constants
        + which
        + order,
        used,
    )


_WITHOUT_ROWID = frozenset({"memory_recalls", "memory_changed"})


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


# -- tombstones --------------------------------------------------------


class Buried(NamedTuple):
    """What one log has and another deleted: the turns by thread, and the conversations that were deleted as a whole."""

    turns: Mapping[str, Sequence[str]]
    threads: frozenset[str]


NOTHING = Buried({}, frozenset())


def buried(log: Log, elsewhere: Log) -> Buried:
    """Return what a log has and another one deleted. One of them may be large: it is looked up in, and not read."""
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
    return Buried(turns, frozenset(one for (one,) in log.tuples(_BURIED_THREADS)))


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

    `turns` are those that go or are left out. Where that is because their texts were deleted under other ids, they get
    tombstones of their own, so that all logs agree on them, those too where a fork keeps them.
    """
    log.run(
        "insert into main.memory_tombstones (kind, id, deleted_utc) select kind, id, deleted_utc"
        " from other.memory_tombstones where true on conflict (kind, id) do update"
        " set deleted_utc = min(deleted_utc, excluded.deleted_utc)"
    )
    bury_calls(log, turns, deleted_utc)


# -- excerpts ----------------------------------------------------------


def remember_excerpts(log: Log) -> list[str]:
    """Remember which texts the new turns' excerpts are from, and return the threads of these texts."""
    log.run("drop table if exists temp.merge_excerpts")
    log.run(
        "create temp table merge_excerpts as select r.turn_id, r.rank, p.turn_id as from_turn_id, p.side, p.part"
        " from temp.merge_turns n join other.memory_recalls r on r.turn_id = n.id"
        " join other.memory_passages p on p.id = r.passage_id"
    )
    sql = "select distinct t.thread_id from temp.merge_excerpts e join main.turns t on t.id = e.from_turn_id"
    return [one for (one,) in log.tuples(sql)]


def link_excerpts(log: Log) -> None:
    """Link excerpts to the passages that they are from, when those are in the index."""
    log.run(
        "update memory_recalls set passage_id = coalesce((select p.id from temp.merge_excerpts e"
        " join memory_passages p on p.turn_id = e.from_turn_id and p.side = e.side and p.part = e.part"
        " where e.turn_id = memory_recalls.turn_id and e.rank = memory_recalls.rank limit 1), passage_id)"
        " where turn_id in (select turn_id from temp.merge_excerpts)"
    )
