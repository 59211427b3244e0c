"""Read unanswered prompts from a file, with what `retry` needs, but without running code from the file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..model import Attachment, Attempt
from ..rules.records import ATTACHMENT, CODE, KEPT_CODE, attachment_record
from .fields import Fields
from .wire import attachment_of

Changed = Callable[[Attachment], Attachment]


def attempt_of(fields: Fields, id_: str, thread_id: str, now: str, kept: Changed) -> Attempt:
    """Return the attempt on a line. `kept` returns an attachment in the form that is stored. Raises FileRefused."""
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
    request.pop("process", None)  # it was not sent from here
    code = [*fields.texts(CODE), *fields.texts(KEPT_CODE)]
    for name in (CODE, KEPT_CODE):
        request.pop(name, None)
    if code:
        request[KEPT_CODE] = code
    fragments = fields.each("fragments", "fragment", ("text", "source"))
    request["fragments"] = [{"text": one.needed_text("text"), "source": one.text("source")} for one in fragments]
    attachments = fields.each("attachments", "attachment", ATTACHMENT)
    request["attachments"] = [_held(one, kept) for one in attachments]
    return request


def _held(fields: Fields, kept: Changed) -> dict[str, Any]:
    """Return an attachment as a request stores it. It has a path only if it has its bytes, so no file is read later."""
    found = kept(attachment_of(fields))
    inline = attachment_record(found if found.content else replace(found, path=None))
    return {"type": None, "path": None, "url": None, "content": None} | inline
