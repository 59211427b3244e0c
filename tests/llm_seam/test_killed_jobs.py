"""A job whose process is killed at any moment goes on: no answer is lost, none is logged twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from llm_session_memory import Memory
from tests.imports import ROOT
from tests.world import job_work

ITEMS, WORKERS, KILLS = 60, 4, 2


def _started(path: Path, asked: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.world.job_work", str(path), "job", str(asked), str(WORKERS), "0.01"]
    return subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})


def _count(asked: Path) -> int:
    return asked.read_bytes().count(b"\n") if asked.exists() else 0


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Only a signal ends a process at any moment.")
def test_a_killed_job_answers_each_item_once(log: Path, tmp_path: Path) -> None:
    """After kills at random moments, each item is logged once; only those in flight were asked again."""
    with Memory(create=True) as memory:
        assert memory.path == log
    job, asked, chance = job_work.make(log, ITEMS), tmp_path / "asked", random.Random(7)
    for _ in range(KILLS):
        process, until = _started(log, asked), _count(asked) + chance.randint(3, 20)
        while _count(asked) < until and process.poll() is None:
            time.sleep(0.005)
        process.kill()
        process.wait()
    with Memory(log) as memory:
        before = [item.position for item in memory.jobs.items(job, "done")]
        assert 0 < len(before) < ITEMS
    assert _started(log, asked).wait() == 0
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
