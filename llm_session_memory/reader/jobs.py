"""Read jobs and their items, with what the answers cost: a batch, a workflow's run, a session that is asked again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from ..model.jobs import Item, ItemState, Job, JobKind, JobState
from ..rules import names
from ..rules.money import stored
from ..store.job_rows import item_of, job_of, json_object
from .cache import kept
from .entries import PAGE
from .figures import Cost, Figures
from .moments import parsed_moment
from .source import Source, ids

JOBS = 20
"""Jobs on a page of their list."""

RECENT = timedelta(minutes=10)
"""How far back the pace of a job that runs is taken from."""

_SHORTEST_ID = 4
"""How many characters of an id are enough to name a job, as in the terminal."""

_ERRORS = 8
"""The most different errors of a job that are named."""


NOTHING = Figures()
"""What a job took that has no answers."""


@dataclass(frozen=True)
class Work:
    """A job and what its answers cost so far. `session` is what the session of its items is called, if it has one."""

    job: Job
    figures: Figures = NOTHING
    session: str | None = None

    @property
    def items(self) -> int:
        """How many items it has."""
        return sum(self.job.counts.values())

    @property
    def ended(self) -> int:
        """How many of them need no more work."""
        return sum(self.job.counts.get(state, 0) for state in ("done", "failed", "skipped", "cancelled"))


@dataclass(frozen=True)
class Jobs:
    """A page of the list of jobs, newest first, and the id to continue after."""

    works: tuple[Work, ...]
    next: str | None = None


@dataclass(frozen=True)
class Entry:
    """An item of a job, and what its answer cost.

    `session` is what the session of its answer is called; None if the log no longer has the answer.
    """

    item: Item
    figures: Figures = NOTHING
    session: str | None = None

    @property
    def seconds(self) -> float | None:
        """How long its answer took or, without a model, the step itself."""
        if self.item.duration_ms is not None:
            return self.item.duration_ms / 1000
        begin, end = (parsed_moment(utc or "") for utc in (self.item.started_utc, self.item.ended_utc))
        return (end - begin).total_seconds() if begin and end and end >= begin else None


@dataclass(frozen=True)
class Entries:
    """A page of a job's items, and the position to continue after."""

    entries: tuple[Entry, ...]
    next: int | None = None


@dataclass(frozen=True)
class Progress:
    """How a job goes: its models and errors with their numbers of items, most first, and its pace.

    `processes` is how many work on it now. `recent` items ended since `recent_utc`. All times are as stored, in UTC.
    """

    models: tuple[tuple[str, int], ...] = ()
    errors: tuple[tuple[str, int], ...] = ()
    more_errors: int = 0
    first_utc: str = ""
    last_utc: str = ""
    processes: int = 0
    recent: int = 0
    recent_utc: str = ""


@dataclass(frozen=True)
class JobOf:
    """A job that an exchange or a session is from: `id` leads to its page."""

    id: str
    name: str
    kind: str
    turns: frozenset[str] = field(default=frozenset())
    """The first turns of the exchanges that it asked for, of those that were looked up."""


def jobs(
    source: Source,
    kind: JobKind | None = None,
    state: JobState | None = None,
    after: str | None = None,
    count: int = JOBS,
) -> Jobs:
    """Return a page of the jobs of a log, the newest first: all, or those of a kind and in a state."""

    def read() -> Jobs:
        rows = source.rows("job_lines", id=None, kind=kind, state=state, after=after, count=count + 1)
        here = rows[:count]
        spent = _figures(source, [row["id"] for row in here])
        works = tuple(_work(row, spent.get(row["id"], NOTHING)) for row in here)
        return Jobs(works, here[-1]["id"] if len(rows) > count else None)

    return kept(source, ("jobs", kind, state, after, count), read, lambda page: len(page.works) + 1)


def has_jobs(source: Source) -> bool:
    """Return whether a log has a job."""
    return source.value("select 1 from memory_jobs limit 1") is not None


def job(source: Source, reference: str) -> Work | None:
    """Return a job by its name, its id or the beginning of its id, or None if the log lacks it or has several."""
    sql = "select id from memory_jobs where id = :id or name_key = :key order by id = :id desc limit 1"
    id_ = source.value(sql, id=reference, key=names.key(reference))
    if id_ is None and len(reference) >= _SHORTEST_ID:
        sql = "select id from memory_jobs where substr(id, 1, length(:id)) = :id limit 2"
        alike = source.column(sql, id=reference)
        id_ = alike[0] if len(alike) == 1 else None
    if id_ is None:
        return None

    def read() -> Work:
        (row,) = source.rows("job_lines", id=id_, kind=None, state=None, after=None, count=1)
        return _work(row, _figures(source, [id_]).get(id_, NOTHING))

    return kept(source, ("job", id_), read)


def progress(source: Source, job_id: str, now: datetime) -> Progress:
    """Return how a job goes at a time: its models, its errors, its pace and who works on it."""
    rows = source.rows("job_groups", id=job_id, since=(now - RECENT).isoformat())
    models: dict[str, int] = {}
    errors: dict[str, int] = {}
    for row in rows:
        if row["model"]:
            models[row["model"]] = models.get(row["model"], 0) + row["items"]
        if row["error"] and row["state"] == "failed":
            errors[row["error"]] = errors.get(row["error"], 0) + row["items"]
    worst = sorted(errors.items(), key=lambda one: -one[1])
    return Progress(
        models=tuple(sorted(models.items(), key=lambda one: -one[1])),
        errors=tuple(worst[:_ERRORS]),
        more_errors=sum(items for _, items in worst[_ERRORS:]),
        first_utc=min((row["first_utc"] for row in rows if row["first_utc"]), default=""),
        last_utc=max((row["last_utc"] for row in rows if row["last_utc"]), default=""),
        processes=len(_owners(source, job_id, now)),
        recent=sum(row["recent"] for row in rows),
        recent_utc=min((row["recent_utc"] for row in rows if row["recent_utc"]), default=""),
    )


def entries(  # noqa: PLR0913  the parts of a request
    source: Source,
    job_id: str,
    *,
    state: ItemState | None = None,
    step: str | None = None,
    after: int = 0,
    count: int = PAGE,
) -> Entries:
    """Return a page of a job's items in their order: all, those in a state, or those of one step."""
    rows = source.rows("job_entries", id=job_id, state=state, step=step, after=after, count=count + 1)
    here = rows[:count]
    made = tuple(
        Entry(item_of(row), _of_item(row), (row["session"] or row["thread_id"]) if row["answered"] else None)
        for row in here
    )
    return Entries(made, here[-1]["position"] if len(rows) > count else None)


def jobs_of(source: Source, thread_id: str, turn_ids: Iterable[str]) -> tuple[JobOf, ...]:
    """Return the jobs that a session is of, and those that asked for some of its exchanges, by their first turns."""
    sql = (
        "select j.id, j.name, j.kind, i.turn_id from json_each(:ids) w join memory_job_items i on i.turn_id = w.value"
        " join memory_jobs j on j.id = i.job_id"
        " union all select j.id, j.name, j.kind, null from memory_jobs j where j.thread_id = :thread_id"
    )
    found: dict[str, tuple[str, str, set[str]]] = {}
    for row in source.query(sql, ids=ids(turn_ids), thread_id=thread_id):
        turns = found.setdefault(row["id"], (row["name"], row["kind"], set()))[2]
        turns |= {row["turn_id"]} if row["turn_id"] else set()
    return tuple(JobOf(id_, name, kind, frozenset(turns)) for id_, (name, kind, turns) in sorted(found.items()))


# -- rows -------------------------------------------------------------------------


def _owners(source: Source, job_id: str, now: datetime) -> set[str]:
    """Return the processes whose lease on an item has not passed."""
    sql = (
        "select owner, max(lease_utc) as until from memory_job_items"
        " where job_id = :id and state = 'running' group by owner"
    )
    rows = source.query(sql, id=job_id)
    return {row["owner"] for row in rows if row["owner"] and (end := parsed_moment(row["until"] or "")) and end > now}


def _figures(source: Source, job_ids: list[str]) -> dict[str, Figures]:
    """Return what the answers of jobs took, by job."""
    return {row["job_id"]: _of(row) for row in source.rows("job_figures", ids=ids(job_ids))}


def _of(row: Mapping[str, Any]) -> Figures:
    return Figures(
        calls=row["calls"],
        input_tokens=row["input_tokens"],
        output_tokens=row["output_tokens"],
        cost=Cost(row["cost"], row["calls"], row["counted"], row["priced"], row["local"] or 0),
        duration_ms=row["duration_ms"],
    )


def _of_item(row: Mapping[str, Any]) -> Figures:
    """Return what the answer of one item took."""
    if row["turn_id"] is None:
        return NOTHING
    priced, counted = (int(value is not None) for value in (stored(row["cost_usd"]), row["input_tokens"]))
    return _of({**row, "calls": 1, "cost": stored(row["cost_usd"]), "priced": priced, "counted": counted})


def _work(row: Mapping[str, Any], figures: Figures) -> Work:
    counts = cast("Mapping[ItemState, int]", json_object(row["counts"]))
    return Work(job_of(row, counts), figures, row["session"] or row["thread_id"])
