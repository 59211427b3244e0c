"""A log with jobs of every kind and in every state, for the pages that show them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.world.everything import Session, with_rows, with_sessions
from tests.world.logs import LogBuilder, Said

AT = "2026-09-01T09:00:00+00:00"
LATER = "2026-09-01T09:00:42+00:00"

STOPPED = "It has cost $0.05, which is the most that it may. Continue with: llm sessions job resume tides"
WRONG = "The server is busy (HTTP 429). <b>Try</b> again later."

STEPS = {
    "outline": [],
    "facts": ["outline"],
    "draft[1]": ["outline"],
    "draft[2]": ["outline"],
    "draft[3]": ["outline"],
    "critique": ["draft[1]", "draft[2]", "draft[3]", "facts"],
    "count": ["draft[1]", "draft[2]", "draft[3]"],
    "publish": ["critique", "count"],
}
"""The items of the workflow's run, and what each needs."""


@dataclass(frozen=True)
class Jobs:
    """The log, the ids of its jobs by name, and the turns of the items of each."""

    path: Path
    ids: dict[str, str]
    turns: dict[str, list[str]]


def write_jobs(path: Path, items: int = 60) -> Jobs:
    """Write a log with a batch that stopped (`tides`), a workflow's run with a failure, and a rerun that is done."""
    ids = {name: f"01k4a0000000000000000000{place}0" for place, name in enumerate(("tides", "essay-1", "work again"))}
    with LogBuilder(path) as log:
        threads = {name: log.thread() for name in ids}
        asked = {
            "tides": [Said(f"When is low water at pier {n}?", "At 09:42.", tokens=(40, 8)) for n in range(1, 41)],
            "essay-1": [Said(f"Write {name}.", f"{name} <i>text", tokens=(200, 90)) for name in list(STEPS)[:4]],
            "work again": [Said("When is the deadline?", "On 4 May.", tokens=(40, 6))],
        }
        turns = {name: log.turns(threads[name], *said, model=MODEL[name]) for name, said in asked.items()}
    with_sessions(path, *(Session(threads[name], name, turns[name], model=MODEL[name]) for name in ids))
    for name, kind, state in (
        ("tides", "batch", "stopped"),
        ("essay-1", "workflow", "open"),
        ("work again", "rerun", "done"),
    ):
        job = {"id": ids[name], "name": name, "name_key": name, "kind": kind, "state": state, "created_utc": AT}
        settings: dict[str, Any] = {"model": MODEL[name], "system": "Be <b>brief.", "options": {"temperature": 0}}
        if kind == "rerun":
            settings["source"] = threads["tides"]
        more: dict[str, Any] = {"thread_id": threads[name], "settings_json": json.dumps(settings)}
        if name == "tides":
            more |= {"reason": STOPPED, "max_cost_usd": 0.05, "spent_usd": 0.05}
        if kind == "workflow":
            more |= {"definition": "steps:\n  outline:\n    prompt: Write <b>\n", "inputs_json": '{"topic": "tides"}'}
        with_rows(path, "memory_jobs", job | more)
    _items(path, Jobs(path, ids, turns), threads, items)
    return Jobs(path, ids, turns)


MODEL = {"tides": "gpt-4o-mini", "essay-1": "ollama/llama3", "work again": "claude-sonnet-4.5"}


def _items(path: Path, jobs: Jobs, threads: dict[str, str], items: int) -> None:
    turns = jobs.turns["tides"]
    batch = []
    for number in range(1, items + 1):
        one: dict[str, Any] = {
            "position": number,
            "input_json": json.dumps({"prompt": f"When is low water at pier {number}?"}),
        }
        if number <= len(turns):
            one |= _answered(threads["tides"], turns[number - 1], 0.001)
        elif number <= len(turns) + 3:
            one |= {"state": "failed", "error": WRONG, "tries": 5, "started_utc": AT, "ended_utc": LATER}
        one["id"] = f"pier <{number}>" if number % 2 else None
        batch.append(one)
    with_rows(path, "memory_job_items", *(_row(jobs.ids["tides"], "gpt-4o-mini", one) for one in batch))
    places = {name: place for place, name in enumerate(STEPS, 1)}
    states = ["done", "done", "done", "done", "failed", "waiting", "done", "waiting"]
    for (name, needs), state in zip(STEPS.items(), states, strict=True):
        one = {
            "position": places[name],
            "id": name,
            "state": state,
            "input_json": json.dumps({"prompt": f"Write {name}."}),
        }
        one["needs_json"] = json.dumps([places[need] for need in needs])
        if name == "count":
            one |= {
                "kind": "shell",
                "input_json": '{"shell": "wc -w"}',
                "output_json": '"812 words"',
                "started_utc": AT,
            }
            one |= {"ended_utc": LATER}
        elif state == "done":
            one |= _answered(threads["essay-1"], jobs.turns["essay-1"][places[name] - 1], None)
        elif state == "failed":
            one |= {"error": "The model runner stopped (HTTP 500).", "tries": 2}
        with_rows(
            path, "memory_job_items", _row(jobs.ids["essay-1"], None if name == "count" else "ollama/llama3", one)
        )
    done = _answered(threads["work again"], jobs.turns["work again"][0], 0.02)
    one = {"position": 1, "id": "exchange 1", "input_json": json.dumps({"number": 1, "turn_id": "x"}), **done}
    with_rows(path, "memory_job_items", _row(jobs.ids["work again"], "claude-sonnet-4.5", one))


def _answered(thread_id: str, turn_id: str, cost: float | None) -> dict[str, Any]:
    took = {"input_tokens": 40, "output_tokens": 8, "duration_ms": 1200, "cost_usd": cost}
    where = {"thread_id": thread_id, "turn_id": turn_id, "started_utc": AT, "ended_utc": LATER}
    return {"state": "done", "tries": 1, **took, **where}


def _row(job_id: str, model: str | None, item: dict[str, Any]) -> dict[str, Any]:
    return {"job_id": job_id, "key": f"{job_id}-{item['position']}", "model": model, **item}
