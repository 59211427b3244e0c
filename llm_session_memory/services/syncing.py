"""Use cases for remotes: say what differs, send what is new here, fetch what is new there.

Comparing is in `sync_comparing`, which conversations may go in `sync_scope`, and what is put together in
`sync_joining`, by the same rules as a merge of two logs.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta

from ..errors import SessionError
from ..model.remotes import Condition, Document, Machine, Remote, RemoteSettings
from ..model.syncing import HELD, Held, Moved, Standing, Status, SyncScope
from ..rules import names
from ..rules.syncing import Difference, batches, clock_sentence, differences, families, in_portions
from ..rules.ulids import is_imported
from ..rules.words import counted
from ..store import merge_conflicts, tombstones
from ..store import sync_scope as store
from ..store.remotes import Remotes
from . import sync_buried
from .desk import Desk
from .sync_comparing import Comparing, ScopeCompared, check_may_go
from .sync_joining import Joining
from .sync_nothing import NothingYet
from .sync_pulling import Pulling
from .sync_pushing import Pushing

Say = Callable[[str], object]
"""Called with a line about what is being done."""

_OBJECTS = 200_000
"""How many new objects Python lets pass while two sides are compared, before it looks for garbage among them."""


@contextmanager
def _collected_later() -> Iterator[None]:
    """Look for garbage less often: comparing makes many small objects that stay, and the search takes 40% of it."""
    before = gc.get_threshold()
    gc.set_threshold(_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


class Syncing:
    """A log and a remote that keep the same conversations."""

    def __init__(self, desk: Desk, remote: Remote, settings: RemoteSettings, machine: Machine) -> None:
        self._desk, self._remote, self._settings, self._machine = desk, remote, settings, machine

    @_collected_later()
    def status(self, scope: SyncScope) -> Status:
        """Say what a push and a pull would have to do. Nothing is changed on either side.

        Raises:
            NoSuchSession: The scope names a session that neither side has.
            RemoteFailed: The remote can't be reached or read.
            LogUnusable: The log can't be read.
        """
        condition = self._remote.condition()
        joining = self._joining(condition)
        found = self._compared(scope, joining)
        differ = {*found.to_push, *found.to_pull}
        both = {one for one in differ if one in found.theirs and one in found.eligible.here}
        gone = {one.key for one in (*found.buried_here, *found.buried_there)}
        standings = [self._alone(found, one) for one in differ - both if f"thread {one}" not in gone]
        for some in self._batches(found, both):
            with ExitStack() as held:
                for thread_id, one in self._differences(found, joining, some, held).items():
                    standing = self._standing(found, thread_id, one, gone)
                    if standing.ahead or standing.behind or standing.changed:
                        standings.append(standing)
        return Status(
            tuple(sorted(standings, key=lambda one: (not one.name, names.key(one.name), one.thread_id))),
            _deleted(found.buried_here),
            _deleted(found.buried_there),
            merge_conflicts.count(self._desk.log),
            tuple(_held(found)),
            self._clock(condition),
        )

    def push(self, scope: SyncScope, *, dry_run: bool = False, say: Say = lambda _: None) -> Moved:
        """Send what the remote lacks, a batch of conversations at a time, each whole or not at all.

        Args:
            scope: Which conversations. Deletions are always sent.
            dry_run: Only count.
            say: Called with what is being done.

        Raises:
            SessionError: The scope is a session that is held back.
            NoSuchSession: The scope names a session that is not here.
            RemoteFailed: The remote can't be reached or written. Earlier batches were sent; the next push continues.
            LogUnusable: The log can't be read, or there is no space for a temporary one. Earlier batches stay, too.
        """
        condition = self._remote.condition()
        if not dry_run:
            self._remote.prepare()
            condition = self._remote.condition() if not condition.version else condition
        say("Comparing…")
        joining = self._joining(condition)
        found = self._compared(scope, joining, named=False)
        check_may_go(self._desk, scope, found.eligible)
        if not dry_run and self._bury_what_lives_on(found):
            found = self._compared(scope, joining, named=False)
        pushing = Pushing(self._desk, joining, found)
        meant, near = _meant(joining.remote, found)
        done = Moved(clock=self._clock(condition))
        try:
            for some in self._told(found, {*found.to_push} | meant, say, "Sending"):
                done += pushing.push(some, dry_run=dry_run)
                if not dry_run:
                    self._remember(found, some)
            for some_buried in _portions([one for one in found.buried_here if one.key not in near]):
                done += pushing.bury(some_buried, dry_run=dry_run)
        except SessionError as error:
            if not dry_run and not done.nothing:
                error.outcome = _stays("sent", "push")
            raise
        if not dry_run:
            self._moved(done, pushed=True)
        return done

    def pull(self, scope: SyncScope, *, dry_run: bool = False, say: Say = lambda _: None) -> Moved:
        """Fetch what this log lacks, a batch of conversations at a time, each whole or not at all.

        What both sides changed is merged as `Merging` does it.

        Args:
            scope: Which conversations. Deletions are always fetched.
            dry_run: Only count.
            say: Called with what is being done.

        Raises:
            NoSuchSession: The scope names a session that neither side has.
            RemoteFailed: The remote can't be reached or read. Earlier batches were merged; the next pull continues.
            LogUnusable: The log can't be written, or there is no space for a temporary one. Earlier batches stay, too.
        """
        self._desk.prepare()
        condition = self._remote.condition()
        say("Comparing…")
        joining = self._joining(condition)
        found = self._compared(scope, joining)
        pulling = Pulling(self._desk, joining, found, say)
        meant, near = sync_buried.concerned_here(self._desk.log, found.eligible.here, found.buried_there)
        done = Moved(clock=self._clock(condition))
        try:
            done += pulling.bury([one for one in found.buried_there if one.key not in near], dry_run=dry_run)
            for some in self._told(found, {*found.to_pull} | meant, say, "Fetching"):
                done += pulling.pull(some, dry_run=dry_run)
        except SessionError as error:
            if not dry_run and not done.nothing:
                error.outcome = _stays("fetched", "pull")
            raise
        if not dry_run:
            self._moved(done, pulled=True)
        return done

    def sync(self, scope: SyncScope, *, dry_run: bool = False, say: Say = lambda _: None) -> tuple[Moved, Moved]:
        """Pull, then push. Return what each moved. Raises what these raise."""
        pulled = self.pull(scope, dry_run=dry_run, say=say)
        return pulled, self.push(scope, dry_run=dry_run, say=say)

    # -- steps ---------------------------------------------------------

    def _joining(self, condition: Condition) -> Joining:
        remote = self._remote if condition.version else NothingYet(self._remote, condition)
        return Joining(self._desk, remote, self._settings, self._machine)

    @_collected_later()
    def _compared(self, scope: SyncScope, joining: Joining, *, named: bool = True) -> ScopeCompared:
        return Comparing(self._desk, joining.remote, self._settings, joining.person).compare(scope, named=named)

    def _bury_what_lives_on(self, found: ScopeCompared) -> bool:
        """Bury calls of deleted conversations that only forks which never go still have. Return if there are any."""
        calls = sync_buried.lives_on(self._desk.log, self._remote, found.buried_here, found.eligible.held)
        if calls:
            with self._desk.writing():
                tombstones.bury_calls(self._desk.log, calls, self._desk.timestamp())
        return bool(calls)

    def _clock(self, condition: Condition) -> str:
        return clock_sentence(self._desk.now().timestamp(), condition.now)

    def _batches(self, found: ScopeCompared, threads: Collection[str]) -> Iterator[tuple[str, ...]]:
        """Yield conversations in batches. If secrets are replaced, each family is one: it says what is a secret."""
        beside = found.eligible.beside_kept
        if not beside.isdisjoint(threads):  # what is left out of one of them depends on the others
            threads = {*threads, *(beside & found.eligible.going)}
        groups = families(threads, found.eligible.related)
        if self._settings.redact:
            return iter(groups)
        sizes = {one: max(found.ours.get(one, 0), found.theirs.get(one, 0)) for one in threads}
        return batches(groups, sizes)

    def _told(self, found: ScopeCompared, threads: Collection[str], say: Say, what: str) -> Iterator[tuple[str, ...]]:
        """Yield batches, and say how far this is."""
        done = 0
        for some in self._batches(found, threads):
            say(f"{what}… {done:,} of {counted(len(threads), 'conversation')}")
            yield some
            done += len(some)

    def _differences(
        self, found: ScopeCompared, joining: Joining, some: Collection[str], held: ExitStack
    ) -> dict[str, Difference]:
        """Return how conversations differ, given what is sent of them."""
        log = self._desk.log
        if self._settings.redact or not found.eligible.special.isdisjoint(some):
            log = held.enter_context(joining.ours(found.eligible, some))
        return differences([*joining.stamps(log, some)], joining.remote.stamps(some))

    def _alone(self, found: ScopeCompared, thread_id: str) -> Standing:
        """Return the differences of a conversation that only one side has. Its own document doesn't count as a call."""
        name = found.eligible.names.get(thread_id) or found.named_there.get(thread_id, "")
        ahead, behind = max(found.ours.get(thread_id, 0) - 1, 0), max(found.theirs.get(thread_id, 0) - 1, 0)
        return Standing(thread_id, name, ahead, behind, not (ahead or behind))

    def _standing(self, found: ScopeCompared, thread_id: str, one: Difference, gone: Collection[str]) -> Standing:
        """Return the differences of a conversation that both have. Calls with a tombstone on either side are `gone`."""
        name = found.eligible.names.get(thread_id) or found.named_there.get(thread_id, "")
        going = thread_id in found.eligible.going
        ahead, behind = (
            sum(1 for stamp in some if stamp.kind != "thread" and f"turn {stamp.key}" not in gone)
            for some in (one.ahead if going else (), one.behind)
        )
        alone = any(stamp.kind == "thread" for stamp in (*one.ahead, *one.behind)) and not (ahead or behind)
        changed = (one.rows_changed or alone) and thread_id not in found.eligible.held
        return Standing(thread_id, name, ahead, behind, changed)

    def _remember(self, found: ScopeCompared, threads: Collection[str]) -> None:
        going = found.eligible.going.intersection(threads)
        store.remember(self._desk.log, names.key(self._settings.name), going)

    def _moved(self, done: Moved, *, pushed: bool = False, pulled: bool = False) -> None:
        """Remember when the last push or pull was: to the hour, if it moved nothing, since --watch comes often."""
        remotes = Remotes(self._desk.log)
        kept = remotes.remote(self._settings.name)
        before = None if kept is None else kept.pushed_utc if pushed else kept.pulled_utc
        recent = (self._desk.now() - timedelta(hours=1)).isoformat()
        if done.nothing and before is not None and before > recent:
            return
        with self._desk.writing():
            remotes.moved(self._settings.name, self._desk.timestamp(), pushed=pushed, pulled=pulled)


def _meant(remote: Remote, found: ScopeCompared) -> tuple[set[str], set[str]]:
    """Return the conversations on the remote that have something that was deleted here, and those tombstones."""
    threads, keys = sync_buried.concerned_there(remote, found.buried_here)
    if sync_buried.ids(found.buried_here, "content"):
        threads |= {one for one in found.theirs if is_imported(one)}
    return threads, keys


def _stays(moved: str, command: str) -> str:
    """Return the outcome of an error after the first batch: what the error itself says is about its own batch."""
    return f"Everything {moved} before that stays, and the next {command} continues."


def _deleted(buried: Collection[Document]) -> int:
    """Return how many deletions some tombstones are about. One of a call has a tombstone for its text too."""
    return len(sync_buried.ids(buried, "turn")) or len(buried)


def _held(found: ScopeCompared) -> Iterator[Held]:
    """Yield the sessions that are held back, by reason."""
    eligible = found.eligible
    for reason in HELD:
        threads = [one for one, why in eligible.held.items() if why == reason and one in eligible.names]
        called = {one: eligible.names[one] for one in threads}
        if reason == "sealed":
            called = dict(eligible.sealed)
        if called:
            there = sorted((name for one, name in called.items() if one in found.held_there), key=names.key)
            yield Held(reason, tuple(sorted(called.values(), key=names.key)), tuple(there))


def _portions(buried: list[Document]) -> Iterator[list[Document]]:
    by_key = {one.key: one for one in buried}
    for some in in_portions(by_key, 5_000):
        yield [by_key[key] for key in some]
