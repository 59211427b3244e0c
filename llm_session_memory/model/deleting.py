"""What deletion takes and gives: what is to go, what would go, what stays and why, and what went.

No prompt needs these, so `model` imports this module at the first use.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields


@dataclass(frozen=True)
class Target:
    """A conversation to delete, or some exchanges of it. `exchanges` are their ids (first turns); None: all of it.

    If it `ends` with these exchanges, all of it goes too, unless it has another one by then.
    """

    thread_id: str
    exchanges: tuple[str, ...] | None = None
    ends: bool = False


@dataclass(frozen=True)
class Amounts:
    """How much goes, as numbers of rows. `bytes` are those of the texts and files in them, before compression or pages.

    `passages` are rows of the search index. `sessions` are the conversations that had a name.
    """

    conversations: int = 0
    sessions: int = 0
    exchanges: int = 0
    turns: int = 0
    messages: int = 0
    fragments: int = 0
    attachments: int = 0
    tools: int = 0
    schemas: int = 0
    attempts: int = 0
    pins: int = 0
    notes: int = 0
    tags: int = 0
    ratings: int = 0
    bookmarks: int = 0
    summaries: int = 0
    snapshots: int = 0
    passages: int = 0
    bytes: int = 0

    def __add__(self, more: Amounts) -> Amounts:
        """Return both together."""
        return Amounts(*(getattr(self, one.name) + getattr(more, one.name) for one in fields(Amounts)))


@dataclass(frozen=True)
class Stay:
    """What was to go and stays: a conversation, or the exchanges with these numbers.

    `kind` is `fork` (another session has the exchanges), `snapshot`, or `busy` (another process is sending a prompt in
    it). `by` is the name of that session or snapshot; `why` and `hint` are sentences, the hint with the command to run.
    If `undone`, the exchanges are taken out of the session, but not out of the log.
    """

    thread_id: str
    name: str
    numbers: tuple[int, ...]
    kind: str
    by: str
    why: str
    hint: str
    undone: bool = False


@dataclass(frozen=True)
class Trace:
    """A request that stays and that was sent with text of an exchange that goes.

    `kind` is `history` (the exchange itself), `excerpt`, or `summary`. The request is that of exchange `number` of the
    session `name` (the thread's id if it has no name); what goes is exchange `of_number` of `of_name`.
    """

    kind: str
    thread_id: str
    name: str
    number: int
    turn_id: str
    of_thread_id: str
    of_name: str
    of_number: int


@dataclass(frozen=True)
class Covering:
    """A summary that covers an exchange that goes, so that it goes as well; or a title that a model made of it.

    `kind` is `summary` or `title`. If `in_use`, the next prompt that needs a summary makes another one.
    """

    kind: str
    thread_id: str
    name: str
    first: int
    last: int
    in_use: bool


@dataclass(frozen=True)
class DeletionPlan:
    """What a deletion does: how much goes, what stays and why, and where text of it remains in later requests."""

    amounts: Amounts = field(default_factory=Amounts)
    stays: tuple[Stay, ...] = ()
    traces: tuple[Trace, ...] = ()
    covering: tuple[Covering, ...] = ()
    moved: tuple[tuple[str, str, int], ...] = ()
    """Exchanges that a fork takes over from a session that goes: (from, to, how many), by name."""


@dataclass(frozen=True)
class Deleted(DeletionPlan):
    """What a deletion did. `blanked` is the number of requests in which traces were blanked.

    If `erased`, the sizes of the file before and after are in bytes.
    """

    blanked: int = 0
    erased: bool = False
    size_before: int = 0
    size_after: int = 0
