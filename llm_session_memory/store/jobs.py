"""Jobs and their items: what is still to be asked, who is asking it, and what has come of it.

Several processes may work on one job. Each change is made in a transaction that has the write lock from its start, so
two of them never take the same item.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ..errors import NameRefused
from ..model.jobs import Item, ItemState, Job, JobState
from ..rules.money import stored
from ..rules.names import key
from ..rules.safe_text import bindable
from .job_rows import item_of, job_of
from .log import Log
from .running import runs, this_process
from .schema import statement

PAGE = 500
"""How many items are read at a time."""

_JOB = (
    "id name name_key kind state reason thread_id settings_json definition inputs_json max_cost_usd created_utc".split()
)
_ITEM = "job_id position key id kind model input_json needs_json state tries".split()


class Paid(NamedTuple):
    """The answers of one model in a job: how many, with token counts and with a price; their tokens and dollars."""

    model: str | None
    answers: int
    counted: int
    priced: int
    input_tokens: int
    output_tokens: int
    dollars: float | None


class Jobs:
    """The jobs of a log. Make every change inside `with log.writing()`."""

    def __init__(self, log: Log) -> None:
        self.log = log

    def there(self) -> bool:
        """Return whether the log has the tables of this version for jobs."""
        return "spent_usd" in self.log.columns("memory_jobs")

    # -- reading -------------------------------------------------------

    def job(self, job_id: str) -> Job | None:
        """Return a job by its id, or None."""
        row = self.log.row("select * from memory_jobs where id = :id", {"id": job_id})
        return self._job(row) if row else None

    def named(self, name: str) -> str | None:
        """Return the id of the job with this name, or None."""
        found = self.log.value("select id from memory_jobs where name_key = :key", {"key": key(name)})
        return None if found is None else str(found)

    def names(self) -> dict[str, str]:
        """Return the names of all jobs by their ids, newest first."""
        return dict(self.log.tuples("select id, name from memory_jobs order by id desc"))

    def newest(self, limit: int | None, after: str | None) -> list[Job]:
        """Return jobs, newest first: those that are older than the job with the id `after`."""
        sql = "select * from memory_jobs where id < coalesce(:after, char(127)) order by id desc limit :limit"
        rows = self.log.rows(sql, {"after": after, "limit": -1 if limit is None else limit})
        return [self._job(row) for row in rows]

    def counts(self, job_id: str) -> dict[ItemState, int]:
        """Return the number of a job's items by state."""
        sql = "select state, count(*) from memory_job_items where job_id = :id group by state"
        return dict(self.log.tuples(sql, {"id": job_id}))

    def is_left(self, job_id: str) -> bool:
        """Return whether an item waits or is being asked."""
        sql = "select 1 from memory_job_items where job_id = :id and state in ('waiting', 'running') limit 1"
        return self.log.value(sql, {"id": job_id}) is not None

    def spent(self, job_id: str) -> float | None:
        """Return what the answers of a job have cost so far, or None if no cost is known."""
        return stored(self.log.value("select spent_usd from memory_jobs where id = :id", {"id": job_id}))

    def items(self, job_id: str, state: ItemState | None, after: int, limit: int | None) -> Iterator[Item]:
        """Yield items in order, those after a position, a page at a time: other statements may run in between."""
        left = limit
        while left is None or left > 0:
            most = PAGE if left is None else min(PAGE, left)
            sql = "select * from memory_job_items where job_id = :id and position > :after"
            sql += " and state = :state order by position limit :most" if state else " order by position limit :most"
            rows = self.log.rows(sql, {"id": job_id, "after": after, "state": state, "most": most})
            yield from map(item_of, rows)
            if len(rows) < most:
                return
            after = rows[-1]["position"]
            left = None if left is None else left - len(rows)

    def item(self, job_id: str, position: int) -> Item | None:
        """Return one item, or None."""
        sql = "select * from memory_job_items where job_id = :id and position = :position"
        row = self.log.row(sql, {"id": job_id, "position": position})
        return item_of(row) if row else None

    def paid(self, job_id: str) -> list[Paid]:
        """Return what the answers of a job took, by model."""
        sql = (
            "select model, count(*), count(input_tokens), count(cost_usd), coalesce(sum(input_tokens), 0),"
            " coalesce(sum(output_tokens), 0), sum(cost_usd) from memory_job_items"
            " where job_id = :id and state = 'done' and turn_id is not null group by model"
        )
        return [Paid(*row) for row in self.log.tuples(sql, {"id": job_id})]

    def next_moment(self, job_id: str) -> str | None:
        """Return when the first of the items that wait after a failure may be asked again, or None."""
        sql = "select min(not_before_utc) from memory_job_items where job_id = :id and state = 'waiting'"
        found = self.log.value(sql, {"id": job_id})
        return None if found is None else str(found)

    # -- jobs ----------------------------------------------------------

    def add(self, job: Job) -> None:
        """Add a job without items. Raises NameRefused if the name is taken."""
        values = {
            **{name: getattr(job, name, None) for name in _JOB},
            "name_key": key(job.name),
            "settings_json": _json(job.settings),
            "inputs_json": _json(job.inputs) if job.inputs else None,
            "max_cost_usd": job.max_cost,
        }
        sql = f"insert into memory_jobs ({', '.join(_JOB)}) values ({', '.join(f':{name}' for name in _JOB)})"  # noqa: S608  constants
        try:
            self.log.database.conn.execute(sql, bindable(values))
        except sqlite3.IntegrityError as error:
            raise NameRefused(f"Job “{job.name}” already exists.", "Choose another name.") from error

    def extend(self, job_id: str, items: Iterable[Item]) -> None:
        """Add items to a job. One that asks the same as an item of the job is left out; position 0 means the next."""
        last = self.log.value("select max(position) from memory_job_items where job_id = :id", {"id": job_id}) or 0
        sql = (
            f"insert into memory_job_items ({', '.join(_ITEM)}) values ({', '.join(f':{name}' for name in _ITEM)})"  # noqa: S608  constants
            " on conflict (job_id, key) do nothing"
        )

        def rows() -> Iterator[Mapping[str, Any]]:
            nonlocal last
            for item in items:
                last = item.position or last + 1
                yield bindable(
                    {
                        **{name: getattr(item, name, None) for name in _ITEM},
                        "job_id": job_id,
                        "position": last,
                        "input_json": _json(item.input),
                        "needs_json": json.dumps(item.needs) if item.needs else None,
                    }
                )

        self.log.many(sql, rows())

    def job_state(self, job_id: str) -> JobState | None:
        """Return the state of a job, or None if it is not there (any more)."""
        found: JobState | None = self.log.value("select state from memory_jobs where id = :id", {"id": job_id})
        return found

    def set_state(self, job_id: str, state: JobState, reason: str | None, ended_utc: str | None) -> None:
        """Change the state of a job."""
        sql = "update memory_jobs set state = :state, reason = :reason, ended_utc = :ended where id = :id"
        self.log.run(sql, {"id": job_id, "state": state, "reason": reason, "ended": ended_utc})

    def set_max_cost(self, job_id: str, dollars: float | None) -> None:
        """Change the most that a job may cost."""
        self.log.run(
            "update memory_jobs set max_cost_usd = :dollars where id = :id", {"id": job_id, "dollars": dollars}
        )

    def set_thread(self, job_id: str, thread_id: str) -> None:
        """Say in which session the answers of a job are."""
        self.log.run("update memory_jobs set thread_id = :thread where id = :id", {"id": job_id, "thread": thread_id})

    def remove(self, job_id: str) -> None:
        """Delete a job and its items. The answers stay in the log."""
        self.log.run("delete from memory_job_items where job_id = :id", {"id": job_id})
        self.log.run("delete from memory_jobs where id = :id", {"id": job_id})

    # -- items ---------------------------------------------------------

    def claim(self, job_id: str, owner: str, now: str, lease: str) -> Item | None:
        """Take the next item that may be asked, or return None."""
        row = self.log.row(statement("claim_item"), {"job_id": job_id, "now": now})
        if row is None:
            return None
        sql = (
            "update memory_job_items set state = 'running', tries = tries + 1, owner = :owner, lease_utc = :lease,"
            " not_before_utc = null, started_utc = :now where job_id = :job_id and position = :position"
        )
        place = {"job_id": job_id, "position": row["position"]}
        self.log.run(sql, {**place, "owner": owner, "lease": lease, "now": now})
        return item_of(
            {**row, "state": "running", "tries": row["tries"] + 1, "not_before_utc": None, "started_utc": now}
        )

    def renew(self, job_id: str, owner: str, lease: str) -> None:
        """Keep the items that a process is asking for longer."""
        sql = (
            "update memory_job_items set lease_utc = :lease"
            " where job_id = :job_id and state = 'running' and owner = :owner"
        )
        self.log.run(sql, {"job_id": job_id, "owner": owner, "lease": lease})

    def owners(self, job_id: str) -> list[tuple[str | None, str | None]]:
        """Return who is asking items of a job, each with the latest end of its leases."""
        sql = (
            "select owner, max(lease_utc) from memory_job_items where job_id = :id and state = 'running' group by owner"
        )
        return self.log.tuples(sql, {"id": job_id})

    def give_back(self, job_id: str, owner: str | None, *, tried: bool = True) -> None:
        """Let the items of a process wait again. If they were not `tried` to the end, the try doesn't count."""
        sql = (
            "update memory_job_items set state = 'waiting', owner = null, lease_utc = null,"
            " tries = max(0, tries - :untried)"
            " where job_id = :id and state = 'running' and owner is :owner"
        )
        self.log.run(sql, {"id": job_id, "owner": owner, "untried": int(not tried)})

    def end(self, item: Item, state: ItemState, unless: tuple[ItemState, ...], **values: Any) -> ItemState | None:
        """Set the state of an item and other columns, unless it is in one of these states.

        Return the state that it had, or None if the item is not there (any more).
        """
        place = {"job_id": item.job_id, "position": item.position}
        sql = "select state from memory_job_items where job_id = :job_id and position = :position"
        before: ItemState | None = self.log.value(sql, place)
        if before is None or before in unless:
            return before
        changed = {"state": state, "owner": None, "lease_utc": None, **values}
        settings = ", ".join(f"{name} = :{name}" for name in changed)
        where = "where job_id = :job_id and position = :position"
        self.log.run(f"update memory_job_items set {settings} {where}", {**place, **changed})  # noqa: S608  our own names
        return before

    def spend(self, job_id: str, dollars: float) -> None:
        """Add to what a job has cost."""
        sql = "update memory_jobs set spent_usd = coalesce(spent_usd, 0) + :dollars where id = :id"
        self.log.run(sql, {"id": job_id, "dollars": dollars})

    def set_spent(self, job_id: str, dollars: float | None) -> None:
        """Say what a job has cost."""
        self.log.run("update memory_jobs set spent_usd = :dollars where id = :id", {"id": job_id, "dollars": dollars})

    def move_all(self, job_id: str, state: ItemState, to: ItemState) -> int:
        """Set all items of one state to another; return their number. Those that wait again start over."""
        given = {"id": job_id, "state": state, "to": to}
        count = self.log.value("select count(*) from memory_job_items where job_id = :id and state = :state", given)
        anew = ", tries = 0, error = null, not_before_utc = null, ended_utc = null" if to == "waiting" else ""
        sql = f"update memory_job_items set state = :to{anew} where job_id = :id and state = :state"  # noqa: S608  constants
        self.log.run(sql, given)
        return int(count)

    def _job(self, row: Mapping[str, Any]) -> Job:
        return job_of(row, self.counts(row["id"]))


def owner_here(token: str) -> str:
    """Return what is kept as the owner of an item: this process, and what tells its workings on jobs apart."""
    return json.dumps({**this_process(), "token": token})


def is_gone(owner: str | None, lease_utc: str | None, now: str) -> bool:
    """Return whether the owner of an item doesn't work on it any more: its process has ended, or its lease has."""
    if owner is None or lease_utc is None or lease_utc <= now:
        return True
    try:
        process = json.loads(owner)
    except ValueError:
        return False
    return isinstance(process, dict) and not runs(process)


def json_text(value: Any) -> str | None:
    """Return the value of a step as it is kept, None for none."""
    return None if value is None else _json(value)


def _json(value: Any) -> str:
    return json.dumps(_plain(value), ensure_ascii=False)


def _plain(value: Any) -> Any:
    """Return a value that json can write: mappings of any kind as dictionaries."""
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, (list, tuple)) else value
