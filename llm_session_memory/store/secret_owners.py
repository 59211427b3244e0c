"""Which turn each message with a secret belongs to, and which only repeat it in their requests."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from .log import Log
from .schema import statement

_CHUNK = 500


class Use(NamedTuple):
    """A turn with a message. `is_own`: the message was new with this turn, as its prompt, tool result or reply."""

    turn_id: str
    role: str
    is_own: bool


@contextmanager
def ends(log: Log) -> Iterator[None]:
    """Make an index of where the requests and replies of turns end, because llm's tables have none."""
    connection = log.database.conn
    level, connection.isolation_level = connection.isolation_level, None
    try:
        log.run("drop table if exists temp.secret_ends")
        log.run("create temp table secret_ends (hash text, turn_id text, is_tip integer)")
        log.run(
            "insert into temp.secret_ends select parent_message_hash, id, 0 from turns"
            " where parent_message_hash is not null union all select tip_message_hash, id, 1 from turns"
            " where tip_message_hash is not null"
        )
        log.run("create index temp.secret_ends_hash on secret_ends (hash)")
        yield
    finally:
        log.run("drop table if exists temp.secret_ends")
        connection.isolation_level = level


def uses(log: Log, hashes: Iterable[str]) -> dict[str, list[Use]]:
    """Return the turns whose requests or replies are the first to end at or after each message; call it within `ends`.

    A message of a user or a tool is a turn's own if only such messages follow before the end of the request. A reply is
    a turn's own if the reply ends there. Everything else was sent as history, or as a system prompt.
    """
    found: dict[str, list[Use]] = {}
    every = list(hashes)
    for start in range(0, len(every), _CHUNK):
        some = json.dumps(every[start : start + _CHUNK])
        for first, turn_id, is_tip, only_asked, role in log.tuples(statement("secret_ends"), {"hashes": some}):
            own = bool(is_tip) if role not in ("user", "tool") else bool(only_asked and not is_tip)
            found.setdefault(first, []).append(Use(turn_id, role, own and role != "system"))
    return found
