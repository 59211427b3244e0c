"""Gemini CLI's chats: `~/.gemini/tmp/PROJECT/chats/session-*.json` and `.jsonl`, and checkpoints of `/chat save`. Pure.

The format is that of its `chatRecordingTypes.ts`. A `.json` is one object with `messages`. A `.jsonl` begins with the
same object without messages; a message with an id that was there before replaces it, `$set` changes facts (or all
messages), and `$rewindTo` takes back a message and what came after it. A subagent's chat has the kind `subagent`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..lines import FileRefused
from . import telling
from .gemini_messages import Chat
from .source import SourceFile
from .transcripts import beginning, folder_name, last_changed, mapping, mappings, records, some_files, text
from .values import ForeignConversation, Losses

_LARGEST = 512 << 20
"""The most bytes of a chat that is one JSON object; it is read whole."""

_FILES = ("chats/*.jsonl", "chats/*.json", "*.jsonl", "*.json")
"""The files that are looked at to recognise a folder, chats first: Gemini CLI's own folder has many others."""

_HASH = re.compile("[0-9a-f]{64}")
_FACTS = frozenset(
    "sessionId projectHash startTime lastUpdated messages summary kind directories memoryScratchpad".split()
)


class GeminiCli:
    """Reads a chat, or a folder of them."""

    source = "gemini-cli"
    title = "Gemini CLI's chats"
    may_repeat = True

    def recognises(self, source: SourceFile) -> bool:
        """Return whether a file begins as a chat or a checkpoint does, or a folder has such a file."""
        if source.is_folder:
            return any(_is_chat(one.head) for one in some_files(source, *_FILES))
        return _is_chat(source.head)

    def conversations(self, source: SourceFile, losses: Losses) -> Iterator[ForeignConversation]:
        """Read the chats, each with what was taken back in it as a branch."""
        files = [source]
        if source.is_folder:
            paths = sorted([*source.files("*.json"), *source.files("*.jsonl")])
            files = [file for file in map(SourceFile, paths) if _is_chat(file.head)]
        some = False
        for file in files:
            for conversation in _chat(file, losses):
                some = True
                yield conversation
        if not some:
            raise FileRefused(f"There is no prompt in {source.name}.", "Import another file.")


def _is_chat(head: bytes) -> bool:
    start = head[:4096].lstrip()
    if re.match(rb'\[\s*\{\s*"role"\s*:\s*"user"\s*,\s*"parts"\s*:', start):
        return True
    if re.match(rb'\{\s*"history"\s*:\s*\[\s*\{\s*"(?:role|parts)"', start):
        return True
    first = next(iter(beginning(head, 1)), {})
    if first:
        return {"sessionId", "projectHash"} <= first.keys()
    if not start.startswith(b"{"):
        return False
    return all(re.search(rb'"%s"\s*:\s*"' % name, head) for name in (b"sessionId", b"projectHash"))


def _chat(source: SourceFile, losses: Losses) -> Iterator[ForeignConversation]:
    """Yield a chat and its branches."""
    chat = Chat(source.name, losses)
    facts: dict[str, Any] = {}
    for value, place in _values(source, losses):
        if isinstance(value, list) or "history" in value:
            chat.contents(mappings(value if isinstance(value, list) else value["history"]))
        elif "$rewindTo" in value:
            chat.rewind(text(value["$rewindTo"]))
        elif "$set" in value or "sessionId" in value:
            said = mapping(value.get("$set", value))
            for name in said:
                if name not in _FACTS:
                    losses.add(f"the field {name} of a chat", place)
            facts.update({name: one for name, one in said.items() if name != "messages"})
            if "messages" in said:
                chat.messages(mappings(said["messages"]))
        else:
            chat.message(value, place)
    told = chat.finished()
    yield from telling.conversations(_conversation(facts, chat, source), told, source.name, losses)


def _values(source: SourceFile, losses: Losses) -> Iterator[tuple[Any, str]]:
    """Yield the values of a chat, each with its place: the lines, or the one object that the file is."""
    lines = source.head.splitlines()
    first = next(iter(beginning(source.head, 1)), {})
    if first and "messages" not in first and "history" not in first and len(lines) > 1:
        for place, line in records(source, losses):
            yield line, place
        return
    content = source.content(_LARGEST)
    try:
        yield json.loads(content), source.name
    except UnicodeDecodeError as error:
        raise FileRefused(f"{source.name} is not UTF-8 text.") from error
    except (ValueError, RecursionError) as error:
        raise FileRefused(f"{source.name} is not complete JSON. Was it cut off?") from error


def _conversation(facts: Mapping[str, Any], chat: Chat, source: SourceFile) -> ForeignConversation:
    folder = _directory(source.path)
    is_part = facts.get("kind") == "subagent"
    meta = {"directory": folder if "/" in folder or "\\" in folder else ""}
    # A checkpoint has no id; it is saved under a name, and again under the same name when the chat continued.
    name = Path(source.name).stem.removeprefix("checkpoint-")
    return ForeignConversation(
        key=text(facts.get("sessionId")) or f"checkpoint {name}",
        exchanges=(),
        name=text(facts.get("summary")) or (None if facts else name),
        created_utc=text(facts.get("startTime")) or last_changed(source),
        model=chat.model,
        project=folder_name(folder),
        tags=("subagent",) if is_part else (),
        meta={key: value for key, value in meta.items() if value},
        archived=is_part,
    )


def _directory(path: Path) -> str:
    """Return the directory that a chat belongs to, or its name: from Gemini CLI's own folder, in which the chat is."""
    for parent in path.absolute().parents:
        if parent.name == "chats":
            root = parent.parent / ".project_root"
            try:
                return root.read_text(encoding="utf-8")[:4096].strip() if root.is_file() else _name(parent.parent.name)
            except (OSError, UnicodeDecodeError):
                return _name(parent.parent.name)
    return ""


def _name(folder: str) -> str:
    """Return the name of a project's folder, unless it is the hash of a path."""
    return "" if _HASH.fullmatch(folder) else folder


FORMAT = GeminiCli()
