"""What is exchanged with a remote: a server or a folder where several machines keep the same conversations.

A remote keeps documents: one for each turn, each conversation, each message and so on, with the rows that belong to it.
Documents are named by their content or by their ULID, so that the same document is the same on every machine. Which of
them differ is found by digests, in buckets that are small enough to be compared. No prompt needs these, so import them
from here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypeAlias

Value: TypeAlias = "str | int | float | bytes | None"
"""What a column of SQLite holds."""

Rows: TypeAlias = Mapping[str, Sequence[Mapping[str, Value]]]
"""Rows by table. Numbers that a log gives itself (of parts, fragments, blocks) are made from their content."""

KINDS = (
    "schema",
    "attachment",
    "fragment",
    "tool",
    "instance",
    "message",
    "response",
    "turn",
    "thread",
    "tombstone",
)
"""The kinds of documents, in an order in which each refers only to those before it, or to its own kind."""

CONTENT = frozenset({"schema", "attachment", "fragment", "tool", "instance", "message"})
"""The kinds that are named by their content, which several conversations may share."""


class Digest(NamedTuple):
    """How many stamps there are, and all of their values joined by xor: a signed number of 64 bits."""

    amount: int
    value: int


class Stamp(NamedTuple):
    """What tells whether two logs have the same of one document.

    `thread_id` is empty for tombstones. `kind` is thread, turn, response or tombstone. `bucket` is `m-2026-11`, the
    month of a turn's ULID; `s-3f`, two digits of the hash of a thread's id; or `t-3f` likewise for a tombstone's.
    `value` is a signed number of 64 bits.
    """

    thread_id: str
    kind: str
    key: str
    bucket: str
    value: int


@dataclass(frozen=True)
class Document:
    """What a remote keeps under one key: rows of llm's tables and ours.

    `key` is a ULID, a hash, or for tombstones their kind and id (`turn 01k...`). `thread_id` is set for threads, turns
    and responses. `refs` names content that must be there too, each as `KIND KEY` (`message 3f...`): for a turn, all
    messages that its conversation did not refer to before. `place` is a turn's place in its conversation, from 1.
    `stamp` and `bucket` are as in `Stamp`, and 0 and empty for content. `machine` is the name of the machine that the
    document was first sent by, and `person` that of the person; remotes never change them once they are set.
    """

    kind: str
    key: str
    rows: Rows
    thread_id: str = ""
    refs: tuple[str, ...] = ()
    place: int = 0
    bucket: str = ""
    stamp: int = 0
    machine: str = ""
    person: str = ""

    @property
    def ref(self) -> str:
        """How other documents name this one."""
        return f"{self.kind} {self.key}"


@dataclass(frozen=True)
class Listed:
    """A conversation on a remote: its name there (empty if it has none), project, tags, and how many calls it has."""

    thread_id: str
    name: str = ""
    project: str = ""
    tags: tuple[str, ...] = ()
    turns: int = 0
    machine: str = ""
    last_utc: str = ""


@dataclass(frozen=True)
class Condition:
    """What a test of a remote found.

    `server` names the software and its version, such as `PostgreSQL 15.18`. `version` is that of the remote's own
    tables, or 0 if they are still to be made. `now` is the server's time in seconds since 1970, or None if it has none
    of its own. `seconds` is how long the answer took.
    """

    server: str
    version: int
    writable: bool
    now: float | None
    seconds: float


@dataclass(frozen=True)
class RemoteSettings:
    """A remote that a log knows by a name.

    `address` never has a password. `secret` names where the password or the whole address comes from: an alias of llm's
    keys. `person` is who writes there. Sessions with one of `exclude_tags` are never sent; with a `project`, only its
    sessions are. `schema` is PostgreSQL's. `redact`: secrets are replaced in what is sent.
    """

    name: str
    address: str
    secret: str | None = None
    person: str | None = None
    project: str | None = None
    exclude_tags: tuple[str, ...] = ()
    schema: str | None = None
    redact: bool = False
    created_utc: str = ""
    pushed_utc: str | None = None
    pulled_utc: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Machine:
    """What this log is called on remotes: the machine's name, and whose log it is. `id` is a ULID."""

    id: str
    name: str
    person: str


class Writing(Protocol):
    """An open transaction on a remote. Nobody else writes meanwhile, and all of it is kept or nothing."""

    def put(self, documents: Iterable[Document]) -> None:
        """Add documents, or replace those of the same kind and key. A document's refs come before it or are there.

        Content that is there already stays as it is, and so do `machine` and `person` of any document.
        """

    def remove(self, kind: str, keys: Collection[str]) -> None:
        """Remove documents. Those that are not there are no error."""

    def referred(self, refs: Collection[str]) -> set[str]:
        """Return which of these refs a document still has."""

    def set_digests(self, digests: Mapping[tuple[str, str], Digest | None]) -> None:
        """Set the digests of buckets of threads, keyed by both; None removes one. Tombstones have the thread ''."""


class Remote(Protocol):
    """A server or a folder that keeps documents. It decides nothing: `services/syncing.py` does.

    All methods raise `RemoteFailed` with a sentence if the remote can't be reached or refuses something.
    """

    @property
    def place(self) -> str:
        """Where it is, for people: the address without a password."""

    def condition(self) -> Condition:
        """Find out whether the remote answers, and what it is. Changes nothing."""

    def prepare(self) -> None:
        """Make the remote's tables, or bring them up to date; never twice at once."""

    def buckets(self) -> dict[str, Digest]:
        """Return each bucket with the digest of all that is in it."""

    def digests(self, buckets: Collection[str]) -> Iterator[tuple[str, str, Digest]]:
        """Yield (bucket, thread, digest) for some buckets."""

    def stamps(self, threads: Collection[str]) -> Iterator[Stamp]:
        """Yield the stamps of some threads: of the threads themselves, their turns and responses."""

    def tombstones(self, buckets: Collection[str]) -> Iterator[Document]:
        """Yield the tombstones of some buckets."""

    def documents(self, kind: str, keys: Collection[str]) -> Iterator[Document]:
        """Yield these documents if they are there, in any order."""

    def threads_with(self, turns: Collection[str]) -> dict[str, str]:
        """Return which of these turns and responses are there, with their threads."""

    def listed(self, threads: Collection[str] | None = None) -> Iterator[Listed]:
        """Yield the conversations that are there, or some of them."""

    def writing(self) -> AbstractContextManager[Writing]:
        """Begin a transaction, once nobody else is writing. Reads through this object see what it wrote."""

    def close(self) -> None:
        """End the connection."""
