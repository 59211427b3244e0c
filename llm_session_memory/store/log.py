"""Opening the log, and SQLite's errors as sentences."""

from __future__ import annotations

import os
import shlex
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import LogUnusable
from .schema import NEEDED, migrations

if TYPE_CHECKING:
    from sqlite_utils import Database

WAIT_SECONDS = 10
"""How long a locked log is waited for."""


_NEWEST = "summary_model"
"""A column of memory_sessions that the newest migration added."""


def owned_file(path: Path) -> bool:
    """Create an empty log that only its owner may read, unless there is a file already; say whether it was created."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        if path.exists():
            return False
        message = f"The log {path} can't be created: {error.strerror or error}."
        raise LogUnusable(message, "Choose another file with -d, or another folder with LLM_USER_PATH.") from error
    return True


class Log:
    """A log file, open. Each verb says what comes back; each SQLite error comes out as LogUnusable."""

    def __init__(self, database: Database, path: Path) -> None:
        """Work on a database that somebody else opened, and will close."""
        self.database = database
        self.path = path
        with self.sentences():
            database.conn.execute(f"pragma busy_timeout = {WAIT_SECONDS * 1000}")

    @classmethod
    def open(cls, path: Path) -> Log:
        """Open an existing log. Raises LogUnusable where there is none, or where it is not a database."""
        from sqlite_utils import Database

        if not path.exists():
            raise LogUnusable(f"There is no log at {path} yet.", 'Start a session with: llm --session NAME "..."')
        try:
            return cls(Database(path), path)
        except sqlite3.Error as error:
            raise sentence(error, path) from error

    @classmethod
    @contextmanager
    def lent(cls, connection: sqlite3.Connection, path: Path) -> Iterator[Log]:
        """Work on a connection that somebody else goes on with, and leave it as it was."""
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
    def sentences(self) -> Iterator[None]:
        """Turn SQLite's errors into sentences about this file."""
        try:
            yield
        except sqlite3.Error as error:
            if "no such" in str(error):
                self.check_shape()  # knows what that means
            raise sentence(error, self.path) from error

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold one transaction, with the write lock from its start, so that what belongs together is written together.

        A deferred transaction that reads before it writes can fail at once where another process writes; this one
        waits. Nested calls join the outer one.
        """
        connection = self.database.conn
        with self.sentences():
            if connection.in_transaction:
                yield
                return
            connection.execute("begin immediate")
            try:
                yield
                connection.execute("commit")
            except BaseException:
                with suppress(sqlite3.Error):
                    connection.execute("rollback")
                raise

    def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Return all rows as dictionaries."""
        with self.sentences():
            cursor = self.database.conn.execute(sql, dict(parameters or {}))
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor]

    def pairs(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Iterator[tuple[str, str | None]]:
        """Yield rows of two columns, one at a time: of a session's turns, which are read on every prompt, all of them.

        To be read to the end before anything else is done with this log.
        """
        with self.sentences():
            yield from self.database.conn.execute(sql, dict(parameters or {}))

    def tuples(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Return all rows as they come: for thousands of them, which dictionaries would make twice as slow."""
        with self.sentences():
            return self.database.conn.execute(sql, dict(parameters or {})).fetchall()

    def row(self, sql: str, parameters: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
        """Return the first row, or None."""
        return next(iter(self.rows(sql, parameters)), None)

    def value(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """Return the first value of the first row, or None."""
        with self.sentences():
            found = self.database.conn.execute(sql, dict(parameters or {})).fetchone()
        return found[0] if found else None

    def run(self, sql: str, parameters: Mapping[str, Any] | None = None) -> int:
        """Execute a statement and return the row id that it inserted (or the last one that was)."""
        with self.sentences():
            return self.database.conn.execute(sql, dict(parameters or {})).lastrowid or 0

    def many(self, sql: str, parameters: Iterable[Mapping[str, Any]]) -> None:
        """Execute a statement once for each set of parameters."""
        with self.sentences():
            self.database.conn.executemany(sql, map(dict, parameters))

    def columns(self, table: str) -> frozenset[str]:
        """Return the names of a table's columns; none where there is no such table."""
        return frozenset(
            row["name"] for row in self.rows("select name from pragma_table_info(:table)", {"table": table})
        )

    def empty(self) -> bool:
        """Say whether the file has no table at all, as one that was just created."""
        return not self.value("select 1 from sqlite_master limit 1")

    def has_sessions(self) -> bool:
        """Say whether our tables are there; those of an earlier version of ours are brought up to date."""
        columns = self.columns("memory_sessions")
        if columns and _NEWEST not in columns:
            self.migrate()
        return bool(columns)

    def check_shape(self) -> None:
        """Raise LogUnusable where llm's tables lack what is read of them: an older, or a much newer, llm wrote them."""
        for table, needed in NEEDED.items():
            missing = sorted(needed - self.columns(table))
            if missing and table == "turns" and len(missing) == len(needed):
                message = f"The log {self.path} is from an llm older than 0.32."
                raise LogUnusable(
                    message, "Any prompt with the installed llm brings it up to date; make a backup first."
                )
            if missing:
                message = f"The log {self.path} has no {table}.{missing[0]}: a newer llm seems to have written it."
                raise LogUnusable(message, "Update both: llm install -U llm llm-session-memory")

    def check_writable(self) -> None:
        """Raise LogUnusable where the log is read-only. One that is locked at this moment is no matter yet."""
        connection = self.database.conn
        if connection.in_transaction:  # which holds the write lock, and must not be rolled back
            return
        with self.sentences():
            wait = connection.execute("pragma busy_timeout").fetchone()[0]
            connection.execute("pragma busy_timeout = 0")
            try:
                connection.execute("delete from memory_sessions where 0")
            except sqlite3.OperationalError as error:
                if "readonly" in str(error):
                    raise
            finally:
                connection.rollback()
                connection.execute(f"pragma busy_timeout = {wait}")

    def migrate(self) -> None:
        """Apply what is pending of our own migrations."""
        with self.sentences():
            pending = migrations()
            if pending.pending(self.database):
                with self.writing():
                    pending.apply(self.database)


@contextmanager
def log_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into sentences about a log that is read by other means than `Log`."""
    try:
        yield
    except sqlite3.Error as error:
        raise sentence(error, path) from error


def steady(database: Database) -> Database:
    """Return the same database, for one transaction that makes no tables and writes many rows.

    The names of all tables are asked for once: sqlite-utils asks for them 21 times a prompt.
    """
    from sqlite_utils import Database

    tables, views = database.table_names(), database.view_names()

    class Steady(Database):
        def table_names(self, fts4: bool = False, fts5: bool = False) -> list[str]:  # noqa: FBT001, FBT002  as it is
            return super().table_names(fts4, fts5) if fts4 or fts5 else tables

        def view_names(self) -> list[str]:
            return views

    return Steady(database.conn, execute_plugins=False)


def sentence(error: sqlite3.Error, path: Path) -> LogUnusable:
    """Return an SQLite error as a sentence about the log, with what to do next."""
    said = str(error)
    if "locked" in said or "busy" in said:
        message = f"The log {path} is locked by another program; waited {WAIT_SECONDS} seconds."
        return LogUnusable(message, "Try again when that program is done.")
    if "not a database" in said or path.is_dir():
        what = "a folder, not a log" if path.is_dir() else "not a SQLite database"
        return LogUnusable(f"{path} is {what}.", "Choose the log with -d, or move that file away.")
    if "readonly" in said:
        message = f"The log {path} is read-only, so nothing can be recorded in it."
        return LogUnusable(message, "Make it writable, or use -n to prompt without recording.")
    if "malformed" in said:
        message = f"The log {path} is damaged ({said})."
        rescue = f"sqlite3 {shlex.quote(str(path))} .recover | sqlite3 rescued.db"
        return LogUnusable(message, f"Keep a copy of it, then try: {rescue}")
    if "unable to open" in said:
        return LogUnusable(f"The log {path} can't be opened ({said}).", "Is it a file that you may read?")
    return LogUnusable(f"The log {path} could not be used: {said}.", "The log was not changed by this.")
