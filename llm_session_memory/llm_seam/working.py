"""Work on a job: take its items one by one, ask them side by side, and keep what came of each.

The answer to an item and “done” are one transaction, so a kill at any moment loses no answer and repeats none that was
logged: at most the items that were being asked are asked again. Any number of processes can work on one job.
"""

from __future__ import annotations

import asyncio
import inspect
import secrets
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import LogUnusable
from ..model.jobs import Item, Job
from ..rules.pacing import Limits
from ..services.bundle import Services
from ..services.jobs import LEASE, KeptAnswer
from .crew import Crew, Terms

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Also", "JobProgress", "Limits", "Runner", "Skip", "Wait", "Worked", "work"]

_PATIENCE = 300
"""How many seconds to wait for a log that another program has locked: it may be compacting it."""

_TICK = 0.2

_TELLING = 0.05
"""The share of the time that may be spent on counting items, which takes 20 ms for 100,000."""

_RATE_SECONDS = 60.0
"""The rate is that of about the last minute."""


class Skip(Exception):
    """Raised by a runner for an item that is not to be asked; its text says why, as a sentence."""


class Wait(Exception):
    """Raised by a runner for an item that must first wait for other items: those at the given positions."""

    def __init__(self, needs: tuple[int, ...]) -> None:
        super().__init__()
        self.needs = needs


class Also(Protocol):
    """Makes an item done, within the transaction that logs its answer. It is what `ask` gets as `also`."""

    def __call__(self, answer: KeptAnswer | None = None, *, output: Any = None) -> None:
        """Keep the answer, the value of a step, or both. Raises AlreadyDone if another process was faster."""


Runner = Callable[[Services, Item, Also], "Any | Awaitable[Any]"]
"""Asks one item: calls `ask(services, ..., also=also)`, or returns the value of a step without a model.

It gets the Services of its thread. It raises Skip if the item is not to be asked, Wait if others must be asked before
it, and any other exception if it failed.
If it is a coroutine function, all items are asked on one asyncio loop, which shares one Services.
"""


@dataclass(frozen=True)
class JobProgress:
    """How far a job is.

    Attributes:
        job: The job as it is now, with the number of its items by state, and what it has cost.
        total: The number of its items.
        ended: How many of them are done, failed, skipped or cancelled.
        running: How many this process is asking.
        a_minute: How many have ended a minute lately, in all processes; None at first.
        seconds_left: About how long it will take; None if that is not known.
        stopping: Whether Ctrl-C was pressed, so that it ends once the items that are being asked have their answers.
        waits: How many seconds it waits for the server, or 0.
        waits_for: What the server said.
    """

    job: Job
    total: int
    ended: int
    running: int
    a_minute: float | None
    seconds_left: float | None
    stopping: bool
    waits: float
    waits_for: str


@dataclass(frozen=True)
class Worked:
    """The end of the work: the job as it is then, and whether a person interrupted it."""

    job: Job
    interrupted: bool = False


def work(  # noqa: PLR0913  how a job is worked on, each on its own
    path: Path,
    job: Job,
    run: Runner,
    *,
    jobs: int = 4,
    limits: Limits | None = None,
    tries: int | Callable[[Item], int] = 5,
    progress: Callable[[JobProgress], None] | None = None,
    on_failed: Callable[[Item, str], str | None] | None = None,
    typed: str | None = None,
) -> Worked:
    """Ask the items of an open job until none is left, it stops, or a person interrupts it.

    Errors that may pass are tried again, after waits that grow and that the server may ask for. A server that is busy
    or out of reach holds up all items. The job stops, with its reason, if its cost has reached its `max_cost`, and if
    all further items would fail too: the key is refused, the server stays out of reach. It can be resumed then.

    The first Ctrl-C lets the items that are being asked end; a second one gives them back and returns at once.

    Args:
        path: The log.
        job: The job, which must be open (see `services.jobs.resume`).
        run: What asks an item.
        jobs: How many items are asked at the same time.
        limits: The most requests and tokens a minute, of this process.
        tries: How often an item is asked, if its errors may pass; or a function that returns it.
        progress: Called in this thread from time to time, and at the end.
        on_failed: Called when an item has failed for good, with the sentence; may return a reason to stop the job.
        typed: The -d option as the person gave it, for hints.

    Raises:
        LogUnusable: The log can't be read or written any more.
    """
    with Services.open(path, typed=typed) as services:
        crew = Crew(job, Terms(limits or Limits(), tries, on_failed), services.jobs.owner(secrets.token_hex(4)))
        watch = _Watch(services, crew, progress)
        ended = watch.until_over(_started(path, typed, crew, run, jobs))
        services.jobs.give_back(job, crew.owner)
        if crew.error is not None:
            raise crew.error
        if watch.interrupted and not services.jobs.is_worked_on(job):
            services.jobs.stop(job, "It was interrupted.")
        watch.tell(last=True)
        return Worked(services.jobs.refreshed(job), not ended or watch.interrupted)


# -- workers ---------------------------------------------------------------


def _started(path: Path, typed: str | None, crew: Crew, run: Runner, jobs: int) -> list[threading.Thread]:
    """Start the workers: threads that end with the process if a person doesn't wait for them."""
    if inspect.iscoroutinefunction(run):
        targets: list[Callable[[], None]] = [lambda: asyncio.run(_on_loop(path, typed, crew, run, jobs))]
    else:
        targets = [lambda: _on_thread(path, typed, crew, run)] * jobs
    threads = [threading.Thread(target=target, name="llm-sessions-job", daemon=True) for target in targets]
    for thread in threads:
        thread.start()
    return threads


@contextmanager
def _opened(path: Path, typed: str | None, crew: Crew) -> Iterator[Services]:
    """Open the log for a worker, and keep an error that is not of an item."""
    try:
        with Services.open(path, typed=typed) as services, services.desk.log.patience(_PATIENCE):
            yield services
    except BaseException as error:  # noqa: BLE001  of a thread: raised where the work was begun
        crew.broke(error)


def _on_thread(path: Path, typed: str | None, crew: Crew, run: Runner) -> None:
    """Take and ask items, one after the other."""
    with _opened(path, typed, crew) as services:
        while (item := crew.next(services)) is not None:
            if isinstance(item, float):
                with crew.changed:
                    if not crew.stopping:
                        crew.changed.wait(item)
                continue
            one = _Item(services, crew, item)
            with one.kept():
                one.returned(run(services, item, one.also))


async def _on_loop(path: Path, typed: str | None, crew: Crew, run: Runner, jobs: int) -> None:
    """Ask items side by side on one loop."""
    with _opened(path, typed, crew) as services:

        async def worker() -> None:
            while (item := crew.next(services)) is not None:
                if isinstance(item, float):
                    await asyncio.sleep(min(item, _TICK))
                    continue
                one = _Item(services, crew, item)
                with one.kept():
                    one.returned(await run(services, item, one.also))

        await asyncio.gather(*(worker() for _ in range(jobs)))


class _Item:
    """An item that is being asked."""

    def __init__(self, services: Services, crew: Crew, item: Item) -> None:
        self._services, self._crew, self._item = services, crew, item
        self._answer: KeptAnswer | None = None
        self._is_done = False

    def also(self, answer: KeptAnswer | None = None, *, output: Any = None) -> None:
        """Make it done (see Also)."""
        self._services.jobs.done(self._item, answer, output)
        self._answer, self._is_done = answer, True

    def returned(self, value: Any) -> None:
        """Make it done with what the runner returned, unless `ask` has made it so, and count it."""
        if not self._is_done:
            self._services.jobs.done(self._item, output=value)
        self._crew.answered(self._services, self._item, self._answer)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep that it was skipped or that it failed."""
        try:
            yield
        except Skip as why:
            self._crew.skipped(self._services, self._item, str(why))
        except Wait as later:
            self._crew.waits(self._services, self._item, later.needs)
        except Exception as error:  # noqa: BLE001  whatever a model or its plugin raises
            self._crew.failed(self._services, self._item, error)


# -- watching --------------------------------------------------------------


class _Watch:
    """Waits for the workers: keeps their items theirs, tells how far they are, and hears Ctrl-C."""

    def __init__(self, services: Services, crew: Crew, told: Callable[[JobProgress], None] | None) -> None:
        self._services, self._crew, self._told = services, crew, told
        self._seen: deque[tuple[float, int]] = deque()
        self._renewed, self._tell_again = time.monotonic(), 0.0
        self.interrupted = self._hurried = False

    def until_over(self, threads: list[threading.Thread]) -> bool:
        """Return True once all workers have ended, or False as soon as a person has pressed Ctrl-C twice."""
        over = False
        while not over and not self._hurried:
            over = self._until_interrupted(threads)
        return over

    def _until_interrupted(self, threads: list[threading.Thread]) -> bool:
        try:
            while alive := [thread for thread in threads if thread.is_alive()]:
                alive[0].join(_TICK)
                with suppress(LogUnusable):  # it is locked; if it stays unusable, the workers say so
                    self._tick()
        except KeyboardInterrupt:
            self._hurried, self.interrupted = self.interrupted, True
            self._crew.stop()
            return False
        return True

    def _tick(self) -> None:
        if time.monotonic() - self._renewed > LEASE.total_seconds() / 4:
            self._services.jobs.renew(self._crew.job, self._crew.owner)
            self._renewed = time.monotonic()
        self.tell()

    def tell(self, *, last: bool = False) -> None:
        """Tell how far the job is."""
        if self._told is None or (time.monotonic() < self._tell_again and not last):
            return
        began = time.monotonic()
        job, now = self._services.jobs.refreshed(self._crew.job), time.monotonic()
        left = job.counts.get("waiting", 0) + job.counts.get("running", 0)
        total = sum(job.counts.values())
        rate = self._rate(now, total - left)
        self._tell_again = began + (time.monotonic() - began) / _TELLING
        self._told(
            JobProgress(
                job,
                total,
                total - left,
                0 if last else self._crew.running(),
                rate,
                left / rate * 60 if rate else None,
                self.interrupted and not last,
                self._crew.seconds_to_wait(),
                self._crew.waits_for,
            )
        )

    def _rate(self, now: float, ended: int) -> float | None:
        """Return how many items have ended a minute, or None if none has."""
        self._seen.append((now, ended))
        while len(self._seen) > 2 and now - self._seen[0][0] > _RATE_SECONDS:  # noqa: PLR2004  the last one stays
            self._seen.popleft()
        since, before = self._seen[0]
        return (ended - before) / (now - since) * 60 if ended > before and now > since else None
