"""Use cases for merging: put another log into this one, and list what lost against newer rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path

from ..errors import LogUnusable, SessionError
from ..model import Target
from ..model.merging import Conflict, Merged
from ..rules.words import counted
from ..store import (
    Log,
    Sessions,
    history,
    merge_ahead,
    merge_branches,
    merge_buried,
    merge_conflicts,
    merge_excerpts,
    merge_rows,
    merge_tables,
    merge_tips,
    merging,
    other_log,
)
from ..store.changes import unrecorded
from ..store.deletion_beside import name_of
from ..store.deletion_family import related
from .deletion import Deletion
from .desk import Desk

Say = Callable[[str], object]
"""Called with a line about what is being done."""

_Hosts = tuple[str, Mapping[str, str]]
"""What sessions are called after if their name is taken, and for some, by thread, what else."""

_GENERIC = frozenset({"logs", "log", "other", "copy", "backup"})
"""Names of files that say nothing about where a log is from."""


class _DryRun(Exception):
    """Undoes the transaction."""


class Merging:
    """Merging logs into this one."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def merge(  # noqa: PLR0913  one parameter an option
        self,
        other: Path,
        migrate: Callable[[Log], object],
        *,
        host: str | None = None,
        dry_run: bool = False,
        kept_fragments: Iterable[int] = (),
        say: Say = lambda _: None,
    ) -> Merged:
        """Put another log into this one, whole or not at all, and return what that added and changed.

        Args:
            other: The other log. It is only read; a copy of it is brought up to date.
            migrate: Brings llm's own tables up to date.
            host: What its sessions are called after if another session has their name (`work@HOST`); by default the
                name of its file or folder.
            dry_run: Undo everything at the end.
            kept_fragments: Numbers of fragments that no deletion takes, such as those that templates name.
            say: Called with what is being done.

        Raises:
            LogUnusable: One of the logs can't be used; nothing was merged.
            SessionError: It is the same log, or another process is prompting in a session that has to be set apart.
        """
        path = self._desk.path
        if _is_same(other, path):
            message = f"{path} is the log that you are merging into."
            raise SessionError(message, "Name the log of the other machine.", "Nothing was merged.")
        self._check_free()
        with other_log.copied(other, migrate, say) as theirs:
            migrate(self._desk.log)
            hosts: _Hosts = (host or host_of(other), {})
            return self._put(theirs, hosts, tuple(kept_fragments), say, dry_run=dry_run, tidy=True)

    def merge_open(  # noqa: PLR0913  one parameter an option
        self,
        theirs: Log,
        *,
        host: str,
        hosts: Mapping[str, str] | None = None,
        dry_run: bool = False,
        kept_fragments: Iterable[int] = (),
        say: Say = lambda _: None,
    ) -> Merged:
        """Put a temporary log into this one, whole or not at all, and return what that added and changed.

        Args:
            theirs: A log from `store.documents.empty_log`, with the same tables. It may be changed.
            host: What its sessions are called after if another session has their name (`work@HOST`).
            hosts: What some of them are called after instead, by thread.
            dry_run: Undo everything at the end.
            kept_fragments: Numbers of fragments that no deletion takes.
            say: Called with what is being done.

        Raises:
            LogUnusable: One of the logs can't be used; nothing was merged.
            SessionError: Another process is prompting in a session that has to be set apart.
        """
        self._check_free()
        return self._put(theirs, (host, hosts or {}), tuple(kept_fragments), say, dry_run=dry_run, tidy=False)

    def conflicts(self) -> list[Conflict]:
        """Return the rows that lost to newer ones in merges, those of the newest merge first."""
        log = self._desk.log
        found = []
        for row in merge_conflicts.conflicts(log) if log.has_sessions() else []:
            key = str(row["key"])
            if row["kind"] in ("rating", "bookmark"):
                number = history.exchange_turns(log, row["thread_id"]).number_of(key)
                key = f"#{number}" if number else key
            found.append(
                Conflict(
                    row["kind"],
                    row["thread_id"],
                    row["name"] or row["thread_id"],
                    key,
                    json.loads(row["row_json"]),
                    row["changed_utc"],
                    row["merged_utc"],
                    row["machine"] or "",
                    row["person"] or "",
                )
            )
        return found

    def forget_conflicts(self) -> int:
        """Forget all rows that lost, and return how many those were."""
        self._desk.prepare()
        with self._desk.writing():
            count = merge_conflicts.count(self._desk.log)
            merge_conflicts.forget(self._desk.log)
        return count

    # -- steps ---------------------------------------------------------

    def _check_free(self) -> None:
        if self._desk.log.database.conn.in_transaction:
            raise SessionError("Logs can't be merged within a transaction.", "End the transaction first.")

    def _put(  # noqa: PLR0913  one parameter an option
        self, theirs: Log, hosts: _Hosts, kept: Sequence[int], say: Say, *, dry_run: bool, tidy: bool
    ) -> Merged:
        """Merge a log that is open. `tidy`: first clean away what a merge that was killed has left."""
        log = self._desk.log
        self._desk.prepare()
        with merging.attachable(log), suppress(_DryRun):
            with self._ahead(theirs, say, dry_run=dry_run, tidy=tidy) as found, log.writing(), unrecorded(log):
                plain = found is not None and found == merging.version(log)
                done, sources = self._merge(theirs, hosts, kept, say, plain=plain, dry_run=dry_run)
                if dry_run:
                    raise _DryRun
            self._link(sources, say)
        return done

    @contextmanager
    def _ahead(self, theirs: Log, say: Say, *, dry_run: bool, tidy: bool) -> Iterator[int | None]:
        """Do what can be done before the log is locked, so that others wait less, and give what `_find` returns.

        A log that can't be merged is refused, and search rows are copied, which nobody sees yet.
        """
        ours = self._desk.log
        with merging.attached(ours, theirs):
            other_log.check_columns(ours, (*merge_tables.TABLES, *merge_rows.tables()), theirs.path)
        if dry_run:
            yield self._find(theirs, say)
            return
        say("Adding to llm's search index…")
        left_out = merge_buried.buried(theirs, ours).turns.values()
        with merge_ahead.search_rows(ours, theirs, chain.from_iterable(left_out), tidy=tidy):
            yield self._find(theirs, say)

    def _find(self, theirs: Log, say: Say) -> int | None:
        """Find what is new, and return the log's version then. Return None if something has to go or be set apart."""
        ours = self._desk.log
        say("Comparing the logs…")
        version = merging.version(ours)
        deleted = any(any(merge_buried.buried(*logs)) for logs in ((ours, theirs), (theirs, ours)))
        if deleted or merge_branches.went_on(ours, theirs):
            return None
        with merging.attached(ours, theirs):
            merging.find(ours)
        return version

    def _merge(  # noqa: PLR0913  one parameter an option
        self, theirs: Log, hosts: _Hosts, kept: Sequence[int], say: Say, *, plain: bool, dry_run: bool
    ) -> tuple[Merged, list[str]]:
        """Merge in a transaction. `plain`: nothing has to go or be set apart, and what is new was found before it."""
        ours = self._desk.log
        gone, left_out = merge_buried.NOTHING, merge_buried.NOTHING
        if not plain:
            gone, left_out = merge_buried.buried(ours, theirs), merge_buried.buried(theirs, ours)
        merge_buried.drop_removed_snapshots(ours, theirs)
        merge_branches.follow(ours, theirs, gone.threads, indexed=True)
        with theirs.writing(), unrecorded(theirs):
            merge_buried.drop_removed_snapshots(theirs, ours)
            merge_branches.follow(theirs, ours, left_out.threads, indexed=False)
        deleted, stayed = _delete(self._desk, gone, theirs, kept, dry_run=dry_run)
        not_taken, _ = _delete(Desk(theirs, self._desk.now), left_out, ours, ())
        conversations = [] if plain else merge_branches.went_on(ours, theirs)
        known = merge_branches.known(ours, conversations)
        self._check_busy(conversations)
        for one in conversations:
            merge_branches.set_apart(ours, one, indexed=True)
        with theirs.writing(), unrecorded(theirs):
            for one in conversations:
                merge_branches.set_apart(theirs, one, indexed=False)
        before = merge_conflicts.count(ours)
        merging.attach(ours, theirs)
        if not plain:
            merging.find(ours)
        new = merging.counts(ours)
        say(f"Adding {counted(new['turns'], 'turn')}…")
        merging.put(ours, search=not dry_run)
        if not dry_run:
            merge_ahead.drop_left_out(ours)
        merge_buried.put_tombstones(ours, chain(*gone.turns.values(), *left_out.turns.values()), self._desk.timestamp())
        say("Merging settings, notes and ratings…")
        rows = merge_rows.rows(ours, hosts[0], self._desk.timestamp(), hosts[1])
        for one in conversations:
            merge_branches.record(ours, one)
            for thread_id, order in one.apart.order.items():
                merge_tips.reorder(ours, thread_id, order)
        sources = merge_excerpts.remember_excerpts(ours)
        lost = merge_conflicts.count(ours) - before
        branches = tuple(
            tuple(name_of(ours, thread) for thread in one.apart.order)
            for one in conversations
            if not known.issuperset(one.apart.order)
        )
        done = Merged(
            **new,
            sessions=rows.added,
            branches=branches,
            changed=rows.changed,
            conflicts=lost,
            deleted=deleted,
            left_out=not_taken,
            stayed=stayed,
        )
        return done, sources

    def _check_busy(self, conversations: Iterable[merge_branches.GrownApart]) -> None:
        """Raise SessionError if another process is prompting in a session whose newest exchanges get another thread."""
        busy = Sessions(self._desk.log).attempts.busy()
        for one in conversations:
            for thread_id in one.threads & busy:
                if merge_branches.moving(self._desk.log, one):
                    name = name_of(self._desk.log, thread_id)
                    message = f"Session “{name}” was continued in both logs, and another process is prompting it."
                    raise SessionError(message, "Try again when it is answered.", "Nothing was merged.")

    def _link(self, threads: Iterable[str], say: Say) -> None:
        """Tell where recalled excerpts are from. They are there without that, should the log be locked just now."""
        from ..store.index import Index

        with suppress(LogUnusable):
            for thread_id in threads:
                say("Indexing what was recalled…")
                Index(self._desk.log).catch_up(thread_id)
            with self._desk.writing():
                merge_excerpts.link_excerpts(self._desk.log)


def _delete(
    desk: Desk, gone: merge_buried.Buried, elsewhere: Log, kept_fragments: Sequence[int], *, dry_run: bool = False
) -> tuple[int, tuple[str, ...]]:
    """Delete from a log what was deleted elsewhere. Return how many exchanges went, and why others stayed."""
    targets = list(_targets(desk.log, gone, elsewhere))
    if not targets:
        return 0, ()
    deletion = Deletion(desk)
    if dry_run:  # a deletion also closes files beside the log, which no transaction brings back
        done = deletion.plan(targets, kept_fragments=kept_fragments)
    else:
        done = deletion.delete(targets, kept_fragments=kept_fragments, tombstones=False)
    return done.amounts.exchanges, tuple(f"{stay.why} {stay.hint}" for stay in done.stays)


def _targets(log: Log, gone: merge_buried.Buried, elsewhere: Log) -> Iterator[Target]:
    """Yield the conversations and exchanges that were deleted elsewhere.

    A fork that the other log doesn't know keeps what it shares.
    """
    turns = {turn_id for some in gone.turns.values() for turn_id in some}
    exchanges: dict[str, list[str]] = {}
    for thread_id in {*gone.turns, *gone.threads}:
        own = history.own_exchanges(log, thread_id)
        if thread_id in gone.threads and all(turn_id in turns for ids in own for turn_id in ids):
            yield Target(thread_id)
            continue
        exchanges[thread_id] = [ids[0] for ids in own if not turns.isdisjoint(ids)]
    families = related(log, exchanges)
    for thread_id in {*exchanges}.union(*families.values()):
        of = {one for near in families.get(thread_id, {thread_id}) for one in exchanges.get(near, ())}
        if thread_id in gone.threads and thread_id not in exchanges:
            continue
        if thread_id in exchanges or history.is_known(elsewhere, thread_id):
            seen = tuple(one for one in history.every_exchange(log, thread_id).first if one in of)
            if seen:
                yield Target(thread_id, seen)


def host_of(other: Path) -> str:
    """Return what the sessions of a log are called after: the name of its file, or of its folder."""
    path = other.resolve()
    names = [path.stem, path.parent.name]
    return next((one for one in names if one and one.casefold() not in _GENERIC), "other")


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.exists() and one.samefile(other)
    except OSError:
        return False
