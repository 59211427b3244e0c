"""Push: send what a remote lacks, a batch of conversations in one transaction.

A batch is put together in a temporary log: what is here, and what others have sent since. What of it differs from the
remote is sent. If nobody else has sent anything, what is here is sent as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property

from ..model.merging import Merged
from ..model.remotes import CONTENT, Document, Stamp, Writing
from ..model.syncing import Moved
from ..rules.syncing import Difference, Key, by_place, differences, differing, in_portions
from ..store import documents
from ..store import sync_scope as store
from ..store.log import Log
from . import sync_buried
from .desk import Desk
from .merging import Merging
from .sync_comparing import TOMBSTONES, ScopeCompared
from .sync_joining import CHUNK, Joining, settled
from .sync_scope import kin


@dataclass
class BatchPlan:
    """What a batch changes on the remote.

    `wanted` has the documents that are sent, by kind and key, from each log that they are in. `removed` are those that
    go. `before` are the remote's stamps that this rests on, and `after` those that it will have. `elsewhere` are those
    of the calls that are `ahead` which the remote has in other conversations.
    """

    wanted: list[tuple[Log, list[str], set[Key]]] = field(default_factory=list)
    removed: set[Key] = field(default_factory=set)
    replaced: set[Key] = field(default_factory=set)
    before: list[Stamp] = field(default_factory=list)
    after: list[Stamp] = field(default_factory=list)
    ahead: Sequence[str] = ()
    elsewhere: dict[str, str] = field(default_factory=dict)
    tombstones: list[Document] = field(default_factory=list)
    merged: Merged = field(default_factory=Merged)

    @property
    def nothing(self) -> bool:
        """Whether the remote has all of it."""
        return not (self.removed or self.tombstones or any(keys for _, _, keys in self.wanted))


class Pushing:
    """One push."""

    def __init__(self, desk: Desk, joining: Joining, found: ScopeCompared) -> None:
        self._desk, self._joining, self._found = desk, joining, found
        self._remote = joining.remote
        self._buried_there = {one.key: one for one in found.buried_there}
        self._buckets = dict(found.buckets)

    def push(self, batch: Collection[str], *, dry_run: bool) -> Moved:
        """Send some conversations, and what is known of their deletions. Return what that moved.

        Raises:
            RemoteFailed: The remote can't be read or written. Nothing of this batch was sent.
        """
        with ExitStack() as held:
            plan = settled(self._remote, lambda: self._plan(batch, held))
            if plan.nothing:
                return Moved()
            if dry_run:
                return self._counted(plan, None)
            with self._remote.writing() as writing:
                if self._others_wrote(plan, batch):
                    plan = self._plan(batch, held)
                return self._write(plan, writing)

    def bury(self, tombstones: Sequence[Document], *, dry_run: bool) -> Moved:
        """Send the tombstones of what the remote does not have."""
        if dry_run or not tombstones:
            return Moved(tombstones=len(tombstones))
        with self._remote.writing() as writing:
            _, near = sync_buried.concerned_there(self._remote, tombstones)  # sent just now: the next push removes it
            tombstones = [one for one in tombstones if one.key not in near]
            return Moved(tombstones=sync_buried.send(self._remote, writing, self._joining.machine, tombstones))

    # -- planning ------------------------------------------------------

    @cached_property
    def _lasting(self) -> list[Document]:
        """The tombstones that still count although both sides have them."""
        new = {one.key for one in self._found.buried_here}
        every = sync_buried.lasting(self._desk.log, self._found.eligible.sealed)
        return [one for one in every if one.key not in new]

    def _plan(self, batch: Collection[str], held: ExitStack) -> BatchPlan:
        """Find out what has to be sent. The temporary logs of the plan stay open until `held` is closed."""
        held.close()  # the logs of an earlier plan, which no longer holds
        found, joining = self._found, self._joining
        whole = {*batch}
        while True:
            before = [*self._remote.stamps(whole)]
            here, there = self._buried(whole, before)
            known = sync_buried.relevant(self._lasting, whole, ())
            sent = held.enter_context(joining.ours(found.eligible, whole, [*here, *known]))
            ours = [*joining.stamps(sent)]
            differ = differences(ours, before)
            ahead = sorted(one.key for some in differ.values() for one in some.ahead if one.kind != "thread")
            elsewhere = self._elsewhere(ahead)
            if not (here or there or elsewhere) and all(map(_is_ours_alone, differ.values())):
                return self._plain(sent, ours, before, differ, ahead)
            near = kin(found.eligible, whole) & found.eligible.going
            threads = joining.with_relatives(found.eligible, {*whole, *near, *elsewhere.values()}, differ)
            more = {*near, *(one.key for one in threads)} - whole
            if not more:
                plan = self._joined(threads, sent, before, here, there, held)
                plan.ahead, plan.elsewhere = ahead, elsewhere
                more = {one.thread_id for one in plan.after} - whole
                if not any(True for _ in self._remote.stamps(more)):
                    return plan
            whole |= more

    def _elsewhere(self, ahead: Sequence[str]) -> dict[str, str]:
        """Return which of these calls the remote has in other conversations, with those conversations."""
        found: dict[str, str] = {}
        for some in in_portions(ahead if self._buckets else (), CHUNK):
            found.update(self._remote.threads_with(some))
        return found

    def _buried(self, threads: Collection[str], before: Iterable[Stamp]) -> tuple[list[Document], list[Document]]:
        """Return the tombstones that only this log has, and those that only the remote has, of some conversations."""
        going = self._found.eligible.going.intersection(threads)
        keys = {one.key for one in before} | {one.key for one in self._joining.stamps(self._desk.log, going)}
        buried = self._found.buried_here, self._buried_there.values()
        here, there = (sync_buried.relevant(some, threads, keys) for some in buried)
        return here, there

    def _plain(
        self,
        sent: Log,
        ours: Sequence[Stamp],
        before: list[Stamp],
        differ: dict[str, Difference],
        ahead: Sequence[str],
    ) -> BatchPlan:
        """Plan to send what the remote lacks, where it has nothing that is not here."""
        keys = {(one.kind, one.key) for some in differ.values() for one in some.ahead}
        keys |= {("thread", thread_id) for thread_id, some in differ.items() if some.ahead}
        mine = {(one.kind, one.key): one for one in ours if one.thread_id in differ}
        after = {(one.kind, one.key): one for one in before} | mine
        wanted = [(sent, sorted(differ), keys)] if keys else []
        return BatchPlan(wanted, before=before, after=[*after.values()], ahead=ahead)

    def _joined(  # noqa: PLR0913  what both sides have
        self,
        threads: Sequence[Document],
        sent: Log,
        before: list[Stamp],
        here: list[Document],
        there: list[Document],
        held: ExitStack,
    ) -> BatchPlan:
        """Plan to send the merge of what is here and what others have sent."""
        joining = self._joining
        ours = {*joining.stamps(sent)}
        alike = {(one.kind, one.key) for one in before if one in ours and one.kind != "thread"}
        names = self._found.eligible.names
        theirs = held.enter_context(joining.theirs(names, threads, before, (sent, alike), there))
        if joining.settings.redact:
            joining.redact(sent, theirs)
        hosts = joining.hosts(threads, self._found.eligible.here)
        merged = Merging(Desk(sent, self._desk.now)).merge_open(theirs, host=joining.settings.name, hosts=hosts)
        if kept := store.kept(sent):  # a fork would keep what it shares; but on a remote, what was deleted is gone
            joining.bury(sent, kept)
        return self._chosen(sent, theirs, before, merged, here)

    def _chosen(self, sent: Log, theirs: Log, before: list[Stamp], merged: Merged, here: list[Document]) -> BatchPlan:
        """Choose the documents that are sent.

        If a call has different messages on the two sides, text was replaced or blanked on one of them. That one stays,
        so that no removed text comes back; if both did it, the remote's stays.
        """
        old = {(one.kind, one.key): one for one in before}
        mine = {(one.kind, one.key): one for one in self._joining.stamps(sent)}
        other = {(one.kind, one.key): one for one in self._joining.stamps(theirs)}
        apart = [key for key, one in mine.items() if key in other and key[0] == "turn" and other[key] != one]
        blank = store.changed(sent, (key for _, key in apart)), store.changed(theirs, (key for _, key in apart))
        from_theirs = {key for key in apart if not (key[1] in blank[0] and key[1] not in blank[1])}
        after = {key: other[key] if key in from_theirs else one for key, one in mine.items()}
        differ = {key for key, one in after.items() if old.get(key) != one}
        removed = old.keys() - after.keys()
        lost = {old[key].thread_id for key in removed | (differ & old.keys()) if key[0] != "thread"}
        # a later call has to refer to the content that a removed one introduced
        differ |= {key for key, one in after.items() if one.thread_id in lost}
        touched = {after[key].thread_id for key in differ} | {old[key].thread_id for key in removed}
        differ |= {("thread", one) for one in touched if ("thread", one) in after}
        threads = sorted({one.thread_id for one in after.values()})
        return BatchPlan(
            [(sent, threads, differ - from_theirs), (theirs, threads, differ & from_theirs)],
            removed,
            differ & old.keys(),
            before=before,
            after=[*after.values()],
            tombstones=here,
            merged=merged,
        )

    def _others_wrote(self, plan: BatchPlan, batch: Collection[str]) -> bool:
        """Return whether the remote is no longer what a plan rests on, within the transaction."""
        buckets = self._remote.buckets()
        changed = differing(buckets, self._buckets)
        if not changed:
            return False
        self._buckets = buckets
        self._joining.forget()
        if buried := {one for one in changed if one.startswith(TOMBSTONES)}:
            known = {one.key for one in documents.tombstones(self._desk.log)}
            new = (one for one in self._remote.tombstones(buried) if one.key not in known)
            self._buried_there.update((one.key, one) for one in new)
            return True
        threads = {*batch, *(one.thread_id for one in plan.before)}
        return {*self._remote.stamps(threads)} != {*plan.before} or self._elsewhere(plan.ahead) != plan.elsewhere

    # -- writing -------------------------------------------------------

    def _write(self, plan: BatchPlan, writing: Writing) -> Moved:
        """Send a plan within a transaction of the remote."""
        left = self._refs({*plan.removed, *plan.replaced})
        moved = self._counted(plan, writing)
        for kind in ("turn", "response", "thread"):
            keys = sorted(key for one, key in plan.removed if one == kind)
            if keys:
                writing.remove(kind, keys)
        self._remove_content(writing, left)
        places = by_place(plan.after)
        gone = dict.fromkeys({(one.bucket, one.thread_id) for one in plan.before} - places.keys())
        writing.set_digests({**gone, **places})
        sync_buried.send(self._remote, writing, self._joining.machine, plan.tombstones)
        self._buckets = self._remote.buckets()
        return moved

    def _counted(self, plan: BatchPlan, writing: Writing | None) -> Moved:
        """Send the documents of a plan, or only count them."""
        new = {(one.kind, one.key) for one in plan.after} - {(one.kind, one.key) for one in plan.before}
        counts = dict.fromkeys(("message", "fragment", "attachment"), 0)
        for log, threads, keys in plan.wanted:
            if keys:
                needed = self._needed(log, threads, keys, writing)
                some = (one for one in self._joining.documents(log, threads) if _is_sent(one, keys, needed, counts))
                if writing is None:
                    for _ in some:
                        pass
                else:
                    writing.put(some)
        changed = {key for _, _, keys in plan.wanted for kind, key in keys if kind == "thread"}
        return Moved(
            conversations=sum(1 for kind, _ in new if kind == "thread"),
            turns=sum(1 for kind, _ in new if kind != "thread"),
            messages=counts["message"],
            fragments=counts["fragment"],
            attachments=counts["attachment"],
            tombstones=len(plan.tombstones),
            deleted=sum(1 for kind, _ in plan.removed if kind != "thread"),
            changed=sum(1 for one in changed if ("thread", one) not in new and _differs(plan, one)),
            branches=plan.merged.branches,
            conflicts=plan.merged.conflicts,
        )

    def _needed(self, log: Log, threads: list[str], keys: set[Key], writing: Writing | None) -> set[str]:
        """Return the content that some documents need, except large content that the remote already has."""
        refs: set[str] = set()
        content: dict[str, tuple[str, ...]] = {}
        for one in self._joining.documents(log, threads):
            if one.kind in CONTENT:
                content[one.ref] = one.refs
            elif (one.kind, one.key) in keys:
                refs.update(one.refs)
        needed: set[str] = set()
        while refs:
            needed |= refs
            refs = {ref for one in refs for ref in content.get(one, ()) if ref not in needed}
        large = {one for one in needed if not one.startswith("message ")}
        return needed - writing.referred(large) if writing is not None and large else needed

    def _refs(self, keys: Iterable[Key]) -> set[str]:
        """Return what documents of the remote refer to now."""
        found: set[str] = set()
        by_kind: dict[str, list[str]] = {}
        for kind, key in sorted(keys):
            by_kind.setdefault(kind, []).append(key)
        for kind, some in by_kind.items():
            for portion in in_portions(some, CHUNK):
                for one in self._remote.documents(kind, portion):
                    found.update(one.refs)
        return found

    def _remove_content(self, writing: Writing, refs: set[str]) -> None:
        """Remove content that nothing refers to any more, and content that only it referred to."""
        while refs:
            gone = {(*one.split(" ", 1),) for one in refs - writing.referred(refs)}
            refs = self._refs((kind, key) for kind, key in gone)
            for kind in {kind for kind, _ in gone}:
                writing.remove(kind, sorted(key for one, key in gone if one == kind))


def _is_ours_alone(one: Difference) -> bool:
    """Return whether everything that the remote has of a conversation is here too, unchanged."""
    return not one.behind and not one.changed


def _differs(plan: BatchPlan, thread_id: str) -> bool:
    """Return whether the stamp of a conversation's own document changes."""
    values = (
        {one.value for one in some if one.kind == "thread" and one.key == thread_id}
        for some in (plan.before, plan.after)
    )
    before, after = values
    return before != after


def _is_sent(one: Document, keys: Collection[Key], needed: Collection[str], counts: dict[str, int]) -> bool:
    """Return whether a document is sent, and count it."""
    if one.kind not in CONTENT:
        return (one.kind, one.key) in keys
    if one.ref in needed and one.kind in counts:
        counts[one.kind] += 1
    return one.ref in needed
