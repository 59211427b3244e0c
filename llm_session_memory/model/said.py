"""What was said in a session: exchanges of one or more turns, their messages, and attempts that got no whole answer.

In llm's wire form, so that it can be sent again and written to files; `reader.values` has it as the pages show it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Side = Literal["prompt", "tool", "reply"]
"""What of an exchange a passage is from."""

SIDES: tuple[Side, ...] = ("prompt", "tool", "reply")
"""All sides, in the order in which memory_passages.side and memory_recalls.side count them."""


@dataclass(frozen=True)
class Attachment:
    """What llm stores of an attachment. `content` is None where it lives in a file or behind a URL."""

    id: str
    type: str | None
    path: str | None = None
    url: str | None = None
    content: bytes | None = None


@dataclass(frozen=True)
class Part:
    """One part of a message, in llm's own wire form (`Part.to_dict()`), less its attachments.

    `fragments` are the contents of the fragments that its text borrows from, so that it can be stored by reference
    again.
    """

    data: Mapping[str, Any]
    attachments: tuple[Attachment, ...] = ()
    fragments: tuple[str, ...] = ()

    @property
    def type(self) -> str:
        """text, reasoning, tool_call, tool_result or attachment."""
        return str(self.data["type"])


@dataclass(frozen=True)
class Message:
    """One message of a chain: system, user, assistant or tool."""

    role: str
    parts: tuple[Part, ...]
    provider_metadata: Mapping[str, Any] | None = None

    @property
    def text(self) -> str:
        """The message's plain text: its text parts, one after the other."""
        return "".join(str(part.data.get("text") or "") for part in self.parts if part.type == "text")

    @staticmethod
    def of_text(role: str, text: str) -> Message:
        """Return a message of one text part."""
        return Message(role, (Part({"type": "text", "text": text}),))


@dataclass(frozen=True)
class Turn:
    """One model call: its own input (what was new in it) and its output.

    `input_tokens` and `output_tokens` are the server's counts for the whole call, None where it gave none.
    `request_base` is what the whole request weighed by our own measure (see tokens), `block_id` the block it was sent
    in, `window` the model's window as it was known then, and `cut` how the server cut it; all None where the prompt
    did not come through a session.
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
    """The sources (or hashes) of the fragments that came with the prompt."""


@dataclass(frozen=True)
class Exchange:
    """A prompt and everything up to its final reply: one or more turns. Numbered from 1 within its session."""

    number: int
    turns: tuple[Turn, ...]

    @property
    def id(self) -> str:
        """The id of its first turn; unlike the number it never changes."""
        return self.turns[0].id

    @property
    def messages(self) -> tuple[Message, ...]:
        """All its messages, in order."""
        return tuple(message for turn in self.turns for message in (*turn.input, *turn.output))

    @property
    def prompt(self) -> str:
        """What the person wrote."""
        return "\n".join(m.text for m in self.turns[0].input if m.role == "user")

    @property
    def reply(self) -> str:
        """What the model answered, without reasoning and tool traffic."""
        return "\n".join(text for turn in self.turns for m in turn.output if (text := m.text))


@dataclass(frozen=True)
class Attempt:
    """A prompt that got no whole answer: what was asked, what went wrong, what had come by then.

    `request` is what is needed to send it again (see the seam), `answered_by` the turn that answered it in the end.
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
