"""A remote in memory. It is strict: whatever breaks the contract of `model/remotes.py` is a failed assertion.

server = Server()
remote = MemoryRemote(server)          # one for each machine
remote.breaks_after = 7                # the connection is lost at the eighth operation
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from llm_session_memory.errors import RemoteFailed
from llm_session_memory.model.remotes import CONTENT, KINDS, Condition, Digest, Document, Listed, Stamp
from llm_session_memory.rules.syncing import NONE, by_place

Key = tuple[str, str]

STAMPED = ("thread", "turn", "response", "tombstone")


@dataclass
class Server:
    """What all machines see: the documents, and the digests that they set."""

    documents: dict[Key, Document] = field(default_factory=dict)
    digests: dict[tuple[str, str], Digest] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    now: float | None = None

    def texts(self) -> str:
        """Return everything that is there, to look for what should not be."""
        return repr(self.documents)

    def keys(self, kind: str) -> set[str]:
        """Return the keys of all documents of a kind."""
        return {key for one, key in self.documents if one == kind}

    def check(self) -> None:
        """Check what holds after each transaction: refs are there, digests are right, what was deleted is gone."""
        stamps = []
        for (kind, key), one in self.documents.items():
            missing = [ref for ref in one.refs if (*ref.split(" ", 1),) not in self.documents]
            assert not missing, f"{one.ref} refers to {missing}, which is not there"
            if kind in STAMPED:
                stamps.append(Stamp(one.thread_id, kind, key, one.bucket, one.stamp))
            if kind in ("turn", "response"):
                assert ("thread", one.thread_id) in self.documents, f"the thread of {one.ref} is not there"
                assert ("tombstone", f"turn {key}") not in self.documents, f"{one.ref} was deleted"
        assert self.digests == by_place(stamps)


class MemoryRemote:
    """One machine's connection to a server. `calls` counts the requests by name."""

    def __init__(self, server: Server | None = None) -> None:
        self.server = server or Server()
        self.calls: Counter[str] = Counter()
        self.breaks_after: int | None = None
        self.lies: Callable[[Document], Document] = lambda one: one
        self.meanwhile: Callable[[str], object] = lambda name: None
        """Called before each request, with its name: what others do meanwhile."""
        self._open: Server | None = None

    @property
    def place(self) -> str:
        return "memory://"

    @property
    def _seen(self) -> Server:
        return self._open or self.server

    def _operation(self, name: str) -> None:
        self.calls[name] += 1
        self.meanwhile(name)
        if self.breaks_after is not None:
            self.breaks_after -= 1
            if self.breaks_after < 0:
                raise RemoteFailed("The connection to memory:// was lost.", "Try again.")

    def condition(self) -> Condition:
        self._operation("condition")
        return Condition("Memory 1", 1, writable=True, now=self.server.now, seconds=0.0)

    def prepare(self) -> None:
        self._operation("prepare")

    def buckets(self) -> dict[str, Digest]:
        self._operation("buckets")
        found: dict[str, Digest] = {}
        for (bucket, _), digest in self._seen.digests.items():
            amount, value = found.get(bucket, NONE)
            found[bucket] = Digest(amount + digest.amount, value ^ digest.value)
        return found

    def digests(self, buckets: Collection[str]) -> Iterator[tuple[str, str, Digest]]:
        self._operation("digests")
        yield from [
            (bucket, thread, digest) for (bucket, thread), digest in self._seen.digests.items() if bucket in buckets
        ]

    def stamps(self, threads: Collection[str]) -> Iterator[Stamp]:
        self._operation("stamps")
        assert "" not in threads
        for (kind, key), one in [*self._seen.documents.items()]:
            if one.thread_id in threads and kind in STAMPED:
                yield Stamp(one.thread_id, kind, key, one.bucket, one.stamp)

    def tombstones(self, buckets: Collection[str]) -> Iterator[Document]:
        self._operation("tombstones")
        for (kind, _), one in [*self._seen.documents.items()]:
            if kind == "tombstone" and one.bucket in buckets:
                yield self.lies(one)

    def documents(self, kind: str, keys: Collection[str]) -> Iterator[Document]:
        self._operation(f"documents {kind}")
        assert kind in KINDS
        for key in keys:
            if (kind, key) in self._seen.documents:
                yield self.lies(self._seen.documents[kind, key])

    def threads_with(self, turns: Collection[str]) -> dict[str, str]:
        self._operation("threads_with")
        found = self._seen.documents
        return {
            key: found[kind, key].thread_id for key in turns for kind in ("response", "turn") if (kind, key) in found
        }

    def listed(self, threads: Collection[str] | None = None) -> Iterator[Listed]:
        self._operation("listed")
        turns = Counter(one.thread_id for (kind, _), one in self._seen.documents.items() if kind != "thread")
        for (kind, key), one in [*self._seen.documents.items()]:
            if kind == "thread" and (threads is None or key in threads):
                session = next(iter(one.rows.get("memory_sessions", ())), {})
                tags = tuple(str(row["tag"]) for row in one.rows.get("memory_tags", ()))
                name, project = str(session.get("name") or ""), str(session.get("project") or "")
                yield Listed(key, name, project, tags, turns[key], one.machine)

    @contextmanager
    def writing(self) -> Iterator[MemoryWriting]:
        self._operation("writing")
        with self.server.lock:
            assert self._open is None, "a transaction within a transaction"
            self._open = Server(dict(self.server.documents), dict(self.server.digests))
            try:
                yield MemoryWriting(self, self._open)
                self._operation("commit")
                self._open.check()
                self.server.documents, self.server.digests = self._open.documents, self._open.digests
            finally:
                self._open = None

    def close(self) -> None:
        """There is nothing to close."""


class MemoryWriting:
    """An open transaction."""

    def __init__(self, remote: MemoryRemote, state: Server) -> None:
        self._remote, self._state = remote, state

    def put(self, documents: Iterable[Document]) -> None:
        there = self._state.documents
        for one in documents:
            self._remote._operation("put")
            _check(one)
            missing = [ref for ref in one.refs if (*ref.split(" ", 1),) not in there]
            assert not missing, f"{one.ref} refers to {missing}, which is not there yet"
            before = there.get((one.kind, one.key))
            if before is None:
                there[one.kind, one.key] = one
            elif one.kind not in CONTENT:
                machine, person = before.machine or one.machine, before.person or one.person
                there[one.kind, one.key] = replace(one, machine=machine, person=person)

    def remove(self, kind: str, keys: Collection[str]) -> None:
        self._remote._operation("remove")
        for key in keys:
            self._state.documents.pop((kind, key), None)

    def referred(self, refs: Collection[str]) -> set[str]:
        self._remote._operation("referred")
        return {ref for one in self._state.documents.values() for ref in one.refs}.intersection(refs)

    def set_digests(self, digests: Mapping[tuple[str, str], Digest | None]) -> None:
        self._remote._operation("set_digests")
        for place, digest in digests.items():
            if digest is None:
                self._state.digests.pop(place, None)
            else:
                assert digest.amount > 0
                self._state.digests[place] = digest


def _check(one: Document) -> None:
    """Check the shape of a document that is sent."""
    assert one.kind in KINDS
    assert one.key
    assert bool(one.thread_id) == (one.kind in ("thread", "turn", "response"))
    assert bool(one.bucket) == (one.kind in STAMPED)
    assert -(2**63) <= one.stamp < 2**63
    assert one.machine
    for rows in one.rows.values():
        for row in rows:
            for name, value in row.items():
                assert isinstance(name, str)
                assert value is None or type(value) in (str, int, float, bytes), (name, value)
