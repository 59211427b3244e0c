"""Log responses through llm's own writer, with our own record of what was sent, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from llm import models
from llm.logs import LogStore

from ..model import Context, Message
from ..rules.request import fragments_in
from ..services.desk import Desk
from ..services.record import Record, Sent
from . import convert
from .asked import Asked

RELIED_ON = {
    "logs": "LogStore",
    "parameters of logs.LogStore.ensure_chain": "fragments",
    "models.Response": "log_to_db",
    "an instance of models.Response": "id prompt",
}
"""The parts of llm that this module relies on (see `shape`)."""


def log(  # noqa: PLR0913  what belongs to one exchange
    desk: Desk,
    asked: Asked,
    responses: Sequence[Any],
    sent: Sequence[Sent],
    originals: Mapping[str, Sequence[Message]],
    opened: str | None,
) -> None:
    """Log responses and the reasons for what was sent, and remove the open attempt `opened`: all or nothing.

    Wait up to 10 seconds for a locked log. A response gets another id if the session has turns with greater ones.
    """
    assert asked.session is not None
    database = desk.log.database
    with desk.writing():
        written = Record(desk)
        logged = written.last(asked.session.thread_id, sent)
        for response, before, one in zip(responses, sent, logged, strict=True):
            response.id = one.turn_id
            _store_by_reference(database, response, one.context)
            models.Response.log_to_db(response, database)
            original = originals.get(before.turn_id)
            if original is not None:
                written.keep_original(one.turn_id, [message.to_dict() for message in convert.to_llm(original)])
        written.add(asked.session.thread_id, logged, asked.prompt, opened)


def has(database: Any, turn_id: str) -> bool:
    """Return whether a database has a turn. Logging it again would move it to the end of its conversation."""
    return bool(database["turns"].exists() and database["turns"].count_where("id = ?", [turn_id]))


def _store_by_reference(database: Any, response: Any, made: Context) -> None:
    """Let restored messages be stored with references to their fragments, as llm stored them the first time.

    llm's writer only looks for the fragments of the new prompt, and would write those of earlier prompts out in full.
    """
    fragments = fragments_in(made.chain)
    if fragments:
        LogStore(database).ensure_chain(response.prompt.messages[: len(made.chain)], fragments=fragments)
