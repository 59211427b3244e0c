"""Pull: merge what a remote has into the log, a batch of conversations in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from dataclasses import replace

from ..model.merging import Merged
from ..model.remotes import Document, Stamp
from ..model.syncing import Moved
from ..rules import names
from ..rules.syncing import Difference, differences, in_portions
from ..store import documents
from ..store import sync_scope as store
from ..store.changes import unrecorded
from ..store.log import Log
from . import sync_buried
from .desk import Desk
from .merging import Merging
from .sync_comparing import ScopeCompared
from .sync_joining import Joining, settled

Say = Callable[[str], object]


class Pulling:
    """One pull."""

    def __init__(self, desk: Desk, joining: Joining, found: ScopeCompared, say: Say) -> None:
        self._desk, self._joining, self._found, self._say = desk, joining, found, say
        self._remote = joining.remote

    def pull(self, batch: Collection[str], *, dry_run: bool) -> Moved:
        """Merge some conversations into the log, and what is known of their deletions. Return what that moved.

        Raises:
            RemoteFailed: The remote can't be read. Nothing of this batch was merged.
            LogUnusable: The log can't be written. Nothing of this batch was merged.
        """
        return settled(self._remote, lambda: self._pull(batch, dry_run=dry_run))

    def _pull(self, batch: Collection[str], *, dry_run: bool) -> Moved:
        found, joining = self._found, self._joining
        with ExitStack() as held:
            ours, before = [*joining.stamps(self._desk.log, batch)], [*self._remote.stamps(batch)]
            differ = differences(ours, before)
            keys = {one.key for one in ours}
            buried = sync_buried.relevant(found.buried_there, batch, keys)
            as_sent = self._as_sent(batch, held)
            if not buried and not any(_is_behind(one, as_sent.keys) for one in differ.values()):
                return Moved()
            ahead = sorted(one.key for some in differ.values() for one in some.ahead if one.kind != "thread")
            elsewhere = {one for some in in_portions(ahead) for one in self._remote.threads_with(some).values()}
            threads = joining.with_relatives(found.eligible, {*batch, *elsewhere}, differ)
            whole = sorted({*batch, *(one.key for one in threads)})
            if len(whole) > len({*batch}):
                ours, before = [*joining.stamps(self._desk.log, whole)], [*self._remote.stamps(whole)]
                buried = sync_buried.relevant(found.buried_there, whole, {one.key for one in ours})
            mine = {(one.kind, one.key): one for one in ours}
            alike = {(one.kind, one.key) for one in before if mine.get((one.kind, one.key)) == one}
            alike |= {(one.kind, one.key) for one in before if one in as_sent.stamps and one.kind == "turn"}
            alike = {key for key in alike if key[0] != "thread"}
            threads = self._unredacted(threads, as_sent.secret)
            theirs = held.enter_context(
                joining.theirs(found.eligible.names, threads, before, (self._desk.log, alike), buried)
            )
            self._hold_back(theirs)
            done = self._merge(theirs, joining.hosts(threads, found.eligible.here), dry_run=dry_run)
            shared = store.shared_names(theirs)
        if not dry_run:
            self._remember({one.key for one in threads})
        done = replace(done, sessions=tuple((shared.get(one, one), here) for one, here in done.sessions))
        empty = min(len(self._empty(threads, before)), len(done.sessions))  # a session that was deleted here stays away
        return moved(done, len(buried), empty)

    def bury(self, tombstones: Sequence[Document], *, dry_run: bool) -> Moved:
        """Keep tombstones of what is not here, so that it never comes, and of texts, which an import may have."""
        if not tombstones:
            return Moved()
        with documents.empty_log(self._desk.log) as made:
            documents.fill(made, tombstones, names={}, person=self._joining.person)
            return moved(self._merge(made, {}, dry_run=dry_run), len(tombstones))

    # -- steps ---------------------------------------------------------

    def _merge(self, theirs: Log, hosts: dict[str, str], *, dry_run: bool) -> Merged:
        return Merging(self._desk).merge_open(
            theirs, host=self._joining.settings.name, hosts=hosts, dry_run=dry_run, say=self._say
        )

    def _hold_back(self, theirs: Log) -> None:
        """Keep the remote from releasing what is held back here."""
        settings = self._joining.settings
        project = None if settings.project is None else names.key(settings.project)
        with theirs.writing(), unrecorded(theirs):
            store.hold_back(
                theirs, self._desk.log, tags=[names.key(one) for one in settings.exclude_tags], project=project
            )

    def _empty(self, threads: Sequence[Document], stamps: Collection[Stamp]) -> set[str]:
        """Return the sessions that are not here and have nothing that a merge counts: no call, and no row of llm's."""
        full = {one.thread_id for one in stamps if one.kind != "thread"} | self._found.eligible.here
        full |= {one.key for one in threads if one.rows.get("threads") or one.rows.get("conversations")}
        return {one.key for one in threads if one.rows.get("memory_sessions")} - full

    def _remember(self, threads: Collection[str]) -> None:
        store.remember(self._desk.log, names.key(self._joining.settings.name), threads)

    def _as_sent(self, batch: Collection[str], held: ExitStack) -> AsSent:
        """Return how conversations look when they are sent, if that differs from how they are here."""
        special = self._joining.settings.redact or not self._found.eligible.special.isdisjoint(batch)
        if not special:
            return AsSent()
        sent = held.enter_context(self._joining.ours(self._found.eligible, batch))
        stamps = {*self._joining.stamps(sent)}
        here = {*self._joining.stamps(self._desk.log, batch)}
        secret = {one.key for one in stamps - here if one.kind == "thread"} if self._joining.settings.redact else set()
        return AsSent(stamps, secret)

    def _unredacted(self, threads: Sequence[Document], secret: Collection[str]) -> list[Document]:
        """Return the documents of conversations. Those with secrets are as they are here, so that these stay."""
        if not secret:
            return [*threads]
        own = self._joining.documents(self._desk.log, sorted(secret))
        here = {one.key: one for one in own if one.kind == "thread"}
        return [here.get(one.key, one) if one.key in secret else one for one in threads]


class AsSent:
    """How conversations are sent: their stamps then, and those conversations that have secrets beside their calls."""

    def __init__(self, stamps: Collection[Stamp] = frozenset(), secret: Collection[str] = frozenset()) -> None:
        self.stamps, self.secret = stamps, secret
        self.keys = {(one.kind, one.key, one.value) for one in stamps}


def _is_behind(one: Difference, as_sent: Collection[tuple[str, str, int]]) -> bool:
    """Return whether a remote has something of a conversation that is not here, or was changed there."""
    new = (*one.behind, *(stamp for key, stamp in one.theirs.items() if key[0] == "thread" and one.rows_changed))
    return any((stamp.kind, stamp.key, stamp.value) not in as_sent for stamp in new)


def moved(done: Merged, tombstones: int, empty: int = 0) -> Moved:
    """Return what a merge moved. `empty` counts new sessions without anything in them."""
    return Moved(
        conversations=done.conversations + empty,
        turns=done.turns,
        messages=done.messages,
        fragments=done.fragments,
        attachments=done.attachments,
        tombstones=tombstones,
        deleted=done.deleted,
        changed=done.changed,
        branches=done.branches,
        renamed=tuple(pair for pair in done.sessions if pair[0] != pair[1]),
        conflicts=done.conflicts,
        stayed=done.stayed,
    )
