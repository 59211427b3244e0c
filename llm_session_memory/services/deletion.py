"""Use cases for deletion: say what would go and what stays, and delete it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

from ..errors import LogUnusable
from ..model import Amounts, Covering, Deleted, DeletionPlan, Stay, Target, Trace
from ..store import erasing
from ..store.deletion import Deletion as Working
from ..store.deletion import unchecked
from ..store.deletion_family import related
from ..store.erasing import overwriting
from ..store.tombstones import is_buried
from .deletion_batch import DeletionBatch
from .desk import Desk

Progress = Callable[[int, int], object]
"""Called with the number of conversations that are done, and the number in all."""

_SECONDS = 0.4
"""How long a transaction should take. Whoever waits for longer than a second notices."""

_TURNS = 500
"""How many turns go in the first transaction; a few conversations go in one."""

_FEWEST = 250.0
"""How many turns go in a transaction at least: each has a price of its own."""

_LONG = 2_000
"""A conversation of more turns is taken out of our index first, in transactions of its own: its last one is shorter."""

_PAUSE_SECONDS = 0.12
"""The pause between two transactions. SQLite looks every 0.1 seconds at most whether a lock is gone."""


class Deletion:
    """Deleting conversations and exchanges of a log."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def plan(
        self,
        targets: Iterable[Target],
        *,
        kept_fragments: Iterable[int] = (),
        progress: Progress | None = None,
    ) -> DeletionPlan:
        """Return what deleting these targets would do, without changing anything. The log may be read-only.

        Args:
            targets: Conversations, or exchanges of them.
            kept_fragments: Numbers of fragments that stay in any case, such as those that templates name.
            progress: Called after each batch.
        """
        wanted = self._wanted(targets)
        found = _Found()
        with self._working(wanted, kept_fragments) as working:
            for batch, last in self._batches(working, wanted, progress):
                batch.choose(working, last=last)
                found.add(batch)
            return DeletionPlan(working.amounts(), **found.told())

    def delete(  # noqa: PLR0913  one parameter an option
        self,
        targets: Iterable[Target],
        *,
        with_traces: bool = False,
        erase: bool = False,
        kept_fragments: Iterable[int] = (),
        progress: Progress | None = None,
        tombstones: bool = True,
        within: Callable[[], object] | None = None,
    ) -> Deleted:
        """Delete these targets, and return what went and what stayed.

        Each conversation goes whole or not at all. A few go in one transaction; many go in several, between which
        others can write.

        Args:
            targets: Conversations, or exchanges of them.
            with_traces: Blank their texts in later requests as well.
            erase: Remove their bytes from the file: it is rewritten, and nobody else can use it meanwhile.
            kept_fragments: Numbers of fragments that stay in any case, such as those that templates name.
            progress: Called after each batch.
            tombstones: Remember what was deleted, so that imports don't bring it back.
            within: Called in each transaction before anything of it is deleted. If it raises, nothing more is deleted.

        Raises:
            LogUnusable: The log can't be written.
        """
        self._desk.prepare()
        before = self._desk.path.stat().st_size
        wanted = self._wanted(targets)
        found = _Found()
        total = Amounts()
        with ExitStack() as held:
            held.enter_context(unchecked(self._desk.log))
            if erase:
                held.enter_context(overwriting(self._desk.log))
            working = held.enter_context(self._working(wanted, kept_fragments))
            total += self._lighten(working, wanted)
            for batch, last in self._batches(working, wanted, progress, _PAUSE_SECONDS):
                done, amounts = self._apply(
                    working, batch, last=last, blank=with_traces, tombstones=tombstones, within=within
                )
                total += amounts
                found.add(done)
        if not erase:
            return Deleted(total, **found.told(), blanked=found.blanked)
        try:
            self.erase()
        except LogUnusable as error:
            message = f"Deleted, but not yet erased from the file. {error.message}"
            raise LogUnusable(message, f"Erase it later with: {self._desk.command('purge', '--erase')}") from error
        after = self._desk.path.stat().st_size
        return Deleted(total, **found.told(), blanked=found.blanked, erased=True, size_before=before, size_after=after)

    def erase(self) -> None:
        """Rewrite the log, so that no byte of what was deleted is left in its file.

        Nobody else can use the log meanwhile. Raises LogUnusable: the log is whole, but the bytes may still be there.
        """
        erasing.erase(self._desk.log)

    def _wanted(self, targets: Iterable[Target]) -> list[Target]:
        """Return each conversation once. One that others deleted, but that continued, goes with its last exchange.

        No merge would leave it either, without an exchange: then it would be on some machines, and not on others.
        """
        wanted = _merged(targets)
        single = [one.thread_id for one in wanted if one.exchanges is not None]
        buried = {*is_buried(self._desk.log, "thread", single)}
        ended: dict[str, tuple[str, ...]] = {}
        for group in self._together(wanted) if buried else ():
            if not buried.isdisjoint(one.thread_id for one in group):
                ended |= DeletionBatch(self._desk, group).emptied()
        ending = buried & ended.keys()
        return [
            replace(one, exchanges=ended[id_], ends=True) if (id_ := one.thread_id) in ending else one for one in wanted
        ]

    def _apply(  # noqa: PLR0913  one parameter an option
        self,
        working: Working,
        batch: DeletionBatch,
        *,
        last: bool,
        blank: bool,
        tombstones: bool,
        within: Callable[[], object] | None,
    ) -> tuple[DeletionBatch, Amounts]:
        """Delete a batch in one transaction, and return it as it was deleted, with how much went.

        What goes is found before the transaction begins, so that others wait for half as long. If anyone has written
        to the log meanwhile, it is found once more.
        """
        working.prepare(batch.threads)
        version, chosen = working.version(), batch
        if not blank:
            chosen.choose(working, last=last)
            amounts = working.amounts(chosen.number)
        with self._desk.writing():
            began = time.monotonic()
            if within:
                within()
            if blank or working.version() != version:
                working.forget()
                chosen = batch.anew()
                chosen.choose(working, last=last, blank=blank)
                amounts = working.amounts(chosen.number)
            chosen.apply(working, tombstones=tombstones)
        batch.seconds = time.monotonic() - began
        chosen.close()
        return chosen, amounts

    @contextmanager
    def _working(self, wanted: Sequence[Target], kept_fragments: Iterable[int]) -> Iterator[Working]:
        with Working(self._desk.log) as working:
            everything = DeletionBatch(self._desk, wanted)
            working.find(everything.threads, everything.turns(), kept_fragments)
            yield working

    def _lighten(self, working: Working, wanted: Sequence[Target]) -> Amounts:
        """Take long conversations that share no exchanges out of our index, in portions between which others can write.

        A conversation goes in one transaction, and half of that is the index. A deletion that is broken off here has
        deleted nothing: the index catches up with the log when the conversation is used. Returns what went.
        """
        went = Amounts()
        sizes = working.sizes()
        long = [one.thread_id for one in wanted if one.exchanges is None and sizes.get(one.thread_id, 0) > _LONG]
        shared = related(self._desk.log, long)
        for thread_id in long:
            for portion in working.portions(thread_id) if thread_id not in shared else ():
                with self._desk.writing():
                    went += working.take_out(portion)
                time.sleep(_PAUSE_SECONDS)
        return went

    def _batches(
        self, working: Working, wanted: Sequence[Target], progress: Progress | None, pause: float = 0
    ) -> Iterator[tuple[DeletionBatch, bool]]:
        """Yield batches of whole conversations, each small enough to go within half a second, and which is the last."""
        groups = self._together(wanted)
        going = {target.thread_id for target in wanted if target.exchanges is None or target.ends}
        sizes = working.sizes()
        most, done, place = float(_TURNS), 0, 0
        fewest = _FEWEST if pause else 10 * _FEWEST  # a plan locks nothing
        while place < len(groups):
            taken: list[Target] = []
            size = 0
            while place < len(groups) and (not taken or size < most):
                taken += groups[place]
                size += sum(sizes.get(target.thread_id, 0) for target in groups[place]) or 1
                place += 1
            began = time.monotonic()
            batch = DeletionBatch(self._desk, taken, going)
            yield batch, place == len(groups)
            seconds = batch.seconds or time.monotonic() - began
            most = min(max(size * _SECONDS / max(seconds, 0.001), fewest), 2 * most)
            done += len(taken)
            if progress:
                progress(done, len(wanted))
            if pause and place < len(groups):
                time.sleep(pause)

    def _together(self, wanted: Sequence[Target]) -> list[list[Target]]:
        """Return the targets in groups that share exchanges, which are decided on together."""
        families = related(self._desk.log, (target.thread_id for target in wanted))
        groups: dict[object, list[Target]] = {}
        for target in wanted:
            groups.setdefault(families.get(target.thread_id, target.thread_id), []).append(target)
        return list(groups.values())


class _Found:
    """What is told of the batches so far."""

    def __init__(self) -> None:
        self.stays: list[Stay] = []
        self.covering: list[Covering] = []
        self.moved: list[tuple[str, str, int]] = []
        self.traces: list[Trace] = []
        self.blanked = 0

    def add(self, batch: DeletionBatch) -> None:
        """Add a batch."""
        self.stays += batch.stays
        self.covering += batch.covering
        self.moved += batch.moved
        self.traces += batch.traces
        self.blanked += batch.blanked

    def told(self) -> dict[str, Any]:
        """Return the fields of a plan."""
        return {name: tuple(getattr(self, name)) for name in ("stays", "traces", "covering", "moved")}


def _merged(targets: Iterable[Target]) -> list[Target]:
    """Return each conversation once; all of it, if that was asked for as well."""
    whole: dict[str, bool] = {}
    single: dict[str, dict[str, None]] = {}
    for target in targets:
        whole[target.thread_id] = whole.get(target.thread_id, False) or target.exchanges is None
        single.setdefault(target.thread_id, {}).update(dict.fromkeys(target.exchanges or ()))
    return [Target(one, None if all_ else tuple(single[one])) for one, all_ in whole.items() if all_ or single[one]]
