"""The messages of ChatGPT's export as the parts of llm's messages.

OpenAI does not document the format. It is known from the exports that people get: each message has an author with a
role, a recipient (a tool, or “all”), and content of one of many types.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ...model import Attachment, Part
from . import chatgpt_fields
from .export_files import MISSING, file_id_in
from .shapes import dict_of, list_of, text_of
from .values import Losses

Held = Callable[[str, "str | None"], "Attachment | None"]
"""Returns the attachment with a file's id, given its type, or None if the export does not have it."""

_MARKS = re.compile("\ue200[^\ue201]*\ue201")
"""A reference to a source, in characters that only ChatGPT's pages can show."""

_TEXTS = {
    "code": "text",
    "execution_output": "text",
    "system_error": "text",
    "tether_quote": "text",
    "tether_browsing_display": "result",
    "sonic_webpage": "text",
    "reasoning_recap": "content",
    "computer_output": "text",
}
"""Which field has the text, by the content's type. The others have “parts”, or are handled by themselves."""

CONTEXTS = ("user_editable_context", "model_editable_context")
"""The types of what ChatGPT always sends: what a person told it about themselves, and what it remembers."""


class ChatGPTMessages:
    """Reads messages. `held` has the export's files; what can't be taken over is counted as a loss."""

    def __init__(self, held: Held, losses: Losses, place: str) -> None:
        self._held, self._losses, self._place = held, losses, place
        self._calls: list[tuple[str, str]] = []
        self._unasked = 0

    def prompt(self, message: Mapping[str, Any]) -> tuple[Part, ...]:
        """Return the parts of a person's message: its text, and its attachments."""
        text, held = self._content(message)
        for file in list_of(dict_of(message.get("metadata")).get("attachments")):
            file_id, type_ = file_id_in(file.get("id")), file.get("mimeType") or file.get("mime_type")
            if file_id and file_id not in held:
                held[file_id] = self._held(file_id, type_ if isinstance(type_, str) else None)
        return (Part({"type": "text", "text": text}), *self._attached(held))

    def reply(self, messages: Iterable[Mapping[str, Any]]) -> tuple[Part, ...]:
        """Return the parts of all that followed a prompt: thoughts, texts, calls of tools and their results."""
        parts: list[Part] = []
        self._unasked = 0
        for message in messages:
            for part in self._said(message):
                again = part.type == "text" and any(one.type == "text" for one in parts)
                parts.append(Part({**part.data, "text": f"\n\n{part.data['text']}"}) if again else part)
        self._calls.clear()
        return tuple(parts)

    def _said(self, message: Mapping[str, Any]) -> Iterator[Part]:
        author, content = dict_of(message.get("author")), dict_of(message.get("content"))
        role, kind = author.get("role"), content.get("content_type")
        to = message.get("recipient")
        text, held = self._content(message)
        if role == "tool":
            for one in list_of(dict_of(dict_of(message.get("metadata")).get("aggregate_result")).get("messages")):
                if file_id := file_id_in(one.get("image_url")):
                    held.setdefault(file_id, self._held(file_id, None))
            yield from self._result(str(author.get("name") or "tool"), text, held)
        elif kind in ("thoughts", "reasoning_recap"):
            if text:
                yield Part({"type": "reasoning", "text": text})
        elif role == "assistant" and isinstance(to, str) and to not in ("all", "assistant", ""):
            yield self._call(to, text, str(message.get("id") or ""))
        else:
            if text.strip():
                yield Part({"type": "text", "text": text})
            yield from self._attached(held)

    def _call(self, name: str, text: str, id_: str) -> Part:
        self._calls.append((name, id_))
        try:
            arguments = json.loads(text)
        except (ValueError, RecursionError):
            arguments = None
        if not isinstance(arguments, dict):
            arguments = {"code" if name == "python" else "input": text}
        made = {"type": "tool_call", "name": name, "arguments": arguments, "tool_call_id": id_, "server_executed": True}
        return Part(made)

    def _result(self, name: str, text: str, held: Mapping[str, Attachment | None]) -> Iterator[Part]:
        """Yield the result of a tool's oldest call without one, or else of any call, or of one that is made up here."""
        tool = name.partition(".")[0]
        waiting = [one for one in self._calls if one[0].partition(".")[0] == tool] or self._calls
        if not waiting:
            self._unasked += 1
            yield self._call(name, "{}", f"unasked {self._unasked}")
            waiting = self._calls
        called, id_ = waiting[0]
        self._calls.remove((called, id_))
        attachments = tuple(one.attachments[0] for one in self._attached(held))
        made = {"type": "tool_result", "name": called, "output": text, "tool_call_id": id_, "server_executed": True}
        yield Part(made, attachments)

    def _attached(self, held: Mapping[str, Attachment | None]) -> Iterator[Part]:
        for attachment in held.values():
            if attachment is None:
                self._losses.add(MISSING, self._place)
            else:
                yield Part({"type": "attachment"}, (attachment,))

    # -- contents ------------------------------------------------------

    def _content(self, message: Mapping[str, Any]) -> tuple[str, dict[str, Attachment | None]]:
        """Return the text of a message, and the files in it by their ids."""
        content = dict_of(message.get("content"))
        kind = text_of(content.get("content_type"))
        held: dict[str, Attachment | None] = {}
        if kind == "thoughts":
            thoughts = (dict_of(one) for one in list_of(content.get("thoughts")))
            text = "\n\n".join(_joined(one.get("summary"), one.get("content")) for one in thoughts)
        elif kind in CONTEXTS:
            text = ""
        elif kind in _TEXTS:
            text = _joined(content.get("title") if kind == "tether_quote" else None, content.get(_TEXTS[kind]))
        else:
            if kind not in ("text", "multimodal_text"):
                self._losses.add(f"the form of a message of the type “{kind}” (its text is imported)", self._place)
            parts = content.get("parts")
            pieces = parts if isinstance(parts, list) else [content.get("text"), content.get("result")]
            text = "\n".join(filter(None, (self._piece(piece, held) for piece in pieces)))
        self._unknown(content, chatgpt_fields.CONTENT, "a message's content")
        self._unknown(dict_of(message.get("metadata")), chatgpt_fields.METADATA, "a message's metadata")
        return _readable(text, message), held

    def _unknown(self, value: Mapping[str, Any], known: frozenset[str], what: str) -> None:
        for name in value.keys() - known:
            self._losses.add(f"the field {name} of {what}", self._place)

    def _piece(self, piece: object, held: dict[str, Attachment | None]) -> str:
        """Return the text of a part of a content, and add its file to `held`."""
        if isinstance(piece, str):
            return piece
        if not isinstance(piece, dict):
            return ""
        if piece.get("content_type") == "audio_transcription":
            return str(piece.get("text") or "")
        self._unknown(piece, chatgpt_fields.PIECE, "a part of a message")
        pointers = [piece.get("asset_pointer"), dict_of(piece.get("audio_asset_pointer")).get("asset_pointer")]
        found = [file_id for pointer in pointers if (file_id := file_id_in(pointer))]
        for file_id in found:
            held.setdefault(file_id, self._held(file_id, None))
        if not found:
            self._losses.add(f"a part of a message of the type “{piece.get('content_type')}”", self._place)
        if piece.get("frames_asset_pointers"):
            self._losses.add("the pictures of a video", self._place)
        text = piece.get("text")
        return text if isinstance(text, str) else ""


def contexts(message: Mapping[str, Any]) -> list[str]:
    """Return what a person told ChatGPT about themselves, or what it remembers, if a message is the one that has it."""
    content, metadata = dict_of(message.get("content")), dict_of(message.get("metadata"))
    data = dict_of(metadata.get("user_context_message_data"))
    texts = [data.get("about_user_message"), data.get("about_model_message")]
    if not any(texts):
        texts = [content.get("user_profile"), content.get("user_instructions"), content.get("model_set_context")]
    return [text.strip() for text in texts if isinstance(text, str) and text.strip()]


def is_hidden(message: Mapping[str, Any]) -> bool:
    """Return whether ChatGPT's pages don't show a message."""
    metadata, content = dict_of(message.get("metadata")), dict_of(message.get("content"))
    if dict_of(message.get("author")).get("role") == "system" or content.get("content_type") in CONTEXTS:
        return True
    return bool(metadata.get("is_visually_hidden_from_conversation") or metadata.get("is_user_system_message"))


def _readable(text: str, message: Mapping[str, Any]) -> str:
    """Return a text with its references to sources as links, instead of characters that only ChatGPT's pages show."""
    if "\ue200" not in text:
        return text
    for one in list_of(dict_of(message.get("metadata")).get("content_references")):
        matched, instead = one.get("matched_text"), one.get("alt")
        if isinstance(matched, str) and "\ue200" in matched:
            text = text.replace(matched, instead if isinstance(instead, str) else "")
    return _MARKS.sub("", text)


def _joined(*texts: object) -> str:
    return "\n".join(text for text in texts if isinstance(text, str) and text)
