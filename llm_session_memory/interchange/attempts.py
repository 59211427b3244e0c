"""Unanswered prompts in a file: what is needed to send one again, without running what a stranger wrote."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..model import Attachment, Attempt
from .fields import Fields
from .wire import attachment_of, attachment_record

_CODE, _KEPT_CODE = "functions", "imported_functions"
"""Where a request has Python code: as `retry` runs it, and as an import keeps it."""

Changed = Callable[[Attachment], Attachment]


def record(attempt: Attempt, answered_by: Any, filled: Changed) -> dict[str, Any]:
    """Return what an attempt's line says; `filled` gives attachments their bytes."""
    fields = {
        "model": attempt.model,
        "partial": attempt.partial,
        "datetime_utc": attempt.datetime_utc,
        "duration_ms": attempt.duration_ms,
        "request": _request_record(attempt, filled),
        "answered_by": answered_by,
    }
    return {"prompt": attempt.prompt, "error": attempt.error, **_said(fields)}


def _request_record(attempt: Attempt, filled: Changed) -> dict[str, Any]:
    request = dict(attempt.request)
    code = [*(request.get(_CODE) or ()), *(request.pop(_KEPT_CODE, None) or ())]
    held = [
        attachment_record(filled(_attachment(Fields(one, "attachment")))) for one in request.get("attachments") or ()
    ]
    fragments = [_said(one) | {"text": one["text"]} for one in request.get("fragments") or ()]
    return _said({**request, _CODE: code, "attachments": held, "fragments": fragments})


def _said(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None and value not in ("", [], {})}


def _attachment(fields: Fields) -> Attachment:
    """Return an attachment of a request in our own log, where a path may be all that there is."""
    if fields.value.get("content") is not None:
        return attachment_of(fields)
    return Attachment("", fields.text("type"), fields.text("path"), fields.text("url"))


def attempt_of(fields: Fields, id_: str, thread_id: str, now: str, kept: Changed) -> Attempt:
    """Return the attempt that a line tells of; `kept` gives attachments as they are kept. Raises FileRefused."""
    return Attempt(
        id=id_,
        thread_id=thread_id,
        model=fields.text("model") or "",
        prompt=fields.needed_text("prompt"),
        error=fields.text("error") or "",
        partial=fields.text("partial") or "",
        datetime_utc=fields.time("datetime_utc") or now,
        duration_ms=fields.whole("duration_ms"),
        request=_request(fields.inner("request"), kept),
    )


def _request(fields: Fields | None, kept: Changed) -> dict[str, Any]:
    if fields is None:
        return {}
    for name in ("system", "model", "memory"):
        fields.text(name)
    for name in ("schema", "options"):
        fields.mapping(name)
    fields.whole("max_context_tokens")
    fields.texts("tools")
    request = dict(fields.value)
    code = [*fields.texts(_CODE), *fields.texts(_KEPT_CODE)]
    for name in (_CODE, _KEPT_CODE):
        request.pop(name, None)
    if code:
        request[_KEPT_CODE] = code
    request["fragments"] = [
        {"text": one.needed_text("text"), "source": one.text("source")} for one in fields.each("fragments", "fragment")
    ]
    request["attachments"] = [_held(one, kept) for one in fields.each("attachments", "attachment")]
    return request


def _held(fields: Fields, kept: Changed) -> dict[str, Any]:
    """Return an attachment as a request holds it: with a path only beside its bytes, so that no file is read for it."""
    found = kept(attachment_of(fields))
    inline = attachment_record(found if found.content else replace(found, path=None))
    return {"type": None, "path": None, "url": None, "content": None} | inline
