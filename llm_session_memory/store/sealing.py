"""All rows about some sessions, read from a log and written into a staging database, and which sessions are sealed."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..errors import LogUnusable
from ..rules.sqlite_format import makes_table
from .log import Log
from .schema import statement
from .staging import OURS, TABLES, WITHOUT_ROWID, Staging

EXCERPTS = "staged_excerpts"
"""A table of staging databases: where recalled excerpts are from. In a log, that is told by its index."""

_THREADS, _TURNS, _MESSAGES = "temp.sealed_threads", "temp.sealed_turns", "temp.sealed_messages"
_RESPONSES, _PARTS, _RESULTS = "temp.sealed_responses", "temp.sealed_parts", "temp.sealed_results"

_CHAINS = """
with recursive up (hash) as (
    select parent_message_hash from turns where id in (select id from temp.sealed_turns)
    union
    select tip_message_hash from turns where id in (select id from temp.sealed_turns)
    union
    select tip_message_hash from threads where id in (select id from temp.sealed_threads)
    union
    select m.parent_hash from up join messages m on m.hash = up.hash
)
select hash from up where hash is not null
"""

_CHOSEN: dict[str, tuple[str, str]] = {
    _TURNS: ("turns", "select id from turns where thread_id in (select id from temp.sealed_threads)"),
    _MESSAGES: ("messages", _CHAINS),
    _PARTS: ("parts", "select id from parts where message_hash in (select id from temp.sealed_messages)"),
    _RESPONSES: (
        "responses",
        "select id from responses where conversation_id in (select id from temp.sealed_threads)",
    ),
    _RESULTS: (
        "tool_results",
        "select id from tool_results where response_id in (select id from temp.sealed_responses)",
    ),
}
"""What belongs to the sessions: the table that it is in, and how it is found."""

_REFERRED: dict[str, tuple[tuple[str, str, str, str], ...]] = {
    "schemas": (("turns", "schema_id", "id", _TURNS), ("responses", "schema_id", "id", _RESPONSES)),
    "attachments": (
        ("part_attachments", "attachment_id", "part_id", _PARTS),
        ("prompt_attachments", "attachment_id", "response_id", _RESPONSES),
        ("tool_results_attachments", "attachment_id", "tool_result_id", _RESULTS),
    ),
    "fragments": (
        ("part_fragments", "fragment_id", "part_id", _PARTS),
        ("turn_fragments", "fragment_id", "turn_id", _TURNS),
        ("prompt_fragments", "fragment_id", "response_id", _RESPONSES),
        ("system_fragments", "fragment_id", "response_id", _RESPONSES),
    ),
    "tools": (
        ("turn_tools", "tool_id", "turn_id", _TURNS),
        ("tool_responses", "tool_id", "response_id", _RESPONSES),
        ("tool_calls", "tool_id", "response_id", _RESPONSES),
        ("tool_results", "tool_id", "response_id", _RESPONSES),
    ),
    "tool_instances": (
        ("turn_tools", "instance_id", "turn_id", _TURNS),
        ("tool_instantiations", "instance_id", "turn_id", _TURNS),
        ("tool_results", "instance_id", "response_id", _RESPONSES),
    ),
}
"""What others may refer to as well: the tables that refer to it, with the column that does, and whose rows count."""

_OWNED: dict[str, tuple[str, str]] = {
    "messages": ("hash", _MESSAGES),
    "parts": ("message_hash", _MESSAGES),
    "part_attachments": ("part_id", _PARTS),
    "part_fragments": ("part_id", _PARTS),
    "threads": ("id", _THREADS),
    "conversations": ("id", _THREADS),
    "turns": ("id", _TURNS),
    "responses": ("id", _RESPONSES),
    "tool_results_attachments": ("tool_result_id", _RESULTS),
    **dict.fromkeys(("memory_contexts", "memory_originals", "memory_recalls", "memory_changed"), ("turn_id", _TURNS)),
    **dict.fromkeys(("turn_fragments", "turn_tools", "tool_instantiations", "turn_search"), ("turn_id", _TURNS)),
    **dict.fromkeys(("prompt_attachments", "prompt_fragments", "system_fragments"), ("response_id", _RESPONSES)),
    **dict.fromkeys(("tool_responses", "tool_calls", "tool_results"), ("response_id", _RESPONSES)),
}
"""The column by which the other tables say whose a row is; ours say it by `thread_id` if they are not here."""

_PROJECTS = """
name_key in (select project from memory_sessions where thread_id in (select id from temp.sealed_threads))
"""

_MAKES_INDEX = re.compile(r"CREATE\s+(UNIQUE\s+)?INDEX\s", re.IGNORECASE)


@dataclass(frozen=True)
class Sealed:
    """A session that is in an encrypted file, and no longer in the log."""

    thread_id: str
    name: str
    file: str
    sha256: str
    exchanges: int
    first_utc: str | None
    last_utc: str | None
    sealed_utc: str


def sealed(log: Log) -> list[Sealed]:
    """Return the sealed sessions, in the order of their names. One that is in the log again does not count."""
    if not log.columns("memory_sealed"):
        return []
    here = "select 1 from memory_sessions s where s.thread_id = memory_sealed.thread_id"
    sql = f"select * from memory_sealed where not exists ({here}) order by name"  # noqa: S608  constants
    return [Sealed(**row) for row in log.rows(sql)]


def add(log: Log, one: Sealed) -> None:
    """Remember a sealed session."""
    columns = list(asdict(one))
    values = ", ".join(f":{name}" for name in columns)
    sql = f"insert or replace into memory_sealed ({', '.join(columns)}) values ({values})"  # noqa: S608  constants
    log.run(sql, asdict(one))


def forget(log: Log, thread_ids: Iterable[str]) -> None:
    """Forget that sessions were sealed."""
    log.many("delete from memory_sealed where thread_id = :id", ({"id": id_} for id_ in thread_ids))


# -- reading ---------------------------------------------------------------------


def choose(log: Log, thread_ids: Collection[str]) -> None:
    """Find all that belongs to some sessions, for `rows`, `excerpts` and `shape`, in temporary tables."""
    connection = log.database.conn
    within = connection.in_transaction
    with log.sentences():
        for name in (_THREADS, *_CHOSEN):
            connection.execute(f"create temp table if not exists {name.removeprefix('temp.')} (id primary key)")
            connection.execute(f"delete from {name}")  # noqa: S608  constants
        connection.executemany(f"insert into {_THREADS} values (?)", ([id_] for id_ in thread_ids))  # noqa: S608
        for name, (table, which) in _CHOSEN.items():
            if log.columns(table):
                connection.execute(f"insert or ignore into {name} {which}")
        if not within:  # filling even a temporary table begins a transaction
            connection.commit()


def rows(log: Log) -> Iterator[tuple[str, list[str], Iterator[tuple[Any, ...]]]]:
    """Yield each table with its columns and its rows about the chosen sessions, in their order. See `choose`."""
    for table in (*TABLES, *OURS):
        columns = sorted(log.columns(table))
        which = _which(log, table, columns) if columns else None
        if which is None:
            continue
        # Excerpts find their passages again in the index, which is rebuilt.
        values = ["0" if (table, name) == ("memory_recalls", "passage_id") else f'"{name}"' for name in columns]
        order = ", ".join(f'"{name}"' for name in columns if name in ("turn_id", "thread_id", "rank"))
        order = order if table in WITHOUT_ROWID else "rowid"
        sql = f'select {", ".join(values)} from "{table}" where {which} order by {order}'  # noqa: S608  names of columns
        yield table, columns, log.stream(sql)


def _which(log: Log, table: str, columns: Sequence[str]) -> str | None:
    if table == "memory_projects":
        return _PROJECTS
    if table in _REFERRED:
        found = [
            f'select "{column}" from {other} where {key} in (select id from {whose})'  # noqa: S608  constants
            for other, column, key, whose in _REFERRED[table]
            if column in log.columns(other)
        ]
        return f"id in ({' union '.join(found)})"
    column, whose = _OWNED.get(table, ("thread_id", _THREADS))
    return f"{column} in (select id from {whose})" if column in columns else None  # noqa: S608  constants


def excerpts(log: Log) -> list[tuple[Any, ...]]:
    """Return where the excerpts in the chosen sessions' requests are from: the columns of `staged_excerpts`."""
    if not log.columns("memory_recalls") or not log.columns("memory_passages"):
        return []
    return log.tuples(
        "select r.turn_id, r.rank, 0, 0, p.side, p.part, p.turn_id from memory_recalls r"  # noqa: S608  constants
        f" join memory_passages p on p.id = r.passage_id where r.turn_id in (select id from {_TURNS})"
        " order by r.turn_id, r.rank"
    )


def shape(log: Log) -> dict[str, Any]:
    """Return what llm's tables are like: the statements that make them, and the migrations that made them so."""
    tables = json.dumps([*TABLES, "_llm_migrations"])
    made = [sql for (sql,) in log.tuples(statement("tables_of_llm"), {"tables": tables})]
    return {"tables": made, "migrations": log.rows("select name, applied_at from _llm_migrations")}


# -- writing ---------------------------------------------------------------------


def make_tables(staging: Staging, made: Mapping[str, Any]) -> None:
    """Make llm's tables in a staging database as `shape` said they were. Raises LogUnusable for anything else."""
    log = staging.log
    with log.writing():
        for sql in made["tables"]:
            if not isinstance(sql, str) or not (makes_table(sql) or _MAKES_INDEX.match(sql)):
                raise LogUnusable(
                    "The file has something in it that is not a table of llm's.", outcome="Nothing was changed."
                )
            log.run(sql)
        log.many("insert into _llm_migrations (name, applied_at) values (:name, :applied_at)", made["migrations"])


def insert(staging: Staging, table: str, columns: Sequence[str], values: Iterable[Sequence[Any]]) -> None:
    """Write rows into a staging database.

    Raises LogUnusable for a table or a column that this version doesn't know, and ValueError for a row that it can't
    have: one that is there already, or a value that is not a value of SQLite's.
    """
    known = staging.log.columns(table) if table in (*TABLES, *OURS, EXCERPTS) else frozenset()
    unknown = next((name for name in columns if name not in known), None)
    if not known or unknown:
        message = f"This version does not know {table}{'.' + unknown if known and unknown else ''}."
        raise LogUnusable(message, "Update llm and the plugin: llm install -U llm llm-session-memory")
    names = ", ".join(f'"{name}"' for name in columns)
    sql = f'insert into "{table}" ({names}) values ({", ".join("?" * len(columns))})'  # noqa: S608  known columns
    with staging.log.sentences():
        try:
            staging.log.database.conn.executemany(sql, values)
        except (sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.ProgrammingError) as error:
            raise ValueError(table) from error


def present(log: Log, thread_ids: Iterable[str]) -> list[str]:
    """Return which of these conversations are in the log. A fork that has no prompt yet is only in our table."""
    tables = {"threads": "id", "conversations": "id", "memory_sessions": "thread_id"}
    known = {table: column for table, column in tables.items() if log.columns(table)}
    if not known:
        return []
    every = " union ".join(f"select {column} as id from {table}" for table, column in known.items())  # noqa: S608
    sql = f"select id from ({every}) where id in (select value from json_each(:ids)) order by id"  # noqa: S608
    return [id_ for (id_,) in log.tuples(sql, {"ids": json.dumps([*thread_ids])})]


def version(log: Log) -> int:
    """Return a number that changes if someone else writes to the log."""
    return int(log.value("pragma data_version"))


def moments(log: Log, thread_id: str) -> tuple[str | None, str | None]:
    """Return when a conversation's first and last call were."""
    found: list[str] = []
    for table, column in (("turns", "thread_id"), ("responses", "conversation_id")):
        if log.columns(table):
            sql = f"select min(datetime_utc), max(datetime_utc) from {table} where {column} = :id"  # noqa: S608
            found += [one for one in log.tuples(sql, {"id": thread_id})[0] if one]
    return min(found, default=None), max(found, default=None)
