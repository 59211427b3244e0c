"""Failed prompts: what is kept, and how to send one again."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

import llm
from llm import utils

from ..model import Attempt, Settings
from ..rules.safe_text import without_halves
from .asked import Asked
from .calls import Call

RELIED_ON = {
    "llm": "Attachment Fragment",
    "utils": "monotonic_ulid",
    "an instance of models.Response": "_chunks _start_utcnow model",
    "an instance of llm.Attachment": "content path type url",
}
"""The parts of llm that this module relies on (see `shape`)."""


INTERRUPTED = "interrupted"
"""The error of a prompt that was stopped or killed."""


def new_id() -> str:
    """Return an id as llm makes them."""
    return str(utils.monotonic_ulid()).lower()


def attempt(asked: Asked, calls: Sequence[Call], error: BaseException | None, now: str, id_: str) -> Attempt:
    """Return the attempt to keep for a prompt, dated `now` if no call had begun.

    Without an error it is the open attempt of a prompt that is about to be sent. If llm is killed, nothing else will be
    said of it, so its error is “interrupted”. `id_` is its id, or that of the open attempt that it replaces.
    """
    assert asked.session is not None
    model, started = asked.model, None
    if calls:
        first, last = calls[0].response, calls[-1].response
        model = last.model.model_id
        # duration_ms() and datetime_utc() would send the prompt again. If llm has other names, the attempt is kept.
        started = getattr(first, "_start_utcnow", None)
    return Attempt(
        id=id_,
        thread_id=asked.session.thread_id,
        model=model,
        prompt=without_halves(asked.prompt),
        error=without_halves(cause(error)) if error else INTERRUPTED,
        partial=partial(calls),
        datetime_utc=started.isoformat() if started else now,
        duration_ms=None,
        request={**asked.tools, **asdict(asked.said), "model": model, **_kept(asked.inputs)},
    )


def partial(calls: Sequence[Call]) -> str:
    """Return the part of a reply that has arrived, of all calls of its prompt."""
    return without_halves("".join("".join(getattr(one.response, "_chunks", ())) for one in calls))


def _kept(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema, fragments and attachments in a form that can be stored."""
    schema = inputs.get("schema")
    return {
        "schema": schema if isinstance(schema, dict) else None,
        "fragments": [_fragment(fragment) for fragment in inputs.get("fragments") or ()],
        "attachments": [_attachment(attachment) for attachment in inputs.get("attachments") or ()],
    }


def cause(error: BaseException) -> str:
    """Return the error's message, or the name of its class if it has no message."""
    if isinstance(error, (KeyboardInterrupt, GeneratorExit, asyncio.CancelledError)):
        return INTERRUPTED
    if isinstance(error, SystemExit):
        return "llm was terminated"
    return str(getattr(error, "message", "") or error) or type(error.__context__ or error).__name__


def _fragment(fragment: Any) -> dict[str, str | None]:
    return {"text": str(fragment), "source": getattr(fragment, "source", None)}


def _attachment(attachment: Any) -> dict[str, str | None]:
    content = base64.b64encode(attachment.content).decode("ascii") if attachment.content else None
    return {"type": attachment.type, "path": attachment.path, "url": attachment.url, "content": content}


# -- sending again -----------------------------------------------------


def said_of(kept: Attempt) -> Settings:
    """Return the settings of an attempt; ignore settings that only a newer version knows."""
    known: dict[str, Any] = {one.name: kept.request.get(one.name) for one in fields(Settings)}
    known["options"] = known["options"] or {}
    return Settings(**known)


def resumed(kept: Attempt, parameters: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the prompt and parameters for sending an attempt again."""
    request = kept.request
    attachments = [
        llm.Attachment(
            item["type"], item["path"], item["url"], base64.b64decode(item["content"]) if item["content"] else None
        )
        for item in request.get("attachments") or ()
    ]
    fragments = [llm.Fragment(item["text"], item["source"] or "") for item in request.get("fragments") or ()]
    again = {"fragments": fragments, "attachments": attachments, "schema": request.get("schema")}
    return kept.prompt, {**parameters, **again}
