"""Use cases for jobs: many prompts that are kept, taken one by one, and done exactly once.

A job is a batch, a workflow's run, or a session that is asked again. Its items are in the log, so it can stop at any
moment and continue later, and several processes can work on it. Nothing here asks a model (see `llm_seam.working`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from ..errors import AlreadyDone, NoSuchJob, SessionError
from ..model.jobs import Item, ItemState, Job, JobKind
from ..reader.figures import Cost
from ..reader.prices import cost, is_local
from ..rules import names, ulids
from ..store import jobs as store
from .costs import Spent
from .desk import Desk

LEASE = timedelta(minutes=10)
"""How long an item belongs to the process that took it, unless that process renews it or ends before."""

_SHORTEST_ID = 4
"""How many characters of a job's id are enough to name it, if no other id begins with them."""

_LONGEST_STEM = 100
"""How many characters of a generated name come from a file or a workflow."""


_OF_WORKERS = (
    *("tries", "error", "model", "thread_id", "turn_id", "input_tokens", "output_tokens", "duration_ms", "cost_usd"),
    *("started_utc", "ended_utc"),
)
"""What other machines say of an item that they asked."""


class KeptAnswer(Protocol):
    """What is kept of an answer: where it is in the log, and what all of its calls took together."""

    @property
    def thread_id(self) -> str:
        """Return the conversation that it is in."""

    @property
    def turn_id(self) -> str:
        """Return its first call."""

    @property
    def model(self) -> str:
        """Return the id of the model that answered."""

    @property
    def input_tokens(self) -> int | None:
        """Return the tokens that were sent, if the server counted them."""

    @property
    def output_tokens(self) -> int | None:
        """Return the tokens that came back, if the server counted them."""

    @property
    def duration_ms(self) -> int | None:
        """Return how long it took."""


class Jobs:
    """The jobs of a log. Several changes that belong together go inside one `services.writing()`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._store = store.Jobs(desk.log)

    # -- making --------------------------------------------------------

    def new(self, kind: JobKind, name: str, settings: Mapping[str, Any], **more: Any) -> Job:
        """Return a job with a new id, which is not kept yet. `more` are its other fields.

        Raises NameRefused if the name breaks the rules.
        """
        kept = names.check(name, "job")
        now = self._desk.now()
        return Job(ulids.Ulids(now).next(now.isoformat()), kept, kind, dict(settings), now.isoformat(), **more)

    def free_name(self, stem: str, taken: Iterable[str] = ()) -> str:
        """Return a name that no job has, and none in `taken`: `prompts-2026-11-28-1`, or the next free number.

        Characters that a name can't have are left out of `stem`, which may be the name of a file.
        """
        stem = "".join(one for one in stem if one.isprintable() and one != "/").strip()[:_LONGEST_STEM]
        stem = stem if any(map(str.isalnum, stem)) else "job"
        known = self._store.names().values() if self._store.there() else ()
        keys = set(map(names.key, (*known, *taken)))
        ending = f"-{self._desk.now().astimezone():%Y-%m-%d}-"
        number = 1
        while True:
            tail = f"{ending}{number}"
            name = names.check(stem + tail, "job")
            if names.key(name) not in keys:
                return name
            number += 1

    def add(self, job: Job, items: Iterable[Item]) -> Job:
        """Keep a job with its items, all or nothing, and return it with its counts.

        The items may come from a generator: one at a time is held in memory. An item whose key an earlier one has is
        left out. An item with position 0 gets the next one. Raises NameRefused if the name is taken.
        """
        self._desk.prepare()
        with self._desk.writing():
            self._store.add(job)
            self._store.extend(job.id, items)
        return self._job(job.id)

    def extend(self, job: Job, items: Iterable[Item]) -> None:
        """Add items to a job, for example those of a list that a step has just made. Keys that it has stay as they are.

        Inside one `services.writing()` with `done`, a kill leaves both or neither.
        """
        with self._desk.writing():
            self._store.extend(job.id, items)

    # -- reading -------------------------------------------------------

    def list(self, limit: int | None = None, after: str | None = None) -> list[Job]:
        """Return jobs, newest first: at most `limit`, and those older than the job with the id `after`."""
        return self._store.newest(limit, after) if self._store.there() else []

    def get(self, reference: str) -> Job:
        """Return a job by its name, its id, or a beginning of its id that no other has. Raises NoSuchJob."""
        hint = f"List jobs with: {self._desk.command('jobs')}"
        if not self._store.there():
            raise NoSuchJob(f"Job “{reference}” not found.", f"There are no jobs in {self._desk.path} yet.")
        found = self._store.named(reference)
        if found is None:
            all_names = self._store.names()
            start = reference.strip().lower()
            ids = [id_ for id_ in all_names if len(start) >= _SHORTEST_ID and id_.startswith(start)]
            if len(ids) > 1:
                raise NoSuchJob(f"The ids of {len(ids)} jobs begin with “{reference}”.", f"Give more of it. {hint}")
            found = ids[0] if ids else None
            if found is None:
                near = names.near(reference, all_names.values())
                raise NoSuchJob(f"Job “{reference}” not found.", f"Did you mean “{near}”? {hint}" if near else hint)
        return self._job(found)

    def refreshed(self, job: Job) -> Job:
        """Return a job as it is now. Raises NoSuchJob if it was deleted."""
        return self._job(job.id)

    def items(
        self, job: Job, state: ItemState | None = None, after: int = 0, limit: int | None = None
    ) -> Iterator[Item]:
        """Yield a job's items in order: those in a state, after a position. A page of them is held in memory."""
        return self._store.items(job.id, state, after, limit)

    def item(self, job: Job, position: int) -> Item | None:
        """Return one item of a job, or None."""
        return self._store.item(job.id, position)

    def spent(self, job: Job) -> Spent:
        """Return what the answers of a job have cost, each at the price of its day, and the mean length of a reply."""
        whole, counted, written = Cost(), 0, 0
        for paid in self._store.paid(job.id):
            local = paid.answers - paid.priced if is_local(paid.model) else 0
            whole += Cost(paid.dollars, paid.answers, paid.counted, paid.priced, local)
            counted, written = counted + paid.counted, written + paid.output_tokens
        return Spent(whole, round(written / counted) if counted else 0)

    def dollars(self, job: Job) -> float | None:
        """Return what the answers of a job have cost so far, as far as it is known; None if no cost is known."""
        return self._store.spent(job.id)

    def is_open(self, job: Job) -> bool:
        """Return whether items are taken from a job: it was not stopped, cancelled or deleted, and isn't done."""
        return self._store.job_state(job.id) == "open"

    def is_worked_on(self, job: Job) -> bool:
        """Return whether a process is asking items of a job."""
        now = self._desk.timestamp()
        return any(not store.is_gone(owner, lease, now) for owner, lease in self._store.owners(job.id))

    def next_moment(self, job: Job) -> datetime | None:
        """Return when the first item that waits after a failure may be asked again, or None if there is none."""
        found = self._store.next_moment(job.id)
        return datetime.fromisoformat(found) if found else None

    # -- working -------------------------------------------------------

    def owner(self, token: str) -> str:
        """Return the name of this process as an owner of items. `token` tells its workings on jobs apart."""
        return store.owner_here(token)

    def claim(self, job: Job, owner: str) -> Item | None:
        """Take the next item that waits, whose needs have ended, and that may be asked now; None if there is none.

        Nothing is taken from a job that was stopped, cancelled or deleted. Items whose owner is gone, because its
        process ended or its lease did, wait again first.
        """
        now = self._desk.now()
        with self._desk.writing():
            if not self.is_open(job):
                return None
            self._reclaim(job, now, besides=owner)
            return self._store.claim(job.id, owner, now.isoformat(), (now + LEASE).isoformat())

    def renew(self, job: Job, owner: str) -> None:
        """Keep the items that an owner is asking for another ten minutes."""
        with self._desk.writing():
            self._store.renew(job.id, owner, (self._desk.now() + LEASE).isoformat())

    def give_back(self, job: Job, owner: str) -> None:
        """Let the items that an owner has not finished wait again. Their last try doesn't count."""
        with self._desk.writing():
            self._store.give_back(job.id, owner, tried=False)

    def put_back(self, item: Item, error: str | None = None) -> None:
        """Let one item wait again because it was not asked to the end. Its last try doesn't count."""
        with self._desk.writing():
            self._store.end(item, "waiting", ("done",), tries=max(0, item.tries - 1), error=error)

    def wait_for(self, item: Item, needs: tuple[int, ...]) -> None:
        """Let an item wait for others, at the given positions, besides those that it needed before."""
        needed = store.json_text(sorted({*item.needs, *needs}))
        with self._desk.writing():
            self._store.end(item, "waiting", ("done",), tries=max(0, item.tries - 1), needs_json=needed)

    def done(self, item: Item, answer: KeptAnswer | None = None, output: Any = None) -> None:
        """Mark an item as done: with its answer, or with the value of a step without a model.

        Call it within the transaction that logs the answer, so that a kill leaves both or neither. Raises AlreadyDone
        if another process has answered it, which undoes that transaction: no answer is logged twice. An item that was
        deleted in the meantime changes nothing, and its answer is kept.
        """
        now = self._desk.timestamp()
        values: dict[str, Any] = {"error": None, "ended_utc": now, "output_json": store.json_text(output)}
        paid = None
        if answer is not None:
            paid = cost(answer.model, answer.input_tokens, answer.output_tokens, now)
            values |= {
                "model": answer.model,
                "thread_id": answer.thread_id,
                "turn_id": answer.turn_id,
                "input_tokens": answer.input_tokens,
                "output_tokens": answer.output_tokens,
                "duration_ms": answer.duration_ms,
                "cost_usd": paid,
            }
        with self._desk.writing():
            if self._store.end(item, "done", ("done",), **values) == "done":
                raise AlreadyDone(f"Item {item.position} was answered by another process.", "Its answer is in the log.")
            if paid is not None:
                self._store.spend(item.job_id, paid)

    def failed(self, item: Item, error: str, not_before: datetime | None = None, *, counted: bool = True) -> None:
        """Mark an item as failed, with a sentence. With `not_before` it waits until then and is asked again.

        A try that is not `counted` was no fault of the item, for example while the server was out of reach. If the job
        was cancelled meanwhile, the item is not asked again.
        """
        state: ItemState = "failed" if not_before is None else "waiting"
        if not_before is not None and self._store.job_state(item.job_id) == "cancelled":
            state, not_before = "cancelled", None
        values = {
            "tries": item.tries if counted else max(0, item.tries - 1),
            "error": error,
            "not_before_utc": None if not_before is None else not_before.isoformat(),
            "ended_utc": self._desk.timestamp() if state == "failed" else None,
        }
        with self._desk.writing():
            self._store.end(item, state, ("done",), **values)

    def skipped(self, item: Item, why: str) -> None:
        """Mark an item as skipped, and say why in a sentence."""
        with self._desk.writing():
            self._store.end(item, "skipped", ("done",), error=why, ended_utc=self._desk.timestamp())

    def finish(self, job: Job) -> bool:
        """End a job if no item is left to ask, and return whether it has ended."""
        if self._store.is_left(job.id):
            return False
        with self._desk.writing():
            if self._store.is_left(job.id):
                return False
            if self.is_open(job):
                self._store.set_state(job.id, "done", None, self._desk.timestamp())
            return True

    def heard(self, there: Job, items: Iterable[Item]) -> Job:
        """Copy the progress of a job that other machines work on from a remote, and return the job as it is then.

        `items` are those whose state has changed since they were given to it.
        """
        with self._desk.writing():
            before = self._job(there.id)
            for item in items:
                taken = {name: getattr(item, name) for name in _OF_WORKERS}
                self._store.end(item, item.state, (), **{name: one for name, one in taken.items() if one is not None})
            if (before.state, before.reason) != (there.state, there.reason):
                ended = None if there.state == "open" else before.ended_utc or self._desk.timestamp()
                self._store.set_state(there.id, there.state, there.reason, ended)
            self._store.set_spent(there.id, there.spent_usd)
            if before.max_cost != there.max_cost:
                self._store.set_max_cost(there.id, there.max_cost)
        return self._job(there.id)

    # -- steering ------------------------------------------------------

    def stop(self, job: Job, reason: str) -> None:
        """Stop a job: nothing more of it is taken until it is resumed. `reason` is a sentence."""
        with self._desk.writing():
            if self.is_open(job):
                self._store.set_state(job.id, "stopped", reason, self._desk.timestamp())

    def cancel(self, job: Job) -> Job:
        """Cancel a job: the items that wait are not asked. Those that are being asked are answered and kept.

        Raises SessionError if it has ended.
        """
        with self._desk.writing():
            now = self._job(job.id)
            if now.state in ("done", "cancelled"):
                what = "is done" if now.state == "done" else "was cancelled before"
                raise SessionError(f"Job “{now.name}” {what}, so there is nothing to cancel.")
            self._reclaim(job, self._desk.now())
            self._store.move_all(job.id, "waiting", "cancelled")
            self._store.set_state(job.id, "cancelled", None, self._desk.timestamp())
        return self._job(job.id)

    def resume(self, job: Job, **changed: Any) -> Job:
        """Open a job again that stopped, was cancelled or was interrupted, and return it.

        What is done stays done. Items that failed stay so (see `retry_failed`). `max_cost` changes the most that it may
        cost, None for no limit.
        """
        with self._desk.writing():
            self._job(job.id)
            if "max_cost" in changed:
                self._store.set_max_cost(job.id, changed["max_cost"])
            self._reclaim(job, self._desk.now())
            self._store.move_all(job.id, "cancelled", "waiting")
            if self._store.is_left(job.id):
                self._store.set_state(job.id, "open", None, None)
        return self._job(job.id)

    def retry_failed(self, job: Job) -> Job:
        """Let the items that failed wait again, and those that were skipped meanwhile, and open the job.

        Raises SessionError if none has failed.
        """
        with self._desk.writing():
            now = self._job(job.id)
            if not self._store.move_all(job.id, "failed", "waiting"):
                hint = f"See it with: {self._desk.command('job', 'show', now.name)}"
                raise SessionError(f"No item of job “{now.name}” has failed.", hint)
            self._store.move_all(job.id, "skipped", "waiting")  # what they needed may succeed now
            self._store.set_state(job.id, "open", None, None)
        return self.resume(job)

    def delete(self, job: Job) -> Job:
        """Delete a job, and return it as it was. Its answers stay in the log.

        Raises SessionError if a process works on it.
        """
        with self._desk.writing():
            now = self._job(job.id)
            if self.is_worked_on(job):
                stop = self._desk.command("job", "cancel", now.name)
                raise SessionError(f"A process is working on job “{now.name}”.", f"Cancel the job first: {stop}")
            self._store.remove(job.id)
        return now

    def set_thread(self, job: Job, thread_id: str) -> None:
        """Record in which session the answers of a job are, if it was not known when the job was made."""
        with self._desk.writing():
            self._store.set_thread(job.id, thread_id)

    def _job(self, job_id: str) -> Job:
        found = self._store.job(job_id)
        if found is None:
            raise NoSuchJob("The job was deleted.", f"List jobs with: {self._desk.command('jobs')}")
        return found

    def _reclaim(self, job: Job, now: datetime, besides: str | None = None) -> None:
        """Let the items of owners that are gone wait again; the owner `besides` is not, whatever its lease says."""
        for owner, lease in self._store.owners(job.id):
            if store.is_gone(owner, lease, now.isoformat()) and (owner is None or owner != besides):
                self._store.give_back(job.id, owner)
