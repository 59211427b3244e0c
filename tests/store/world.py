"""What the tests of the store share: a log to fill, and the same log as the store sees it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from llm_session_memory.model import Exchange, Message
from llm_session_memory.store import Log, history
from tests.world.logs import LogBuilder


@contextmanager
def opened(path: Path) -> Iterator[Log]:
    """The log as the store sees it, our tables made."""
    log = Log.open(path)
    log.migrate()
    try:
        yield log
    finally:
        log.close()


@contextmanager
def built(path: Path) -> Iterator[tuple[LogBuilder, Log]]:
    """A new log, to fill and to read."""
    with LogBuilder(path) as builder, opened(path) as log:
        yield builder, log


def read(log: Log, thread: str) -> list[Exchange]:
    """All exchanges of a thread, numbered."""
    return history.exchanges(log, enumerate(history.exchange_turns(log, thread), 1))


def said(messages: tuple[Message, ...]) -> list[tuple[str, str]]:
    """Role and text of messages; of tool traffic: the name, or the output."""
    return [
        (
            message.role,
            message.text or "".join(str(p.data.get("output") or p.data.get("name") or p.type) for p in message.parts),
        )
        for message in messages
    ]
