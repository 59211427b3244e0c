"""What was said in a thread, as the pages show it: frozen values. Pure: no SQL, no Datasette, no HTML.

`model.said` has the same as llm's wire form, to be sent again and to be written to files; here texts are cut into
pieces by where they come from, and costs are added, because that is what is shown. A test builds one from the other.
"""

from __future__ import annotations

from dataclasses import dataclass

from .entries import Line
from .figures import summed
from .sent import Summary


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
        return summed(*(call.duration_ms for call in self.calls))

    @property
    def input_tokens(self) -> int | None:
        """What its last request had: earlier ones are part of that."""
        return self.calls[-1].input_tokens

    @property
    def output_tokens(self) -> int | None:
        """What came back in all its calls."""
        return summed(*(call.output_tokens for call in self.calls))

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
