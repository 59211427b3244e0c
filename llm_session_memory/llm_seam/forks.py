"""Forks in llm's own tables."""

from __future__ import annotations

from llm import models
from llm.logs import LogStore

from ..services.bundle import Services
from ..services.desk import Desk
from ..services.forks import ForkPoint
from ..store import forks
from .tables import migrated

RELIED_ON = {
    "logs": "LogStore",
    "parameters of logs.LogStore.create_thread": "name forked_from id",
    "models": "_conversation_name",
}
"""The parts of llm that this module relies on (see `shape`)."""


def point_in(memory: Services, reference: str, number: int | None) -> ForkPoint:
    """Return the exchange to fork at. An unnamed conversation may be in a log that is older than the installed llm.

    Raises NoSuchSession.
    """
    if memory.sessions.find(reference) is None and memory.forks.is_conversation(reference):
        migrated(memory.desk.log)
    return memory.forks.point(reference, number)


def begin(desk: Desk, thread_id: str, origin: str, prompt: str) -> None:
    """Give a fork its row among llm's threads. Call it in the transaction that logs its first turn.

    Not earlier: llm -c continues the newest thread, and fails in one that has no turns.
    """
    name = models._conversation_name(prompt)  # noqa: SLF001
    known = origin if forks.has_row(desk.log, origin) else None
    LogStore(desk.log.database).create_thread(name=name, forked_from=known, id=thread_id)
