"""Jobs as their list and their page show them. Items are in `job_items`, JSON is in `job_fields`. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from llm_session_memory.model.jobs import ItemState
from llm_session_memory.reader.figures import Figures, small_dollars
from llm_session_memory.reader.jobs import Progress, Work
from llm_session_memory.reader.moments import parsed_moment
from llm_session_memory.rules.safe_text import one_line, visible

from ..web.links import Links
from .axes import at
from .commands import Command, job_command
from .graph import SIGNS
from .head import Chip
from .words import compact, pause, span

KINDS = {"batch": "batch", "workflow": "workflow", "rerun": "rerun"}
"""What each kind of job is called on the pages, and the filters of their list."""

STATES = {"open": "open", "done": "done", "stopped": "stopped", "cancelled": "cancelled"}
"""The same for their states."""

ITEM_STATES: tuple[ItemState, ...] = ("done", "failed", "running", "waiting", "skipped", "cancelled")
"""The states of items in the order in which they are shown."""

_LONG = 20_000
"""The most characters of a workflow's file that its page shows."""

_MINUTE, _A_WHILE = 60, 3600
"""Seconds: from an hour on, the time left is said roughly."""


def row(links: Links, work: Work) -> dict[str, Any]:
    """Return what the list shows of a job."""
    job = work.job
    return {
        "name": one_line(job.name, 100),
        "url": links.job(job.id),
        "kind": KINDS.get(job.kind, job.kind),
        "state": job.state,
        "reason": one_line(job.reason or "", 300),
        "session": work.session and (one_line(work.session, 60), links.session(work.session)),
        "bar": bar(work.job.counts),
        "progress": progress_words(work),
        **took(work.figures),
        "created": job.created_utc,
    }


def bar(counts: Mapping[ItemState, int]) -> str:
    """Return how far a job is as a bar: what is done, failed, running and left out, and what is still to come."""
    whole = sum(counts.values())
    if not whole:
        return ""
    left, parts = 0.0, []
    for state in ITEM_STATES:
        wide = 100 * counts.get(state, 0) / whole
        if wide:
            parts.append(f'<rect class="sv-st-{state}" x="{at(left)}" width="{at(max(wide, 0.4))}" height="8"/>')
        left += wide
    return (
        '<svg class="sv-progress" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        f"{''.join(parts)}</svg>"
    )


def progress_words(work: Work) -> str:
    """Return how far a job is in words: `812 of 1,000 done, 3 failed, 8 running`."""
    counts = work.job.counts
    others = [f"{counts[state]:,} {state}" for state in ITEM_STATES[1:] if counts.get(state) and state != "waiting"]
    return ", ".join([f"{counts.get('done', 0):,} of {work.items:,} done", *others])


def states(links: Links, work: Work, chosen: ItemState | None, step: str | None) -> list[dict[str, Any]]:
    """Return the states that a job's items have, each with its number and the address of those items alone."""
    found = [
        {"words": f"{SIGNS[state]} {number:,} {state}", "state": state, "url": links.job(work.job.id, state=state),
         "chosen": state == chosen and step is None}
        for state in ITEM_STATES
        if (number := work.job.counts.get(state, 0))
    ]  # fmt: skip
    everything = {"words": f"all {work.items:,}", "state": "", "url": links.job(work.job.id)}
    return [{**everything, "chosen": chosen is None and step is None}, *found] if len(found) > 1 else []


def chips(work: Work, progress: Progress) -> list[Chip]:
    """Return the facts about a job, the most telling first."""
    job, figures = work.job, work.figures
    found = [
        Chip(job.state),
        Chip("", KINDS.get(job.kind, job.kind)),
        Chip(f"{work.items:,}", _noun(job.kind, work.items)),
    ]
    if progress.models:
        names = ", ".join(one_line(model, 60) for model, _ in progress.models[:3])
        rest = len(progress.models) - 3
        found.append(Chip(f"{names} and {rest} more" if rest > 0 else names))
    found.append(Chip("", "created", utc=job.created_utc))
    if job.ended_utc:
        found.append(Chip("", "ended", utc=job.ended_utc))
    if figures.input_tokens is not None or figures.output_tokens is not None:
        sent, received = figures.input_tokens or 0, figures.output_tokens or 0
        exact = f"{sent:,} tokens sent to the model, {received:,} received"
        found.append(Chip(f"{compact(sent)} → {compact(received)}", "tokens", exact))
    if figures.duration_ms:
        found.append(Chip(span(figures.duration_ms / 1000), "of the model's time", "The sum of all answers"))
    if figures.cost.words:
        of = f"of at most {small_dollars(job.max_cost)}" if job.max_cost is not None else ""
        found.append(Chip(figures.cost.words, of, figures.cost.explained))
    elif job.max_cost is not None:
        found.append(Chip("", f"at most {small_dollars(job.max_cost)}"))
    return found


def _noun(kind: str, number: int) -> str:
    one = {"batch": "prompt", "rerun": "exchange"}.get(kind, "item")
    return one if number == 1 else f"{one}s"


def pace(work: Work, progress: Progress, now: datetime) -> str:
    """Return how a job that has not ended goes on, as sentences; empty if it has ended."""
    if work.job.state != "open":
        return ""
    if not progress.processes:
        return "No process is working on it."
    several = progress.processes > 1
    who = f"{progress.processes:,} processes are working on it" if several else "1 process is working on it"
    begin = parsed_moment(progress.recent_utc)
    seconds = (now - begin).total_seconds() if begin else 0
    if progress.recent < 2 or seconds <= 0:  # noqa: PLR2004  one answer is not a pace
        return f"{who}."
    rate = progress.recent / seconds
    left = (work.items - work.ended) / rate
    said = pause(left) if left >= _A_WHILE else span(max(round(left), 1)).replace(".0 s", " s")
    a_minute = rate * _MINUTE
    return (
        f"{who}: {a_minute:,.0f} items a minute, about {said} left." if a_minute >= 1 else f"{who}: about {said} left."
    )


def commands(work: Work, processes: int, database: str) -> list[Command]:
    """Return what can be done in a terminal with a job on which so many processes work."""
    job = work.job
    found = []
    waits = bool(job.counts.get("waiting") or job.counts.get("running"))
    goes_on = job.state in ("open", "stopped") and waits
    if goes_on and processes:
        found.append(Command("Help this job", job_command("work", job.name, database), first=True))
    elif goes_on:
        found.append(Command("Continue", job_command("resume", job.name, database), first=True))
    if job.counts.get("failed"):
        found.append(Command("Retry failed", job_command("retry-failed", job.name, database), first=True))
    if goes_on:
        found.append(Command("Cancel", job_command("cancel", job.name, database), first=True))
    return found


def settings(work: Work) -> list[tuple[str, str]]:
    """Return what holds for all items of a job, and a workflow's inputs, as words."""
    found = [(name, value) for name, value in work.job.settings.items() if value not in (None, "", [], {}, False)]
    found += [(f"input {name}", value) for name, value in work.job.inputs.items()]
    return [(one_line(name.replace("_", " "), 60), in_a_line(value)) for name, value in found]


def definition(work: Work) -> str:
    """Return a workflow's file, as far as a page shows it."""
    whole = visible(work.job.definition or "")
    return whole if len(whole) <= _LONG else f"{whole[:_LONG]}…"


def item_state(word: str | None) -> ItemState | None:
    """Return a state of items by its word."""
    return next((state for state in ITEM_STATES if state == word), None)


def took(figures: Figures) -> dict[str, Any]:
    """Return the tokens and the cost of answers as the tables show them."""
    unknown = figures.input_tokens is None and figures.output_tokens is None
    return {
        "tokens": None if unknown else (figures.input_tokens or 0, figures.output_tokens or 0),
        "cost": figures.cost.words,
        "cost_explained": figures.cost.explained,
    }


def in_a_line(value: object) -> str:
    """Return a value on one line."""
    return one_line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), 300)
