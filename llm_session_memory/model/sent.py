"""The request for a prompt, and the reasons: its budget and context window, its block, and its context item by item."""

from __future__ import annotations

from typing import Literal

from .frozen import dataclass
from .said import Message, Side

Fate = Literal["system", "notes", "summary", "tools", "pinned", "recent", "recalled", "summarised", "pruned", "prompt"]
"""The reason that an item is or isn't in the context. `pinned`, `recent`, `recalled`, `summarised` and `pruned` apply
to exchanges, the others to the other parts of the request."""


@dataclass(frozen=True)
class WindowFacts:
    """A server's figures for a model's context window, in tokens: as loaded, from its Modelfile, from its training.

    `usual` is what a request without num_ctx got. `server` names the server if it has OpenAI's interface, and is empty
    for llm-ollama's models and for what was learned from an error.
    """

    loaded: int | None = None
    configured: int | None = None
    trained: int | None = None
    asked_utc: str = ""
    loaded_utc: str = ""
    usual: int | None = None
    usual_utc: str = ""
    server: str = ""


@dataclass(frozen=True)
class Window:
    """A model's context window in tokens (None: unknown), and the source of that figure, in words.

    `num_ctx` is what requests name to get it, or None if we add nothing to the options that the person chose.
    """

    tokens: int | None
    source: str
    num_ctx: int | None = None


@dataclass(frozen=True)
class Budget:
    """The most tokens that a whole request may have: the smaller of the setting and the context window minus `room`.

    `room` is reserved for the answer; it is 0 if the context window is unknown.
    """

    tokens: int
    setting: int
    window: Window
    room: int = 0


@dataclass(frozen=True)
class Sized:
    """An exchange as a policy sees it: its number, its id and its size in tokens."""

    number: int
    id: str
    tokens: int


@dataclass(frozen=True)
class Block:
    """A series of prompts between two cuts. Each request is the one before, without its excerpts, and more at its end.

    `start_id` is the first of the newest exchanges that are sent, `pinned` the ids of the exchanges put before them.
    `front` identifies everything that is sent before the newest exchanges; if it changes, a new block begins. `clip` is
    the number of tokens that the start exchange was cut to, or None if it is sent whole. `reason` tells people why the
    block began. `start_number` is the number that the start had when the block began, or None if the block began
    without earlier exchanges; the number may have changed since, if another process logged an earlier turn late.
    `first_id` is the exchange whose prompt or tool results began the block, and `last_turn_id` the block's last turn;
    both are None if the block is just beginning.
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
    first_id: str | None = None
    last_turn_id: str | None = None

    @property
    def pruned(self) -> bool:
        """Whether exchanges before the start were left out when the block began."""
        return self.start_number is not None and self.start_number > 1


@dataclass(frozen=True)
class Recalled:
    """An excerpt of an older exchange that is sent with a prompt, and why.

    `text` is what is sent, including its label, and `tokens` the cost of that. `words` are the words of the prompt that
    found it, rarest first, and a time that it names, as in “said last Tuesday”; it is empty if the excerpt is next to a
    match, or is similar in meaning. An excerpt of another session has its thread and the `session`'s name; `number` is
    then an exchange of that session.
    """

    passage_id: int
    number: int
    side: Side
    text: str
    tokens: int
    score: float
    words: tuple[str, ...] = ()
    thread_id: str | None = None
    session: str = ""


@dataclass(frozen=True)
class ContextItem:
    """One line of a context's explanation: exchanges `first` to `last`, or 0 for parts that are not exchanges.

    `score` is the score of a recalled excerpt; higher is better. Scores can only be compared within one prompt. An
    excerpt of another session has its thread and the `session`'s name.
    """

    fate: Fate
    reason: str
    tokens: int
    first: int = 0
    last: int = 0
    text: str = ""
    clipped: bool = False
    score: float | None = None
    thread_id: str | None = None
    session: str = ""

    @property
    def number(self) -> int:
        """The exchange's number (for a range, the first one), or 0 for parts that are not exchanges."""
        return self.first


@dataclass(frozen=True)
class Context:
    """The messages sent for one prompt, and the reasons.

    `chain` is everything that is sent before the new prompt, `input` the new prompt with the excerpts recalled for it.
    `tokens` estimates the whole request, including tool definitions; `base` is the same before the model's rate is
    applied (see tokens). `block` is the block that the request continues, or (id None) the one that it begins; `start`
    is the number of its first recent exchange. `exchanges` is the number of exchanges in the session, `after_turn_id`
    its newest turn and `greatest_id` the greatest id of its turns. `calibrated` is true if the estimate is based on
    counts for this model. `before` is the count and the base of the part of the request before that this one begins
    with, and how many tokens of that request's count were estimated to leave that part. `system` is the text of the
    system message, including notes and summary. `notices` are sentences for the person; `items` is the
    explanation, if it was asked for. `given`: its history was given, not chosen from the session.
    """

    chain: tuple[Message, ...]
    block: Block
    start: int | None
    tokens: int
    base: float
    budget: Budget
    after_turn_id: str | None
    exchanges: int
    greatest_id: str | None = None
    calibrated: bool = False
    before: tuple[int, float, int] | None = None
    notices: tuple[str, ...] = ()
    input: tuple[Message, ...] = ()
    system: str | None = None
    recalled: tuple[Recalled, ...] = ()
    items: tuple[ContextItem, ...] = ()
    given: bool = False

    @property
    def leaves_out(self) -> bool:
        """Whether anything of the session is not sent whole."""
        begun = self.start == 1 or not self.exchanges
        return not begun or self.block.clip is not None or self.block.oversized

    @property
    def messages(self) -> tuple[Message, ...]:
        """The exact messages that are sent, in order: the chain and the new prompt."""
        return (*self.chain, *self.input)
