"""Copy what can be read of a damaged log into the tables of a new one, row by row."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..rules.sqlite_format import Value, makes_table
from .damaged_file import DamagedFile, Rows, TableLosses
from .log import Log

SCHEMA = "sqlite_schema"
"""SQLite's own table, which says where the others are. It is among what was saved only if it can't all be read."""

_SCHEMA_PAGE = 1
_BATCH = 1_000

_SKIPPED = frozenset({"_llm_migrations", "_sqlite_migrations"})
"""Tables that the new log has as it needs them."""

_LOOKS = {
    "messages": {"hash": r"b2:[0-9a-f]{32}"},
    "parts": {"message_hash": r"b2:[0-9a-f]{32}", "type": r"[a-z_]+"},
    "turns": {"thread_id": r"\S+", "datetime_utc": r"\d{4}-.*"},
    "threads": {"id": r"\S{20,}"},
    "responses": {"id": r"\S+", "datetime_utc": r"\d{4}-.*"},
    "fragments": {"hash": r"[0-9a-f]{64}"},
    "attachments": {"id": r"[0-9a-f]{64}"},
    "turn_search": {"turn_id": r"\S{20,}"},
    "memory_contexts": {"turn_id": r"\S{20,}"},
    "memory_passages": {"turn_id": r"\S{20,}"},
    "memory_originals": {"turn_id": r"\S{20,}", "messages_json": r"\[.*\]"},
    "memory_blocks": {"pinned_json": r"\[.*\]"},
    "memory_attempts": {"id": r"\S{20,}", "request_json": r"\{.*\}"},
    "memory_tombstones": {"kind": r"turn|thread|content|restored", "id": r"\S{20,}", "deleted_utc": r"\d{4}-.*"},
    "memory_undone": {"thread_id": r"\S{20,}", "turn_id": r"\S{20,}", "undone_utc": r"\d{4}-.*"},
    "memory_changed": {"turn_id": r"\S{20,}", "changed_utc": r"\d{4}-.*"},
    "memory_log_settings": {"key": r"[a-z]+\.[a-z_]+"},
    "memory_recalls": {"turn_id": r"\S{20,}", "words_json": r"\[.*\]"},
    "memory_notes": {"thread_id": r"\S{20,}", "created_utc": r"\d{4}-.*"},
    "memory_titles": {"thread_id": r"\S{20,}", "made_utc": r"\d{4}-.*"},
    "memory_pins": {"thread_id": r"\S{20,}", "turn_id": r"\S{20,}", "pinned_utc": r"\d{4}-.*"},
    "memory_snapshots": {"state_json": r"\{.*\}"},
    "memory_sessions": {"thread_id": r"\S{20,}", "options_json": r"\{.*\}"},
}
"""What values of some columns look like, to know whose rows a page has that no other page leads to."""


class Column(NamedTuple):
    """A column of a table: its name, its type in lower case, and its place in the primary key from 1, or 0."""

    name: str
    type: str
    key: int


@dataclass(frozen=True)
class DamagedTable:
    """A table of the damaged file. `root` is its first page, or 0 if that is not known."""

    name: str
    root: int
    columns: tuple[Column, ...]
    without_rowid: bool

    @property
    def alias(self) -> int | None:
        """The place of the column that stands for the row id, and that is stored as null; None if there is none."""
        keys = [place for place, column in enumerate(self.columns) if column.key]
        if self.without_rowid or len(keys) != 1 or self.columns[keys[0]].type != "integer":
            return None
        return keys[0]

    def stored(self) -> tuple[Column, ...]:
        """Return the columns in the order in which a record has them."""
        if not self.without_rowid:
            return self.columns
        keys = sorted((one for one in self.columns if one.key), key=lambda one: one.key)
        return (*keys, *(one for one in self.columns if not one.key))


@dataclass
class Saved:
    """What was saved of a table, and what could not be read of it."""

    table: str
    rows: int = 0
    losses: TableLosses = field(default_factory=TableLosses)
    refused: int = 0
    """Rows that were read and that the new table refuses: their values are damaged, or they are there twice."""


def salvage_tables(file: DamagedFile, new: Log, say: Callable[[str], None]) -> list[Saved]:
    """Copy the rows of all tables that can be read. The new log has its tables; call it inside `new.writing()`."""
    schema = Saved(SCHEMA)
    made = [*_schema(file, schema.losses)]
    virtual = [name for name, _, sql in made if re.match(r"create\s+virtual", sql, re.IGNORECASE)]
    expected = _tables_of(new)
    tables: dict[str, DamagedTable] = {}
    for name, root, sql in made:
        shadow = any(
            name.startswith(f"{one}_") for one in (*virtual, "turn_search_fts", "responses_fts", "memory_words")
        )
        if name in virtual or shadow or name in _SKIPPED or name.startswith("sqlite_"):
            if root:
                file.mark(root)
            continue
        read = _parsed(name, root, sql) or (expected.get(name) and _at(expected[name], root))
        if read:
            tables[name] = read
            _make_room(new, read, sql)
    missing = {name: table for name, table in expected.items() if name not in tables and name not in _SKIPPED}
    found = {name: Saved(name) for name in (*tables, *missing)}
    for table in tables.values():
        say(f"Reading {table.name}")
        one = found[table.name]
        _insert(new, table, file.rows(table.root, one.losses), one)
    lost = [table for name, table in tables.items() if found[name].losses.pages]
    lost += missing.values()
    if lost:
        say("Looking for pages that nothing leads to")

        def is_wanted(without_rowid: bool, values: list[Value]) -> bool:  # noqa: FBT001  as it is called
            return any(table.without_rowid == without_rowid and _fits(table, values) for table in lost)

        for without_rowid, rows in file.orphans(is_wanted):
            owner = _owner([one for one in lost if one.without_rowid == without_rowid], rows)
            if owner:
                _insert(new, owner, rows, found[owner.name])
    return [one for one in (schema, *found.values()) if one.rows or one.losses.pages or one.losses.rows or one.refused]


def _schema(file: DamagedFile, losses: TableLosses) -> Iterator[tuple[str, int, str]]:
    """Yield the tables that the schema names: name, first page, and the statement that made them."""
    for _, values in file.rows(_SCHEMA_PAGE, losses):
        if len(values) == 5 and values[0] == "table":  # noqa: PLR2004  the columns of sqlite_master
            _, name, _, root, sql = values
            if isinstance(name, str) and isinstance(sql, str):
                yield name, root if isinstance(root, int) else 0, sql


def _parsed(name: str, root: int, sql: str) -> DamagedTable | None:
    """Return a table as its statement makes it; None if the statement is damaged, or is another one."""
    if not makes_table(sql):
        return None
    try:
        with closing(sqlite3.connect(":memory:")) as db:
            db.execute(sql)
            return _described(db, name, root, sql)
    except (sqlite3.Error, ValueError):
        return None


def _described(db: sqlite3.Connection, name: str, root: int, sql: str) -> DamagedTable | None:
    rows = db.execute("select name, lower(type), pk from pragma_table_info(?)", [name]).fetchall()
    without = re.search(r"\)\s*[^)]*\bwithout\s+rowid\b[^)]*$", sql, re.IGNORECASE) is not None
    return DamagedTable(name, root, tuple(Column(*row) for row in rows), without) if rows else None


def _at(table: DamagedTable, root: int) -> DamagedTable:
    return DamagedTable(table.name, root, table.columns, table.without_rowid)


def _tables_of(new: Log) -> dict[str, DamagedTable]:
    """Return the tables that the new log has, without those of full-text indexes."""
    sql = "select name, sql from sqlite_master where type = 'table' and sql not like 'create virtual%'"
    found = {}
    for name, made in new.tuples(sql):
        if not name.startswith(("sqlite_", "turn_search_fts", "responses_fts", "memory_words")):
            table = _described(new.database.conn, name, 0, made)
            if table:
                found[name] = table
    return found


def _make_room(new: Log, table: DamagedTable, sql: str) -> None:
    """Make a table or columns that the new log lacks: those of a newer llm, or of a plugin."""
    has = new.columns(table.name)
    if not has:
        new.run(sql)
        return
    for column in table.columns:
        if column.name not in has:
            new.run(f"alter table {_quoted(table.name)} add column {_quoted(column.name)} {column.type}")


def _insert(new: Log, table: DamagedTable, rows: Iterable[tuple[int | None, list[Value]]], saved: Saved) -> None:
    batch: Rows = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH:
            _insert_batch(new, table, batch, saved)
            batch = []
    _insert_batch(new, table, batch, saved)


def _insert_batch(new: Log, table: DamagedTable, rows: Rows, saved: Saved) -> None:
    """Insert rows. Those of older versions of the table may have fewer values than it has columns."""
    connection = new.database.conn
    columns, alias = table.stored(), table.alias
    by_length: dict[int, list[list[Any]]] = {}
    for rowid, values in rows:
        if len(values) > len(columns):
            saved.refused += 1
            continue
        if alias is not None and alias < len(values):
            values[alias] = rowid
        first = [rowid] if alias is None and not table.without_rowid else []
        by_length.setdefault(len(values), []).append([*first, *values])
    for length, group in by_length.items():
        names = [] if alias is not None or table.without_rowid else ["rowid"]
        names += [_quoted(column.name) for column in columns[:length]]
        marks = ", ".join("?" * len(names))
        sql = f"insert or ignore into {_quoted(table.name)} ({', '.join(names)}) values ({marks})"  # noqa: S608
        before = connection.total_changes
        with new.sentences():
            connection.executemany(sql, group)
        done = connection.total_changes - before
        saved.rows += done
        saved.refused += len(group) - done


def _owner(tables: list[DamagedTable], rows: Rows) -> DamagedTable | None:
    """Return the table whose rows these are; None if they fit none, or several equally well."""
    fitting = [table for table in tables if all(_fits(table, values) for _, values in rows)]
    known = [table for table in fitting if table.name in _LOOKS]
    fitting = known or fitting
    longest = max((len(values) for _, values in rows), default=0)
    exact = [table for table in fitting if len(table.columns) == longest]
    best = exact or fitting
    return best[0] if len(best) == 1 else None


def _fits(table: DamagedTable, values: list[Value]) -> bool:
    """Return whether values can be a row of a table, which may have got more columns since."""
    if not len(table.columns) // 2 <= len(values) <= len(table.columns):
        return False
    looks = _LOOKS.get(table.name, {})
    if table.without_rowid and not looks:  # a page of an index looks the same
        return False
    pairs = enumerate(zip(table.stored(), values, strict=False))
    return all(
        value is None if place == table.alias else _may_be(column, value, looks.get(column.name))
        for place, (column, value) in pairs
    )


def _may_be(column: Column, value: Value, looks: str | None) -> bool:
    if value is None:
        return not column.key and looks is None
    if column.type == "text" and not isinstance(value, str):
        return False
    if column.type in ("integer", "real", "float") and isinstance(value, str | bytes):
        return False
    return looks is None or re.fullmatch(looks, str(value), re.DOTALL) is not None


def _quoted(name: str) -> str:
    escaped = name.replace('"', '""')
    return f'"{escaped}"'
