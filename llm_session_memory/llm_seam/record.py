"""Logging what was sent and came back: through llm's own writer, in one transaction with our own record."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from llm import models
from llm.logs import LogStore

from ..errors import LogUnusable
from ..model import Context, Message
from ..rules.request import fragments_in
from ..services.desk import Desk
from ..services.record import Record, Sent
from . import convert
from .asked import Asked

RELIED_ON = {
    "logs": "LogStore",
    "parameters of logs.LogStore.ensure_chain": "fragments",
    "models.Response": "duration_ms log_to_db text to_dict",
    "an instance of models.Response": "id prompt",
}
"""What of llm is relied on here (see `shape`)."""


def log(
    desk: Desk, asked: Asked, responses: Sequence[Any], sent: Sequence[Sent], originals: Mapping[str, Sequence[Message]]
) -> None:
    """Log responses and the reasons for what was sent, all or nothing; waits 10 seconds for a locked log.

    Raises LogUnusable if that fails, after putting the reply into a file that the error names.
    """
    assert asked.session is not None
    database = desk.log.database
    try:
        with desk.writing():
            for response, one in zip(responses, sent, strict=True):
                _store_by_reference(database, response, one.context)
                models.Response.log_to_db(response, database)
            written = Record(desk)
            written.add(asked.session.thread_id, sent, asked.prompt)
            for turn_id, messages in originals.items():
                written.keep_original(turn_id, [message.to_dict() for message in convert.to_llm(messages)])
    except LogUnusable as error:
        path = _rescue(desk.path, asked, responses)
        hint = f"The reply is kept in {path}; to put it into the session: llm sessions recover {path}"
        raise LogUnusable(error.message, hint) from error


def _store_by_reference(database: Any, response: Any, made: Context) -> None:
    """Let restored messages be stored with references to their fragments, as llm stored them the first time.

    llm's writer looks for the fragments of the new prompt only; those of earlier prompts it would write out in full.
    """
    fragments = fragments_in(made.chain)
    if fragments:
        LogStore(database).ensure_chain(response.prompt.messages[: len(made.chain)], fragments=fragments)


def _rescue(log: Path, asked: Asked, responses: Sequence[Any]) -> str:
    """Write responses that could not be logged to a file beside the log; return its path."""
    assert asked.session is not None
    folder = log.parent / "unsaved-replies"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{responses[0].id}.json"
    kept = {
        "session": asked.session.name,
        "thread_id": asked.session.thread_id,
        "prompt": asked.prompt,
        "reply": "".join(response.text() for response in responses),
        "responses": [{**response.to_dict(), "duration_ms": response.duration_ms()} for response in responses],
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(kept, indent=2, default=str), "utf-8")
    return str(path)
