"""Jobs, their items and a workflow's steps as plain values, for JSON. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llm_session_memory.reader.jobs import Entry, Progress, Work

from .graph import GraphNode
from .jobs import ITEM_STATES
from .listing import rounded


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


def step_fields(nodes: Sequence[GraphNode]) -> list[dict[str, Any]]:
    """Return the steps of a run as plain values: what its graph shows."""
    return [
        {"step": node.name, "state": node.state, "says": node.said, "took": node.took,
         "needs": [nodes[need].name for need in node.needs]}
        for node in nodes
    ]  # fmt: skip
