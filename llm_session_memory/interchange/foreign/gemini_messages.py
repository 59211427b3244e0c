"""The messages of Gemini CLI's chats, put together as exchanges. Pure.

A message of the model has its thoughts, its text, the tools that it called, and their results. So the results begin
the next turn, which the next message of the model continues. A checkpoint has messages as Gemini's API takes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...model import Attachment, Part
from .telling import TokenUsage, Told
from .transcripts import (
    call_part,
    count_unknown,
    file_part,
    mapping,
    mappings,
    number,
    of_base64,
    of_url,
    result_part,
    text,
    text_part,
    thought,
)
from .values import Losses

_MESSAGE = frozenset("id timestamp type content displayContent toolCalls thoughts tokens model".split())
_CALL = frozenset(
    "id name args result status timestamp agentId displayName description resultDisplay renderOutputAsMarkdown".split()
)
_PART = frozenset(
    "text thought thoughtSignature inlineData fileData functionCall functionResponse videoMetadata".split()
)
_SETUP = "This is the Gemini CLI. We are setting up the context for our chat."
"""How Gemini CLI begins the message with which it tells the model about the directory."""


class Chat:
    """A chat that is being read."""

    def __init__(self, place: str, losses: Losses) -> None:
        self.model: str | None = None
        self._losses = losses
        self._at = self._file = place
        self._messages: dict[str, tuple[Mapping[str, Any], str]] = {}
        self._all: dict[str, tuple[Mapping[str, Any], str]] = {}
        """The messages, and those that were taken back."""
        self._before: dict[str, str] = {}
        """The message before each, by id."""
        self._told: list[Told] = []

    # -- a recorded chat -------------------------------------------------

    def messages(self, messages: Sequence[Mapping[str, Any]]) -> None:
        """Take all messages of the chat; there are no others."""
        self._messages.clear()
        for count, one in enumerate(messages, 1):
            self.message(one, f"message {count:,} of {self._file}")

    def message(self, message: Mapping[str, Any], place: str) -> None:
        """Take a message, or a later form of one that is there."""
        id_ = text(message.get("id")) or f"without id {len(self._all)}"
        self._before.setdefault(id_, next(reversed(self._messages), ""))
        self._messages[id_] = self._all[id_] = (message, place)

    def rewind(self, id_: str) -> None:
        """Take back a message and all after it; all messages if there is none with this id."""
        kept = [*self._messages]
        kept = kept[: kept.index(id_)] if id_ in self._messages else []
        self._messages = {one: self._messages[one] for one in kept}

    def finished(self) -> list[Told]:
        """Return the exchanges, the newest that was not taken back at the end."""
        of: dict[str, Told | None] = {"": None}
        for id_, (message, place) in self._all.items():
            of[id_] = self._add(message, place, of[self._before[id_]])
        newest = of[next(reversed(self._messages))] if self._messages else None
        if newest is not None:
            self._told.remove(newest)
            self._told.append(newest)
        return self._told

    def _add(self, message: Mapping[str, Any], place: str, before: Told | None) -> Told | None:
        self._at = place
        count_unknown(message, _MESSAGE, "a message", place, self._losses)
        at, kind = text(message.get("timestamp")), text(message.get("type"))
        if kind == "user":
            parts = self._parts(message.get("content"))
            return self._ask(text(message.get("id")), parts, at, before) if parts else before
        if kind != "gemini":
            self._losses.add(f"a message of the kind {kind or 'without a kind'}", place)
            return before
        self.model = text(message.get("model")) or self.model
        said = [thought(_thought(one)) for one in mappings(message.get("thoughts"))]
        said += self._parts(message.get("content"))
        calls = mappings(message.get("toolCalls"))
        said += [call_part(text(one.get("name")), one.get("args"), text(one.get("id"))) for one in calls]
        told = before or self._ask(text(message.get("id")), [], at, None)
        usage = mapping(message.get("tokens"))
        told.say(
            said, at, text(message.get("model")) or None, _usage(usage) if usage else None, text(message.get("id"))
        )
        for one in calls:
            count_unknown(one, _CALL, "a call of a tool", place, self._losses)
            told.result(self._result(one), text(one.get("timestamp")) or at)
        return told

    def _result(self, call: Mapping[str, Any]) -> Part:
        """Return the result of a tool: texts and files, or responses of functions, which have them."""
        said, files = [], list[Attachment]()
        result = call.get("result")
        for one in [result] if isinstance(result, (str, Mapping)) else result if isinstance(result, list) else []:
            response = mapping(mapping(one).get("functionResponse"))
            if response:
                given = mapping(response.get("response"))
                said.append(text(given.get("output")) or text(given.get("error")))
                files += [file for part in self._parts(response.get("parts")) for file in part.attachments]
                continue
            for part in self._parts(one):
                said.append(text(part.data.get("text")))
                files += part.attachments
        failed = call.get("status") in ("error", "cancelled")
        return result_part("\n".join(filter(None, said)), text(call.get("id")), error=failed, files=files)

    # -- a checkpoint ----------------------------------------------------

    def contents(self, contents: Sequence[Mapping[str, Any]]) -> None:
        """Take the messages of a checkpoint, which are as Gemini's API takes them."""
        told: Told | None = None
        for count, content in enumerate(contents, 1):
            self._at = f"message {count:,} of {self._file}"
            parts = mappings(content.get("parts"))
            answers = [mapping(one.get("functionResponse")) for one in parts if "functionResponse" in one]
            for one in answers:
                id_ = text(one.get("id")) or text(one.get("name"))
                part = self._result({"id": id_, "result": [{"functionResponse": one}]})
                if told is None or not told.result(part):
                    self._losses.add("the result of a tool that was not called, or had a result already", self._at)
            said = self._parts([one for one in parts if "functionResponse" not in one])
            if content.get("role") == "model":
                told = told or self._ask("", [], "", None)
                told.say(said)
            elif said and text(said[0].data.get("text")).startswith(_SETUP):
                self._losses.add("the message with which Gemini CLI describes the directory", self._at)
            elif said:
                told = self._ask(str(len(self._told) + 1), said, "", told)

    def _ask(self, key: str, parts: list[Part], at: str, before: Told | None) -> Told:
        told = Told(key or None, parts, at, before)
        self._told.append(told)
        return told

    # -- parts -----------------------------------------------------------

    def _parts(self, content: Any) -> list[Part]:
        """Return a content (a text, a part, or a list of both) as parts."""
        if isinstance(content, str):
            return [text_part(content)] if content else []
        made: list[Part] = []
        for one in content if isinstance(content, list) else [content]:
            part = _part(one)
            if part is not None:
                made.append(part)
            elif one and one != {"text": ""}:
                kind = next((name for name in mapping(one) if name in _PART), "") or "of no known kind"
                self._losses.add(f"a part {kind}", self._at)
            if isinstance(one, Mapping):
                count_unknown(one, _PART, "a part", self._at, self._losses)
        return made


def _part(one: Any) -> Part | None:
    if isinstance(one, str):
        return text_part(one) if one else None
    value = mapping(one)
    call = mapping(value.get("functionCall"))
    if call:
        return call_part(text(call.get("name")), call.get("args"), text(call.get("id")) or text(call.get("name")))
    if text(value.get("text")):
        return thought(text(value["text"])) if value.get("thought") is True else text_part(text(value["text"]))
    inline, elsewhere = mapping(value.get("inlineData")), mapping(value.get("fileData"))
    found = of_base64(inline.get("data"), inline.get("mimeType")) if inline else of_url(elsewhere.get("fileUri"))
    return file_part(found) if found else None


def _thought(one: Mapping[str, Any]) -> str:
    """Return a thought: its subject, which is like a title, and its description."""
    subject = text(one.get("subject")).strip()
    return "\n\n".join(filter(None, (f"**{subject}**" if subject else "", text(one.get("description")).strip())))


def _usage(usage: Mapping[str, Any]) -> TokenUsage:
    """Return the tokens of a message. Thoughts are billed as output, and are counted apart from it."""
    output, thoughts = number(usage.get("output")), number(usage.get("thoughts"))
    details = {name: count for name in ("cached", "thoughts", "tool") if (count := number(usage.get(name)))}
    return TokenUsage(number(usage.get("input")), output if output is None else output + (thoughts or 0), details)
