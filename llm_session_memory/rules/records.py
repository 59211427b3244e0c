"""The JSONL format of a session: one header line, then one line per exchange, and one for each failed prompt.

Version 1. Every line is a JSON object; empty fields are left out.

    {"format": "llm-session", "version": 1, "name": "work", "model": ..., "exchanges": 142, "tags": [...], ...}
    {"exchange": 1, "pinned": "2026-09-01T...", "turns": [{"input": [...], "output": [...], "context": {...}, ...}],
     "rating": {"mark": "up", ...}, "bookmark": {"label": ..., ...}}
    {"attempt": {"prompt": ..., "error": ..., "answered_by": 3, ...}}

Messages are in llm's wire form, with attachments inline. Pins, contexts and attempts refer to exchanges by number, not
by id, so the numbers are valid in any log: a turn is [exchange, turn], or just the exchange's number for its last turn.
Times are ISO, tokens are counts, durations are milliseconds. In a file with only part of a session, exchanges keep the
numbers that they have in the whole session. A file without a header whose lines are {"prompt": ..., "response": ...}
can be read too.

Pure. All code that writes or reads such a file takes the names of the fields from here.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from ..model import Attachment, Attempt, Bookmark, Message, Note, Part, Rating, Relative, Settings
from .safe_text import escaped

FORMAT = "llm-session"
VERSION = 1

SEALED = "llm-session-sealed"
"""The format of sealed sessions, which are not exports."""

Place = tuple[int, int]
"""A turn: the number of its exchange, and its own number within it, from 1; 0 for the last one."""

MISSING = "missing:"
"""The prefix of the path of an imported attachment whose bytes are not here. Without it, the author of the file could
have any file of this machine sent to a model."""

CODE, KEPT_CODE = "functions", "imported_functions"
"""The field for the Python code of a failed prompt: as `retry` runs it, and as an import keeps it."""

# -- the names of the fields, by record --------------------------------------

HEADER = (
    *("format", "version", "name"),
    *(one.name for one in fields(Settings)),
    *("created_utc", "exported_utc", "exchanges", "forked_from", "project", "template", "private"),
    *("tags", "meta", "notes", "title", "summaries", "snapshots"),
)
NOTE = ("text", "author", "created_utc")
TITLE = ("text", "author", "made_utc", "input_tokens", "output_tokens", "duration_ms", "spent_usd")
SUMMARY = (
    *("text", "first", "last", "exchanges", "model"),
    *("input_tokens", "output_tokens", "duration_ms", "made_utc"),
)
SNAPSHOT = ("label", "exchange", "made_utc", "settings", "pins", "notes", "summary", "undone")
PIN = ("exchange", "pinned")
EXCHANGE = ("exchange", "pinned", "rating", "bookmark", "turns")
RATING = ("mark", "note", "rated_utc")
BOOKMARK = ("label", "created_utc")
_CALL = (
    *("system", "model", "resolved_model", "datetime_utc", "duration_ms", "input_tokens", "output_tokens"),
    *("token_details", "options", "schema", "fragments", "tools", "instances", "response_json", "context"),
)
TURN = ("input", "output", *_CALL)
MINIMAL = ("prompt", "response", "pinned", "rating", "bookmark", *_CALL)
FRAGMENT = ("of", "source", "content")
TOOL = ("name", "input_schema", "description", "plugin", "server_side", "arguments")
CONTEXT = ("block", "base", "estimate", "cut", "number", "after", "recalled", "described")
EXCERPT = ("from", "thread", "part", "number", "side", "score", "tokens", "words")
BLOCK = (
    *("start", "start_number", "pinned", "policy", "budget", "window", "window_source"),
    *("front", "clip", "oversized", "reason", "began_utc"),
)
ATTEMPT = ("prompt", "error", "model", "partial", "datetime_utc", "duration_ms", "request", "answered_by")
MESSAGE = ("role", "parts", "provider_metadata")
_CALLED = ("type", "name", "tool_call_id", "server_executed", "provider_metadata")
PARTS: dict[str, tuple[str, ...]] = {
    "text": ("type", "text", "redacted", "provider_metadata"),
    "reasoning": ("type", "text", "redacted", "provider_metadata"),
    "tool_call": (*_CALLED, "arguments"),
    "tool_result": (*_CALLED, "output", "exception", "attachments"),
    "attachment": ("type", "attachment", "provider_metadata"),
}
"""The fields of a part, by its type."""

ATTACHMENT = ("type", "path", "url", "content", "id")

# -- lines and their records -------------------------------------------------


def line(value: Mapping[str, Any]) -> str:
    """Return a value as one line that stays one line however text is split, is safe to show, and is valid UTF-8.

    JSON has no number that is infinite or none at all, so such a number, which a server may have sent, becomes null.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(value), ensure_ascii=False)
    return escaped(text) + "\n"


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def said(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that are not empty: not null, and not an empty text, list or object."""
    return {name: value for name, value in values.items() if value is not None and value not in ("", [], {})}


def place_record(place: Place | None) -> Any:
    """Return the form in which a file refers to a turn."""
    return place if place is None or place[1] else place[0]


def message_record(message: Message) -> dict[str, Any]:
    """Return a message in llm's wire form, attachments inline (their bytes in base64)."""
    record: dict[str, Any] = {"role": message.role, "parts": [_part_record(part) for part in message.parts]}
    if message.provider_metadata:
        record["provider_metadata"] = dict(message.provider_metadata)
    return record


def _part_record(part: Part) -> dict[str, Any]:
    known = PARTS.get(part.type, tuple(part.data))  # a forged log may contain fields that llm does not know
    record = {name: value for name, value in part.data.items() if value is not None and name in known}
    held = [attachment_record(attachment) for attachment in part.attachments]
    if held and part.type == "attachment":
        record["attachment"] = held[0]
    elif held:
        record["attachments"] = held
    return record


def attachment_record(attachment: Attachment) -> dict[str, Any]:
    """Return an attachment with its bytes, or with its id (a hash of them) if nothing else is known."""
    content = base64.b64encode(attachment.content).decode("ascii") if attachment.content is not None else None
    path = attachment.path.removeprefix(MISSING) if attachment.path is not None else None
    id_ = attachment.id or None if content is None and path is not None else None
    if content is None and id_ is None:
        path = None
    values = {"type": attachment.type, "path": path, "url": attachment.url, "content": content, "id": id_}
    return {name: value for name, value in values.items() if value is not None}


def forked_record(origin: Relative) -> dict[str, Any]:
    """Return what a session was forked from, for people: the file has all exchanges, and an import isn't a fork."""
    return said({"name": origin.name, "thread_id": origin.thread_id, "exchange": origin.number})


def note_record(note: Note) -> dict[str, Any]:
    """Return a note."""
    return {"text": note.text, "author": note.author, "created_utc": note.created_utc}


def judged_record(rating: Rating | None, bookmark: Bookmark | None) -> dict[str, Any]:
    """Return the fields for the rating and the bookmark of an exchange."""
    record: dict[str, Any] = {}
    if rating:
        note = {"note": rating.note} if rating.note else {}
        record["rating"] = {"mark": rating.mark, **note, "rated_utc": rating.rated_utc}
    if bookmark:
        record["bookmark"] = {"label": bookmark.label, "created_utc": bookmark.created_utc}
    return record


def attempt_record(attempt: Attempt, answered_by: Any, filled: Callable[[Attachment], Attachment]) -> dict[str, Any]:
    """Return the fields of an attempt; `filled` loads the bytes of an attachment."""
    values = {
        "model": attempt.model,
        "partial": attempt.partial,
        "datetime_utc": attempt.datetime_utc,
        "duration_ms": attempt.duration_ms,
        "request": _request_record(attempt.request, filled),
        "answered_by": answered_by,
    }
    return {"prompt": attempt.prompt, "error": attempt.error, **said(values)}


def _request_record(kept: Mapping[str, Any], filled: Callable[[Attachment], Attachment]) -> dict[str, Any]:
    request = dict(kept)
    code = [*(request.get(CODE) or ()), *(request.pop(KEPT_CODE, None) or ())]
    held = [attachment_record(filled(_of_request(one))) for one in request.get("attachments") or ()]
    fragments = [said(one) | {"text": one["text"]} for one in request.get("fragments") or ()]
    return said({**request, CODE: code, "attachments": held, "fragments": fragments})


def _of_request(kept: Mapping[str, Any]) -> Attachment:
    """Return an attachment of a request in our own log, which may have only a path."""
    content = kept.get("content")
    if content is not None:
        return Attachment("", kept.get("type"), kept.get("path"), kept.get("url"), base64.b64decode(content))
    return Attachment("", kept.get("type"), kept.get("path"), kept.get("url"))
