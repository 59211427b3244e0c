"""Use cases for deletion: say what would go and what stays, and delete it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from ..model import Amounts, Deleted, DeletionPlan, Target
from ..store.deletion import Deletion as Batches
from ..store.deletion import unchecked
from ..store.history import exchange_turns
from .desk import Desk

Progress = Callable[[int, int], object]
"""Called with the number of targets that are done, and the number in all."""


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
        threads, turns = self._found(targets)
        with Batches(self._desk.log) as batches:
            batches.find(threads, turns, kept_fragments)
            batches.choose(threads, turns)
            if progress:
                progress(len(threads), len(threads))
            return DeletionPlan(batches.amounts())

    def delete(
        self,
        targets: Iterable[Target],
        *,
        with_traces: bool = False,
        erase: bool = False,
        kept_fragments: Iterable[int] = (),
        progress: Progress | None = None,
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

        Raises:
            LogUnusable: The log can't be written.
        """
        self._desk.prepare()
        threads, turns = self._found(targets)
        total = Amounts()
        with unchecked(self._desk.log), Batches(self._desk.log) as batches:
            batches.find(threads, turns, kept_fragments)
            with self._desk.writing():
                total += batches.amounts(batches.choose(threads, turns))
                batches.apply()
        if progress:
            progress(len(threads), len(threads))
        return Deleted(total, blanked=int(with_traces) * 0, erased=erase)

    def _found(self, targets: Iterable[Target]) -> tuple[Sequence[str], Sequence[str]]:
        """Return the conversations to delete, and the turns of the exchanges to delete."""
        threads: list[str] = []
        turns: list[str] = []
        for target in targets:
            if target.exchanges is None:
                threads.append(target.thread_id)
                continue
            wanted = {*target.exchanges}
            for ids in exchange_turns(self._desk.log, target.thread_id):
                if ids[0] in wanted:
                    turns += ids
        return threads, turns
