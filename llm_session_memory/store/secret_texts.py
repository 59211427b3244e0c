"""The texts of a log, table by table: where a secret may be stored. Read in portions, so that memory stays bounded.

llm's tables are named here. Of ours, every column of texts is read, so that no table is forgotten.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .log import Log

PORTION = 1_000_000
"""About how many characters are looked at together."""

ROWS = 2_000
"""How many rows are read together at most."""

_LLMS: dict[str, tuple[str, str]] = {
    "parts": ("message_hash", "text payload:json"),
    "messages": ("hash", "provider_metadata:json"),
    "fragments": ("id", "content source"),
    "attachments": ("id", "content url"),
    "turn_search": ("turn_id", "prompt response"),
    "turns": ("id", "options_json:json response_json:json"),
    "threads": ("id", "name"),
    "conversations": ("id", "name"),
    "responses": (
        "id",
        "prompt system prompt_json:json options_json:json response response_json:json reasoning",
    ),
    "tool_calls": ("response_id", "arguments:json"),
    "tool_results": ("response_id", "output exception"),
    "tool_instances": ("id", "arguments:json"),
}
"""llm's tables: the column that says whose the row is, and the columns of texts. Tools and schemas are programs' texts,
and are left alone."""

_NOT_TEXTS = frozenset(
    "memory_passages memory_words memory_index memory_vectors memory_tombstones memory_changed memory_contexts"
    " memory_windows memory_log_settings memory_origins memory_pins memory_forks memory_undone memory_blocks"
    " memory_sealed memory_branches memory_changes memory_group_members memory_votes"
    " memory_machine memory_remotes memory_remote_threads".split()
)
"""Our tables without texts of a person's or a model's."""

_NOT_TEXT = frozenset(
    "id thread_id turn_id name_key tag_key label_key project model template author mark answered_by from_thread_id"
    " at_turn_id first_turn_id last_turn_id recall_from recall_model summary_model title_model memory think"
    " kind state job_id owner machine person".split()
)
"""Columns of ours that hold ids and settings. Keys are made from the names that they are keys of."""


_KEYS = {("memory_conflicts", "key"), ("memory_job_items", "key")}
"""Columns that are ids only in these tables."""


@dataclass(frozen=True)
class Texts:
    """A table with texts: its key, the column that says whose a row is, and its columns of texts (name, is JSON)."""

    table: str
    key: tuple[str, ...]
    owner: str | None
    columns: tuple[tuple[str, bool], ...]


def tables(log: Log) -> list[Texts]:
    """Return the tables of a log that may hold texts of a person's or a model's."""
    found = []
    for table, (owner, columns) in _LLMS.items():
        there = log.columns(table)
        named = [(name, json == "json") for name, _, json in (one.partition(":") for one in columns.split())]
        kept = tuple((name, is_json) for name, is_json in named if name in there)
        if kept and owner in there:
            found.append(Texts(table, ("rowid",), owner, kept))
    names = log.tuples("select name from sqlite_master where type = 'table' and name glob 'memory_*' order by name")
    return [*found, *(one for (name,) in names for one in _ours(log, name))]


def _ours(log: Log, table: str) -> Iterator[Texts]:
    if table in _NOT_TEXTS or table.startswith("memory_words"):
        return
    rows = log.rows("select name, type, pk from pragma_table_info(:table)", {"table": table})
    names = [row["name"] for row in rows]
    texts = [
        (name, name.endswith("_json"))
        for name in (row["name"] for row in rows if row["type"].lower() == "text")
        if name not in _NOT_TEXT and not name.endswith("_utc") and (table, name) not in _KEYS
    ]
    if texts:
        bare = "without rowid" in str(log.value("select sql from sqlite_master where name = :n", {"n": table})).lower()
        keys = sorted((row["pk"], row["name"]) for row in rows if row["pk"])
        key = tuple(name for _, name in keys) if bare else ("rowid",)
        owner = next((name for name in ("turn_id", "thread_id") if name in names), None)
        yield Texts(table, key, owner, tuple(texts))


Row = tuple[tuple[Any, ...], Any, tuple[Any, ...]]
"""The key of a row, whose it is, and the values of its columns of texts."""


def portions(log: Log, texts: Texts, where: str = "", values: dict[str, Any] | None = None) -> Iterator[list[Row]]:
    """Yield the rows of a table in portions. Between them, other programs can write.

    `where` is a condition with `values`; the rows that meet it are looked up first, by the index that it has.
    """
    if texts.key != ("rowid",):
        yield from _gathered(log.stream(_select(texts, f"where {where}" if where else ""), values), texts)
        return
    if where:
        found = [id_ for (id_,) in log.tuples(f"select rowid from {texts.table} where {where} order by 1", values)]  # noqa: S608
        for start in range(0, len(found), ROWS):
            asked = {"ids": json.dumps(found[start : start + ROWS])}
            sql = _select(texts, "where rowid in (select value from json_each(:ids)) order by rowid")
            yield from _gathered(log.stream(sql, asked), texts)
        return
    after = 0
    while True:
        stream = log.stream(_select(texts, "where rowid > :after order by rowid"), {"after": after})
        rows = next(_gathered(stream, texts), [])
        stream.close()  # type: ignore[attr-defined]  # an open statement would keep others from writing
        if not rows:
            return
        after = rows[-1][0][0]
        yield rows


def _select(texts: Texts, rest: str) -> str:
    names = ", ".join(f'"{name}"' for name, _ in texts.columns)
    size = " + ".join(f'coalesce(length("{name}"), 0)' for name, _ in texts.columns)
    return f"select {', '.join(texts.key)}, {texts.owner or 'null'}, {names}, {size} from {texts.table} {rest}"  # noqa: S608  names of columns


def _gathered(stream: Iterator[tuple[Any, ...]], texts: Texts) -> Iterator[list[Row]]:
    stop = len(texts.key)
    rows: list[Row] = []
    held = 0
    for row in stream:
        rows.append((row[:stop], row[stop], row[stop + 1 : -1]))
        held += row[-1] or 0
        if held > PORTION or len(rows) >= ROWS:
            yield rows
            rows, held = [], 0
    if rows:
        yield rows


def as_text(value: Any) -> str:
    """Return a stored value as text; of bytes only if they are a text, else nothing."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes) and b"\x00" not in value[:1_000]:
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return ""
    return ""


def with_needle(log: Log, texts: Texts, has: Callable[[str], bool], after: int = 0) -> Iterator[Row]:
    """Yield the rows of a table of which a value passes `has`; `after`: only those with a greater rowid."""
    where = "rowid > :after" if after and texts.key == ("rowid",) else ""
    for rows in portions(log, texts, where, {"after": after}):
        if has("\x00".join(as_text(value) for _, _, values in rows for value in values if value)):
            for row in rows:
                if any(value and has(as_text(value)) for value in row[2]):
                    yield row


def newest_rows(log: Log, found: Sequence[Texts]) -> dict[str, int]:
    """Return the greatest rowid of each table that has one."""
    sql = "select coalesce(max(rowid), 0) from %s"
    return {one.table: int(log.value(sql % one.table)) for one in found if one.key == ("rowid",)}
