"""The rules of `llm sessions jobs` and `job`: how far many prompts are."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from llm_session_memory import Memory
from llm_session_memory.model.jobs import Item, Job
from tests.conftest import Command
from tests.world.scripted import Script


def _job(memory: Memory, name: str, inputs: Sequence[Mapping[str, Any]], **settings: Any) -> Job:
    session = memory.sessions.create(name)
    made = memory.jobs.new("batch", name, {"model": "scripted", **settings}, thread_id=session.thread_id, max_cost=5.0)
    items = (
        Item("", place, str(place), one, id=one.get("id"), model="scripted") for place, one in enumerate(inputs, 1)
    )
    return memory.jobs.add(made, items)


@pytest.fixture(name="job")
def _one(log: Path, llm_: Command, script: Script) -> str:
    """A job of three items: one done, one that failed, and one that waits."""
    script.replies = ["=1+1"]
    llm_("-m", "scripted", "--session", "answers", "One?").ok()
    with Memory(log) as memory:
        first: dict[str, Any] = {"prompt": "One?", "id": "a", "line": 2, "values": {"word": "un"}}
        words = [first, {"prompt": "Two?"}, {"prompt": "3"}]
        job = _job(memory, "first", words)
        turn = memory.sessions.turn_ids("answers")[0][0]
        done, failed = (memory.jobs.claim(job, memory.jobs.owner("x")) for _ in range(2))
        assert done is not None
        assert failed is not None
        memory.jobs.done(done, _Answer(memory.sessions.get("answers").thread_id, turn))
        memory.jobs.failed(failed, "The server is \x1b[31mgone.")
    return "first"


class _Answer:
    model = "gpt-4o-mini"
    input_tokens, output_tokens, duration_ms = 1_000_000, 10, 20

    def __init__(self, thread_id: str, turn_id: str) -> None:
        self.thread_id, self.turn_id = thread_id, turn_id


def test_jobs_are_listed_with_their_progress(llm_: Command, job: str) -> None:
    """A line a job: its kind, its state, how far it is and its cost. Nobody works on this one, so it is interrupted."""
    listed = llm_("sessions", "jobs").ok().out
    heads, line = listed.splitlines()
    assert heads.split() == ["job", "kind", "state", "progress", "cost", "started"]
    assert " ".join(line.split()).startswith("first batch interrupted 1 of 3 done, 1 waiting, 1 failed $0.15 20")
    (one,) = json.loads(llm_("sessions", "jobs", "--json").ok().out)
    assert (one["state"], one["items"]) == ("interrupted", {"done": 1, "failed": 1, "waiting": 1})
    assert one["settings"] == {"model": "scripted"}


def test_without_jobs_the_list_says_how_to_start_one(llm_: Command, log: Path) -> None:
    """A log that never had a job is no error."""
    Memory(log, create=True).close()
    assert llm_("sessions", "jobs").ok().err == "There are no jobs. Start one with: llm sessions batch FILE -m MODEL\n"
    assert "Job “x” not found." in llm_("sessions", "job", "x").err


def test_a_job_is_shown_with_what_failed(llm_: Command, job: str) -> None:
    """A job's name alone shows it: its facts, then the items that failed, each with its sentence; --items lists all."""
    shown = llm_("sessions", "job", job).ok().out
    assert shown.startswith("Job “first” (batch), interrupted: 1 of 3 done, 1 waiting, 1 failed\n  id: ")
    assert "  cost: $0.15\n  max cost: $5.00\n" in shown
    assert shown.endswith("#2 failed: Two?\n    The server is ␛[31mgone.\n")
    assert "#1 a done, 0.0 s, $0.15: One?" in llm_("sessions", "job", "show", job, "--items").ok().out
    whole = json.loads(llm_("sessions", "job", job, "--json", "--items").ok().out)
    assert [item["state"] for item in whole["item_list"]] == ["done", "failed", "waiting"]


def test_the_answers_of_a_job_are_written_in_the_order_of_its_items(llm_: Command, job: str, tmp_path: Path) -> None:
    """A line for each item, with the columns of its file; a spreadsheet runs nothing that a model wrote."""
    path = tmp_path / "out.csv"
    assert llm_("sessions", "job", job, "-o", str(path)).ok().out == f"Wrote 1 answer of 3 prompts to {path}.\n"
    rows = [*csv.DictReader(io.StringIO(path.read_text()))]
    assert [(row["id"], row["word"], row["response"], row["state"]) for row in rows] == [
        ("a", "un", "'=1+1", "done"),
        ("", "", "", "failed"),
        ("", "", "", "waiting"),
    ]
    assert "already exists" in llm_("sessions", "job", job, "-o", str(path)).err
    lines = [json.loads(line) for line in llm_("sessions", "job", job, "-o", "-").ok().out.splitlines()]
    assert lines[0]["response"] == "=1+1"
    assert (lines[0]["values"], lines[0]["session"], lines[0]["line"]) == ({"word": "un"}, "answers", 2)
    assert lines[1] == {
        "prompt": "Two?",
        "model": "scripted",
        "response": None,
        "state": "failed",
        "error": "The server is \x1b[31mgone.",
    }
    assert "ends in .jsonl or .csv" in llm_("sessions", "job", job, "-o", "answers.txt").err


def test_a_deleted_answer_takes_its_item_along(llm_: Command, job: str) -> None:
    """An item has the prompt, so it goes when the answer is deleted; the rest of the job stays."""
    llm_("sessions", "delete", "answers", "--yes").ok()
    lines = [json.loads(line) for line in llm_("sessions", "job", job, "-o", "-").ok().out.splitlines()]
    assert [line["state"] for line in lines] == ["failed", "waiting"]


def test_a_job_is_cancelled_and_deleted(llm_: Command, job: str, log: Path) -> None:
    """To cancel a job leaves what is done; to delete it leaves the answers in the log."""
    cancelled = llm_("sessions", "job", "cancel", job).ok().out
    assert cancelled == "Cancelled job “first”: 1 of 3 done, 1 failed, 1 cancelled.\n"
    assert llm_("sessions", "job", "cancel", job).code == 1
    assert llm_("sessions", "job", "delete", job).ok().out == "Deleted job “first”. Its 1 answer stays in the log.\n"
    assert "Job “first” not found." in llm_("sessions", "job", "delete", job).err
    assert "=1+1" in llm_("sessions", "show", "answers").ok().out


def test_amounts_that_are_no_numbers_are_not_known(llm_: Command, job: str, log: Path) -> None:
    """A job is shown although something else has written a text where an amount of dollars belongs."""
    with closing(sqlite3.connect(log)) as connection, connection:
        connection.execute("update memory_jobs set max_cost_usd = 'x', spent_usd = 'y'")
        connection.execute("update memory_job_items set cost_usd = 'z'")
    assert "1 of 3 done" in llm_("sessions", "job", "show", job).ok().out
    assert "1 of 3 done" in llm_("sessions", "jobs").ok().out
