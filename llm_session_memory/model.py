"""The facts of the product as frozen values: what a session is, what was said in it, what is sent of it.

Pure: no SQL, no llm, no decisions. The words are those of the glossary in docs/memory.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Fate = Literal["system", "notes", "summary", "tools", "pinned", "recent", "recalled", "summarised", "pruned", "prompt"]
"""Why an item is in the context or not: `pinned`, `recent`, `recalled`, `summarised` and `pruned` are said of
exchanges, the others are the request's own parts."""

POLICIES = ("recall", "window", "summary", "full")
"""The policies that a session can have, the default first. `summary` and `recall` combine: “summary,recall”."""

Side = Literal["prompt", "tool", "reply"]
"""What of an exchange a passage is from."""

SIDES: tuple[Side, ...] = ("prompt", "tool", "reply")
"""All sides, in the order in which memory_passages.side and memory_recalls.side count them."""

DEFAULT_MAX_CONTEXT_TOKENS = 64_000
"""Tokens of a whole request where neither the session nor the model's window says less."""


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
class Settings:
    """What a session remembers for its next prompts, or what one prompt asks for; None means: not said.

    `memory` is a policy, `recall_share` the share of a request that recall may have (above 0, below 1), `recall_model`
    an embedding model, `summary_model` the one that makes summaries.
    """

    model: str | None = None
    system: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    max_context_tokens: int | None = None
    memory: str | None = None
    recall_share: float | None = None
    recall_model: str | None = None
    summary_model: str | None = None


@dataclass(frozen=True)
class Note:
    """Something that a session always sends, like a pin. `author` is "you", or the model that kept it."""

    id: int
    text: str
    author: str
    created_utc: str


MARKS = ("up", "down", "1", "2", "3", "4", "5")
"""What an exchange may be rated: thumbs, or stars."""

RATED: dict[str, tuple[str, ...]] = {
    "good": ("up", "4", "5"),
    "bad": ("down", "1", "2"),
    "any": MARKS,
    "none": (),
    **{mark: (mark,) for mark in MARKS},
}
"""What a list or a search is narrowed to by rating, and the marks that each stands for; `none` is all that has none."""


@dataclass(frozen=True)
class Rating:
    """What a person thinks of an exchange: `mark` is one of MARKS. It is never sent."""

    mark: str
    note: str = ""
    rated_utc: str = ""


@dataclass(frozen=True)
class Bookmark:
    """A label that a person gave an exchange, to find it again."""

    label: str
    created_utc: str = ""


@dataclass(frozen=True)
class Beside:
    """What is kept beside a conversation."""

    tags: tuple[str, ...] = ()
    meta: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class Summary:
    """A summary of exchanges that are no longer sent, from the one of `first_turn_id` to that of `last_turn_id`.

    `model` is None where a person wrote it; the tokens are what making it cost, as the server counted.
    """

    id: int
    text: str
    first_turn_id: str
    last_turn_id: str
    exchanges: int
    model: str | None
    input_tokens: int | None
    output_tokens: int | None
    duration_ms: int | None
    made_utc: str


@dataclass(frozen=True)
class Hit:
    """An exchange that a search found, with a passage of the side (prompt, reply or tool) that matched.

    `marks` are the (start, end) of the matches within the snippet; a higher `score` is better.
    """

    session: str
    thread_id: str
    number: int
    exchange_id: str
    model: str
    datetime_utc: str
    score: float
    side: str
    snippet: str
    marks: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Session:
    """A name bound to one llm thread, with its settings."""

    thread_id: str
    name: str
    created_utc: str
    settings: Settings


@dataclass(frozen=True)
class SessionSummary:
    """A session as a line of the list."""

    session: Session
    exchanges: int
    input_tokens: int
    output_tokens: int
    last_used_utc: str
    attempts: int
    tags: tuple[str, ...] = ()
    meta: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Filters:
    """What narrows a list of sessions or a search; what is empty narrows nothing.

    `tags`: a session has all of them. `meta`: it has these values, or for None any. `model`: the id of the model of a
    session or of what it answered, with or without “ollama/”. `since`, and `until` (not included): when a session was
    last used or a prompt was sent, ISO, UTC. `rated`: one of RATED, what an exchange is rated; a session is in the list
    if one of its exchanges is, for `none` if none has a rating.
    """

    tags: tuple[str, ...] = ()
    meta: Mapping[str, str | None] = field(default_factory=dict)
    model: str | None = None
    since: str | None = None
    until: str | None = None
    rated: str | None = None


@dataclass(frozen=True)
class WindowFacts:
    """What a server said of a model's context length, in tokens: as loaded, by its Modelfile, by its training."""

    loaded: int | None = None
    configured: int | None = None
    trained: int | None = None
    asked_utc: str = ""
    loaded_utc: str = ""


@dataclass(frozen=True)
class Window:
    """A model's context length in tokens, and in words where that figure was learned. `tokens` None: not known."""

    tokens: int | None
    source: str


@dataclass(frozen=True)
class Budget:
    """The most tokens that a whole request may have, and why: the least of the setting and the window less the room.

    `room` is what is left for the answer, 0 where no window is known.
    """

    tokens: int
    setting: int
    window: Window
    room: int = 0


@dataclass(frozen=True)
class Sized:
    """An exchange as a policy sees it: its number, its id and the tokens that it costs."""

    number: int
    id: str
    tokens: int


@dataclass(frozen=True)
class Block:
    """A stretch of prompts between two cuts, in which each request only grows at its end.

    `start` is the number of the first of the newest exchanges that are sent, `pinned` the ids of the exchanges put
    before them. `front` stands for all that is sent before the newest exchanges: another front is another block.
    `clip` is the tokens to which exchange `start` was cut, None where it is sent whole. `reason` says, for people, why
    the block began. `start_number` is the number that the start had then (None where the block began without earlier
    exchanges): what another process logs late may have moved it since.
    `last_turn_id` is the last turn of this block, None in a block that is just beginning.
    """

    id: int | None
    start_id: str | None
    pinned: tuple[str, ...]
    policy: str
    budget: int
    front: str
    reason: str
    clip: int | None = None
    oversized: bool = False
    start_number: int | None = None
    last_turn_id: str | None = None

    @property
    def pruned(self) -> bool:
        """Whether exchanges before the start were left out when the block began."""
        return self.start_number is not None and self.start_number > 1


@dataclass(frozen=True)
class Recalled:
    """An excerpt of an older exchange that is sent with a prompt, and why.

    `text` is what is sent, label included, and `tokens` what that costs. `words` are the prompt's words that it was
    found by, rarest first; none where it stands beside what was found, or is near in meaning.
    """

    passage_id: int
    number: int
    side: Side
    text: str
    tokens: int
    score: float
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Item:
    """One line of a context's explanation: exchanges `first` to `last` (0 for parts that are not exchanges).

    `score` is that of a recalled excerpt, higher is better; scores of one prompt can be compared with each other.
    """

    fate: Fate
    reason: str
    tokens: int
    first: int = 0
    last: int = 0
    text: str = ""
    clipped: bool = False
    score: float | None = None

    @property
    def number(self) -> int:
        """The exchange's number, 0 for parts that are not exchanges; of a range the first."""
        return self.first


@dataclass(frozen=True)
class Context:
    """What is sent for one prompt, and why.

    `chain` is all that is sent before the new prompt, `input` the new prompt with what was recalled for it; `tokens`
    estimates the whole request, tool definitions included. `base` is that request before the model's rate is applied
    (see tokens). `block` is the block that the request continues, or (id None) the one that it begins; `start` the
    number of its first recent exchange. `exchanges` is how many the session has, `after_turn_id` its newest turn.
    `calibrated`: the estimate rests on counts of this model. `before` is count and base of the request that this one
    extends. `system` is the text of the system message, notes and summary included. `notices` are sentences for the
    person, `items` the explanation where it was asked for.
    """

    chain: tuple[Message, ...]
    block: Block
    start: int | None
    tokens: int
    base: float
    budget: Budget
    after_turn_id: str | None
    exchanges: int
    calibrated: bool = False
    before: tuple[int, float] | None = None
    notices: tuple[str, ...] = ()
    input: tuple[Message, ...] = ()
    system: str | None = None
    recalled: tuple[Recalled, ...] = ()
    items: tuple[Item, ...] = ()

    @property
    def messages(self) -> tuple[Message, ...]:
        """Exactly what is sent, in order: the chain and the new prompt."""
        return (*self.chain, *self.input)


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
