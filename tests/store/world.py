"""Shared by the tests of the store: a log to fill, and the same log as the store sees it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from llm_session_memory.model import Exchange, Message
from llm_session_memory.store import Log, history
from tests.world.logs import LogBuilder


@contextmanager
def opened(path: Path) -> Iterator[Log]:
    """Return the log as the store sees it, with our tables."""
    log = Log.open(path)
    log.migrate()
    try:
        yield log
    finally:
        log.close()


@contextmanager
def built(path: Path) -> Iterator[tuple[LogBuilder, Log]]:
    """Return a new log, to fill and to read."""
    with LogBuilder(path) as builder, opened(path) as log:
        yield builder, log


def contents(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return all rows of each table with its own rows: not of full-text indexes, nor of SQLite's tables."""
    connection = sqlite3.connect(path)
    names = [
        name
        for (name,) in connection.execute(
            "select name from sqlite_master where type = 'table' and name not glob 'sqlite_*'"
        )
        if not name.startswith(("memory_words", "turn_search_fts", "responses_fts"))
    ]
    found = {name: connection.execute(f"select * from [{name}]").fetchall() for name in names}
    connection.close()
    return found


def read(log: Log, thread: str) -> list[Exchange]:
    """Return all exchanges of a thread, numbered."""
    return history.exchanges(log, enumerate(history.exchange_turns(log, thread), 1))


def said(messages: tuple[Message, ...]) -> list[tuple[str, str]]:
    """Return the role and text of messages; for tool traffic, the name or the output."""
    return [
        (
            message.role,
            message.text or "".join(str(p.data.get("output") or p.data.get("name") or p.type) for p in message.parts),
        )
        for message in messages
    ]
