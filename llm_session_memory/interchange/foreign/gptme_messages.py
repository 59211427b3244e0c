"""The messages of gptme's logs, put together as exchanges. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from ...model import Attachment, Part
from .telling import TokenUsage, Told
from .transcripts import (
    call_part,
    count_unknown,
    file_part,
    mapping,
    number,
    reply_parts,
    result_part,
    text,
    text_part,
)
from .values import Losses

_MESSAGE = frozenset(
    "role content timestamp files file_hashes call_id pinned hide quiet ephemeral_ttl metadata".split()
)
_METADATA = frozenset("model resolved_model cost usage timings tool prompt_generation".split())
_COUNTS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens")
_CALL = re.compile(r"^@([\w.]+)\(([\w\-:.]+)\):\s*(?={)", re.MULTILINE)
_BLOCK = re.compile(r"^```([\w.-]+)", re.MULTILINE)
_SIGNATURE = re.compile(r"<!--\s*think-sig:.*?-->\s*", re.DOTALL)

Stored = Callable[[str, str], "Attachment | None"]
"""Returns a file, given its path and the hash under which gptme stored it."""


class GptmeLog:
    """A log that is being read."""

    def __init__(self, stored: Stored, losses: Losses) -> None:
        self.told: list[Told] = []
        self.model: str | None = None
        self.begun = ""
        self._stored = stored
        self._losses = losses
        self._systems: list[str] = []
        self._outputs = 0

    @property
    def system(self) -> str | None:
        """The system messages before the first prompt."""
        return "\n\n".join(self._systems) or None

    def add(self, message: Mapping[str, Any], place: str) -> None:
        """Add a message."""
        metadata = mapping(message.get("metadata"))
        count_unknown(message, _MESSAGE, "a message", place, self._losses)
        count_unknown(metadata, _METADATA | {*_COUNTS}, "a message's metadata", place, self._losses)
        role, said, at = text(message.get("role")), text(message.get("content")), _moment(message.get("timestamp"))
        self.begun = self.begun or at
        files = self._files(message, place)
        if role == "user":
            before = self.told[-1] if self.told else None
            self.told.append(Told(text(message.get("timestamp")) or None, [text_part(said), *files], at, before))
        elif role == "assistant":
            self._say(said, metadata, at)
        elif role != "system":
            self._losses.add(f"a message with the role {role or 'without a role'}", place)
        elif not self.told:
            self._systems.append(said)
        elif not self.told[-1].answered:  # what gptme looked up for the prompt
            self.told[-1].asked += [text_part(f"\n\n{said}"), *files]
        else:
            self._output(message, said, files, at)

    def _say(self, said: str, metadata: Mapping[str, Any], at: str) -> None:
        if not self.told:
            self.told.append(Told(at or None, [], at, None))
        self.model = text(metadata.get("model")) or self.model
        self.told[-1].say(
            [one for part in reply_parts(_SIGNATURE.sub("", said)) for one in _with_calls(part)],
            model=text(metadata.get("model")) or None,
            usage=_usage(metadata),
            answer=at,
            duration_ms=_duration(mapping(metadata.get("timings"))),
        )

    def _output(self, message: Mapping[str, Any], said: str, files: list[Part], at: str) -> None:
        """Add the output of a tool. If its call has no id, it is a call without arguments: they are in the reply."""
        told, id_ = self.told[-1], text(message.get("call_id"))
        held = [attachment for part in files for attachment in part.attachments]
        if not told.has_call(id_):
            self._outputs += 1
            id_ = id_ if id_ and not told.knows(id_) else f"output-{self._outputs}"
            tool = text(mapping(message.get("metadata")).get("tool")) or _tool(told)
            told.say([call_part(tool, {}, id_)])
        told.result(result_part(said, id_, files=held), at)

    def _files(self, message: Mapping[str, Any], place: str) -> list[Part]:
        """Return the files of a message that gptme stored with the conversation."""
        names = message.get("files")
        hashes = mapping(message.get("file_hashes"))
        parts = []
        for name in names if isinstance(names, list) else []:
            found = self._stored(text(name), text(hashes.get(text(name))))
            if found is None:
                self._losses.add("a file that gptme did not store with the conversation", place)
            else:
                parts.append(file_part(found))
        return parts


def _with_calls(part: Part) -> list[Part]:
    """Return a text of a reply with the calls of tools in it as parts of their own."""
    said = text(part.data.get("text"))
    if part.type != "text" or "@" not in said:
        return [part]
    made: list[Part] = []
    done = 0
    for found in _CALL.finditer(said):
        if found.start() < done:
            continue
        try:
            arguments, end = json.JSONDecoder(strict=False).raw_decode(said, found.end())
        except (ValueError, RecursionError):
            continue
        before = said[done : found.start()].strip()
        made += [text_part(before)] if before else []
        made.append(call_part(found[1], arguments, found[2]))
        done = end
    rest = said[done:].strip() if done else said
    return [*made, text_part(rest)] if rest else made


def _tool(told: Told) -> str:
    """Return the name of the tool of an output: the language of the last block of code that was said."""
    said = [text(part.data.get("text")) for part in told.newest_said if part.type == "text"]
    blocks = _BLOCK.findall("\n".join(said))
    return blocks[-1] if blocks else "tool"


def _moment(value: Any) -> str:
    """Return a time in ISO form; one without a zone is on this computer's clock, as gptme writes it."""
    try:
        read = datetime.fromisoformat(re.sub(r"Z$", "+00:00", text(value)))
        return read.isoformat() if read.tzinfo else read.astimezone().isoformat()
    except (ValueError, OverflowError):
        return text(value)


def _usage(metadata: Mapping[str, Any]) -> TokenUsage | None:
    """Return the tokens of a reply. In old logs they are not in `usage`, but beside it."""
    usage = mapping(metadata.get("usage")) or metadata
    sent, got, *cached = (number(usage.get(name)) for name in _COUNTS)
    if sent is None and got is None:
        return None
    details: dict[str, Any] = {name: count for name, count in zip(_COUNTS[2:], cached, strict=True) if count}
    whole = None if sent is None else sent + sum(details.values())
    cost = metadata.get("cost")
    priced = {"cost": cost} if isinstance(cost, (int, float)) and not isinstance(cost, bool) else {}
    return TokenUsage(whole, got, {**details, **priced})


def _duration(timings: Mapping[str, Any]) -> int | None:
    taken = [timings.get(name) for name in ("ttft_ms", "gen_ms")]
    counted = [one for one in taken if isinstance(one, (int, float)) and 0 <= one < 1 << 40]
    return int(sum(counted)) if counted else None
