"""What the workers on one job share in this process: the pace, the costs, and what failures mean for those that follow.

A worker asks here for its next item, and reports the result. A failure of the server holds up all workers, a failure of
one prompt only its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from ..errors import AlreadyDone, LogUnusable
from ..model.jobs import Item, Job
from ..rules.money import exact
from ..rules.pacing import Limits, Pace, backoff
from ..services.bundle import Services
from .failures import Failure, read

LONGEST_WAIT = 900.0
"""The longest time, in seconds, that is waited for a server. If it asks for more, the job stops."""

_UNREACHABLE, _NEVER_REACHED = 8, 4
"""After how many waits in a row a job stops, and how many if no request had an answer yet."""

_ALIKE = 20
"""How many items may fail in the same way before any was answered; then the job stops."""

_POLL = 1.0
"""How often, in seconds, to look whether other processes have changed something."""

_TINY = 1e-9


@dataclass(frozen=True)
class Terms:
    """How a job is worked on: see `working.work`."""

    limits: Limits = field(default_factory=Limits)
    tries: int | Callable[[Item], int] = 5
    on_failed: Callable[[Item, str], str | None] | None = None


@dataclass(frozen=True)
class _Taken:
    """An item that is being asked: since when, and how many tokens it is expected to take."""

    since: float
    guess: float


class Crew:
    """The state that the workers of one process share. Each passes its own Services, which belong to its thread."""

    def __init__(self, job: Job, terms: Terms, owner: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.job, self.terms, self.owner = job, terms, owner
        self.changed = threading.Condition()
        self.stopping = False
        self.error: BaseException | None = None
        self.waits_until = 0.0
        self.waits_for = ""
        self._clock = clock
        self._pace = Pace(terms.limits)
        self._reserved = 0
        self._taken: dict[int, _Taken] = {}
        self._answers, self._dollars = 0, 0.0
        self._waves, self._wave_until = 0, 0.0
        self._alike, self._last = 0, ""
        self._prices: dict[str, str] = {}

    # -- the next item -------------------------------------------------

    def next(self, services: Services) -> Item | float | None:
        """Return the item to ask now, or how many seconds to wait for one, or None if there is nothing more to do."""
        with self.changed:
            if self.stopping:
                return None
            wait = self._pace.wait(self._clock())
            if wait > 0:
                return wait
            if not self._fits(services):
                return None if self.stopping else _POLL
            guess = self._pace.take(self._clock())
            self._reserved += 1
        item = None
        try:
            item = services.jobs.claim(self.job, self.owner)
        finally:
            with self.changed:
                if item is None:
                    self._reserved -= 1
                    self._pace.give_back(guess)
                else:
                    self._taken[item.position] = _Taken(self._clock(), guess)
        if item is None:
            return self._idle(services)
        return item if self._may_pay(services, item) else None

    def _idle(self, services: Services) -> float | None:
        """Return how long to wait if no item can be taken now, or None if none will be."""
        if not services.jobs.is_open(self.job) or services.jobs.finish(self.job):
            self.stop()
            return None
        moment = services.jobs.next_moment(self.job)
        if moment is None:
            return _POLL
        return min(_POLL, max(0.01, (moment - services.desk.now()).total_seconds()))

    def _fits(self, services: Services) -> bool:
        """Return whether one more request fits what the job may cost, if it costs the mean of those before it."""
        most = self.job.max_cost
        if most is None:
            return True
        if not self._answers:
            return not self._reserved  # the first one says what they cost
        spent, mean = services.jobs.dollars(self.job) or 0.0, self._dollars / self._answers
        if spent + (self._reserved + 1) * mean <= most + _TINY:
            return True
        if not self._reserved:
            expected = f" The next prompt would cost about {exact(mean)}." if spent < most else ""
            self._end(services, f"The job has cost {exact(spent)} of at most {exact(most)}.{expected}")
        return False

    def _may_pay(self, services: Services, item: Item) -> bool:
        """Return whether an item's model has a known price, or needs none, if the job may cost only so much."""
        model = item.model or self.job.settings.get("model")
        if self.job.max_cost is None or item.kind != "prompt" or not isinstance(model, str):
            return True
        if model not in self._prices:
            self._prices[model] = services.costs.unknown(model).partition(". ")[0]
        unknown = self._prices[model]
        reason = (
            unknown
            and f"The limit of {exact(self.job.max_cost)} can't be kept: {unknown}. Remove it with --max-cost none."
        )
        spent = services.jobs.dollars(self.job) or 0.0
        if not reason and spent >= self.job.max_cost and services.costs.of_call(model, 1, 1):
            reason = f"The job has cost {exact(spent)} of at most {exact(self.job.max_cost)}."
        if reason:
            services.jobs.put_back(item)
            self._release(item)
            self._end(services, reason)
        return not reason

    # -- what came of it -----------------------------------------------

    def answered(self, services: Services, item: Item, answer: Any) -> None:
        """Count an item that is done; `answer` is None for a step without a model."""
        tokens, dollars = 0, 0.0
        if answer is not None:
            tokens = (answer.input_tokens or 0) + (answer.output_tokens or 0)
            dollars = services.costs.of_call(answer.model, answer.input_tokens, answer.output_tokens) or 0.0
        with self.changed:
            taken = self._release(item)
            if answer is None:
                self._pace.give_back(taken.guess)
                return
            self._pace.answered(taken.guess, tokens)
            self._answers += 1
            self._dollars += dollars
            self._waves = self._alike = 0

    def skipped(self, services: Services, item: Item, why: str) -> None:
        """Keep that an item is not asked, and why."""
        services.jobs.skipped(item, why)
        with self.changed:
            self._pace.give_back(self._release(item).guess)

    def waits(self, services: Services, item: Item, needs: tuple[int, ...]) -> None:
        """Let an item wait for others."""
        services.jobs.wait_for(item, needs)
        with self.changed:
            self._pace.give_back(self._release(item).guess)

    def failed(self, services: Services, item: Item, error: BaseException) -> None:
        """Keep that an item failed, let it wait if it may be asked again, and stop the job if all would fail."""
        with self.changed:
            taken = self._release(item)
        if isinstance(error, AlreadyDone):
            return
        if isinstance(error, LogUnusable):
            raise error
        failure = read(error, services.desk.now)
        if failure.for_all:
            services.jobs.put_back(item, failure.sentence)
            self.give_up(services, item, failure.sentence)
        elif failure.again:
            self._again(services, item, failure, taken)
        else:
            self._failed_for_good(services, item, failure.sentence)

    def _again(self, services: Services, item: Item, failure: Failure, taken: _Taken) -> None:
        """Let an item wait after a failure that may pass, and all others too if the server is busy or out of reach."""
        of_server = failure.busy or not failure.replied
        with self.changed:
            now = self._clock()
            if of_server and taken.since >= self._wave_until:  # not one of those that failed at the same time
                self._waves += 1
                self._wave_until = now
            waves, answers = self._waves, self._answers
            pause = failure.wait if failure.wait is not None else backoff(max(1, waves))
            if of_server and (failure.busy or waves > 1) and pause <= LONGEST_WAIT:
                self._pace.pause(now + pause)
                self.waits_until = self._wave_until = max(self._wave_until, now + pause)
                self.waits_for = failure.sentence
        if pause > LONGEST_WAIT:
            services.jobs.put_back(item, failure.sentence)
            minutes = f"{pause / 60:,.0f} minutes" if pause < timedelta(days=365).total_seconds() else "very long"
            said = failure.sentence.rstrip(".")
            self.give_up(services, item, f"{said}. The server asks to wait {minutes}.")
        elif waves >= (_UNREACHABLE if answers else _NEVER_REACHED):
            services.jobs.put_back(item, failure.sentence)
            self.give_up(services, item, f"No answer after {waves} attempts in a row: {failure.sentence}")
        else:
            counted = not failure.busy and (failure.replied or waves <= 1)
            most = self.terms.tries(item) if callable(self.terms.tries) else self.terms.tries
            if counted and item.tries >= most:
                self._failed_for_good(services, item, failure.sentence)
                return
            wait = max(failure.wait or 0.0, backoff(item.tries))
            moment = services.desk.now() + timedelta(seconds=wait)
            services.jobs.failed(item, failure.sentence, moment, counted=counted)

    def _failed_for_good(self, services: Services, item: Item, sentence: str) -> None:
        services.jobs.failed(item, sentence)
        with self.changed:
            self._alike = self._alike + 1 if sentence == self._last else 1
            self._last = sentence
            alike = self._alike if not self._answers else 0
        reason = self.terms.on_failed(item, sentence) if self.terms.on_failed else None
        if reason is None and alike >= _ALIKE:
            reason = f"The first {alike} items failed in the same way: {sentence}"
        if reason is not None:
            self._end(services, reason)

    # -- ending --------------------------------------------------------

    def stop(self) -> None:
        """Let no worker take another item."""
        with self.changed:
            self.stopping = True
            self.changed.notify_all()

    def broke(self, error: BaseException) -> None:
        """Keep the first error that is not of an item, and stop."""
        self.error = self.error or error
        self.stop()

    def running(self) -> int:
        """Return how many items are being asked in this process."""
        return len(self._taken)

    def seconds_to_wait(self) -> float:
        """Return how long all workers wait for the server, 0 if they don't."""
        return max(0.0, self.waits_until - self._clock())

    def give_up(self, services: Services, item: Item, reason: str) -> None:
        """Stop the job, because all of its items would fail here as this one did."""
        del item
        self._end(services, reason)

    def _end(self, services: Services, reason: str) -> None:
        """Stop the job itself, so that other processes stop too. The reason gets a full stop if it has none."""
        services.jobs.stop(self.job, reason if reason.endswith((".", "!", "?", "…")) else f"{reason}.")
        self.stop()

    def _release(self, item: Item) -> _Taken:
        with self.changed:  # a lock that its holder can take again
            self._reserved -= 1
            self.changed.notify_all()
            # It may be gone: a machine that slept for longer than its leases takes its own items again.
            return self._taken.pop(item.position, _Taken(self._clock(), 0.0))
