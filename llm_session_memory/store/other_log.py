"""A private copy of another log: what is read of it can't change meanwhile, and nothing is ever written to it."""

from __future__ import annotations

import json
import shlex
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import LogUnusable
from ..rules.age_format import is_age
from .frozen import address
from .log import Log, check_file, sentence
from .private_copy import private_folder, temporary_folder
from .schema import MIGRATION_SET, names

_PAGES = 4_000
"""How many pages are copied at a time."""

_HINT = "Check the name of the file."
_NOTHING = "Nothing was merged."


@contextmanager
def copied(path: Path, migrate: Callable[[Log], object], progress: Callable[[str], object]) -> Iterator[Log]:
    """Copy a log into a temporary file, with the tables of today's llm and ours, and return the copy.

    Args:
        path: The other log. It is only read.
        migrate: Brings llm's own tables up to date.
        progress: Called with what is being done.

    Raises:
        LogUnusable: The file is not a log, is damaged, or there is no space for the copy.
    """
    from sqlite_utils import Database

    check_file(path)
    if not path.exists():
        raise LogUnusable(f"{path} does not exist.", _HINT, _NOTHING)
    if path.is_dir():
        raise LogUnusable(f"{path} is a folder, not a log.", "Name the log in it.", _NOTHING)
    with private_folder() as folder:
        copy = Log(Database(sqlite3.connect(folder / "other.db"), execute_plugins=False), path)
        try:
            with _sentences(path):
                _copy(path, copy.database.conn, progress)
            progress("Checking the other log…")
            with copy.sentences():
                _check(copy)
            with copy.sentences():
                migrate(copy)
                copy.migrate()
            copy.database.conn.isolation_level = None  # otherwise a temporary table would begin a transaction
            yield copy
        finally:
            with suppress(sqlite3.Error):
                copy.close()


def file_of(copy: Log) -> str:
    """Return the path of a copy's own file."""
    found = [row[2] for row in copy.tuples("pragma database_list") if row[1] == "main"]
    return str(found[0])


def _copy(path: Path, to: sqlite3.Connection, progress: Callable[[str], object]) -> None:
    theirs = sqlite3.connect(address(path) or f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=10)

    def show(_: int, left: int, total: int) -> None:
        progress(f"Reading the other log… {100 * (total - left) // max(total, 1)}%")

    try:
        theirs.execute("select 1 from sqlite_master limit 1")
        theirs.execute("begin")  # one state of it, whoever writes to it meanwhile
        theirs.execute("select 1 from sqlite_master limit 1")
        theirs.backup(to, pages=_PAGES, progress=show)
    finally:
        theirs.close()
    to.execute("pragma journal_mode = delete")
    to.execute("pragma synchronous = off")


@contextmanager
def _sentences(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into sentences about the file that is read, or about the copy."""
    try:
        yield
    except sqlite3.Error as error:
        if "full" in str(error):
            message = f"Not enough space for a copy of {path} in {temporary_folder()}."
            raise LogUnusable(message, "Choose another folder with SQLITE_TMPDIR.", _NOTHING) from error
        if "not a database" in str(error):
            raise LogUnusable(f"{path} is not a SQLite database.", _instead(path), _NOTHING) from error
        raise sentence(error, path) from error


def _instead(path: Path) -> str:
    """Return what to do with a file that is not a database."""
    with path.open("rb") as file:
        if is_age(file.read(200)):
            command = shlex.join(["llm", "sessions", "restore", str(path), "-d", "other.db"])
            return f"It is encrypted. Decrypt it with `{command}`, and merge other.db."
    return _HINT


def _check(copy: Log) -> None:
    """Raise LogUnusable if the copy is of something that isn't a log, is damaged, or that a newer version wrote."""
    path = copy.path
    if copy.value("pragma quick_check(1)") != "ok":
        message = f"The log {path} is damaged, so nothing was merged."
        raise LogUnusable(message, "Save what can be read with `llm sessions salvage`, and merge the new file.")
    if not copy.columns("turns") and not copy.columns("responses"):
        what = "is an empty file" if copy.empty() else "is not a log of llm"
        raise LogUnusable(f"{path} {what}.", _HINT, _NOTHING)
    if copy.columns("_sqlite_migrations"):
        sql = (
            "select name from _sqlite_migrations"
            " where migration_set = :set and name not in (select value from json_each(:ours))"
        )
        newer = copy.value(sql, {"set": MIGRATION_SET, "ours": json.dumps(names())})
        if newer:
            message = f"The log {path} was written by a newer version of this plugin ({newer})."
            raise LogUnusable(message, "Update this one first: llm install -U llm-session-memory", _NOTHING)


def check_columns(log: Log, tables: tuple[str, ...], path: Path) -> None:
    """Raise LogUnusable if the attached `other` has columns that the log can't keep: a newer llm wrote it."""
    here, there = log.columns_of(tables), log.columns_of(tables, "other")
    more = [(table, column) for table in tables for column in sorted(there[table] - here[table])]
    if more:
        table, column = more[0]
        message = f"The log {path} has {table}.{column}, so a newer version of llm wrote it."
        raise LogUnusable(message, "Update llm first: llm install -U llm", _NOTHING)
