"""Upkeep of a log: what its file is like, and SQLite's own commands to make it smaller or faster."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import LogUnusable
from .log import Log
from .schema import migrations

if TYPE_CHECKING:
    from sqlite_utils import Database

FULL_TEXT = ("turn_search_fts", "responses_fts", "memory_words")
"""Tables of full-text search, by llm and by us."""

_PIECE = 200
"""How many pages of a full-text index are merged in one transaction."""

_PAUSE_SECONDS = 0.02
"""The pause between two such transactions, for others that want to write."""

_CHANGES = 2
"""A merge that changed fewer rows had nothing to do (https://www.sqlite.org/fts5.html, “The merge command”)."""

_SAMPLE = 1_000
"""How many rows of an index SQLite looks at for its statistics; all of them would take minutes in a large log."""


@dataclass(frozen=True)
class FileFigures:
    """What a log's file is like. Sizes are in bytes; `segments` are those of each full-text index."""

    size: int
    page_size: int
    pages: int
    free_pages: int
    journal_mode: str
    wal_size: int
    statistics: bool
    segments: dict[str, int]


@dataclass(frozen=True)
class Migration:
    """A migration of a set, and when it was applied (ISO, UTC), or None. `known` if this version has it."""

    set: str
    name: str
    applied_utc: str | None
    known: bool = True


def figures(log: Log) -> FileFigures:
    """Return what a log's file is like. Reads a few pages only."""
    wal = 0
    with suppress(OSError):
        wal = log.path.with_name(f"{log.path.name}-wal").stat().st_size
    return FileFigures(
        size=log.path.stat().st_size,
        page_size=log.value("pragma page_size"),
        pages=log.value("pragma page_count"),
        free_pages=log.value("pragma freelist_count"),
        journal_mode=log.value("pragma journal_mode"),
        wal_size=wal,
        statistics=bool(log.columns("sqlite_stat1") and log.value("select 1 from sqlite_stat1 limit 1")),
        segments={name: _segments(log, name) for name in FULL_TEXT if log.columns(f"{name}_idx")},
    )


def optimize(log: Log, progress: Callable[[str, int], object]) -> None:
    """Merge each full-text index into one segment, in small transactions, and let SQLite look at its statistics.

    Args:
        log: The log.
        progress: Called with an index's name and the number of steps so far.
    """
    for name in FULL_TEXT:
        if not log.columns(f"{name}_idx"):
            continue
        size, steps = -_PIECE, 0  # the first step, below zero, makes all segments one level
        while True:
            before = log.database.conn.total_changes
            with log.writing():
                sql = f"insert into {name} ({name}, rank) values ('merge', :size)"  # noqa: S608  constants
                log.run(sql, {"size": size})
            if log.database.conn.total_changes - before < _CHANGES:
                break
            size, steps = _PIECE, steps + 1
            progress(name, steps)
            time.sleep(_PAUSE_SECONDS)
    with _outside(log):
        log.run("pragma optimize")


def analyze(log: Log) -> None:
    """Collect statistics for SQLite's query planner, from a sample of each index."""
    with _outside(log):
        log.run(f"pragma analysis_limit = {_SAMPLE}")
        log.run("analyze")


def reindex(log: Log) -> None:
    """Rebuild all indexes, from their tables."""
    with _outside(log):
        log.run("reindex")


def vacuum(log: Log) -> None:
    """Write the file again without its free pages. Nobody else can use the log meanwhile."""
    with _outside(log):
        log.run("vacuum")
        log.value("pragma wal_checkpoint(truncate)")


def set_wal(log: Log, *, on: bool) -> bool:
    """Turn WAL mode on or off, and return whether that was a change. Raises LogUnusable if others use the log."""
    wanted = "wal" if on else "delete"
    if log.value("pragma journal_mode") == wanted or (not on and log.value("pragma journal_mode") != "wal"):
        return False
    try:
        with _outside(log):
            now = log.value(f"pragma journal_mode = {wanted}")
    except LogUnusable as error:
        if "locked" not in str(error.__cause__):
            raise
        now = None
    if now != wanted:
        message = f"The journal mode of {log.path} can't be changed while other programs have it open."
        raise LogUnusable(message, "End them, Datasette too, then try again.")
    return True


def list_migrations(log: Log) -> list[Migration]:
    """Return the migrations of llm's set that were applied, and all of ours."""
    found = []
    if log.columns("_llm_migrations"):
        rows = log.tuples("select name, applied_at from _llm_migrations order by rowid")
        found = [Migration("llm", name, at) for name, at in rows]
    ours = migrations()
    with log.sentences():
        applied = {one.name: one.applied_at for one in ours.applied(log.database)}
        pending = [one.name for one in ours.pending(log.database)]
    known = {one.name for one in migrations().pending(_nothing())}
    found += [Migration(ours.name, name, at, name in known) for name, at in applied.items()]
    return [*found, *(Migration(ours.name, name, None) for name in pending)]


def migrate_to(log: Log, name: str) -> None:
    """Apply our pending migrations up to this one, in one transaction."""
    ours = migrations()
    with log.writing():
        pending = [one.name for one in ours.pending(log.database)]
        later = pending[pending.index(name) + 1 :] if name in pending else pending
        ours.apply(log.database, stop_before=later)


def _segments(log: Log, name: str) -> int:
    return int(log.value(f"select count(distinct segid) from {name}_idx"))  # noqa: S608  constants


@contextmanager
def _outside(log: Log) -> Iterator[None]:
    """Let SQLite commit each statement by itself, which these commands need."""
    connection = log.database.conn
    level, connection.isolation_level = connection.isolation_level, None
    try:
        yield
    finally:
        connection.isolation_level = level


def _nothing() -> Database:
    """Return a database in which nothing is applied."""
    from sqlite_utils import Database

    return Database(sqlite3.connect(":memory:"))
