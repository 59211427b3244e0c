"""Facts about a log: its size, what takes the space, what is in it, and from when."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..model.checking import LogFacts
from .log import Log
from .schema import migrations

_COUNTED = ("threads", "turns", "messages", "conversations", "responses", "fragments", "attachments", "memory_sessions")

_SIZES = """
select coalesce(m.tbl_name, d.name) as name, sum(d.pgsize) as size
from dbstat d
left join sqlite_master m on m.name = d.name
where d.aggregate = true
group by 1
order by 2 desc, 1
"""

_SHADOW = ("_data", "_idx", "_content", "_docsize", "_config")
"""The tables in which FTS5 keeps an index."""


def facts(log: Log, path: Path, journal_mode: str) -> LogFacts:
    """Return what a log is like, given as a copy of it, its path, and its journal mode."""
    present = {name: log.value(f"select count(*) from {name}") for name in _COUNTED if log.columns(name)}  # noqa: S608  constants
    times = [moments for table in ("turns", "responses") for moments in _times(log, table)]
    return LogFacts(
        size=size_of(path),
        page_size=log.value("pragma page_size"),
        free_pages=log.value("pragma freelist_count"),
        journal_mode=journal_mode,
        mode=mode_of(path),
        counts=present,
        oldest=min(times, default=None),
        newest=max(times, default=None),
        tables=_sizes(log),
        pending=pending(log),
    )


def size_of(path: Path) -> int:
    """Return the bytes of a log and its write-ahead log."""
    size = path.stat().st_size
    with suppress(OSError):
        size += path.with_name(f"{path.name}-wal").stat().st_size
    return size


def mode_of(path: Path) -> int | None:
    """Return the mode of a file, such as 0o600; None on systems without one."""
    return stat.S_IMODE(path.stat().st_mode) if os.name == "posix" else None


def pending(log: Log) -> tuple[str, ...]:
    """Return the migrations of our tables that a log with such tables lacks."""
    if not log.columns("memory_sessions"):
        return ()
    return tuple(one.name for one in migrations().pending(log.database))


def migrated_by_llm(log: Log) -> bool:
    """Return whether a log has llm's record of its migrations. Without it, llm makes its tables again, and fails."""
    return bool(log.columns("_llm_migrations") and log.value("select 1 from _llm_migrations limit 1"))


def journal_mode(log: Log) -> str:
    """Return SQLite's journal mode, such as `delete` or `wal`."""
    return str(log.value("pragma journal_mode"))


def settings(log: Log) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the rows that have settings, of sessions and of projects, each with its table."""
    for table in ("memory_sessions", "memory_projects"):
        if log.columns(table):
            for row in log.rows(f"select * from {table}"):  # noqa: S608  constants
                yield table, row


def log_settings(log: Log) -> list[tuple[str, str]]:
    """Return the settings of the whole log."""
    if not log.columns("memory_log_settings"):
        return []
    return [(str(key), str(value)) for key, value in log.tuples("select key, value from memory_log_settings")]


def _times(log: Log, table: str) -> list[str]:
    if "datetime_utc" not in log.columns(table):
        return []
    of = f"from {table} where datetime_utc <> ''"
    found = (log.value(f"select {which}(datetime_utc) {of}") for which in ("min", "max"))
    return [str(one) for one in found if one is not None]


def _sizes(log: Log) -> dict[str, int] | None:
    """Return the sizes of tables with their indexes, those of a full-text index under its name; None if unknown."""
    found: dict[str, int] = {}
    try:
        rows = log.database.conn.execute(_SIZES).fetchall()
    except sqlite3.Error:  # this SQLite was built without dbstat
        return None
    names = {name for name, _ in rows}
    for name, size in rows:
        owner = next((name.removesuffix(end) for end in _SHADOW if name.endswith(end)), name)
        whole = owner if owner != name and f"{owner}_data" in names else name
        found[whole] = found.get(whole, 0) + size
    return dict(sorted(found.items(), key=lambda item: -item[1]))
