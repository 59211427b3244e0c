"""The contents of a session: exchanges of one or more turns, their messages, and prompts without a complete answer.

The values are in llm's wire form, to be sent again or written to files. `reader.values` has the form for the pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from .frozen import dataclass

Side = Literal["prompt", "tool", "reply", "fragment"]
"""The part of an exchange that a passage comes from: `fragment` is a fragment or text attachment of its prompt."""

SIDES: tuple[Side, ...] = ("prompt", "tool", "reply", "fragment")
"""All sides, in the order of the numbers in memory_passages.side and memory_recalls.side."""


@dataclass(frozen=True)
class Attachment:
    """An attachment as llm stores it. `content` is None if it is kept in a file or behind a URL."""

    id: str
    type: str | None
    path: str | None = None
    url: str | None = None
    content: bytes | None = None


@dataclass(frozen=True)
class Part:
    """One part of a message, in llm's own wire form (`Part.to_dict()`), without its attachments.

    `fragments` are the contents of the fragments that the text includes, so that it can be stored by reference again.
    """

    data: Mapping[str, Any]
    attachments: tuple[Attachment, ...] = ()
    fragments: tuple[str, ...] = ()

    @property
    def type(self) -> str:
        """The type: text, reasoning, tool_call, tool_result or attachment."""
        return str(self.data["type"])


@dataclass(frozen=True)
class Message:
    """One message of a chain: system, user, assistant or tool."""

    role: str
    parts: tuple[Part, ...]
    provider_metadata: Mapping[str, Any] | None = None

    @property
    def text(self) -> str:
        """The message's plain text: all its text parts joined."""
        return "".join(str(part.data.get("text") or "") for part in self.parts if part.type == "text")

    @staticmethod
    def of_text(role: str, text: str) -> Message:
        """Return a message with one text part."""
        return Message(role, (Part({"type": "text", "text": text}),))


@dataclass(frozen=True)
class Turn:
    """One model call: its own input (the part that was new) and its output.

    `input_tokens` and `output_tokens` are the server's counts for the whole call, or None if it gave none.
    `request_base` is the estimated base of the whole request (see tokens), `block_id` the block that it was sent in,
    `window` the model's context window as known at the time, and `cut` how the server cut the request. These four are
    None if the prompt was not sent through a session.
    """

    id: str
    model: str
    input: tuple[Message, ...]
    output: tuple[Message, ...]
    datetime_utc: str = ""
    duration_ms: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    request_base: float | None = None
    block_id: int | None = None
    window: int | None = None
    cut: str | None = None
    fragments: tuple[str, ...] = ()
    """The sources (or hashes) of the fragments that were sent with the prompt."""
    schema: str = ""
    """The JSON schema that the reply had to follow, if there was one."""


@dataclass(frozen=True)
class Exchange:
    """A prompt and everything up to its final reply: one or more turns. Numbered from 1 within its session."""

    number: int
    turns: tuple[Turn, ...]

    @property
    def id(self) -> str:
        """The id of its first turn; unlike the number, it never changes."""
        return self.turns[0].id

    @property
    def has_prompt(self) -> bool:
        """Whether its first turn has a prompt: a text, a file, a fragment or a result of a tool."""
        first = self.turns[0]
        return bool(first.fragments) or any(map(_says_something, first.input))

    @property
    def has_reply(self) -> bool:
        """Whether its last turn has a text or the call of a tool."""
        return any(map(_says_something, self.turns[-1].output))

    @property
    def messages(self) -> tuple[Message, ...]:
        """All messages, in order."""
        return tuple(message for turn in self.turns for message in (*turn.input, *turn.output))

    @property
    def prompt(self) -> str:
        """The text that the person wrote."""
        return "\n".join(m.text for m in self.turns[0].input if m.role == "user")

    @property
    def reply(self) -> str:
        """The model's answer, without reasoning and tool traffic."""
        return "\n".join(text for turn in self.turns for m in turn.output if (text := m.text))


@dataclass(frozen=True)
class Attempt:
    """A prompt without a complete answer: the prompt, the error, and the part of the reply that had arrived.

    `request` is everything needed to send it again (see llm_seam); `answered_by` is the turn that finally answered it.
    `in_progress` is set while the process that sends it runs.
    """

    id: str
    thread_id: str
    model: str
    prompt: str
    error: str
    partial: str
    datetime_utc: str
    duration_ms: int | None
    request: Mapping[str, Any]
    answered_by: str | None = None
    in_progress: bool = False


def _says_something(message: Message) -> bool:
    """Return whether a message has a text that is not blank, a file, or the call or result of a tool."""
    return any(
        part.attachments or part.type != "text" or str(part.data.get("text") or "").strip()
        for part in message.parts
        if part.type != "reasoning"
    )
