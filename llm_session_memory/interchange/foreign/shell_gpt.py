"""shell_gpt's chats: files without an ending in its cache folder, each a JSON list of messages. Pure.

A chat begins with the role's prompt, which says “You are NAME”. It has no times and no model, and at most a hundred
messages: shell_gpt drops the oldest ones after the first. The name of the file is the chat's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from ..lines import FileRefused
from .plain_talk import Talk, openai_calls
from .source import SourceFile
from .transcripts import count_unknown, last_changed, some_files, text
from .values import ForeignConversation, Losses

_LARGEST = 64 << 20
_FIELDS = frozenset(("role", "content", "tool_calls", "tool_call_id", "name"))
_BEGINS = re.compile(
    rb'\s*\[\s*\{\s*"role"\s*:\s*"system"\s*,\s*"content"\s*:\s*"(?:You are [^\\"]{1,80}\\n|.{0,80}Role name:)'
)


class ShellGpt:
    """Reads a chat, or the folder of them."""

    source = "shell-gpt"
    title = "shell_gpt's chats"
    may_repeat = True

    def recognises(self, source: SourceFile) -> bool:
        """Return whether a file is a list of messages that begins with a role of shell_gpt."""
        if source.is_folder:
            return any(_BEGINS.match(one.head) for one in some_files(source, "*"))
        return _BEGINS.match(source.head) is not None

    def conversations(self, source: SourceFile, losses: Losses) -> Iterator[ForeignConversation]:
        """Read the chats."""
        files = [source]
        if source.is_folder:
            files = [file for file in map(SourceFile, source.files("*")) if _BEGINS.match(file.head)]
        for file in files:
            yield _chat(file, losses)


def _chat(source: SourceFile, losses: Losses) -> ForeignConversation:
    content = source.content(_LARGEST)
    try:
        messages = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise FileRefused(f"{source.name} is not complete JSON. Was it cut off?") from error
    talk = Talk(losses)
    for number, message in enumerate(messages, 1):
        place = f"message {number:,} of {source.name}"
        if not isinstance(message, dict):
            losses.add("a message that is not an object", place)
            continue
        count_unknown(message, _FIELDS, "a message", place, losses)
        if message.get("role") == "tool":
            talk.result(text(message.get("content")), text(message.get("tool_call_id")), place)
        else:
            talk.add(text(message.get("role")), message.get("content"), place, openai_calls(talk, message))
    name = Path(source.name).name
    return ForeignConversation(
        key=name,
        exchanges=[one.exchange() for one in talk.told],
        name=name,
        created_utc=last_changed(source),
        system=talk.system,
    )


FORMAT = ShellGpt()
