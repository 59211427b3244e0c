"""The jobs that several machines work on, as a PostgreSQL remote keeps them. All SQL about them is run here."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ...errors import AlreadyDone
from ...model.jobs import Item, Job
from ...model.remotes import Digest
from ...rules.safe_text import one_line
from ..distributed.engine import APPLICATION, VERSION, WORKFLOW, schema_of
from .job_rows import Offer, Ticket, item_of, job_of, offer_of, outcome_of, queue_of
from .remote import PostgresRemote
from .server import Server, statement
from .writing import PostgresWriting

MOST_DEATHS = 5
"""An item counts as failed once this many workers have died while asking it: it may be what kills them."""

_LOCK = 7_345_018
"""The advisory lock under which the tables are made."""


class NotNow(Exception):
    """Raised if an item can't be taken yet, because those before it may spend what the job may cost."""


class NotOurs(Exception):
    """Raised if an item is not to be asked: it has ended, another worker has it, or its job is not open."""


class Board:
    """The jobs of a remote. One connection serves all threads of a process, one after the other."""

    def __init__(self, address: str, schema: str | None = None, owner: str = "") -> None:
        """Remember an address with its password. `owner` is the name of the worker, if this is one."""
        self.remote, self.owner = PostgresRemote(address, schema), owner
        self._address = address
        self._lock = threading.RLock()

    def connect(self) -> Any:
        """Open a further connection, for DBOS."""
        server = self.remote.server
        connection = Server(self._address, server.schema).connection
        connection.autocommit = False
        return connection

    # -- tables --------------------------------------------------------

    def prepare(self) -> None:
        """Make the tables that are not there yet."""
        if self._rows("there")[0]["there"]:
            return
        with self.transaction():
            self._rows("lock", lock=_LOCK)
            self.remote.server.script(statement("job_tables"))

    def is_prepared(self) -> bool:
        """Return whether there have been jobs."""
        return bool(self._rows("there")[0]["there"])

    # -- making --------------------------------------------------------

    def add(self, job: Job, items: Iterable[Item], machine: str, person: str) -> list[str]:
        """Keep a job with its items, and return the queues that its items need. Call it within a transaction."""
        settings = job.settings
        values: dict[str, Any] = {"id": job.id, "name": job.name, "kind": job.kind, "thread_id": job.thread_id}
        values |= {"settings": _json(settings), "max_cost": job.max_cost, "created_utc": job.created_utc}
        self._rows("add", **values, machine=machine, person=person)
        tools, is_async, known = list(settings.get("tools") or ()), bool(settings.get("async")), dict[str, str]()
        for item in items:
            model = item.model or str(settings.get("model"))
            if model not in known:
                known[model] = queue_of(model, tools, is_async=is_async)
                queue = {"name": known[model], "model": model, "is_async": is_async, "tools": _json(tools)}
                self._rows("add_queue", **queue)
            values = {"job_id": job.id, "position": item.position, "id": item.id, "key": item.key}
            self._rows("add_item", **values, model=model, input=_json(item.input), queue=known[model])
        return [*known.values()]

    def enqueue(self, job_id: str, position: int | None = None) -> None:
        """Give the ids of items that wait to DBOS: of one item, or of all items of a job."""
        values = {"workflow": WORKFLOW, "version": VERSION, "application": APPLICATION}
        self._rows("enqueue", job_id=job_id, position=position, **values)

    # -- reading -------------------------------------------------------

    def job(self, job_id: str) -> Job | None:
        """Return a job, or None if it is not there."""
        rows = self._rows("found", job_id=job_id)
        return job_of(rows[0]) if rows else None

    def offers(self) -> list[Offer]:
        """Return what workers could take now."""
        return [*map(offer_of, self._rows("offered"))]

    def items(self, job_id: str) -> list[Item]:
        """Return the items of a job with what came of them; those that wait untouched are left out."""
        return [outcome_of(job_id, row) for row in self._rows("states", job_id=job_id)]

    # -- one item ------------------------------------------------------

    def claim(self, ticket: Ticket) -> Item:
        """Take an item for this worker.

        Raises NotOurs if it is not to be asked, or NotNow if the job might cost more than it may.
        """
        with self.transaction():
            for row in self._rows("spent", **ticket.place):
                if not _fits(row):
                    raise NotNow
            taken = self._rows("claim", **ticket.place, owner=self.owner)
        if not taken:
            raise NotOurs
        return item_of(taken[0])

    def done(self, item: Item, values: Mapping[str, Any]) -> None:
        """Mark an item as done. Call it within the transaction that keeps its answer.

        Raises AlreadyDone if it was done before, which undoes that transaction.
        """
        place = {"job_id": item.job_id, "position": item.position}
        if not self._rows("done", **place, **values):
            raise AlreadyDone(f"Item {item.position} was answered by another worker.", "Its answer is on the remote.")
        if values["cost_usd"] is not None:
            self._rows("paid", job_id=item.job_id, cost_usd=values["cost_usd"])
        self._rows("finish", job_id=item.job_id)

    def places(self, threads: Collection[str]) -> dict[str, int]:
        """Return the place of the last turn of some conversations."""
        return {str(row["thread_id"]): int(row["place"]) for row in self._rows("places", threads=[*threads])}

    def count(self, digests: Mapping[tuple[str, str], Digest]) -> None:
        """Add new stamps to the digests of buckets of conversations."""
        for (bucket, thread_id), digest in digests.items():
            self._rows("count", bucket=bucket, thread_id=thread_id, amount=digest.amount, value=digest.value)

    def wait(self, item: Item, error: str | None, seconds: float, tries: int) -> None:
        """Let an item of this worker wait, and give it out again after some seconds."""
        place = {"job_id": item.job_id, "position": item.position}
        with self.transaction():
            values = {"owner": self.owner, "tries": tries, "seconds": seconds, "error": _stored(error)}
            if self._rows("waiting", **place, **values):
                self.enqueue(item.job_id, item.position)

    def again(self, ticket: Ticket, seconds: float) -> None:
        """Give an item out again that this worker got and didn't take."""
        with self.transaction():
            if self._rows("again", **ticket.place, seconds=seconds):
                self.enqueue(ticket.job_id, ticket.position)

    def end(self, item: Item, state: str, error: str, tries: int) -> None:
        """End an item of this worker without an answer."""
        place = {"job_id": item.job_id, "position": item.position}
        with self.transaction():
            self._rows("ended", **place, owner=self.owner, state=state, error=_stored(error), tries=tries)
            self._rows("finish", job_id=item.job_id)

    # -- steering ------------------------------------------------------

    def dollars(self, job_id: str) -> float | None:
        """Return what the answers of a job have cost, or None."""
        found = self.job(job_id)
        return None if found is None else found.spent_usd

    def stop(self, job_id: str, reason: str) -> None:
        """Stop a job, with a sentence."""
        self._rows("stop", job_id=job_id, reason=_stored(reason))

    def cancel(self, job_id: str) -> None:
        """Cancel a job: the items that wait are not asked."""
        self._rows("cancel", job_id=job_id)

    def resume(self, job_id: str, *, failed: bool = False, **changed: float | None) -> None:
        """Open a job again. With `failed`, what failed is asked again. `max_cost` changes the most that it may cost."""
        values = {"set_cost": "max_cost" in changed, "max_cost": changed.get("max_cost"), "failed": failed}
        with self.transaction():
            self._rows("resume", job_id=job_id, **values)
            self.enqueue(job_id)
            self._rows("finish", job_id=job_id)

    def delete(self, job_id: str) -> None:
        """Delete a job and its items, and what DBOS knows of them. The answers stay."""
        with self.transaction():
            self._rows("delete", job_id=job_id)
            self._rows("forgotten", prefix=f"{job_id}.")

    # -- workers -------------------------------------------------------

    def alive(self, machine: str) -> None:
        """Say that this worker is alive."""
        self._rows("alive", owner=self.owner, machine=machine)

    def give_back(self) -> None:
        """Let the items wait again that this worker is asking. Their last try doesn't count."""
        with self.transaction():
            for row in self._rows("give_back", owner=self.owner):
                self.enqueue(row["job_id"], row["position"])

    def gone(self) -> None:
        """Say that this worker has ended. Others recover at once what it left."""
        self._rows("gone", owner=self.owner)

    def recover(self, seconds: float, hand_on: Callable[[str], None]) -> bool:
        """Let a worker's items wait again if it was silent for this many seconds. Return whether there was one.

        `hand_on` tells DBOS, and is called before the worker is forgotten, so that a kill in between repeats it.
        """
        with self.transaction():
            dead = self._rows("dead", seconds=seconds, owner=self.owner)
            if not dead:
                return False
            owner = dead[0]["id"]
            error = f"{MOST_DEATHS} workers died while they asked it."
            for row in self._rows("orphans", owner=owner, most=MOST_DEATHS, error=error):
                if row["state"] == "failed":
                    self._rows("finish", job_id=row["job_id"])
            hand_on(owner)
            self._rows("forget", owner=owner)
        return True

    # -- the connection ------------------------------------------------

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold one transaction. Only this thread uses the connection meanwhile."""
        with self._lock, self.remote.server.transaction():
            yield

    @contextmanager
    def writing(self) -> Iterator[PostgresWriting]:
        """Hold the transaction in which documents are put, once nobody else is writing."""
        with self._lock, self.remote.writing() as writing:
            yield writing

    def close(self) -> None:
        """End the connection."""
        with self._lock:
            self.remote.close()

    def _rows(self, name: str, /, **values: Any) -> list[dict[str, Any]]:
        """Run the SQL in job_NAME.sql, in which ENGINE is the schema with DBOS's tables."""
        from psycopg.rows import dict_row

        server = self.remote.server
        engine = '"' + schema_of(server.schema).replace('"', '""') + '"'
        sql = server.sql(statement(f"job_{name}")).replace("ENGINE.", f"{engine}.")
        with self._lock, server.sentences():
            cursor = server.connection.cursor(row_factory=dict_row)
            cursor.execute(sql.encode(), values)
            return cursor.fetchall() if cursor.description else []


def _fits(row: Mapping[str, Any]) -> bool:
    """Return whether one more request fits what a job may cost, if it costs the mean of those before it.

    If nothing is being asked, it is let through: whoever asks it stops the job with the reason.
    """
    if not row["running"]:
        return True
    if not row["answers"]:
        return False  # the first one says what they cost
    return bool(row["spent"] + (row["running"] + 1) * row["spent"] / row["answers"] <= row["max_cost_usd"])


def _json(value: Any) -> str:
    return json.dumps(value, default=dict)


def _stored(sentence: str | None) -> str | None:
    return None if sentence is None else one_line(sentence, 1000).replace("\0", "")
