"""A workflow whose process is killed at any moment goes on: no finished step runs twice, no answer is lost."""

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
from tests.world.flow_work import flow

STEPS, ITEMS, WORKERS, KILLS = 20, 15, 4, 2


def _started(asked: Path, *arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.world.flow_work", str(asked), "0.02", "sessions", "run", *arguments]
    return subprocess.Popen(
        [*command, "-j", str(WORKERS)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _count(asked: Path) -> int:
    return asked.read_bytes().count(b"\n") if asked.exists() else 0


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Only a signal ends a process at any moment.")
def test_a_killed_workflow_runs_each_step_once(log: Path, tmp_path: Path) -> None:
    """After kills, also in the middle of a list, each step is logged once; only those in flight were asked again."""
    path, asked, chance = tmp_path / "flow.yaml", tmp_path / "asked", random.Random(7)
    path.write_text(flow(STEPS, ITEMS))
    arguments: tuple[str, ...] = (str(path),)
    for until in (chance.randint(3, STEPS - 1), STEPS + ITEMS // 2):
        process = _started(asked, *arguments)
        while _count(asked) < until and process.poll() is None:
            time.sleep(0.005)
        process.kill()
        process.wait()
        with Memory(log) as memory:
            job = memory.jobs.list()[0]
            assert memory.jobs.refreshed(job).counts.get("done", 0) < STEPS + ITEMS
        arguments = ("--resume", job.name)
    assert _started(asked, *arguments).wait() == 0
    with Memory(log) as memory:
        now = memory.jobs.refreshed(job)
        assert (now.state, now.counts) == ("done", {"done": STEPS + ITEMS + 1})
        prompts = Counter(exchange.prompt.split(" ")[0] for exchange in memory.sessions.exchanges(job.name))
        assert prompts == Counter({**{f"s{n}": 1 for n in range(1, STEPS)}, "each": ITEMS, "last": 1})
    assert STEPS + ITEMS <= _count(asked) <= STEPS + ITEMS + KILLS * WORKERS
