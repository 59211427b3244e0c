"""aichat's sessions: `~/.config/aichat/sessions/NAME.yaml`. Pure.

The format is that of its `session.rs`: `model`, `messages`, and options. When a session was compressed, the messages so
far are in `compressed_messages`, and `messages` begins with a summary of them. It has no times, but a session that
aichat named has the time of the day and the date in its file's name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

from .plain_talk import Talk
from .source import SourceFile
from .transcripts import count_unknown, last_changed, mapping, mappings, some_files, text
from .values import ForeignConversation, Losses
from .yaml_text import parsed

_LARGEST = 64 << 20
_BEGINS = re.compile(rb"(?:\xef\xbb\xbf)?(?:---\s*\n)?model:[ \t]*\S")
_MESSAGES = re.compile(rb"^(?:compressed_)?messages:", re.MULTILINE)
_NAMED = re.compile(r"(\d{8}T\d{6})(?:-(.+))?")
_OPTIONS = ("temperature", "top_p")
_FACTS = ("use_tools", "role_name")
_SESSION = frozenset(
    "model temperature top_p use_tools save_session compress_threshold role_name agent_variables agent_instructions "
    "compressed_messages messages data_urls".split()
)


class Aichat:
    """Reads a session, or the folder of them."""

    source = "aichat"
    title = "aichat's sessions"
    may_repeat = True

    def recognises(self, source: SourceFile) -> bool:
        """Return whether a file is YAML with a model and messages, or a folder has such a file."""
        if source.is_folder:
            return any(_is_session(one.head) for one in some_files(source, "*.yaml"))
        return _is_session(source.head)

    def conversations(self, source: SourceFile, losses: Losses) -> Iterator[ForeignConversation]:
        """Read the sessions."""
        files = [source]
        if source.is_folder:
            files = [file for file in map(SourceFile, source.files("*.yaml")) if _is_session(file.head)]
        for file in files:
            yield _session(file, losses)


def _is_session(head: bytes) -> bool:
    return bool(_BEGINS.match(head) and _MESSAGES.search(head))


def _session(source: SourceFile, losses: Losses) -> ForeignConversation:
    content = source.content(_LARGEST)
    session = mapping(parsed(content, source.name))
    count_unknown(session, _SESSION, "a session", source.name, losses)
    compressed, messages = mappings(session.get("compressed_messages")), mappings(session.get("messages"))
    if compressed and messages and messages[0].get("role") == "system":
        losses.add("a summary that a compression made", source.name)
        messages = messages[1:]
    talk = Talk(losses)
    for number, message in enumerate(chain(compressed, messages), 1):
        _add(talk, message, f"message {number:,} of {source.name}", losses)
    client, _, model = text(session.get("model")).partition(":")
    facts = {"client": client if model else "", **{name: text(session.get(name)) for name in _FACTS}}
    stem = Path(source.name).stem
    named = _NAMED.fullmatch(stem)
    return ForeignConversation(
        key=stem,
        exchanges=[one.exchange(model=model or client or None) for one in talk.told],
        name=named[2] if named else stem,
        created_utc=(_local(named[1]) if named else "") or last_changed(source),
        model=model or client or None,
        system=talk.system or text(session.get("agent_instructions")) or None,
        options={name: session[name] for name in _OPTIONS if isinstance(session.get(name), (int, float))},
        meta={name: value for name, value in facts.items() if value},
    )


def _add(talk: Talk, message: Mapping[str, Any], place: str, losses: Losses) -> None:
    count_unknown(message, ("role", "content"), "a message", place, losses)
    role, content = text(message.get("role")), message.get("content")
    if not isinstance(content, Mapping):
        talk.add(role, content, place)
        return
    # The model's answers that called tools, with the results.
    results = mappings(content.get("tool_results"))
    called = [(mapping(one.get("call")), one.get("output")) for one in results]
    calls = [talk.call(text(one.get("name")), one.get("arguments"), text(one.get("id"))) for one, _ in called]
    talk.add("assistant", text(content.get("text")), place, calls)
    for part, (_, output) in zip(calls, called, strict=True):
        said = output if isinstance(output, str) else json.dumps(output, ensure_ascii=False)
        talk.result(said, str(part.data["tool_call_id"]), place)


def _local(stamp: str) -> str:
    """Return a time on this computer's clock as ISO text with its zone, or an empty text."""
    try:
        return datetime.strptime(stamp, "%Y%m%dT%H%M%S").astimezone().isoformat()
    except (ValueError, OverflowError):
        return ""


FORMAT = Aichat()
