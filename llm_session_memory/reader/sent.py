"""One request as frozen values: its messages as they were sent, and the recorded reasons. Pure.

Nothing here repeats the decision: the messages come from llm's own records, the reasons from the session's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, groupby, pairwise
from typing import Literal, NamedTuple

from ..rules.words import counted

Fate = Literal["recent", "pinned", "recalled", "summarised", "pruned"]

Unknown = Literal["older", "imported"]
"""Why the log does not say what was sent: an older llm made the request, or the exchange was imported without it."""


class Message(NamedTuple):
    """One message of a request."""

    hash: str
    role: str
    characters: int


class Stretch(NamedTuple):
    """The messages `begin` to `end` (exclusive) of a request, which form one exchange. `number` is None if unknown."""

    number: int | None
    begin: int
    end: int
    characters: int


@dataclass(frozen=True)
class Excerpt:
    """A passage of an older exchange sent with a prompt; `earlier` if sent with an earlier prompt of the same block.

    A passage of another session has its thread, and the `session`'s name unless that was deleted or can't be seen.
    """

    number: int
    rank: int
    score: float
    tokens: int
    words: tuple[str, ...]
    text: str
    earlier: bool
    thread_id: str | None = None
    session: str = ""

    @property
    def origin(self) -> str:
        """The exchange that it is from: `#3`, or `#3 of “play”`."""
        if self.thread_id is None:
            return f"#{self.number:,}"
        return f"#{self.number:,} of {f'“{self.session}”' if self.session else 'another session'}"


@dataclass(frozen=True)
class Summary:
    """A summary that was sent, and the exchanges that it replaced."""

    id: int
    first: int
    last: int
    model: str | None
    made_utc: str
    text: str


@dataclass(frozen=True)
class Why:
    """The recorded reasons for a request: the policy, the budget and context window, and the start of the block."""

    policy: str
    budget: int
    window: int | None
    window_source: str
    reason: str
    estimate: int
    cut: str | None
    began: int
    start: int | None
    pinned: tuple[int, ...]
    clipped: bool


@dataclass(frozen=True)
class Run:
    """Neighbouring exchanges with the same fate."""

    first: int
    last: int
    fate: Fate

    @property
    def count(self) -> int:
        """The number of exchanges."""
        return self.last - self.first + 1


@dataclass(frozen=True)
class Sent:
    """The request of one call of an exchange.

    `why` is None if no session recorded a choice. `unknown` says why the messages that were sent are not in the log, or
    is None if they are. An imported request can have a recorded choice all the same; its stretches have no messages.
    `changed_utc` is when text in it was deleted or redacted, or None.
    """

    number: int
    call: int
    calls: int
    turn_id: str
    model: str
    datetime_utc: str
    input_tokens: int | None
    output_tokens: int | None
    cost: float | None
    tools: tuple[str, ...]
    messages: tuple[Message, ...]
    stretches: tuple[Stretch, ...]
    why: Why | None = None
    excerpts: tuple[Excerpt, ...] = ()
    summary: Summary | None = None
    notes: tuple[str, ...] = ()
    everywhere: tuple[str, ...] = ()
    """The notes for all sessions that were sent with it."""
    unknown: Unknown | None = None
    total: int = 0
    changed_utc: str | None = None
    schema: str = ""
    """The JSON schema of the reply that it asked for, as JSON, or empty."""

    @property
    def has_fates(self) -> bool:
        """Whether the fate of each earlier exchange is known: from the messages, or from the recorded choice."""
        return self.unknown is None or self.why is not None

    @cached_property
    def characters(self) -> int:
        """The number of characters of all messages."""
        return sum(message.characters for message in self.messages)

    @property
    def tokens(self) -> int | None:
        """The tokens that the server counted, or our estimate if it counted none."""
        if self.input_tokens is not None:
            return self.input_tokens
        return self.why.estimate if self.why else None

    @property
    def system(self) -> Message | None:
        """The system message, or None."""
        return self.messages[0] if self.messages and self.messages[0].role == "system" else None

    def share(self, characters: float) -> int | None:
        """Return the estimated tokens of some of its characters, or None if its tokens are unknown."""
        if self.tokens is None or not self.characters:
            return None
        return round(self.tokens * characters / self.characters)

    @cached_property
    def whole(self) -> frozenset[int]:
        """The numbers of the earlier exchanges that were sent whole."""
        return frozenset(s.number for s in self.stretches if s.number is not None and s.number != self.number)

    @cached_property
    def excerpted(self) -> frozenset[int]:
        """The numbers of the session's own exchanges that excerpts were sent of."""
        return frozenset(excerpt.number for excerpt in self.excerpts if excerpt.thread_id is None)

    def fate(self, number: int) -> Fate:
        """Return the fate of an earlier exchange."""
        if number in self.whole:
            return "pinned" if self.why and number in self.why.pinned else "recent"
        if number in self.excerpted:
            return "recalled"
        if self.summary and self.summary.first <= number <= self.summary.last:
            return "summarised"
        return "pruned"

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """All earlier exchanges, in runs of the same fate."""
        special = self.whole | self.excerpted
        edges = {1, self.number, *special, *(number + 1 for number in special)}
        if self.summary:
            edges |= {self.summary.first, self.summary.last + 1}
        places = sorted(edge for edge in edges if 1 <= edge <= self.number)
        alike = groupby(pairwise(places), key=lambda between: self.fate(between[0]))
        runs: list[Run] = []
        for fate, neighbours in alike:
            (first, after), *others = neighbours
            runs.append(Run(first, (others[-1][1] if others else after) - 1, fate))
        return tuple(runs)

    def counted(self, fate: Fate) -> int:
        """Return the number of earlier exchanges with a fate."""
        return sum(run.count for run in self.runs if run.fate == fate)


@dataclass(frozen=True)
class Since:
    """The changes since the previous request. `shared` is the number of characters that both begin with."""

    number: int
    came: tuple[str, ...]
    fell: tuple[str, ...]
    tokens: int | None
    shared: int
    same_model: bool
    same_block: bool


def beginnings(messages: Sequence[Message]) -> list[int]:
    """Return the places where exchanges begin in a list of messages: each begins with a message of the user."""
    begins = [
        place
        for place, message in enumerate(messages)
        if message.role == "user" and (place == 0 or messages[place - 1].role not in ("user", "tool"))
    ]
    first = 1 if messages and messages[0].role == "system" else 0
    if len(messages) > first and (not begins or begins[0] > first):
        begins.insert(0, first)
    return begins


def stretches(messages: Sequence[Message], numbers: Iterable[int | None] | None = None) -> tuple[Stretch, ...]:
    """Return the exchanges in a list of messages.

    `numbers` are the exchanges that were sent, in order. If their count differs, they are matched from the end.
    """
    begins = beginnings(messages)
    if not begins:
        return ()
    known = list(numbers or [])[-len(begins) :]
    unknown: list[int | None] = [None] * (len(begins) - len(known))
    up_to = list(accumulate((message.characters for message in messages), initial=0))
    ends = [*begins[1:], len(messages)]
    sizes = (up_to[end] - up_to[begin] for begin, end in zip(begins, ends, strict=True))
    return tuple(map(Stretch._make, zip([*unknown, *known], begins, ends, sizes, strict=True)))


def ranges(numbers: Iterable[int]) -> list[str]:
    """Return numbers as ranges: `#3`, `#5–#9`."""
    found: list[list[int]] = []
    for number in sorted(set(numbers)):
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return [f"#{first:,}" if first == last else f"#{first:,}–#{last:,}" for first, last in found]


def _recalled(here: Sent, there: Sent) -> list[str]:
    """Return the excerpts of one request that another has not, in words."""
    has = {(one.thread_id, one.text) for one in there.excerpts}
    new = [one for one in here.excerpts if (one.thread_id, one.text) not in has]
    own = ranges(one.number for one in new if one.thread_id is None)
    return [f"recalled {name}" for name in dict.fromkeys([*own, *(one.origin for one in new if one.thread_id)])]


def since(before: Sent, now: Sent, shared: int) -> Since:
    """Return the changes between two requests, in words."""
    came = ranges(now.whole - before.whole)
    fell = ranges(before.whole - now.whole)
    came += _recalled(now, before)
    fell += _recalled(before, now)
    summaries = [f"a summary of #{one.first:,}–#{one.last:,}" if one else "" for one in (before.summary, now.summary)]
    if summaries[0] != summaries[1] or (before.summary and now.summary and before.summary.id != now.summary.id):
        came += [summaries[1]] if summaries[1] else []
        fell += [summaries[0]] if summaries[0] else []
    had, have = {*before.notes, *before.everywhere}, {*now.notes, *now.everywhere}
    new, gone = len(have - had), len(had - have)
    came += [counted(new, "note")] if new else []
    fell += [counted(gone, "note")] if gone else []
    tokens = None
    if before.input_tokens is not None and now.input_tokens is not None:
        tokens = now.input_tokens - before.input_tokens
    same_block = before.why is not None and now.why is not None and before.why.began == now.why.began
    return Since(before.number, tuple(came), tuple(fell), tokens, shared, before.model == now.model, same_block)
