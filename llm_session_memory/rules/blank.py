"""Messages without blank texts, because hosted interfaces refuse those. Pure.

Without this, one reply of a line break would be sent back with every later prompt, and each of them would fail.
"""

from __future__ import annotations

import unicodedata
from dataclasses import replace

from ..model import Message, Part

NO_REPLY = "[no reply]"
"""Replaces an empty answer, so that two prompts in a row stay two turns for models and in the log."""

NO_PROMPT = "[empty prompt]"
"""Replaces a prompt that is blank and has no attachment."""

NO_OUTPUT = "[no output]"
"""Replaces the blank result of a tool."""

_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Characters that look like nothing but are not in one of the categories of blanks."""

_CATEGORIES = ("Zs", "Zl", "Zp", "Cc", "Cf")
_SAYS = ("text", "tool_call", "tool_result", "attachment")
"""The kinds of parts that are enough for a message; a model may not be sent its reasoning again."""


def is_blank(text: str | None) -> bool:
    """Return whether a text shows nothing: it is empty, or has only blanks, controls and characters of no width."""
    return not text or all(
        char.isspace()
        or char in _INVISIBLE
        or unicodedata.category(char) in _CATEGORIES
        or "VARIATION SELECTOR" in unicodedata.name(char, "")
        for char in text
    )


def without_blanks(message: Message) -> Message:
    """Return a message without blank texts, or with a word in place of them if nothing else is left.

    Returns the message itself if there is nothing to change.
    """
    if message.role == "system":
        return message
    parts = tuple(_with_output(part) for part in message.parts if not _is_blank_text(part))
    if message.parts and not any(part.type in _SAYS for part in parts):
        instead = NO_REPLY if message.role == "assistant" else NO_PROMPT
        parts = (*parts, Part({"type": "text", "text": instead}))
    return message if parts == message.parts else replace(message, parts=parts)


def _is_blank_text(part: Part) -> bool:
    return part.type == "text" and not part.attachments and is_blank(str(part.data.get("text") or ""))


def _with_output(part: Part) -> Part:
    if part.type != "tool_result" or not is_blank(str(part.data.get("output") or "")):
        return part
    return replace(part, data={**part.data, "output": NO_OUTPUT})
