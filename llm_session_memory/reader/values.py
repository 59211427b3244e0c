"""What the pages show, as frozen values. Pure: no SQL, no Datasette, no HTML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .. import model
from .sent import Summary

PAGE = 50
"""Sessions on a page of the list, exchanges on a page of a transcript, hits on a page of a search."""

Sort = Literal["used", "tokens", "exchanges"]
SORTS: dict[Sort, str] = {"used": "last used", "tokens": "most tokens", "exchanges": "most exchanges"}

MARKS, RATED = model.MARKS, model.RATED
"""What an exchange may be rated; and what a list or a search is narrowed to, by the same words as in the terminal."""

RATED_WORDS: dict[str, str] = {
    "good": "rated good",
    "bad": "rated bad",
    "any": "rated",
    "none": "not rated",
    "up": "rated up",
    "down": "rated down",
    **{star: f"rated {star} of 5" for star in "54321"},
}
"""What a list or a search may be narrowed to by rating, as it is offered: the words of RATED."""


@dataclass(frozen=True)
class Filters:
    """What a person narrowed a list or a search to; None: not said. Dates are days, `YYYY-MM-DD`, the last included."""

    text: str | None = None
    model: str | None = None
    tag: str | None = None
    since: str | None = None
    until: str | None = None
    named: bool = False
    rated: str | None = None
    """One of RATED. A session is in a list if one of its exchanges is rated so, for `none` if none has a rating."""

    @property
    def any(self) -> bool:
        """Whether anything is left out."""
        return self != Filters()


@dataclass(frozen=True)
class Cost:
    """What calls cost: dollars of those whose price is known, and how many of all were counted, priced and local."""

    dollars: float | None = None
    calls: int = 0
    counted: int = 0
    priced: int = 0
    local: int = 0

    def __add__(self, other: Cost) -> Cost:
        known = [cost.dollars for cost in (self, other) if cost.dollars is not None]
        return Cost(
            sum(known) if known else None,
            self.calls + other.calls,
            self.counted + other.counted,
            self.priced + other.priced,
            self.local + other.local,
        )

    @property
    def words(self) -> str:
        """The cost as it is shown: empty where nothing is known, “local” where nothing has a price."""
        if self.dollars is None:
            return "local" if self.calls and self.local == self.calls else ""
        return dollars(self.dollars) + ("" if self.priced == self.counted else " +")


def dollars(amount: float) -> str:
    """Return an amount as people read it: to the cent."""
    return "<$0.01" if 0 < amount < _CENT else f"${amount:,.2f}"


def small_dollars(amount: float) -> str:
    """Return the cost of one exchange, which may be a small part of a cent."""
    return f"${amount:.4f}" if _CENT / 100 <= amount < _CENT else dollars(amount)


_CENT = 0.01


@dataclass(frozen=True)
class Figures:
    """What a thread holds, in numbers."""

    exchanges: int = 0
    calls: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: Cost = Cost()
    first_utc: str = ""
    last_utc: str = ""
    duration_ms: int | None = None

    def __add__(self, other: Figures) -> Figures:
        return Figures(
            self.exchanges + other.exchanges,
            self.calls + other.calls,
            _sum(self.input_tokens, other.input_tokens),
            _sum(self.output_tokens, other.output_tokens),
            self.cost + other.cost,
            min(filter(None, (self.first_utc, other.first_utc)), default=""),
            max(self.last_utc, other.last_utc),
            _sum(self.duration_ms, other.duration_ms),
        )


def _sum(*numbers: int | None) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None


@dataclass(frozen=True)
class Line:
    """A session, or a conversation without a name, as a line of the list."""

    thread_id: str
    name: str | None
    first_words: str
    model: str
    figures: Figures
    tags: tuple[str, ...] = ()
    policy: str | None = None
    budget: int | None = None
    pins: int = 0
    attempts: int = 0
    forked_from: str | None = None

    @property
    def reference(self) -> str:
        """What its address ends in: the name, or the id of a conversation that has none."""
        return self.name or self.thread_id

    @property
    def title(self) -> str:
        """What it is called on the page."""
        return self.name or self.first_words or self.thread_id


@dataclass(frozen=True)
class Listing:
    """A page of the list, and the key of the next one."""

    lines: tuple[Line, ...]
    next: str | None
    named: int
    others: int
    models: tuple[str, ...]
    tags: tuple[str, ...]
    rated: bool = False


@dataclass(frozen=True)
class Held:
    """An attachment as far as the log tells. `kept`: its bytes are in the log."""

    id: str
    type: str
    path: str | None = None
    url: str | None = None
    size: int | None = None

    @property
    def kept(self) -> bool:
        """Whether its bytes are in the log."""
        return self.size is not None


@dataclass(frozen=True)
class Piece:
    """One piece of what was said, in the order in which it was: `kind` says how it is shown.

    text, reasoning, tool_call, tool_result, fragment, attachment, or other. `name` is the tool's or the fragment's.
    """

    kind: str
    text: str = ""
    name: str = ""
    attachments: tuple[Held, ...] = ()


@dataclass(frozen=True)
class Said:
    """One message: who said it (system, user, assistant, tool), and its pieces."""

    role: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Call:
    """One model call: what was new in it, and what came back."""

    id: str
    model: str
    messages: tuple[Said, ...]
    datetime_utc: str
    duration_ms: int | None
    input_tokens: int | None
    output_tokens: int | None
    cost: float | None
    tools: tuple[str, ...] = ()
    estimate: int | None = None
    cut: str | None = None
    older: bool = False


@dataclass(frozen=True)
class Recall:
    """An excerpt of an older exchange that was sent with a prompt, and the words it was found by."""

    number: int
    words: tuple[str, ...]
    tokens: int


@dataclass(frozen=True)
class Start:
    """Where a block began: why, and the first exchange that was still sent whole (None: all)."""

    reason: str
    first_sent: int | None


@dataclass(frozen=True)
class Judged:
    """What a person thought of an exchange, and the label that it was given; each may be missing."""

    mark: str = ""
    note: str = ""
    rated_utc: str = ""
    label: str = ""

    @property
    def words(self) -> str:
        """The mark as people read it: `rated up`, `rated 4 of 5`; empty where there is none."""
        return f"rated {self.mark} of 5" if self.mark.isdigit() else f"rated {self.mark}" if self.mark else ""

    @property
    def told(self) -> str:
        """The mark, and why."""
        return ": ".join(filter(None, (self.words, self.note)))


@dataclass(frozen=True)
class Exchange:
    """A prompt and everything up to its final reply, numbered from 1. `pause`: idle seconds before it."""

    number: int
    calls: tuple[Call, ...]
    pinned: bool = False
    start: Start | None = None
    recalls: tuple[Recall, ...] = ()
    pause: float | None = None
    judged: Judged = Judged()

    @property
    def id(self) -> str:
        """The id of its first turn, which never changes."""
        return self.calls[0].id

    @property
    def duration_ms(self) -> int | None:
        """How long its calls took, one after the other."""
        return _sum(*(call.duration_ms for call in self.calls))

    @property
    def input_tokens(self) -> int | None:
        """What its last request had: earlier ones are part of that."""
        return self.calls[-1].input_tokens

    @property
    def output_tokens(self) -> int | None:
        """What came back in all its calls."""
        return _sum(*(call.output_tokens for call in self.calls))

    @property
    def cost(self) -> float | None:
        """What its calls cost, None where the price of none is known."""
        known = [call.cost for call in self.calls if call.cost is not None]
        return sum(known) if known else None


@dataclass(frozen=True)
class Attempt:
    """A prompt that got no whole answer."""

    id: str
    model: str
    prompt: str
    partial: str
    error: str
    datetime_utc: str
    duration_ms: int | None
    answered_by: str | None
    answered_number: int | None = None


@dataclass(frozen=True)
class Note:
    """A note that is always sent."""

    text: str
    author: str
    created_utc: str


@dataclass(frozen=True)
class Settings:
    """What a session is set to, and what its newest request was."""

    system: str | None = None
    model: str | None = None
    options: str = ""
    policy: str | None = None
    budget: int | None = None
    window: int | None = None
    window_source: str = ""
    created_utc: str = ""
    last_number: int | None = None
    last_estimate: int | None = None
    last_budget: int | None = None
    last_start: int | None = None


@dataclass(frozen=True)
class Transcript:
    """A page of a transcript: some of a thread's exchanges, the attempts among them, and what is said of all."""

    line: Line
    settings: Settings
    exchanges: tuple[Exchange, ...]
    attempts: tuple[Attempt, ...]
    pins: tuple[int, ...] = ()
    notes: tuple[Note, ...] = ()
    total: int = 0
    older: bool = False
    summaries: tuple[Summary, ...] = ()

    @property
    def first(self) -> int:
        """The number of the first exchange shown, 0 where there is none."""
        return self.exchanges[0].number if self.exchanges else 0

    @property
    def last(self) -> int:
        """The number of the last exchange shown, 0 where there is none."""
        return self.exchanges[-1].number if self.exchanges else 0


@dataclass(frozen=True)
class Hit:
    """A place where something was found. Snippets have MARK before and UNMARK after what matched."""

    turn_id: str
    number: int | None
    model: str
    datetime_utc: str
    prompt: str
    reply: str


MARK, UNMARK = "\ue000", "\ue001"
"""Around what matched, in a snippet: characters for private use, that no page shows."""


@dataclass(frozen=True)
class Found:
    """The hits of one session, best or newest first."""

    line: Line
    hits: tuple[Hit, ...]


@dataclass(frozen=True)
class Results:
    """A page of a search. `limited`: so many matches that only the newest `limited` were ranked."""

    groups: tuple[Found, ...]
    hits: int
    next: str | None
    limited: int | None = None
