"""What is sent for a prompt, and why: its budget and window, its block, its context item by item."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .said import Message, Side

Fate = Literal["system", "notes", "summary", "tools", "pinned", "recent", "recalled", "summarised", "pruned", "prompt"]
"""Why an item is in the context or not: `pinned`, `recent`, `recalled`, `summarised` and `pruned` are said of
exchanges, the others are the request's own parts."""


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
