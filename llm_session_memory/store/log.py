"""Opening the log, and turning SQLite's errors into sentences."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from ..errors import LogUnusable
from ..rules.safe_text import bindable
from .frozen import address, in_writable_folder, is_wal
from .schema import NEEDED, VIEWS, is_current, lost, migrations, remake

if TYPE_CHECKING:
    from sqlite_utils import Database

_say: ContextVar[Callable[[str], object] | None] = ContextVar("say", default=None)

WAIT_SECONDS = 10
"""How long to wait for a locked log."""


_turns: WeakValueDictionary[Path, threading.RLock] = WeakValueDictionary()
"""By file: what the threads of this process queue up for before they write.

SQLite has no queue: each of several connections tries again and again, and with eight of them one may never get a lock.
"""

_NEWEST = "guard"
"""A column of memory_sessions that the newest migration added."""


@contextmanager
def telling(say: Callable[[str], object]) -> Iterator[None]:
    """Call `say` with a sentence if a log's lost tables are recreated. Otherwise, as on pages, nothing is said."""
    token = _say.set(say)
    try:
        yield
    finally:
        _say.reset(token)


def check_file(path: Path) -> None:
    """Raise LogUnusable if a log's path leads to something that can't be opened as a file without waiting for ever."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        if error.errno == errno.ELOOP:
            hint = "Remove that link, or choose another file with -d."
            raise LogUnusable(f"The log {path} is a symbolic link that leads back to itself.", hint) from error
        return  # it is missing, or what opens it knows better what is wrong
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return
    what = "a named pipe" if stat.S_ISFIFO(mode) else "a socket or a device"
    raise LogUnusable(f"{path} is {what}, not a log.", "Choose the log with -d, or move that file away.")


def owned_file(path: Path) -> bool:
    """Create an empty log that only its owner may read, unless the file exists. Return whether it was created.

    If the path is a link to a file that does not exist yet, that file is created.
    """
    check_file(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(os.path.realpath(path), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        if path.exists():
            return False
        message = f"The log {path} can't be created: {error.strerror or error}."
        raise LogUnusable(message, "Choose another file with -d, or another folder with LLM_USER_PATH.") from error
    return True


class Log:
    """An open log file. Method names say what they return; every SQLite error becomes LogUnusable."""

    def __init__(self, database: Database, path: Path) -> None:
        """Use a database that the caller opened and will close."""
        self.database = database
        self.path = path
        self.answers: dict[str, dict[str, str | None]] = {}
        """What was looked up for the numbering of each thread (see history)."""
        self._turn = _turns.setdefault(path, threading.RLock())
        with self.sentences():
            if self._wait() < WAIT_SECONDS:  # a worker of a job waits longer
                database.conn.execute(f"pragma busy_timeout = {WAIT_SECONDS * 1000}")

    @classmethod
    def open(cls, path: Path) -> Log:
        """Open an existing log. Raises LogUnusable if there is none, or if it is not a database."""
        from sqlite_utils import Database

        check_file(path)
        if not path.exists():
            raise LogUnusable(f"There is no log at {path} yet.", 'Start a session with: llm --session NAME "..."')
        try:
            frozen = address(path)
            return cls(Database(sqlite3.connect(frozen, uri=True) if frozen else path), path)
        except sqlite3.Error as error:
            raise sentence(error, path) from error

    @classmethod
    @contextmanager
    def lent(cls, connection: sqlite3.Connection, path: Path) -> Iterator[Log]:
        """Use a connection that its owner continues to use, and restore its settings afterwards."""
        from sqlite_utils import Database

        wait = connection.execute("pragma busy_timeout").fetchone()[0]
        try:
            yield cls(Database(connection, recursive_triggers=False, execute_plugins=False), path)
        finally:
            connection.execute(f"pragma busy_timeout = {wait}")

    def close(self) -> None:
        """Close the file."""
        self.database.close()

    @contextmanager
    def patience(self, seconds: float) -> Iterator[None]:
        """Wait at most this long for a log that another program has locked."""
        connection = self.database.conn
        wait = connection.execute("pragma busy_timeout").fetchone()[0]
        connection.execute(f"pragma busy_timeout = {round(seconds * 1000)}")
        try:
            yield
        finally:
            connection.execute(f"pragma busy_timeout = {wait}")

    @contextmanager
    def sentences(self) -> Iterator[None]:
        """Turn SQLite's errors into sentences about this file."""
        try:
            yield
        except sqlite3.Error as error:
            if "no such" in str(error):
                self.check_shape()  # raises the better error
            raise sentence(error, self.path) from error

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold one transaction, with the write lock from its start, so that related rows are written together.

        A deferred transaction that reads before it writes can fail at once if another process is writing; this one
        waits. Nested calls join the outer transaction.
        """
        with self.sentences():
            if self.database.conn.in_transaction:
                yield
                return
            with self.locked():
                yield

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the write lock and commit at the end, or undo everything. SQLite's errors are raised as they are."""
        connection = self.database.conn
        is_ours = self._turn.acquire(timeout=self._wait())  # if it isn't, SQLite decides
        try:
            connection.execute("begin immediate")
            try:
                yield
                connection.execute("commit")
            except BaseException:
                with suppress(sqlite3.Error):
                    connection.execute("rollback")
                raise
        finally:
            if is_ours:
                self._turn.release()

    def _wait(self) -> float:
        """Return how many seconds this connection waits for a lock."""
        return float(self.database.conn.execute("pragma busy_timeout").fetchone()[0]) / 1000

    def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Return all rows as dictionaries."""
        with self.sentences():
            cursor = self.database.conn.execute(sql, bindable(parameters or {}))
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor]

    def stream(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Iterator[tuple[Any, ...]]:
        """Yield rows as tuples, one at a time, for all the turns of a session, which every prompt reads.

        Read them to the end before you do anything else with this log.
        """
        with self.sentences():
            # Through chain, which has no close(): a command that fails may close the log first, and a cursor of a
            # closed log can't be closed.
            yield from chain(self.database.conn.execute(sql, bindable(parameters or {})))

    def tuples(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Return all rows as tuples, for thousands of rows: dictionaries would take twice as long."""
        with self.sentences():
            return self.database.conn.execute(sql, bindable(parameters or {})).fetchall()

    def row(self, sql: str, parameters: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
        """Return the first row, or None."""
        return next(iter(self.rows(sql, parameters)), None)

    def value(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """Return the first value of the first row, or None."""
        with self.sentences():
            found = self.database.conn.execute(sql, bindable(parameters or {})).fetchone()
        return found[0] if found else None

    def run(self, sql: str, parameters: Mapping[str, Any] | None = None) -> int:
        """Execute a statement and return the row id that it inserted (or the last one that was inserted)."""
        with self.sentences():
            return self.database.conn.execute(sql, bindable(parameters or {})).lastrowid or 0

    def many(self, sql: str, parameters: Iterable[Mapping[str, Any]]) -> None:
        """Execute a statement once for each set of parameters."""
        with self.sentences():
            self.database.conn.executemany(sql, map(dict, parameters))

    def columns(self, table: str) -> frozenset[str]:
        """Return the names of a table's columns, or an empty set if there is no such table."""
        found = self.tuples("select name from pragma_table_info(:table)", {"table": table})
        return frozenset(name for (name,) in found)

    def columns_of(self, tables: Iterable[str], schema: str = "main") -> dict[str, frozenset[str]]:
        """Return the names of the columns of some tables, as `columns` does, with one query.

        `schema` is the name under which another file is attached, if these are its tables.
        """
        sql = "select t.value, c.name from json_each(:tables) t join pragma_table_info(t.value, :schema) c"
        found: dict[str, set[str]] = {table: set() for table in tables}
        for table, name in self.tuples(sql, {"tables": json.dumps([*found]), "schema": schema}):
            found[table].add(name)
        return {table: frozenset(names) for table, names in found.items()}

    def empty(self) -> bool:
        """Return whether the file has no tables at all, like one that was just created."""
        return not self.value("select 1 from sqlite_master limit 1")

    def has_sessions(self) -> bool:
        """Return whether our tables exist; those of an earlier version are migrated, unless the log is read-only."""
        columns = self.columns("memory_sessions")
        if columns and (_NEWEST not in columns or lost(self.database)):
            try:
                self.migrate()
            except LogUnusable as error:
                if "readonly" not in str(error.__cause__):
                    raise
        return bool(columns)

    def check_shape(self) -> None:
        """Raise LogUnusable if llm's tables, or columns that we read, are missing: an older or newer llm wrote them."""
        there = self.columns_of(NEEDED)
        if not there["turns"]:
            if not self.columns("responses"):
                message = f"Nothing is logged in {self.path} yet."
                raise LogUnusable(message, 'Start a session with: llm --session NAME "..."')
            message = f"The log {self.path} was written by a version of llm older than 0.32."
            raise LogUnusable(message, "Make a backup, then run any prompt with the installed llm to update the log.")
        for table, needed in NEEDED.items():
            missing = sorted(needed - there[table])
            if missing:
                message = (
                    f"The log {self.path} has no {table}.{missing[0]}: it is probably from a newer version of llm."
                )
                raise LogUnusable(message, "Update both: llm install -U llm llm-session-memory")

    def check_writable(self) -> None:
        """Raise LogUnusable if the log is read-only. A log that is only locked at the moment passes."""
        connection = self.database.conn
        if connection.in_transaction:  # holds the write lock, and must not be rolled back
            return
        with self.sentences():
            try:
                with self.patience(0):
                    connection.execute("delete from memory_sessions where 0")
            except sqlite3.OperationalError as error:
                if "readonly" in str(error):
                    raise
            finally:
                connection.rollback()

    def migrate(self) -> None:
        """Apply our own pending migrations, and recreate those of our tables that somebody dropped."""
        with self.sentences():
            if is_current(self.database):
                return
            pending = migrations()
            if pending.pending(self.database):
                with self.writing():
                    pending.apply(self.database)
            if lost(self.database):
                with self.writing():
                    missing = lost(self.database)  # now that no other process can make them
                    remake(self.database, missing)
                self._tell(missing)

    def _tell(self, missing: frozenset[str]) -> None:
        """Say which tables were recreated."""
        say = _say.get()
        names = sorted(missing - VIEWS)
        if say is None or not names:
            return
        if "memory_sessions" in names:
            say("The log had lost its sessions; their tables were recreated, empty.")
        elif len(names) == 1:
            say(f"The log had no table {names[0]}; it was recreated, empty.")
        else:
            say(f"The log had no tables {', '.join(names)}; they were recreated, empty.")


@contextmanager
def log_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into sentences about a log that is read without `Log`."""
    try:
        yield
    except sqlite3.Error as error:
        raise sentence(error, path) from error


def steady(database: Database) -> Database:
    """Return the same database, for one transaction that makes no tables and writes many rows.

    It reads the names of all tables once; sqlite-utils reads them 21 times per prompt.
    """
    from sqlite_utils import Database

    tables, views = database.table_names(), database.view_names()

    class Steady(Database):
        def table_names(self, fts4: bool = False, fts5: bool = False) -> list[str]:  # noqa: FBT001, FBT002  as it is there
            return super().table_names(fts4, fts5) if fts4 or fts5 else tables

        def view_names(self) -> list[str]:
            return views

    return Steady(database.conn, execute_plugins=False)


def sentence(error: sqlite3.Error, path: Path) -> LogUnusable:
    """Return an SQLite error as a sentence about the log, with what to do next."""
    said = str(error).rstrip(".")
    if "locked" in said or "busy" in said:
        message = f"The log {path} is locked by another program; gave up after {WAIT_SECONDS} seconds."
        return LogUnusable(message, "Try again when that program is done.")
    if "not a database" in said or path.is_dir():
        what = "a folder, not a log" if path.is_dir() else "not a SQLite database"
        return LogUnusable(f"{path} is {what}.", "Choose the log with -d, or move that file away.")
    if "readonly" in said or "unable to open" in said:
        return _not_opened(said, path)
    if "malformed" in said:
        message = f"The log {path} is damaged ({said})."
        return LogUnusable(
            message, f"Save what can be read with: llm sessions salvage {_quoted(path)} --to salvaged.db"
        )
    hints = {"full": "Free some space on its disk, then try again.", "I/O": "Check its disk, then try again."}
    hint = next(
        (hint for what, hint in hints.items() if what in said),
        f"If this happens again, check the log with: llm sessions check -d {_quoted(path)}",
    )
    return LogUnusable(f"The log {path} could not be used: {said}.", hint, "The log was not changed.")


def _quoted(path: Path) -> str:
    """Return a path as it is typed in a shell."""
    import shlex

    return shlex.quote(str(path))


def _not_opened(said: str, path: Path) -> LogUnusable:
    """Return the error for a log that SQLite may not read or write."""
    if is_wal(path) and not in_writable_folder(path):
        message = f"The log {path} is in WAL mode, for which its folder must be writable."
        hint = (
            "Make the folder writable, or copy the log, and its -wal file if there is one, and name the copy with -d."
        )
        return LogUnusable(message, hint)
    if "readonly" in said:
        message = f"The log {path} is read-only, so nothing can be changed in it."
        return LogUnusable(message, "Make it writable. To prompt without recording, use -n.")
    return LogUnusable(f"The log {path} can't be opened ({said}).", "Check that you may read this file.")
