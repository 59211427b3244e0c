"""A message of OpenAI's chat format, and of formats close to it, as ours. Pure.

Format: https://platform.openai.com/docs/api-reference/chat. Other tools write the same messages with Anthropic's parts
(https://docs.claude.com/en/api/messages) or Ollama's fields (https://docs.ollama.com/api/chat); those are read too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ...model import Attachment, Part
from ...rules.safe_text import one_line
from .chats import ROLES, SaidMessage
from .moments import moment
from .transcripts import (
    call_part,
    count_unknown,
    file_part,
    mapping,
    mappings,
    number,
    of_base64,
    of_url,
    reply_parts,
    result_part,
    text,
    text_part,
    thought,
)
from .values import Losses

_KNOWN = frozenset(
    (
        *("role", "content", "name", "tool_calls", "tool_call_id", "function_call", "tool_name", "refusal", "audio"),
        *("reasoning_content", "reasoning", "thinking", "images", "id", "message_id", "model", "weight", "usage"),
        *("timestamp", "created_at", "created", "time", "date", "annotations"),
    )
)
_TYPES = {"wav": "audio/wav", "mp3": "audio/mpeg"}


def said_of(message: Mapping[str, Any], place: str, losses: Losses) -> Iterator[SaidMessage]:
    """Yield a message as ours: several if it has results of tools beside a text; nothing if nobody knows who speaks."""
    role = ROLES.get(text(message.get("role")).strip().lower())
    if role is None:
        losses.add(f"a message of the role {one_line(str(message.get('role')), 30)}", place)
        return
    empty = {name: value for name, value in message.items() if value not in (None, "", [], {})}
    count_unknown(empty, _KNOWN, "a message", place, losses)
    for name in ("annotations", "weight"):
        if empty.get(name):
            losses.add(f"the field {name} of a message", place)
    parts = [
        *_thinking(message),
        *_content(message.get("content"), role, place, losses),
        *_beside(message, place, losses),
    ]
    if role == "tool":
        yield _said(message, role, [_result(message, parts)])
        return
    if role == "user" and message.get("name"):
        losses.add("the name of a person", place)
    results = [part for part in parts if part.type == "tool_result"]
    if results and role == "user":
        yield _said(message, "tool", results)
        parts = [part for part in parts if part.type != "tool_result"]
    if parts or not results:
        yield _said(message, role, parts or [text_part("")])


def _said(message: Mapping[str, Any], role: str, parts: list[Part]) -> SaidMessage:
    usage = mapping(message.get("usage"))
    times = (message.get(name) for name in ("timestamp", "created_at", "created", "time", "date"))
    id_ = message.get("id") or message.get("message_id")
    return SaidMessage(
        role,
        tuple(parts),
        key=str(id_) if isinstance(id_, (str, int)) else None,
        at=next(filter(None, map(moment, times)), ""),
        model=text(message.get("model")) or None,
        input_tokens=number(usage.get("prompt_tokens", usage.get("input_tokens"))),
        output_tokens=number(usage.get("completion_tokens", usage.get("output_tokens"))),
    )


def _thinking(message: Mapping[str, Any]) -> Iterator[Part]:
    for name in ("reasoning_content", "reasoning", "thinking"):
        if text(message.get(name)).strip():
            yield thought(text(message[name]))
            return


def content_parts(content: Any, role: str, place: str, losses: Losses) -> list[Part]:
    """Return the parts of a message's content: a text, or a list of typed parts."""
    return [*_content(content, role, place, losses)]


def _content(content: Any, role: str, place: str, losses: Losses) -> Iterator[Part]:
    if content is None or content == "":
        return
    if isinstance(content, str):
        yield from reply_parts(content) if role == "assistant" else [text_part(content)]
    elif isinstance(content, list):
        for one in content:
            if isinstance(one, str):
                yield text_part(one)
            else:
                yield from _part(mapping(one), role, place, losses)
    else:
        yield text_part(json.dumps(content, ensure_ascii=False))


def _part(part: Mapping[str, Any], role: str, place: str, losses: Losses) -> Iterator[Part]:
    match part.get("type"):
        case "text" | "input_text" | "output_text":
            yield from _content(text(part.get("text")), role, place, losses)
        case "refusal":
            yield text_part(text(part.get("refusal")))
        case "thinking" | "reasoning":
            yield thought(text(part.get("thinking")) or text(part.get("text")))
        case "redacted_thinking":
            yield thought("")
        case "tool_use":
            yield call_part(text(part.get("name")), part.get("input"), text(part.get("id")) or None)
        case "tool_result":
            held = content_parts(part.get("content"), "tool", place, losses)
            yield _of_result(held, text(part.get("tool_use_id")) or None, "", error=bool(part.get("is_error")))
        case _:
            attachment = _attachment(part)
            if attachment is None:
                losses.add(f"a part of the type {one_line(str(part.get('type')), 30)}", place)
            else:
                yield file_part(attachment)


def _attachment(part: Mapping[str, Any]) -> Attachment | None:
    """Return the file that a part has, or None if the part has only its id, or is of another type."""
    source = mapping(part.get("source"))
    if source:
        return of_url(source.get("url")) or of_base64(source.get("data"), source.get("media_type"))
    match part.get("type"):
        case "image_url" | "input_image":
            image = part.get("image_url")
            return of_url(image if isinstance(image, str) else mapping(image).get("url"))
        case "input_audio":
            sound = mapping(part.get("input_audio"))
            kind = text(sound.get("format"))
            return of_base64(sound.get("data"), _TYPES.get(kind, f"audio/{kind}"))
        case "file" | "input_file":
            file = mapping(part.get("file")) or part
            return of_url(file.get("file_data")) or of_url(file.get("file_url"))
        case _:
            return None


def _beside(message: Mapping[str, Any], place: str, losses: Losses) -> Iterator[Part]:
    """Yield the parts that a message has in fields of their own."""
    if text(message.get("refusal")):
        yield text_part(text(message["refusal"]))
    sound = mapping(message.get("audio"))
    if sound:
        kept = of_base64(sound.get("data"), "audio/wav")
        if text(sound.get("transcript")):
            yield text_part(text(sound["transcript"]))
        if kept is not None:
            yield file_part(kept)
        else:
            losses.add("a spoken reply (the file has only its id)", place)
    images = message.get("images")
    for image in images if isinstance(images, list) else ():
        kept = of_url(image) or of_base64(image, None)
        if kept is not None:
            yield file_part(kept)
        else:
            losses.add("an image that can't be read", place)
    yield from calls(message.get("tool_calls"))
    legacy = mapping(message.get("function_call"))
    if legacy:
        yield call_part(text(legacy.get("name")), legacy.get("arguments"), None)


def calls(value: Any) -> Iterator[Part]:
    """Yield the tool calls in a field `tool_calls`."""
    for call in mappings(value):
        function = mapping(call.get("function")) or mapping(call.get("custom")) or call
        arguments = function.get("arguments", function.get("input"))
        yield call_part(text(function.get("name")), arguments, text(call.get("id")) or None)


def _result(message: Mapping[str, Any], parts: list[Part]) -> Part:
    name = text(message.get("tool_name")) or text(message.get("name"))
    found = next((part for part in parts if part.type == "tool_result"), None)
    if found is not None:
        return found
    return _of_result(parts, text(message.get("tool_call_id")) or None, name)


def _of_result(parts: list[Part], id_: str | None, name: str, *, error: bool = False) -> Part:
    output = "\n".join(str(part.data["text"]) for part in parts if part.type == "text")
    files = [attachment for part in parts for attachment in part.attachments]
    made = result_part(output, id_, error=error, files=files)
    return Part({**made.data, "name": name}, made.attachments) if name else made
