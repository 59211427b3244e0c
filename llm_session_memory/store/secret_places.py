"""Whose the rows with secrets are: the turns of shared messages, fragments and attachments, and their conversations."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from ..model import SecretPlace
from . import history
from .log import Log
from .numbering import Numbering
from .schema import statement
from .secret_owners import Use, ends, uses
from .secret_texts import Texts

SHARED = frozenset({"parts", "messages", "fragments", "attachments", "tool_instances"})
"""Tables whose rows belong to no single turn."""

_THREADS = frozenset({"threads", "conversations"})
_TURNS = frozenset({"turns", "turn_search", "responses", "tool_calls", "tool_results"})

_MINE = {
    "parts": "message_hash in (select hash from temp.secret_reached)",
    "messages": "hash in (select hash from temp.secret_reached)",
    "fragments": "id in (select id from temp.secret_fragments)",
    "attachments": "id in (select id from temp.secret_attachments)",
    "threads": "id = :thread_id",
    "conversations": "id = :thread_id",
    "turn_search": "turn_id in (select id from temp.secret_turns)",
    "turns": "id in (select id from temp.secret_turns)",
    "responses": "id in (select id from temp.secret_turns)",
    "tool_calls": "response_id in (select id from temp.secret_turns)",
    "tool_results": "response_id in (select id from temp.secret_turns)",
}

_OF_FRAGMENTS = (
    ("turn_fragments", "turn_id"),
    ("prompt_fragments", "response_id"),
    ("system_fragments", "response_id"),
)


def narrowing(texts: Texts, thread_id: str | None) -> str | None:
    """Return the condition for the rows of a conversation, empty for all rows. None: the table has none of it."""
    if thread_id is None:
        return ""
    if texts.table in _MINE:
        return _MINE[texts.table]
    if texts.owner == "thread_id":
        return "thread_id = :thread_id"
    if texts.owner == "turn_id":
        return "turn_id in (select id from temp.secret_turns)"
    return None


@contextmanager
def reached(log: Log, thread_id: str | None) -> Iterator[None]:
    """Make working tables of what a conversation reaches, and of where turns end."""
    connection = log.database.conn
    level, connection.isolation_level = connection.isolation_level, None
    made = ("secret_turns", "secret_reached", "secret_fragments", "secret_attachments")
    plain = not log.columns("memory_contexts")
    try:
        if plain:  # the numbering of exchanges reads it
            log.run("create temp table memory_contexts (turn_id, exchange_turn_id)")
        with ends(log):
            if thread_id is not None:
                for table in made:
                    log.run(f"drop table if exists temp.{table}")
                    log.run(f"create temp table {table} ({'hash' if 'reached' in table else 'id'} primary key)")
                _reach(log, thread_id)
            yield
    finally:
        for table in (*made, *(("memory_contexts",) if plain else ())):
            log.run(f"drop table if exists temp.{table}")
        connection.isolation_level = level


def _reach(log: Log, thread_id: str) -> None:
    turns = history.exchange_turns(log, thread_id)
    every = {*turns.every(), *(id_ for ids in history.every_exchange(log, thread_id) for id_ in ids)}
    log.many("insert or ignore into temp.secret_turns values (:id)", ({"id": id_} for id_ in every))
    if log.columns("turns"):
        sql = "select parent_message_hash, tip_message_hash from turns where id in (select id from temp.secret_turns)"
        hashes = json.dumps([one for row in log.tuples(sql) for one in row if one])
        log.run(
            f"insert or ignore into temp.secret_reached select hash from ({statement('deletion_reached')})",  # noqa: S608
            {"ends": hashes},
        )
    for table, column in _OF_FRAGMENTS:
        if log.columns(table):
            log.run(
                f"insert or ignore into temp.secret_fragments select fragment_id from {table}"  # noqa: S608  constants
                f" where {column} in (select id from temp.secret_turns)"
            )
    if log.columns("parts"):
        for what in ("fragment", "attachment"):
            log.run(
                f"insert or ignore into temp.secret_{what}s select h.{what}_id from temp.secret_reached r"  # noqa: S608
                f" join parts p on p.message_hash = r.hash join part_{what}s h on h.part_id = p.id"
            )
    if log.columns("prompt_attachments"):
        log.run(
            "insert or ignore into temp.secret_attachments select attachment_id from prompt_attachments"
            " where response_id in (select id from temp.secret_turns)"
        )


def users(log: Log, table: str, owners: Collection[Any]) -> dict[Any, list[Use]]:
    """Return the turns that have messages, fragments, attachments or toolboxes, by the owner that a row names."""
    if table in ("parts", "messages"):
        return uses(log, owners) if log.columns("messages") else {}
    found: dict[Any, list[Use]] = {}
    asked = {"ids": json.dumps([*owners])}
    for sql in _USERS[table]:
        needed = sql.split(" from ")[1].split()[0]
        if log.columns(needed):
            for owner, turn_id in log.tuples(f"{sql} in (select value from json_each(:ids))", asked):  # noqa: S608  constants
                found.setdefault(owner, []).append(Use(turn_id, "user", is_own=True))
    if table == "attachments" and log.columns("part_attachments"):
        sql = (
            "select h.attachment_id, p.message_hash from part_attachments h join parts p on p.id = h.part_id"
            " where h.attachment_id in (select value from json_each(:ids))"
        )
        pairs = log.tuples(sql, asked)
        by_hash = uses(log, {hash_ for _, hash_ in pairs})
        for owner, hash_ in pairs:
            found.setdefault(owner, []).extend(one for one in by_hash.get(hash_, ()) if one.is_own)
    return found


_USERS: dict[str, tuple[str, ...]] = {
    "fragments": tuple(
        f"select fragment_id, {column} from {table} where fragment_id"  # noqa: S608  constants
        for table, column in _OF_FRAGMENTS
    ),
    "attachments": ("select attachment_id, response_id from prompt_attachments where attachment_id",),
    "tool_instances": (
        "select instance_id, turn_id from tool_instantiations where instance_id",
        "select instance_id, turn_id from turn_tools where instance_id",
    ),
}


class SecretThreads:
    """The conversations of turns, and the numbers of exchanges, read when they are needed."""

    def __init__(self, log: Log, only: str | None = None) -> None:
        """Take a log. `only`: places are said as they are in this conversation, such as a fork."""
        self._log, self._only = log, only
        self._numbers: dict[str, Numbering] = {}
        self._names: dict[str, str] = {}
        self._of: dict[str, str | None] = {}

    def has(self, turn_id: str | None) -> bool:
        """Return whether a turn is one of the only conversation."""
        return bool(self._log.value("select 1 from temp.secret_turns where id = :id", {"id": turn_id}))

    def owner(self, table: str, owner: Any) -> tuple[str | None, str | None]:
        """Return the turn and the conversation that a row names, one of them or none."""
        if table in _TURNS or (table.startswith("memory_") and self._of_turn(owner)):
            return owner, None
        if table in _THREADS or table.startswith("memory_"):
            return None, owner
        return None, None

    def _of_turn(self, id_: str | None) -> str | None:
        """Return the conversation of a turn, or None if there is no such turn."""
        if id_ is None:
            return None
        if id_ not in self._of:
            found = None
            for table, column in (("turns", "thread_id"), ("responses", "conversation_id")):
                if found is None and self._log.columns(table):
                    found = self._log.value(f"select {column} from {table} where id = :id", {"id": id_})  # noqa: S608
            self._of[id_] = found
        return self._of[id_]

    def place(self, where: str, turn_id: str | None, thread_id: str | None) -> SecretPlace:
        """Return a place, given its turn or its conversation."""
        if turn_id is not None:
            thread_id = self._only or self._of_turn(turn_id)
        number = self._numbering(thread_id).number_of(turn_id) if turn_id and thread_id else None
        return SecretPlace(where, thread_id, self._name(thread_id) if thread_id else "", number, turn_id)

    def _numbering(self, thread_id: str) -> Numbering:
        if thread_id not in self._numbers:
            self._numbers[thread_id] = history.exchange_turns(self._log, thread_id)
        return self._numbers[thread_id]

    def _name(self, thread_id: str) -> str:
        if thread_id not in self._names:
            found = None
            if self._log.columns("memory_sessions"):
                sql = "select name from memory_sessions where thread_id = :id"
                found = self._log.value(sql, {"id": thread_id})
            self._names[thread_id] = found or ""
        return self._names[thread_id]
