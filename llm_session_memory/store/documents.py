"""A log as documents of a remote, and back: what `services/syncing` compares, sends and merges."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator

from ..model.remotes import Document, Stamp
from ..rules.portable import bucket, months, stamp, stamp_of_response, stamp_of_turn
from .document_filling import fill
from .document_reading import Reading
from .document_threads import Threads
from .log import Log
from .temporary_log import empty_log

__all__ = ("documents", "empty_log", "fill", "stamps", "tombstones")


def stamps(log: Log, threads: Collection[str] | None = None, *, person: str | None = None) -> Iterator[Stamp]:
    """Yield the stamps of conversations, then of their turns, then of their responses of an old llm.

    Read them to the end before you do anything else with this log.

    Args:
        log: The log.
        threads: The conversations, or None for all.
        person: Whose ratings those in memory_ratings are; by default, the person of memory_machine.

    Raises:
        LogUnusable: The log can't be read.
    """
    of = Threads(log, _person(log) if person is None else person)
    values = {one: stamp("thread", one) for one in of.ids(threads)}
    for thread_id, value in of.stamps(threads):
        if thread_id in values:
            values[thread_id] ^= value
    for thread_id, value in values.items():
        yield Stamp(thread_id, "thread", thread_id, bucket("s", thread_id), value)
    month = months()
    which = "is not null" if threads is None else "in (select value from json_each(:threads))"
    given = {} if threads is None else {"threads": json.dumps([*threads])}
    if log.columns("turns"):
        sql = f"select id, thread_id, tip_message_hash, parent_message_hash from turns where thread_id {which}"  # noqa: S608  constants
        for id_, thread_id, tip, parent in log.stream(sql, given):
            if thread_id in values:  # otherwise the log is damaged, and the conversation has no document
                yield Stamp(thread_id, "turn", id_, month(id_), stamp_of_turn(id_, thread_id, tip, parent))
    if log.columns("responses"):
        sql = f"select id, conversation_id from responses where conversation_id {which}"  # noqa: S608
        for id_, thread_id in log.stream(sql, given):
            if thread_id in values:
                yield Stamp(thread_id, "response", id_, month(id_), stamp_of_response(id_, thread_id))


def documents(log: Log, threads: Collection[str], *, machine: str, person: str) -> Iterator[Document]:
    """Yield all documents of some conversations, content before what refers to it, each content document once.

    Read them to the end before you do anything else with this log.

    Args:
        log: The log.
        threads: The conversations. Those that aren't there are left out.
        machine: The name of the machine that sends them.
        person: The name of the person who sends them, whose ratings those in memory_ratings are.

    Raises:
        LogUnusable: The log can't be read.
    """
    yield from Reading(log, machine, person).documents(threads)


def tombstones(log: Log) -> Iterator[Document]:
    """Yield the tombstones of a log as documents. Their stamps cover what was deleted, but not when."""
    columns = sorted(log.columns("memory_tombstones"))
    if not columns:
        return
    for values in log.stream(f"select {', '.join(columns)} from memory_tombstones order by kind, id"):  # noqa: S608  names of columns
        row = dict(zip(columns, values, strict=True))
        key = f"{row['kind']} {row['id']}"
        yield Document(
            "tombstone", key, {"memory_tombstones": [row]}, bucket=bucket("t", key), stamp=stamp("tombstone", key)
        )


def _person(log: Log) -> str:
    return str(log.value("select person from memory_machine") or "") if log.columns("memory_machine") else ""
