"""The messages of a thread as the pages show them: frozen values. Pure: no SQL, no Datasette, no HTML.

`model.said` has the same messages in llm's wire form, for sending and for files. Here texts are split into pieces by
their source, and costs are added, because the pages show both. A test checks that the two forms agree.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..model.shown import Opinion
from .entries import Family, FamilyBranch, Line
from .figures import summed
from .given import Enclosed
from .sent import Summary


@dataclass(frozen=True)
class HeldAttachment:
    """An attachment as the log describes it, without its bytes."""

    id: str
    type: str
    path: str | None = None
    url: str | None = None
    size: int | None = None

    @property
    def kept(self) -> bool:
        """Whether the log has its bytes."""
        return self.size is not None


@dataclass(frozen=True)
class Piece:
    """One piece of a message.

    `kind` decides how it is shown: text, reasoning, tool_call, tool_result, fragment, excerpt, fence, attachment, or
    other. `name` is the name of the tool or the fragment. `call` is the id that a tool call shares with its result.
    """

    kind: str
    text: str = ""
    name: str = ""
    attachments: tuple[HeldAttachment, ...] = ()
    call: str = ""


@dataclass(frozen=True)
class Said:
    """One message: its role (system, user, assistant, tool) and its pieces."""

    role: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Call:
    """One model call: its new input and its output."""

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
    schema: str = ""
    """The JSON schema of the reply that was asked for, as JSON, or empty."""


@dataclass(frozen=True)
class RecalledPassage:
    """An excerpt of an older exchange sent with a prompt, and the words that found it.

    An excerpt of another session has its thread, and the `session`'s name unless that was deleted or can't be seen.
    """

    number: int
    words: tuple[str, ...]
    tokens: int
    thread_id: str | None = None
    session: str = ""
    turn_id: str = ""
    """The turn that it is from, or empty if that is unknown."""


@dataclass(frozen=True)
class Start:
    """The start of a block: the reason, and the first exchange that was still sent whole (None: all were).

    `recalls` tells whether relevant parts of the others are recalled from then on.
    """

    reason: str
    first_sent: int | None
    recalls: bool = False


@dataclass(frozen=True)
class Judged:
    """The rating of an exchange, its label, and what others think of it; each may be missing."""

    mark: str = ""
    note: str = ""
    rated_utc: str = ""
    label: str = ""
    others: tuple[Opinion, ...] = ()

    @property
    def words(self) -> str:
        """The mark in words: `rated up`, `rated 4 of 5`, or empty if there is no rating."""
        return f"rated {self.mark} of 5" if self.mark.isdigit() else f"rated {self.mark}" if self.mark else ""

    @property
    def with_reason(self) -> str:
        """The mark in words, and the reason."""
        return ": ".join(filter(None, (self.words, self.note)))


@dataclass(frozen=True)
class Exchange:
    """A prompt and everything up to its final reply, numbered from 1. `pause` is the idle time before it in seconds."""

    number: int
    calls: tuple[Call, ...]
    pinned: bool = False
    start: Start | None = None
    recalls: tuple[RecalledPassage, ...] = ()
    pause: float | None = None
    judged: Judged = Judged()

    @property
    def id(self) -> str:
        """The id of the exchange's first turn, which never changes."""
        return self.calls[0].id

    @property
    def duration_ms(self) -> int | None:
        """The total duration of its calls."""
        return summed(*(call.duration_ms for call in self.calls))

    @property
    def input_tokens(self) -> int | None:
        """The input tokens of its last request, which contains the earlier ones."""
        return self.calls[-1].input_tokens

    @property
    def output_tokens(self) -> int | None:
        """The output tokens of all its calls."""
        return summed(*(call.output_tokens for call in self.calls))

    @property
    def cost(self) -> float | None:
        """The cost of its calls with a known price, or None if no price is known."""
        known = [call.cost for call in self.calls if call.cost is not None]
        return sum(known) if known else None


@dataclass(frozen=True)
class Attempt:
    """A prompt that did not get a complete reply, or not yet: `in_progress` while the process that sends it runs."""

    id: str
    model: str
    prompt: str
    partial: str
    error: str
    datetime_utc: str
    duration_ms: int | None
    answered_by: str | None
    answered_number: int | None = None
    in_progress: bool = False
    given: tuple[Enclosed, ...] = ()
    is_next: bool = False
    """Whether it is the one that `llm sessions retry` would send again: the newest that failed and has no answer."""


@dataclass(frozen=True)
class Note:
    """A note that is always sent."""

    text: str
    author: str
    created_utc: str


@dataclass(frozen=True)
class Undone:
    """An exchange that was undone, with the number of the exchange before it, or 0. It has no number of its own."""

    after: int
    exchange: Exchange
    undone_utc: str

    @property
    def id(self) -> str:
        """The id of the exchange's first turn."""
        return self.exchange.id


@dataclass(frozen=True)
class NamedPoint:
    """A snapshot of a session, with the number of its last exchange, or 0.

    If that exchange was undone, `undone` is its id, and the number is that of the one before it.
    """

    id: int
    label: str
    number: int
    made_utc: str
    undone: str | None = None


@dataclass(frozen=True)
class Stem:
    """The exchanges `first` to `last` of a fork's history, which are those of another session."""

    reference: str
    heading: str
    first: int
    last: int


@dataclass(frozen=True)
class Settings:
    """The settings of a session, and its newest request."""

    system: str | None = None
    model: str | None = None
    options: str = ""
    policy: str | None = None
    budget: int | None = None
    window: int | None = None
    window_source: str = ""
    created_utc: str = ""
    last_number: int | None = None
    last_id: str = ""
    """The id of the exchange with that number."""
    last_estimate: int | None = None
    last_budget: int | None = None
    last_start: int | None = None
    recall_from: str = ""
    is_private: bool = False


@dataclass(frozen=True)
class Transcript:
    """A page of a transcript: some exchanges, the failed attempts among them, and the facts about the whole thread."""

    line: Line
    settings: Settings
    exchanges: tuple[Exchange, ...]
    attempts: tuple[Attempt, ...]
    pins: tuple[int, ...] = ()
    notes: tuple[Note, ...] = ()
    everywhere: tuple[Note, ...] = ()
    """The notes for all sessions, if this one sends them."""
    total: int = 0
    older: bool = False
    summaries: tuple[Summary, ...] = ()
    family: Family = field(default_factory=Family)
    number_in_parent: int | None = None
    """The number that the last exchange which a fork shares has in the session that it was forked from."""
    tree: tuple[FamilyBranch, ...] = ()
    """The whole family, if it has more members."""
    snapshots: tuple[NamedPoint, ...] = ()
    stems: tuple[Stem, ...] = ()
    """The parts of a fork's history that are not its own, oldest first."""
    undone: tuple[Undone, ...] = ()
    """The undone exchanges among those shown, if they were asked for."""
    undone_in_all: int = 0

    @property
    def first(self) -> int:
        """The number of the first exchange shown, or 0."""
        return self.exchanges[0].number if self.exchanges else 0

    @property
    def last(self) -> int:
        """The number of the last exchange shown, or 0."""
        return self.exchanges[-1].number if self.exchanges else 0
