"""Whether a log is clean: its pages, its references, its indexes, llm's hashes, and that our rows point at turns."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from llm.logs import LogStore
from sqlite_utils import Database


def unclean(log: Path) -> list[str]:
    """Return what is wrong with a log that no process uses. It is checked on a copy, with what belongs to it."""
    if not log.exists():
        return []
    with copied(log) as copy:
        try:
            with closing(sqlite3.connect(copy)) as db:
                found = [*_pages(db), *_indexes(db), *_pointers(db)]
            return found or _hashes(copy)
        except sqlite3.Error as error:
            return [str(error)]


@contextmanager
def copied(log: Path) -> Iterator[Path]:
    """Copy a log with its journal, which may still have to be rolled back, so that looking at it changes nothing."""
    with TemporaryDirectory(prefix="llm-drill-copy-") as folder:
        copy = Path(folder) / log.name
        for end in ("", "-wal", "-journal"):
            if (part := log.with_name(log.name + end)).is_file():
                shutil.copyfile(part, copy.with_name(copy.name + end))
        yield copy


def _pages(db: sqlite3.Connection) -> Iterator[str]:
    yield from (str(row) for (row,) in db.execute("pragma integrity_check") if row != "ok")
    yield from (f"foreign key: {row}" for row in db.execute("pragma foreign_key_check"))


def _indexes(db: sqlite3.Connection) -> Iterator[str]:
    """Yield the full-text indexes that do not agree with themselves, or with the table whose text they index."""
    found = "select name, sql from sqlite_master where type = 'table' and sql like 'create virtual table%fts5%'"
    for name, sql in db.execute(found).fetchall():
        external = "content=" in sql.replace(" ", "") and "content=''" not in sql.replace(" ", "")
        try:
            if external:
                db.execute(f'insert into "{name}" ("{name}", rank) values (\'integrity-check\', 1)')
            else:
                db.execute(f'insert into "{name}" ("{name}") values (\'integrity-check\')')
        except sqlite3.Error as error:
            yield f"index {name}: {error}"


def _pointers(db: sqlite3.Connection) -> Iterator[str]:
    """Yield the rows of our tables that name a turn which is not there."""
    tables = [name for (name,) in db.execute("select name from sqlite_master where type = 'table'")]
    turns = [table for table in ("turns", "responses") if table in tables]
    there = " union ".join(f"select id from {table}" for table in turns)
    for table in (name for name in tables if name.startswith("memory_") and not name.startswith("memory_words")):
        for (column,) in db.execute("select name from pragma_table_info(?)", [table]).fetchall():
            if turns and (column.endswith("turn_id") or column == "answered_by"):
                lost = f'select count(*) from {table} where "{column}" is not null and "{column}" not in ({there})'
                if count := db.execute(lost).fetchone()[0]:
                    yield f"{table}.{column}: {count} rows name a turn that is not there"


def _hashes(copy: Path) -> list[str]:
    """Return the messages that no longer give the hash that llm filed them under."""
    db = Database(copy)
    try:
        return [f"message {hash_} has another hash" for hash_ in LogStore(db).verify()]
    finally:
        db.close()
