"""The file of an index: in a cache that several processes share, or private and gone when it is closed.

A cache that is damaged, of another version or of another folder is thrown away: all of it comes from the folder.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from ...errors import RemoteFailed
from ...rules.safe_text import one_line

VERSION = 1
_PATIENCE = 60.0
_BUSY = ("database is locked", "database table is locked", "database schema is locked")


@cache
def statement(name: str) -> str:
    """Return a statement from its file."""
    return resources.files(__package__).joinpath(f"folder_{name}.sql").read_text("utf-8")


class Xor:
    """SQL's aggregate xor(x) of signed numbers of 64 bits."""

    def __init__(self) -> None:
        self._value = 0

    def step(self, value: int) -> None:
        """Add a number."""
        self._value ^= value

    def finalize(self) -> int:
        """Return the result."""
        return self._value


def opened(path: Path | None, folder: str) -> sqlite3.Connection:
    """Open the index of a folder with this id, and make it if it isn't there or doesn't fit."""
    with in_sentences(path):
        with suppress(sqlite3.DatabaseError):
            connection = _connected(path)
            if _fits(connection, folder):
                return connection
            connection.close()
        throw_away(path)
        connection = _connected(path)
        _make(connection, folder)
        return connection


def throw_away(path: Path | None) -> None:
    """Remove the file of an index."""
    if path is not None:
        for end in ("", "-wal", "-shm", "-journal"):
            path.with_name(path.name + end).unlink(missing_ok=True)


@contextmanager
def in_sentences(path: Path | None) -> Iterator[None]:
    """Turn errors of SQLite into sentences."""
    where = one_line(str(path)) if path else "a temporary file"
    try:
        yield
    except sqlite3.Error as error:
        hint = "Remove this file, then try again: it is rebuilt from the folder."
        if any(busy in str(error) for busy in _BUSY):
            hint = "Another process writes to it. Try again later."
        raise RemoteFailed(
            f"The index of the folder in {where} can't be used: {one_line(str(error))}.", hint
        ) from error


def _connected(path: Path | None) -> sqlite3.Connection:
    if path is not None:
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise sqlite3.OperationalError(str(error.strerror or error)) from error
    connection = sqlite3.connect(path or "", isolation_level=None, timeout=_PATIENCE, check_same_thread=False)
    connection.execute("pragma secure_delete = on").fetchone()
    if path is not None:
        connection.execute("pragma journal_mode = wal").fetchone()
        connection.execute("pragma synchronous = normal")
    connection.create_aggregate("xor", 1, Xor)
    return connection


def _fits(connection: sqlite3.Connection, folder: str) -> bool:
    there = connection.execute("select 1 from sqlite_master where name = 'about'").fetchone()
    return bool(there) and connection.execute("select version, folder from about").fetchall() == [(VERSION, folder)]


def _make(connection: sqlite3.Connection, folder: str) -> None:
    connection.execute("begin immediate")
    if not _fits(connection, folder):  # else another process was quicker
        for one in statement("index").split(";\n"):
            connection.execute(one)
        connection.execute("insert into about values (?, ?)", (VERSION, folder))
    connection.execute("commit")


def rows(connection: sqlite3.Connection, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """Return all rows of a question. Lists are given as JSON arrays."""
    given = [json.dumps([*value]) if isinstance(value, list | set) else value for value in values]
    return connection.execute(sql, given).fetchall()
