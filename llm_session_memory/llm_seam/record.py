"""Logging what was sent and came back: through llm's own writer, in one transaction with our own record."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import llm
from llm import models, utils
from llm.logs import LogStore

from ..errors import LogUnusable
from ..model import Attempt, Context, Message
from ..rules.request import fragments_in
from ..services.record import Record, Sent
from . import convert

if TYPE_CHECKING:
    from .prompting import Run

RELIED_ON = {
    "llm": "Attachment Fragment",
    "utils": "monotonic_ulid",
    "logs": "LogStore",
    "parameters of logs.LogStore.ensure_chain": "fragments",
    "models.Response": "duration_ms log_to_db text to_dict",
    "an instance of models.Response": "_chunks _start_utcnow id model prompt",
    "an instance of llm.Attachment": "content path type url",
}
"""What of llm is relied on here (see `shape`)."""


def log(
    run: Run, db: Any, responses: Sequence[Any], sent: Sequence[Sent], originals: Mapping[str, tuple[Message, ...]]
) -> None:
    """Log responses and the reasons for what was sent, all or nothing; waits 10 seconds for a locked log.

    Raises LogUnusable where that fails, after putting the reply into a file that the error names.
    """
    assert run.session is not None
    thread_id = run.session.thread_id
    try:
        desk = run.memory.desk.on(db)
        with desk.writing():
            for response, one in zip(responses, sent, strict=True):
                _store_by_reference(db, response, one.context)
                models.Response.log_to_db(response, db)
            written = Record(desk)
            written.add(thread_id, sent, run.prompt)
            for turn_id, messages in originals.items():
                written.keep_original(turn_id, [message.to_dict() for message in convert.to_llm(messages)])
    except LogUnusable as error:
        path = _rescue(run, responses)
        hint = f"The reply is kept in {path}; to put it into the session: llm sessions recover {path}"
        raise LogUnusable(error.message, hint) from error


def _store_by_reference(db: Any, response: Any, made: Context) -> None:
    """Let restored messages be stored with references to their fragments, as llm stored them the first time.

    llm's writer looks for the fragments of the new prompt only; those of earlier prompts it would write out in full.
    """
    fragments = fragments_in(made.chain)
    if fragments:
        LogStore(db).ensure_chain(response.prompt.messages[: len(made.chain)], fragments=fragments)


def _rescue(run: Run, responses: Sequence[Any]) -> str:
    """Write responses that could not be logged to a file beside the log; return its path."""
    assert run.session is not None
    folder = run.memory.path.parent / "unsaved-replies"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{responses[0].id}.json"
    kept = {
        "session": run.session.name,
        "thread_id": run.session.thread_id,
        "prompt": run.prompt,
        "reply": "".join(response.text() for response in responses),
        "responses": [{**response.to_dict(), "duration_ms": response.duration_ms()} for response in responses],
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(kept, indent=2, default=str), "utf-8")
    return str(path)


# -- attempts ----------------------------------------------------------


def attempt(run: Run, error: BaseException) -> Attempt:
    """Return what is kept of a prompt whose call failed or was interrupted."""
    assert run.session is not None
    now = run.memory.desk.timestamp()
    id_, model, started = str(utils.monotonic_ulid()).lower(), run.composing_for or "", None
    if run.rounds:
        first, last = run.rounds[0].response, run.rounds[-1].response
        id_, model = first.id, last.model.model_id
        # duration_ms() and datetime_utc() would send the prompt again; whatever llm calls its own, the attempt is kept.
        started = getattr(first, "_start_utcnow", None)
    partial = "".join("".join(getattr(one.response, "_chunks", ())) for one in run.rounds)
    schema = run.inputs.get("schema")
    request = {
        **run.request,
        "model": model,
        "system": run.asked.system,
        "options": run.inputs.get("options"),
        "max_context_tokens": run.asked.max_context_tokens,
        "memory": run.asked.memory,
        "recall_share": run.asked.recall_share,
        "recall_model": run.asked.recall_model,
        "summary_model": run.asked.summary_model,
        "schema": schema if isinstance(schema, dict) else None,
        "fragments": [_fragment(fragment) for fragment in run.inputs.get("fragments") or ()],
        "attachments": [_attachment(attachment) for attachment in run.inputs.get("attachments") or ()],
    }
    return Attempt(
        id=id_,
        thread_id=run.session.thread_id,
        model=model,
        prompt=run.prompt,
        error=cause(error),
        partial=partial,
        datetime_utc=started.isoformat() if started else now,
        duration_ms=None,
        request=request,
    )


def cause(error: BaseException) -> str:
    """Return what went wrong, in the words of the error; its kind where it has none."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    if isinstance(error, SystemExit):
        return "llm was ended from outside"
    return str(getattr(error, "message", "") or error) or type(error.__context__ or error).__name__


def _fragment(fragment: Any) -> dict[str, str | None]:
    return {"text": str(fragment), "source": getattr(fragment, "source", None)}


def _attachment(attachment: Any) -> dict[str, str | None]:
    content = base64.b64encode(attachment.content).decode("ascii") if attachment.content else None
    return {"type": attachment.type, "path": attachment.path, "url": attachment.url, "content": content}


def resumed(kept: Attempt, parameters: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return prompt and parameters of an attempt that is sent again."""
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


def options_of(model: Any, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a prompt in a form that can be stored: those that are set, by their plain values."""
    known = set(getattr(model.Options, "model_fields", {}))
    given = dict(parameters.get("options") or {}) | {name: parameters[name] for name in known & set(parameters)}
    return dict(model.Options(**given).model_dump(mode="json", exclude_none=True))
