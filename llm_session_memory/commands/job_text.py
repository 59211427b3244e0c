"""Jobs as text and as JSON, for the commands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..memory import Memory
from ..model.jobs import Item, Job
from ..rules.money import exact
from ..rules.safe_text import one_line
from ..rules.words import counted
from .common import local_time

STATES = {
    "waiting": "waiting",
    "running": "being asked",
    "failed": "failed",
    "skipped": "skipped",
    "cancelled": "cancelled",
}
"""The states of items that a job's line names, with their words; what is done comes before them."""

_WIDEST = 100
_NOUNS = {"batch": "prompt", "workflow": "step", "rerun": "prompt"}


def noun(job: Job) -> str:
    """Return the word for an item of a job."""
    return _NOUNS[job.kind]


def total(job: Job) -> int:
    """Return the number of a job's items."""
    return sum(job.counts.values())


def progress(job: Job) -> str:
    """Return how far a job is: `998 of 1,000 done, 2 failed`."""
    rest = [f"{count:,} {words}" for state, words in STATES.items() if (count := job.counts.get(state, 0))]  # type: ignore[call-overload]
    return ", ".join([f"{job.counts.get('done', 0):,} of {total(job):,} done", *rest])


def state(job: Job, *, is_worked_on: bool) -> str:
    """Return the state of a job in a word: an open job that no process works on was interrupted."""
    if job.state != "open":
        return job.state
    if job.settings.get("on"):
        return "on workers"
    return "running" if is_worked_on else "interrupted"


def spent(memory: Memory, job: Job) -> str:
    """Return what a job has cost so far, or nothing if nothing is known."""
    found = memory.jobs.spent(job)
    return "" if found.is_unknown or (not found.dollars and not found.cost.priced) else found.words


def workers_at(job: Job) -> str | None:
    """Return where other machines work on a job, or None if it is worked on here."""
    kept = job.settings.get("on")
    found = kept.get("remote") or kept.get("address") if isinstance(kept, dict) else None
    return None if found is None else one_line(str(found), _WIDEST)


def job_lines(memory: Memory, job: Job) -> Iterator[str]:
    """Yield what there is to say about one job."""
    yield f"Job “{job.name}” ({job.kind}), {state(job, is_worked_on=memory.jobs.is_worked_on(job))}: {progress(job)}"
    if job.reason:
        yield job.reason
    session = memory.sessions.of_thread(job.thread_id) if job.thread_id else None
    facts = {
        "id": job.id,
        "model": job.settings.get("model"),
        "session": session.name if session else "one for each answer" if job.settings.get("each") else None,
        "file": job.settings.get("file"),
        "workers at": workers_at(job),
        "answers in": job.settings.get("output"),
        "cost": spent(memory, job),
        "max cost": exact(job.max_cost) if job.max_cost is not None else None,
        "started": local_time(job.created_utc),
        "ended": local_time(job.ended_utc) if job.ended_utc else None,
    }
    yield from (f"  {name}: {value}" for name, value in facts.items() if value)


def item_line(item: Item) -> str:
    """Return a line about an item: its number, its state, its prompt, and what went wrong."""
    name = f" {one_line(item.id, 40)}" if item.id else ""
    text = one_line(str(item.input.get("prompt") or item.input.get("shell") or ""), _WIDEST - len(name))
    tried = f" ({counted(item.tries, 'try').replace('trys', 'tries')})" if item.tries > 1 else ""
    said = f"\n    {item.error}{tried}" if item.error else ""
    took = f", {item.duration_ms / 1000:,.1f} s" if item.duration_ms is not None else ""
    cost = f", {exact(item.cost_usd)}" if item.cost_usd is not None else ""
    return f"#{item.position}{name} {item.state}{took}{cost}: {text}{said}"


def job_fields(memory: Memory, job: Job) -> dict[str, Any]:
    """Return a job for JSON."""
    session = memory.sessions.of_thread(job.thread_id) if job.thread_id else None
    found = memory.jobs.spent(job)
    return {
        "id": job.id,
        "name": job.name,
        "kind": job.kind,
        "state": state(job, is_worked_on=memory.jobs.is_worked_on(job)),
        "reason": job.reason,
        "session": session.name if session else None,
        "items": dict(job.counts),
        "cost_usd": found.cost.dollars,
        "max_cost_usd": job.max_cost,
        "created_utc": job.created_utc,
        "ended_utc": job.ended_utc,
        "settings": dict(job.settings),
    }


def item_fields(item: Item) -> Mapping[str, Any]:
    """Return an item for JSON."""
    names = (
        *("position", "id", "kind", "model", "state", "tries", "error", "thread_id", "turn_id", "output"),
        *("input_tokens", "output_tokens", "duration_ms", "cost_usd", "started_utc", "ended_utc"),
    )
    return {"input": dict(item.input), **{name: getattr(item, name) for name in names}}
