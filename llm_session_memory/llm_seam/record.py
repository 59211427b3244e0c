"""Log responses through llm's own writer, with our own record of what was sent, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import llm
from llm import models
from llm.logs import LogStore

from ..model import Context, Message
from ..rules.request import fragments_in
from ..services.desk import Desk
from ..services.record import Record, SentCall
from . import convert
from .asked import Asked

RELIED_ON = {
    "llm": "Fragment",
    "logs": "LogStore",
    "parameters of logs.LogStore.ensure_chain": "fragments",
    "parameters of logs.LogStore.ensure_thread": "thread_id name",
    "models": "_conversation_name",
    "models.Response": "log_to_db",
    "an instance of models.Response": "id prompt",
    "an instance of models.Prompt": "fragments messages",
}
"""The parts of llm that this module relies on (see `shape`)."""


def log(  # noqa: PLR0913  what belongs to one exchange
    desk: Desk,
    asked: Asked,
    responses: Sequence[Any],
    sent: Sequence[SentCall],
    originals: Mapping[str, Sequence[Message]],
    opened: str | None,
    also: Callable[[Sequence[Any]], None] | None = None,
) -> None:
    """Log responses and the reasons for what was sent, and remove the open attempt `opened`: all or nothing.

    `also` is called with the responses in the same transaction; if it raises, nothing is logged.
    Wait up to 10 seconds for a locked log. A response gets another id if the session has turns with greater ones.
    """
    assert asked.session is not None
    database = desk.log.database
    with desk.writing():
        written = Record(desk)
        logged = written.last(asked.session.thread_id, sent)
        origin = written.origin(asked.session.thread_id)
        if origin is not None:
            from .forks import begin  # the first prompt of a fork

            begin(desk, asked.session.thread_id, origin, asked.prompt)
        elif sent[0].context.recalled and not sent[0].context.exchanges:  # llm would name it after the excerpts
            name = models._conversation_name(asked.prompt)  # noqa: SLF001
            LogStore(database).ensure_thread(asked.session.thread_id, name=name)
        for response, before, one in zip(responses, sent, logged, strict=True):
            response.id = one.turn_id
            moved = one.context is not logged[0].context  # to another block, with the prompt that llm stored before
            _store_by_reference(database, response, one.context, _whole(responses[0].prompt.fragments) if moved else ())
            with _lines_whole(response):
                models.Response.log_to_db(response, database)
            original = originals.get(before.turn_id)
            if original is not None:
                written.keep_original(one.turn_id, [message.to_dict() for message in convert.to_llm(original)])
        written.add(asked.session.thread_id, logged, asked.prompt, opened)
        if also is not None:
            also(responses)


@contextmanager
def _lines_whole(response: Any) -> Iterator[None]:
    """Let the excerpts of a prompt be stored with their last line break, which is not part of what the person wrote.

    llm joins fragments and prompt with line breaks, and puts all text outside fragments into its search index: a prompt
    with excerpts would begin with an empty line there. What was sent is the same, and so are its hashes.
    """
    given = response.prompt.fragments
    response.prompt.fragments = _whole(given)
    try:
        yield
    finally:
        response.prompt.fragments = given


def _whole(fragments: Sequence[Any]) -> list[Any]:
    """Return the fragments of a prompt, ours with its line break."""
    if not fragments:
        return []
    from ..rules.fences import is_ours  # many prompts have no fragments

    return [
        llm.Fragment(f"{one}\n", one.source) if isinstance(one, llm.Fragment) and is_ours(one.source) else one
        for one in fragments
    ]


def has(database: Any, turn_id: str) -> bool:
    """Return whether a database has a turn. Logging it again would move it to the end of its conversation."""
    return bool(database["turns"].exists() and database["turns"].count_where("id = ?", [turn_id]))


def _store_by_reference(database: Any, response: Any, made: Context, given: Sequence[Any]) -> None:
    """Let restored messages be stored with references to their fragments, as llm stored them the first time.

    llm's writer only looks for the fragments of the new prompt, and would write those of earlier prompts out in full.
    `given` are those of the prompt of an exchange in progress that was moved to a new block.
    """
    fragments = [*fragments_in(made.chain), *given]
    if fragments:
        restored = response.prompt.messages if given else response.prompt.messages[: len(made.chain)]
        LogStore(database).ensure_chain(restored, fragments=fragments)
