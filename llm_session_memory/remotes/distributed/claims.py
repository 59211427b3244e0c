"""What a Crew asks for: one item that DBOS gave to this worker, instead of any item of a log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from ...llm_seam.crew import Crew, Terms
from ...model.jobs import Item, Job
from ...rules.pacing import Limits
from ...services.bundle import Services
from ..postgres.job_board import Board, NotNow, NotOurs
from ..postgres.job_rows import Ticket
from .gate import Gate

_Result = TypeVar("_Result")

_LEFT = 5.0
"""How many seconds an item waits if this worker got it but may not ask it."""


@dataclass(frozen=True)
class Shop:
    """What the items of a worker share: the board, the limits, how to try again, and what may be asked."""

    board: Board
    gate: Gate
    reach: Callable[[Callable[[], Any]], Any]
    may_ask: Callable[[Item, Job], bool]


class Claims:
    """The jobs of a log, as far as a Crew asks for them, for the one item that DBOS gave to this thread."""

    def __init__(self, ticket: Ticket, services: Services, shop: Shop) -> None:
        """`shop` has what the items of a worker share."""
        self._ticket, self._services, self._shop = ticket, services, shop
        self._guess: float | None = None

    def _reach(self, act: Callable[[], _Result]) -> _Result:
        found: _Result = self._shop.reach(act)
        return found

    def claim(self, job: Job, owner: str) -> Item:
        """Take the item. Raises NotOurs or NotNow."""
        del owner
        self._guess = self._shop.gate.take()
        if self._guess is None:
            raise NotNow
        item = None
        try:
            item = self._reach(lambda: self._shop.board.claim(self._ticket))
        finally:
            if item is None:
                self.failed_here()
        if not self._shop.may_ask(item, job):
            self.put_back(item, seconds=_LEFT)
            raise NotOurs
        return item

    def answered(self, answer: Any) -> None:
        """Count what the answer took."""
        if self._guess is not None:
            tokens = (answer.input_tokens or 0) + (answer.output_tokens or 0)
            paid = self._services.costs.of_call(answer.model, answer.input_tokens, answer.output_tokens) or 0.0
            self._shop.gate.answered(self._guess, tokens, paid)
            self._guess = None

    def failed_here(self) -> None:
        """Take back what was counted, because there is no answer."""
        if self._guess is not None:
            self._shop.gate.give_back(self._guess)
            self._guess = None

    def put_back(self, item: Item, error: str | None = None, seconds: float = 1.0) -> None:
        """Let the item wait again, for some seconds; its last try doesn't count."""
        self.failed_here()
        self._reach(lambda: self._shop.board.wait(item, error, seconds, max(0, item.tries - 1)))

    def failed(self, item: Item, error: str, not_before: datetime | None = None, *, counted: bool = True) -> None:
        """Mark the item as failed; with `not_before`, it is asked again then."""
        tries = item.tries if counted else max(0, item.tries - 1)
        board = self._shop.board
        if not_before is None:
            self._reach(lambda: board.end(item, "failed", error, tries))
        else:
            seconds = max(0.0, (not_before - self._services.desk.now()).total_seconds())
            self._reach(lambda: board.wait(item, error, seconds, tries))

    def skipped(self, item: Item, why: str) -> None:
        """Mark the item as skipped."""
        self.failed_here()
        self._reach(lambda: self._shop.board.end(item, "skipped", why, item.tries))

    def stop(self, job: Job, reason: str) -> None:
        """Stop the job for all workers."""
        self._reach(lambda: self._shop.board.stop(job.id, reason))

    def dollars(self, job: Job) -> float | None:
        """Return what the job has cost."""
        return self._reach(lambda: self._shop.board.dollars(job.id))


class WorkersCrew(Crew):
    """What the threads of a worker share for a job. A server that is out of reach here may be in reach elsewhere."""

    def __init__(self, job: Job, limits: Limits, rest: Callable[[str, str], None]) -> None:
        """`rest` gets the model that is left alone, and why."""
        super().__init__(job, Terms(limits), "")
        self._rest = rest

    def give_up(self, services: Services, item: Item, reason: str) -> None:
        """Leave the items of this model to other workers for a while."""
        del services
        with self.changed:
            self._waves = 0
        self._rest(item.model or "", reason)
