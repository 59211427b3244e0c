"""Temporary logs with what this log and a remote have of some conversations, in which the two are put together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import TypeVar

from ..errors import RemoteFailed
from ..model import Target
from ..model.remotes import CONTENT, Document, Machine, Remote, RemoteSettings, Stamp
from ..rules.secrets import Redactor
from ..rules.syncing import Difference, Key, differing, in_portions
from ..store import documents, history
from ..store import sync_scope as store
from ..store.changes import unrecorded
from ..store.deletion_family import related
from ..store.log import Log
from ..store.secret_rewriting import Rewriting
from .deletion import Deletion
from .desk import Desk
from .secrets import Secrets
from .sync_comparing import THREADS
from .sync_scope import Eligible

CHUNK = 500
"""How many documents are asked for at a time."""

_BEGINNING = 10
"""How many characters a branch's id shares with the thread that it was set apart from (see rules/merging)."""

_TRIES = 5
"""How often a remote is read that others write to, before it is read for the last time."""

T = TypeVar("T")


def settled(remote: Remote, read: Callable[[], T]) -> T:
    """Read a remote; again if others wrote to it meanwhile, so that what was read doesn't fit together.

    Raises:
        RemoteFailed: It doesn't fit together although nobody wrote, or others never stopped.
    """
    for _ in range(_TRIES):
        before = remote.buckets()
        try:
            return read()
        except RemoteFailed:
            if not differing(before, remote.buckets()):
                raise
    return read()


class Joining:
    """Reading both sides. Nothing here writes to the log or to the remote."""

    def __init__(self, desk: Desk, remote: Remote, settings: RemoteSettings, machine: Machine) -> None:
        self._desk = desk
        self.remote, self.settings, self.machine = remote, settings, machine
        self._by_beginning: dict[str, list[str]] | None = None
        self._newest: dict[str, tuple[int, str]] = {}

    @property
    def person(self) -> str:
        """Who sends."""
        return self.settings.person or self.machine.person

    def stamps(self, log: Log, threads: Collection[str] | None = None) -> Iterator[Stamp]:
        """Yield the stamps of some conversations of a log, or of all."""
        return documents.stamps(log, threads, person=self.person)

    def documents(self, log: Log, threads: Collection[str]) -> Iterator[Document]:
        """Yield the documents of some conversations of a log."""
        return documents.documents(log, threads, machine=self.machine.name, person=self.person)

    def hosts(self, threads: Iterable[Document], here: Collection[str]) -> dict[str, str]:
        """Return the machine that each conversation is called after if its name is taken. Call it after `theirs`.

        That is the one that began it. If this log has it too, what came is another machine's branch: then it is the one
        that continued it.
        """
        began = {one.key: one.machine for one in threads if one.machine}
        went_on = {one: machine for one, (_, machine) in self._newest.items() if one in here and machine}
        return {**began, **went_on}

    # -- ours ----------------------------------------------------------

    @contextmanager
    def ours(self, found: Eligible, threads: Iterable[str], known: Sequence[Document] = ()) -> Iterator[Log]:
        """Give a temporary log with the conversations that may go, as they are sent, and with tombstones."""
        going = sorted(found.going.intersection(threads))
        with documents.empty_log(self._desk.log) as sent:
            with store.steady(self._desk.log, going):
                self._fill(sent, chain(self.documents(self._desk.log, going), known), found.names)
            buried = {one: thread_id for one, thread_id in found.kept.items() if thread_id in going}
            if buried:
                self.bury(sent, buried)
            if found.hidden.intersection(going):
                with sent.writing(), unrecorded(sent):
                    store.leave_out_votes(sent, found.held, self._desk.log)
            if self.settings.redact:
                self.redact(sent)
            yield sent

    def bury(self, sent: Log, turns: Mapping[str, str]) -> None:
        """Delete calls that were deleted elsewhere from a temporary log, even from forks, which a merge would spare."""
        families = related(sent, turns.values())
        targets = []
        for thread_id in {*turns.values()}.union(*families.values()):
            seen = tuple(one for one in history.every_exchange(sent, thread_id).first if one in turns)
            if seen:
                targets.append(Target(thread_id, seen))
        with sent.writing(), unrecorded(sent):
            Deletion(Desk(sent, self._desk.now)).delete(targets, tombstones=False)

    def redact(self, *logs: Log) -> None:
        """Replace in all of these temporary logs the secrets that are in any of them."""
        secrets = {one.value: one.kind for log in logs for one in Secrets(Desk(log, self._desk.now)).find()}
        if not secrets:
            return
        for log in logs:
            rewriting = Rewriting(log, Redactor(secrets))
            rewriting.look()
            with log.writing(), unrecorded(log):
                rewriting.apply(self._desk.timestamp())

    # -- theirs --------------------------------------------------------

    @contextmanager
    def theirs(
        self,
        names: Mapping[str, str],
        threads: Sequence[Document],
        stamps: Iterable[Stamp],
        same: tuple[Log, Collection[Key]],
        buried: Sequence[Document],
    ) -> Iterator[Log]:
        """Give a temporary log with what the remote has of some conversations.

        Args:
            names: The names that sessions have here, by thread.
            threads: The documents of the conversations.
            stamps: What the remote has of them.
            same: A log, and what is the same in it, which isn't fetched.
            buried: Tombstones of the remote.
        """
        with documents.empty_log(self._desk.log) as made:
            self._fill(made, self._theirs(threads, stamps, same, buried), names)
            yield made

    def _fill(self, log: Log, some: Iterable[Document], names: Mapping[str, str]) -> None:
        documents.fill(log, some, names=names, person=self.person)

    def _theirs(
        self,
        threads: Sequence[Document],
        stamps: Iterable[Stamp],
        same: tuple[Log, Collection[Key]],
        buried: Sequence[Document],
    ) -> Iterator[Document]:
        """Yield what the remote has of some conversations."""
        log, alike = same
        allowed = {one.key for one in threads}
        refs: set[str] = set()
        done: set[str] = set()
        if alike:
            for one in self.documents(log, sorted(allowed)):
                if one.kind in CONTENT or (one.kind, one.key) in alike:
                    done.add(one.ref)
                    yield one
        wanted: dict[str, list[str]] = defaultdict(list)
        for stamp in stamps:
            if stamp.kind != "thread" and (stamp.kind, stamp.key) not in alike:
                wanted[stamp.kind].append(stamp.key)
        for kind, keys in wanted.items():
            for some in in_portions(keys, CHUNK):
                for one in self.fetched(kind, some, allowed):
                    refs.update(one.refs)
                    self._newest[one.thread_id] = max(
                        self._newest.get(one.thread_id, (0, "")), (one.place, one.machine)
                    )
                    yield one
        for one in threads:
            refs.update(one.refs)
            yield one
        yield from buried
        yield from self._content(refs, done)

    def _content(self, refs: set[str], done: set[str]) -> Iterator[Document]:
        """Yield the content that is fetched, and what that refers to."""
        while left := refs - done:
            done |= left
            by_kind: dict[str, list[str]] = defaultdict(list)
            for ref in sorted(left):
                kind, _, key = ref.partition(" ")
                if kind in CONTENT:
                    by_kind[kind].append(key)
            for kind, keys in by_kind.items():
                for some in in_portions(keys, CHUNK):
                    for one in self.fetched(kind, some):
                        refs.update(one.refs)
                        yield one

    def fetched(self, kind: str, keys: Collection[str], threads: Collection[str] | None = None) -> Iterator[Document]:
        """Yield documents of the remote. Raises RemoteFailed if it gives any that it was not asked for.

        Calls that are in none of `threads` are left out: another machine has moved them to a branch meanwhile.
        """
        asked = {*keys}
        for one in self.remote.documents(kind, keys):
            if one.kind != kind or one.key not in asked:
                message = f"The remote “{self.settings.name}” sent a document that was not asked for."
                raise RemoteFailed(message, "Ask whoever runs the remote.", "None of it was kept.")
            if threads is None or one.thread_id in threads:
                yield one

    def thread_documents(self, keys: Collection[str]) -> list[Document]:
        """Return the documents of conversations that the remote has."""
        return [
            one
            for some in in_portions(sorted(keys), CHUNK)
            for one in self.fetched("thread", some)
            if one.key == one.thread_id
        ]

    # -- relatives -----------------------------------------------------

    def forget(self) -> None:
        """Forget what the remote had: others have written to it."""
        self._by_beginning = None

    def with_relatives(
        self, found: Eligible, threads: Collection[str], differences: Mapping[str, Difference]
    ) -> list[Document]:
        """Return the documents of conversations on the remote, with those that they share exchanges with."""
        known: dict[str, Document | None] = {}
        wanted = {*threads}
        parted = any(one.behind and any(s.kind != "thread" for s in one.ahead) for one in differences.values())
        branching = parted or not {one for pair in found.branches for one in pair}.isdisjoint(wanted)
        while new := wanted - known.keys():
            known.update(dict.fromkeys(new))
            for one in self.thread_documents(new):
                known[one.key] = one
                origins = _named(one, "memory_forks", "from_thread_id") | _named(one, "memory_branches", "root_id")
                branching = branching or bool(one.rows.get("memory_branches"))
                wanted |= origins
            if branching:
                wanted |= self._beside(wanted)
        return [one for one in known.values() if one is not None]

    def _beside(self, threads: Collection[str]) -> set[str]:
        """Return the conversations on the remote whose ids begin as these do: their branches are among them."""
        if self._by_beginning is None:
            self._by_beginning = defaultdict(list)
            every = [one for one in self.remote.buckets() if one.startswith(THREADS)]
            for _, thread_id, _ in self.remote.digests(every):
                self._by_beginning[thread_id[:_BEGINNING]].append(thread_id)
        return {near for one in threads for near in self._by_beginning.get(one[:_BEGINNING], ())}


def _named(one: Document, table: str, column: str) -> set[str]:
    """Return the threads that rows of a document name."""
    return {str(row[column]) for row in one.rows.get(table, ()) if row.get(column)}
