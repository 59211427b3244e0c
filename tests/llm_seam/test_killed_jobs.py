"""A job whose process is killed at any moment goes on: no answer is lost, none is logged twice."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from llm_session_memory import Memory
from tests.world import job_work
from tests.world.processes import forked

ITEMS, WORKERS, KILLS = 40, 4, 2


def _started(path: Path, asked: Path) -> Any:
    return forked(job_work.main, path, "job", asked, WORKERS, 0.01)


def _count(asked: Path) -> int:
    return asked.read_bytes().count(b"\n") if asked.exists() else 0


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Only a signal ends a process at any moment.")
def test_a_killed_job_answers_each_item_once(forking: None, log: Path, tmp_path: Path) -> None:
    """After kills at random moments, each item is logged once; only those in flight were asked again."""
    with Memory(create=True) as memory:
        assert memory.path == log
    job, asked, chance = job_work.make(log, ITEMS), tmp_path / "asked", random.Random(7)
    for _ in range(KILLS):
        process, until = _started(log, asked), _count(asked) + chance.randint(3, 12)
        while _count(asked) < until and process.exitcode is None:
            time.sleep(0.005)
        process.kill()
        process.join()
    with Memory(log) as memory:
        before = [item.position for item in memory.jobs.items(job, "done")]
        assert 0 < len(before) < ITEMS
    process = _started(log, asked)
    process.join()
    assert process.exitcode == 0
    with Memory(log) as memory:
        now = memory.jobs.refreshed(job)
        assert (now.state, now.counts) == ("done", {"done": ITEMS})
        prompts = [exchange.prompt for exchange in memory.sessions.exchanges("job")]
        assert Counter(prompts) == Counter(map(str, range(1, ITEMS + 1)))
        answers = {exchange.turns[0].id for exchange in memory.sessions.exchanges("job")}
        assert {item.turn_id for item in memory.jobs.items(job)} == answers
    assert ITEMS <= _count(asked) <= ITEMS + KILLS * WORKERS
    times = Counter(map(int, asked.read_text("utf-8").split()))
    assert [position for position in before if times[position] > 1 + KILLS] == []
