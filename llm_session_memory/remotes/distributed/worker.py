"""A worker: a process that asks items of jobs which other machines made, and puts the answers on the remote.

Its own log is not touched: each prompt is asked in a temporary log, and what it has logged there goes to the remote
in the transaction that makes the item done. So an item that is asked again after a kill is still logged once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ...errors import LogUnusable, RemoteFailed, SessionError
from ...llm_seam.asked_here import Logs
from ...llm_seam.crew import Crew
from ...llm_seam.handed_on import HandedOn
from ...llm_seam.models import Models
from ...llm_seam.working import Skip
from ...model.jobs import Item, Job
from ...rules.pacing import Limits, backoff
from ...services.bundle import Services
from ..postgres.job_board import Board, NotNow, NotOurs
from ..postgres.job_rows import Offer, Ticket
from .claims import Claims, Shop, WorkersCrew
from .gate import Gate
from .keeping import keep

if TYPE_CHECKING:
    from .engine import Engine

__all__ = ["Limits", "Logs", "Rules", "Worker", "WorkerState"]

_Result = TypeVar("_Result")

TICK = 0.5
_OUT_OF_REACH = 600.0
"""How many seconds a worker goes on trying to reach the remote before it ends."""

_KNOWN = 60.0
"""How many seconds a worker remembers whether llm has a model: Ollama's server may be started later."""

_REST, _LONGEST_REST = 60.0, 900.0
"""How long a worker leaves a model alone if its server didn't answer or refused the key: at first, and at most."""


@dataclass(frozen=True)
class Rules:
    """What a worker may do.

    Attributes:
        jobs: How many items it asks at the same time.
        models: The ids of the models that it asks, or None for all that llm has.
        tools: The tools that models may call here, by name.
        limits: The most requests and tokens a minute.
        max_cost: The most that it may spend, in US dollars.
        dead_after: How many seconds a worker may be silent before others ask its items.
        until_done: Whether it ends when nothing is left that it could ask.
    """

    jobs: int = 4
    models: frozenset[str] | None = None
    tools: frozenset[str] = frozenset()
    limits: Limits = field(default_factory=Limits)
    max_cost: float | None = None
    dead_after: float = 30.0
    until_done: bool = False


@dataclass(frozen=True)
class WorkerState:
    """What a worker has done so far, and what it is doing."""

    answered: int
    asking: int
    spent: float
    stopping: bool


class Worker:
    """Asks items until it is stopped."""

    def __init__(self, board: Board, logs: Logs, rules: Rules, tell: Callable[[str], None]) -> None:
        """`tell` gets a sentence about each thing that a person should know."""
        self.board, self.logs, self.rules, self.tell = board, logs, rules, tell
        self.gate = Gate(rules.limits, rules.max_cost)
        self.stopping = self.hurried = False
        self.error: BaseException | None = None
        self.answered = self._asking = 0
        self._lock = threading.RLock()
        self._shop = Shop(board, self.gate, self.reach, self.may_ask)
        self._crews: dict[tuple[str, float | None], tuple[Crew, HandedOn]] = {}
        self._rests: dict[str, tuple[float, float]] = {}
        self._known: dict[tuple[str, bool], tuple[str | None, float]] = {}

    # -- the main thread -------------------------------------------------

    def work(self, engine: Engine, machine: str, progress: Callable[[WorkerState], None]) -> None:
        """Take items until `stop` is called, and until those that are being asked have ended.

        Ctrl-C may break it off; called again, it continues.
        """
        self.board.alive(machine)
        if not engine.launched:
            engine.launch()
        seen = recovered = time.monotonic()
        idle_since: float | None = None
        while not (self.stopping and not self._asking):
            now = time.monotonic()
            if now - seen > self.rules.dead_after / 5:
                self.reach(lambda: self.board.alive(machine))
                seen = now
            if now - recovered > self.rules.dead_after / 5:
                while self.reach(lambda: self.board.recover(self.rules.dead_after, engine.recover)):
                    pass
                recovered = now
            offers = [one for one in self.reach(self.board.offers) if self.takes(one)]
            engine.listen([one.queue for one in offers])
            if self.gate.is_spent():
                self.stop(f"This worker has spent ${self.gate.spent:,.2f} of at most ${self.gate.most:,.2f}.")
            idle_since = None if offers or self._asking else idle_since or now
            if self.rules.until_done and idle_since is not None and now - idle_since >= 2 * TICK:
                self.stop()
            progress(WorkerState(self.answered, self._asking, self.gate.spent, self.stopping))
            time.sleep(TICK)
        if self.error is not None:
            raise self.error

    def stop(self, why: str = "") -> None:
        """Take nothing more. Items that are being asked are answered."""
        if why and not self.stopping:
            self.tell(why)
        self.stopping = True

    def hurry(self) -> None:
        """Give back what is being asked."""
        self.stopping = self.hurried = True
        self.board.give_back()

    # -- what it takes ---------------------------------------------------

    def takes(self, offer: Offer) -> bool:
        """Return whether this worker may and can ask these items."""
        return set(offer.tools) <= self.rules.tools and self._model(offer.model, is_async=offer.is_async) is not None

    def room(self, queue: str, running: int, in_all: int) -> int:
        """Return how many items of a queue may be asked now, with those that are."""
        del queue
        if self.stopping or self.gate.opens_in() > TICK:
            return 0
        return max(0, running + self.rules.jobs - in_all)

    def _model(self, model: str, *, is_async: bool) -> str | None:
        """Return the id of a model that this worker may ask and that isn't left alone now, or None."""
        with self._lock:
            now = time.monotonic()
            if self._rests.get(model, (0.0, 0.0))[0] > now:
                return None
            known = self._known.get((model, is_async))
            if known is None or known[1] < now:
                known = self._known[model, is_async] = (self._looked_up(model, is_async=is_async), now + _KNOWN)
            return known[0]

    def _looked_up(self, model: str, *, is_async: bool) -> str | None:
        """Return the id of a model, or None if this worker can't or may not ask it."""
        try:
            found = str(Models(async_=is_async).of(model).model_id)
        except SessionError:
            found = ""
        if found and (self.rules.models is None or {model, found} & self.rules.models):
            return found
        if (model, is_async) not in self._known:
            why = "it is not one of those that were given with -m" if found else "llm doesn't have it here"
            self.tell(f"Prompts for {model} are left to other workers: {why}.")
        return None

    def rest(self, model: str, reason: str) -> None:
        """Leave the prompts for a model to other workers for a while."""
        with self._lock:
            until, before = self._rests.get(model, (0.0, 0.0))
            if until > time.monotonic():
                return  # another item has found out the same
            seconds = min(_LONGEST_REST, before * 2 or _REST)
            self._rests[model] = (time.monotonic() + seconds, seconds)
        ending = f"Its prompts are left to other workers for {seconds / 60:,.0f} min."
        self.tell(f"{model}: {reason.rstrip('.')}. {ending}")

    # -- one item, in a thread of DBOS -------------------------------------

    def run(self, job_id: str, position: int, number: int) -> str:
        """Ask an item, and return the outcome in one word. DBOS keeps that; the answer is on the remote."""
        ticket = Ticket(str(job_id), int(position), int(number))
        with self._lock:
            self._asking += 1
        try:
            return self._asked(ticket)
        except Exception as error:  # noqa: BLE001  of a thread: raised in the main one
            if not self.hurried:
                self.error = self.error or error
                self.stop()
            return "broken"
        finally:
            with self._lock:
                self._asking -= 1

    def _asked(self, ticket: Ticket) -> str:
        job = self.reach(lambda: self.board.job(ticket.job_id))
        if job is None or job.state != "open":
            return "not open"
        with self.logs.opened() as services:
            claims = Claims(ticket, services, self._shop)
            services.jobs = cast("Any", claims)
            try:
                crew, ask, item = self._taken(services, ticket)
            except NotOurs:
                return "taken"
            if item is None:
                self.reach(lambda: self.board.again(ticket, 1.0))
                return "given back"
            try:
                answers: list[Any] = []
                self.logs.begin(services, job)
                ask(services, item, cast("Any", answers.append))
                self._keep(services, job, item, answers[-1])
                claims.answered(answers[-1])
                crew.answered(services, item, answers[-1])
            except Skip as why:
                crew.skipped(services, item, str(why))
            except (RemoteFailed, LogUnusable):
                raise
            except Exception as error:  # noqa: BLE001  whatever a model or its plugin raises
                claims.failed_here()
                crew.failed(services, item, error)
                return "failed"
        with self._lock:
            self.answered += 1
            self._rests.pop(item.model or "", None)
        return "done"

    def _taken(self, services: Services, ticket: Ticket) -> tuple[Crew, HandedOn, Item | None]:
        """Take an item once its job and this worker's limits allow it. Raises NotOurs."""
        while True:
            job = self.reach(lambda: self.board.job(ticket.job_id))
            if job is None or job.state != "open":
                raise NotOurs
            crew, ask = self._crew(job)
            if self.stopping:
                return crew, ask, None
            try:
                item = crew.next(services)
            except NotNow:
                item = TICK
            if not isinstance(item, float):
                return crew, ask, item
            time.sleep(min(item, TICK))

    def _crew(self, job: Job) -> tuple[Crew, HandedOn]:
        """Return what this worker's threads share for a job."""
        with self._lock:
            known = self._crews.get((job.id, job.max_cost))
            if known is None or known[0].stopping:
                given = job.settings
                limits = Limits(_positive(given.get("requests_a_minute")), _positive(given.get("tokens_a_minute")))
                known = WorkersCrew(job, limits, self.rest), HandedOn(job, self.rules.tools)
                self._crews[job.id, job.max_cost] = known
            return known

    def may_ask(self, item: Item, job: Job) -> bool:
        """Return whether an item is one that this worker may ask, whatever its queue says."""
        return self._model(item.model or "", is_async=bool(job.settings.get("async"))) is not None

    def _keep(self, services: Services, job: Job, item: Item, answer: Any) -> None:
        """Put an answer on the remote, and make its item done."""
        documents = self.logs.documents(services, job, answer.thread_id)
        values = _values(services, answer)
        self.reach(lambda: keep(self.board, item, documents, values))

    def reach(self, act: Callable[[], _Result]) -> _Result:
        """Do something on the remote, again and again while it is out of reach. Raises RemoteFailed at the end."""
        until, failures = time.monotonic() + _OUT_OF_REACH, 0
        while True:
            try:
                return act()
            except RemoteFailed as error:  # noqa: PERF203  it waits anyway
                failures += 1
                wait = min(10.0, backoff(failures))
                if self.hurried or time.monotonic() + wait > until:
                    raise
                if failures == 1:
                    self.tell(f"{error.message} Trying again.")
                time.sleep(wait)


def _values(services: Services, answer: Any) -> Mapping[str, Any]:
    """Return what is kept of an answer with its item."""
    names = ("model", "thread_id", "turn_id", "input_tokens", "output_tokens", "duration_ms")
    paid = services.costs.of_call(answer.model, answer.input_tokens, answer.output_tokens)
    return {**{name: getattr(answer, name) for name in names}, "cost_usd": paid}


def _positive(given: Any) -> float | None:
    return float(given) if isinstance(given, int | float) and given > 0 else None
