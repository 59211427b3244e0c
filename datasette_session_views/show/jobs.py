"""Jobs and their items as pages and JSON show them. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from llm_session_memory.model.jobs import ItemState
from llm_session_memory.reader.figures import Figures, small_dollars
from llm_session_memory.reader.jobs import Entry, Progress, Work
from llm_session_memory.reader.moments import parsed_moment
from llm_session_memory.rules.safe_text import one_line, visible

from ..web.links import Links
from .axes import at
from .commands import Command, job_command
from .graph import SIGNS, Node
from .head import Chip
from .listing import rounded
from .words import compact, pause, span

KINDS = {"batch": "batch", "workflow": "workflow", "rerun": "rerun"}
"""What each kind of job is called on the pages, and the filters of their list."""

STATES = {"open": "open", "done": "done", "stopped": "stopped", "cancelled": "cancelled"}
"""The same for their states."""

ITEM_STATES: tuple[ItemState, ...] = ("done", "failed", "running", "waiting", "skipped", "cancelled")
"""The states of items in the order in which they are shown."""

_DID: tuple[ItemState, ...] = ("done", "failed")
"""The states of items that took time."""

_WORDS = 160
"""The most characters of a prompt that are shown of it in a table."""

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
        **_took(work.figures),
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
        return "No process works on it now."
    several = progress.processes > 1
    who = f"{progress.processes:,} processes work on it now" if several else "1 process works on it now"
    begin = parsed_moment(progress.recent_utc)
    seconds = (now - begin).total_seconds() if begin else 0
    if progress.recent < 2 or seconds <= 0:  # noqa: PLR2004  one answer is no pace
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
        found.append(Command("Help with it", job_command("work", job.name, database), first=True))
    elif goes_on:
        found.append(Command("Go on", job_command("resume", job.name, database), first=True))
    if job.counts.get("failed"):
        found.append(Command("Retry failed", job_command("retry-failed", job.name, database), first=True))
    if goes_on:
        found.append(Command("Cancel", job_command("cancel", job.name, database), first=True))
    return found


def settings(work: Work) -> list[tuple[str, str]]:
    """Return what holds for all items of a job, and a workflow's inputs, as words."""
    found = [(name, value) for name, value in work.job.settings.items() if value not in (None, "", [], {}, False)]
    found += [(f"input {name}", value) for name, value in work.job.inputs.items()]
    return [(one_line(name.replace("_", " "), 60), _value(value)) for name, value in found]


def definition(work: Work) -> str:
    """Return a workflow's file, as far as a page shows it."""
    whole = visible(work.job.definition or "")
    return whole if len(whole) <= _LONG else f"{whole[:_LONG]}…"


def _value(value: object) -> str:
    return one_line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), 300)


# -- items ------------------------------------------------------------------------


def entry_row(links: Links, entry: Entry) -> dict[str, Any]:
    """Return what a job's page shows of an item."""
    item = entry.item
    why = one_line(item.error, 500) if item.error and item.state not in ("done", "running") else ""
    output = None if item.output is None or entry.session else _value(item.output)
    return {
        "anchor": f"i-{item.position}",
        "number": f"{item.position:,}",
        "id": one_line(item.id, 80) if item.id else "",
        "kind": item.kind if item.kind != "prompt" else "",
        "words": _words(item.input),
        "output": output,
        "model": one_line(item.model, 60) if item.model else "",
        "sign": SIGNS.get(item.state, ""),
        "state": item.state,
        "tries": f"{item.tries:,} tries" if item.tries > 1 else "",
        "error": "" if item.state == "skipped" else why,
        "why": why if item.state == "skipped" else "",
        "later": item.not_before_utc if item.state == "waiting" and item.tries else None,
        "answer": links.turn(item.turn_id) if entry.session and item.turn_id else "",
        "session": one_line(entry.session or "", 60),
        "took": _seconds(entry),
        **_took(entry.figures),
        **({} if item.cost_usd is None else {"cost": small_dollars(item.cost_usd)}),
    }


def _words(given: Mapping[str, Any]) -> str:
    """Return what was asked on one line: the value of a list, the prompt, or all of the input if it has neither."""
    if "item" in given:
        return _value(given["item"])
    if given.keys() == {"number", "turn_id"}:  # the exchange that is asked again, which is its id too
        return ""
    prompt = next((given[name] for name in ("prompt", "shell", "text") if isinstance(given.get(name), str)), None)
    if prompt is None:
        return one_line(json.dumps(given, ensure_ascii=False), _WORDS) if given else ""
    return one_line(prompt, _WORDS)


def _seconds(entry: Entry) -> str:
    """Return how long an item took, if it did something."""
    return span(entry.seconds) if entry.seconds is not None and entry.item.state in _DID else ""


def _took(figures: Figures) -> dict[str, Any]:
    unknown = figures.input_tokens is None and figures.output_tokens is None
    return {
        "tokens": None if unknown else (figures.input_tokens or 0, figures.output_tokens or 0),
        "cost": figures.cost.words,
        "cost_explained": figures.cost.explained,
    }


# -- a workflow's steps -----------------------------------------------------------


def nodes(links: Links, entries: Sequence[Entry]) -> list[Node]:
    """Return a run's items as the nodes of its graph: those of one step together, in the order of their first items."""
    steps: dict[str, list[Entry]] = {}
    for entry in entries:
        steps.setdefault(step_of(entry), []).append(entry)
    places = {name: place for place, name in enumerate(steps)}
    by_position = {entry.item.position: places[step_of(entry)] for entry in entries}
    return [_node(links, name, them, places[name], by_position) for name, them in steps.items()]


def step_of(entry: Entry) -> str:
    """Return the name of an item's step: `summary` for `summary[3]`."""
    name = entry.item.id or f"item {entry.item.position}"
    return name.partition("[")[0] or name


def _node(links: Links, name: str, items: Sequence[Entry], place: int, by_position: Mapping[int, int]) -> Node:
    needed = (by_position.get(need) for entry in items for need in entry.item.needs)
    needs = tuple(dict.fromkeys(one for one in needed if one is not None and one != place))
    them = [entry for entry in items if "[" in (entry.item.id or "")] or list(items)
    state = _state(them)
    figures = sum((entry.figures for entry in items), Figures())
    seconds = [entry.seconds for entry in them if entry.seconds is not None and entry.item.state in _DID]
    took = " · ".join(filter(None, (span(sum(seconds)) if seconds else "", figures.cost.words)))
    first = them[0]
    if len(them) > 1 or "[" in (first.item.id or ""):
        done = sum(entry.item.state == "done" for entry in them)
        failed = sum(entry.item.state == "failed" for entry in them)
        said = f"{done:,} of {len(them):,} done" + (f", {failed:,} failed" if failed else "")
        return Node(name, state, said, took, links.job(first.item.job_id, step=name) + "#items", needs)
    url = links.turn(first.item.turn_id) if first.session and first.item.turn_id else ""
    url = url or links.job(first.item.job_id, step=name) + "#items"
    return Node(name, state, first.item.state, took, url, needs)


def _state(entries: Sequence[Entry]) -> ItemState:
    """Return the state of a step by those of its items: the one that asks most for attention."""
    there = {entry.item.state for entry in entries}
    if there == {"done", "waiting"}:
        return "running"
    ordered: tuple[ItemState, ...] = ("failed", "running", "waiting", "cancelled", "done", "skipped")
    return next(state for state in ordered if state in there)


# -- JSON -------------------------------------------------------------------------


def fields(work: Work, url: str, html_url: str) -> dict[str, Any]:
    """Return a job as plain values, with its addresses as JSON and as a page."""
    job, figures = work.job, work.figures
    return {
        "id": job.id,
        "name": job.name,
        "kind": job.kind,
        "state": job.state,
        "reason": job.reason,
        "session": work.session,
        "thread_id": job.thread_id,
        "items": work.items,
        "counts": {state: job.counts.get(state, 0) for state in ITEM_STATES},
        "answers": figures.calls,
        "input_tokens": figures.input_tokens,
        "output_tokens": figures.output_tokens,
        "duration_ms": figures.duration_ms,
        "cost_usd": rounded(figures.cost.dollars),
        "answers_priced": figures.cost.priced,
        "max_cost_usd": job.max_cost,
        "created_utc": job.created_utc,
        "ended_utc": job.ended_utc,
        "url": url,
        "html_url": html_url,
    }


def details(work: Work, progress: Progress) -> dict[str, Any]:
    """Return what the page of one job has besides, as plain values."""
    return {
        "settings": dict(work.job.settings),
        "inputs": dict(work.job.inputs),
        "definition": work.job.definition,
        "models": dict(progress.models),
        "errors": [{"error": error, "items": items} for error, items in progress.errors],
        "processes": progress.processes,
        "first_started_utc": progress.first_utc or None,
        "last_ended_utc": progress.last_utc or None,
    }


def entry_fields(entry: Entry, html_url: str | None) -> dict[str, Any]:
    """Return an item as plain values, with the address of its answer, or None if there is no answer in the log."""
    item, figures = entry.item, entry.figures
    return {
        "position": item.position,
        "id": item.id,
        "kind": item.kind,
        "model": item.model,
        "state": item.state,
        "tries": item.tries,
        "error": item.error,
        "input": dict(item.input),
        "output": item.output,
        "needs": list(item.needs),
        "session": entry.session,
        "thread_id": item.thread_id,
        "turn_id": item.turn_id,
        "input_tokens": figures.input_tokens,
        "output_tokens": figures.output_tokens,
        "seconds": entry.seconds,
        "cost_usd": rounded(figures.cost.dollars),
        "started_utc": item.started_utc,
        "ended_utc": item.ended_utc,
        "answer_url": html_url,
    }


def step_fields(nodes: Sequence[Node]) -> list[dict[str, Any]]:
    """Return the steps of a run as plain values: what its graph shows."""
    return [
        {"step": node.name, "state": node.state, "says": node.said, "took": node.took,
         "needs": [nodes[need].name for need in node.needs]}
        for node in nodes
    ]  # fmt: skip


def item_state(word: str | None) -> ItemState | None:
    """Return a state of items by its word."""
    return next((state for state in ITEM_STATES if state == word), None)
