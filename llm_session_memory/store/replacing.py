"""Putting another file in the place of a log, while nobody writes to it."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from ..errors import LogUnusable
from .attempts import Attempts
from .log import Log, sentence

_WAIT_SECONDS = 2
"""How long to wait for a log that is locked for a moment, such as by a reply that is being stored."""

_BESIDE = ("-wal", "-shm", "-journal")


def is_database(path: Path) -> bool:
    """Return whether a file begins as SQLite's do (https://www.sqlite.org/fileformat.html)."""
    with path.open("rb") as file:
        return file.read(16) == b"SQLite format 3\0"


def conversations(path: Path) -> int | None:
    """Return how many conversations a database has, or None if it is not a log of llm, of any version."""
    with closing(sqlite3.connect(path)) as connection:
        names = {name for (name,) in connection.execute("select name from sqlite_master")}
        if not names & {"turns", "responses"}:
            return None
        found: set[str] = set()
        for table in sorted(names & {"threads", "conversations"}):
            found.update(id_ for (id_,) in connection.execute(f"select id from {table}"))  # noqa: S608  constants
        return len(found)


def replace(path: Path, new: Path, kept: Path) -> bool:
    """Put a whole database in the place of a log, which gets another name. The new one takes its mode and journal mode.

    The log's name leads to one of the two at any moment. Returns whether there was a log.

    Raises:
        LogUnusable: Another program uses the log. Nothing was changed.
        OSError: The files can't be renamed.
    """
    if not path.exists():
        new.replace(path)
        return False
    shutil.copymode(path, new)
    with _held(path) as wal:
        if wal:
            with closing(sqlite3.connect(new)) as connection:
                connection.execute("pragma journal_mode = wal")
        _linked(path, kept)
    for ending in _BESIDE:  # only a damaged log still has any
        with suppress(FileNotFoundError):
            path.with_name(path.name + ending).replace(kept.with_name(kept.name + ending))
    new.replace(path)
    return True


@contextmanager
def _held(path: Path) -> Iterator[bool]:
    """Keep everybody else from a log, and give whether it was in WAL mode. A damaged log can't be locked."""
    try:
        connection = sqlite3.connect(path, isolation_level=None, timeout=_WAIT_SECONDS)
    except sqlite3.Error as error:
        raise sentence(error, path) from error
    wal = False
    with closing(connection):
        try:
            wal = connection.execute("pragma journal_mode").fetchone()[0] == "wal"
            _check_quiet(connection, path)
            if wal:  # so that all of it is in the file; it works only if nobody else has it open
                connection.execute("pragma journal_mode = delete")
            connection.execute("begin exclusive")
        except sqlite3.Error as error:
            if "locked" in str(error) or "busy" in str(error):
                raise _in_use(path) from error
            if "readonly" in str(error):
                raise sentence(error, path) from error
        try:
            yield wal
        except BaseException:
            _let_go(connection, wal=wal)
            raise
        _let_go(connection)


def _let_go(connection: sqlite3.Connection, *, wal: bool = False) -> None:
    """Give back the lock and, if the log stays, its journal mode."""
    with suppress(sqlite3.Error):
        connection.execute("rollback")
    if wal:
        with suppress(sqlite3.Error):
            connection.execute("pragma journal_mode = wal")


def _check_quiet(connection: sqlite3.Connection, path: Path) -> None:
    """Raise LogUnusable if a prompt of a session is in progress, whose reply would be lost to the new log."""
    try:
        with Log.lent(connection, path) as log:
            busy = log.columns("memory_attempts") and Attempts(log).in_progress()
    except LogUnusable as error:
        raise error.__cause__ or error from None
    if busy:
        raise _in_use(path)


def _in_use(path: Path) -> LogUnusable:
    return LogUnusable(f"Another program is using {path}.", "Wait until it is done, or end it, then try again.")


def _linked(path: Path, kept: Path) -> None:
    """Give a file a second name; if its file system has no links, copy it."""
    try:
        os.link(path, kept)
    except FileExistsError:
        raise
    except OSError:
        part = kept.with_name(f".{kept.name}.part")
        try:
            shutil.copy2(path, part)
            part.replace(kept)
        finally:
            part.unlink(missing_ok=True)
