"""What differs between a log and a remote: first by buckets, then by conversation, then by call, only as far as needed.

Only the conversations of buckets that differ are kept in memory, and the stamps of some conversations at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from ..errors import NoSuchSession, SessionError
from ..model.remotes import Digest, Document, Remote, RemoteSettings, Stamp
from ..model.syncing import HELD, SyncScope
from ..rules import names
from ..rules.syncing import NONE, added, by_bucket, differing
from ..store import documents
from . import sync_buried
from .desk import Desk
from .sync_scope import Eligible, eligible, kin

TOMBSTONES = "t-"
"""How the buckets of tombstones begin."""

THREADS = "s-"
"""How the buckets of conversations begin."""


@dataclass
class ScopeCompared:
    """Which conversations of a scope may differ, and the tombstones that only one side has.

    `ours` and `theirs` say how many documents each of these conversations has here and on the remote.
    """

    scope: SyncScope
    eligible: Eligible
    buckets: Mapping[str, Digest] = field(default_factory=dict)
    ours: dict[str, int] = field(default_factory=dict)
    theirs: dict[str, int] = field(default_factory=dict)
    buried_here: list[Document] = field(default_factory=list)
    buried_there: list[Document] = field(default_factory=list)
    named_there: dict[str, str] = field(default_factory=dict)
    """The names on the remote of conversations that this log lacks."""

    held_there: set[str] = field(default_factory=set)
    """The conversations that are held back, but that the remote has."""

    @cached_property
    def to_push(self) -> list[str]:
        """The conversations that may have something to send."""
        return sorted(self.ours.keys() & self.eligible.going)

    @cached_property
    def to_pull(self) -> list[str]:
        """The conversations that may have something to fetch."""
        going = self.eligible.going
        return sorted(
            one
            for one in self.theirs
            if one not in self.eligible.sealed
            and (self.scope.everything or one in going or one in self.named_there or one in self.eligible.names)
        )


class Comparing:
    """Comparing a log with a remote."""

    def __init__(self, desk: Desk, remote: Remote, settings: RemoteSettings, person: str) -> None:
        self._desk, self._remote, self._settings, self._person = desk, remote, settings, person

    def compare(self, scope: SyncScope, *, named: bool = True) -> ScopeCompared:
        """Find the conversations that may differ.

        Args:
            scope: Which conversations.
            named: Find out what those are called that this log lacks. A push needs no names.

        Raises:
            NoSuchSession: The scope names a session that neither side has.
            RemoteFailed: The remote can't be read.
        """
        log = self._desk.log
        found = ScopeCompared(scope, eligible(log, self._settings, everything=scope.everything))
        found.buckets = self._remote.buckets()
        wanted = self._wanted(scope, found.eligible)
        sums = by_bucket(self._belonging(found.eligible))
        differ = differing(sums, found.buckets)
        self._tombstones(found, {one for one in differ if one.startswith(TOMBSTONES)})
        self._threads(found, {one for one in differ if not one.startswith(TOMBSTONES)}, wanted)
        unknown = [one for one in found.theirs if one not in found.eligible.here]
        if unknown and (scope.project is not None or (named and not scope.everything)):
            self._name(found, unknown)
        return found

    # -- steps ---------------------------------------------------------

    def _belonging(self, found: Eligible) -> Iterator[Stamp]:
        """Yield the stamps of all that belongs on the remote."""
        for one in documents.stamps(self._desk.log, person=self._person):
            if one.thread_id in found.going and one.key not in found.kept:
                yield one
        for tombstone in sync_buried.of_log(self._desk.log, found.sealed):
            yield Stamp("", tombstone.kind, tombstone.key, tombstone.bucket, tombstone.stamp)

    def _threads(self, found: ScopeCompared, buckets: Collection[str], wanted: Callable[[str], bool]) -> None:
        """Find the conversations that differ in some buckets."""
        if not buckets:
            return
        theirs: dict[tuple[str, str], Digest] = {}
        for bucket, thread_id, digest in self._remote.digests(buckets):
            if wanted(thread_id):
                theirs[bucket, thread_id] = digest
        there = {thread_id for _, thread_id in theirs}
        found.held_there = there & (found.eligible.held.keys() | found.eligible.sealed.keys())
        ours: dict[tuple[str, str], Digest] = {}
        for one in documents.stamps(self._desk.log, person=self._person):
            is_there = one.thread_id in found.eligible.going or one.thread_id in there
            if one.bucket in buckets and is_there and one.key not in found.eligible.kept and wanted(one.thread_id):
                place = (one.bucket, one.thread_id)
                ours[place] = added(ours.get(place, NONE), one)
        differ = {place[1] for place in ours.keys() | theirs.keys() if ours.get(place) != theirs.get(place)}
        for side, digests in ((found.ours, ours), (found.theirs, theirs)):
            for (_, thread_id), digest in digests.items():
                if thread_id in differ:
                    side[thread_id] = side.get(thread_id, 0) + digest.amount

    def _tombstones(self, found: ScopeCompared, buckets: Collection[str]) -> None:
        if not buckets:
            return
        every = sync_buried.of_log(self._desk.log, found.eligible.sealed)
        here = {one.key: one for one in every if one.bucket in buckets}
        there = {one.key: one for one in self._remote.tombstones(buckets)}
        found.buried_here = [here[key] for key in sorted(here.keys() - there.keys())]
        found.buried_there = [there[key] for key in sorted(there.keys() - here.keys())]

    def _name(self, found: ScopeCompared, unknown: Collection[str]) -> None:
        """Find out what conversations that this log lacks are called; drop those that are not in the scope."""
        scope = found.scope
        project = None if scope.project is None else names.key(scope.project)
        for one in self._remote.listed(unknown):
            if project is not None and names.key(one.project) != project:
                found.theirs.pop(one.thread_id, None)
            elif one.name:
                found.named_there[one.thread_id] = one.name

    def _wanted(self, scope: SyncScope, found: Eligible) -> Callable[[str], bool]:
        """Return what says whether a conversation is in a scope. One that this log lacks may be, by its project."""
        if scope.session is not None:
            return kin(found, self._of_name(scope.session, found)).__contains__
        if scope.project is None:
            return lambda _: True
        project = names.key(scope.project)
        inside = kin(found, (one for one, of in found.projects.items() if of == project))
        return lambda one: one in inside or one not in found.here

    def _of_name(self, name: str, found: Eligible) -> set[str]:
        """Return the conversations of a name or id, here or on the remote."""
        session = self._desk.find(name)
        if session is not None:
            return {session.thread_id}
        if name in found.here:
            return {name}
        key = names.key(name)
        listed = self._remote.listed()
        there = {one.thread_id for one in listed if key == names.key(one.name) or name == one.thread_id}
        if not there:
            self._desk.session(name)  # raises the better error
        return there


def check_may_go(desk: Desk, scope: SyncScope, found: Eligible) -> None:
    """Raise SessionError if a scope is one session, and that is held back."""
    if scope.session is None:
        return
    session = desk.find(scope.session)
    thread_id = session.thread_id if session else scope.session
    if thread_id in found.held:
        name = found.names.get(thread_id, thread_id)
        raise SessionError(f"“{name}” is held back ({HELD[found.held[thread_id]]}).", outcome="Nothing was sent.")
    if thread_id not in found.here:
        raise NoSuchSession(f"Session “{scope.session}” is not in this log.", f"Fetch it with: {desk.command('pull')}")
