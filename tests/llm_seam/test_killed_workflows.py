"""A workflow whose process is killed at any moment goes on: no finished step runs twice, no answer is lost."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from llm_session_memory import Memory
from tests.world.flow_work import flow, run
from tests.world.processes import forked

STEPS, ITEMS, WORKERS, KILLS = 20, 15, 4, 2


def _started(asked: Path, *arguments: str) -> Any:
    return forked(run, asked, 0.02, ("sessions", "run", *arguments, "-j", str(WORKERS)))


def _count(asked: Path) -> int:
    return asked.read_bytes().count(b"\n") if asked.exists() else 0


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Only a signal ends a process at any moment.")
def test_a_killed_workflow_runs_each_step_once(forking: None, log: Path, tmp_path: Path) -> None:
    """After kills, also in the middle of a list, each step is logged once; only those in flight were asked again."""
    path, asked, chance = tmp_path / "flow.yaml", tmp_path / "asked", random.Random(7)
    path.write_text(flow(STEPS, ITEMS))
    arguments: tuple[str, ...] = (str(path),)
    for until in (chance.randint(3, STEPS - 1), STEPS + ITEMS // 2):
        process = _started(asked, *arguments)
        while _count(asked) < until and process.exitcode is None:
            time.sleep(0.005)
        process.kill()
        process.join()
        with Memory(log) as memory:
            job = memory.jobs.list()[0]
            assert memory.jobs.refreshed(job).counts.get("done", 0) < STEPS + ITEMS
        arguments = ("--resume", job.name)
    process = _started(asked, *arguments)
    process.join()
    assert process.exitcode == 0
    with Memory(log) as memory:
        now = memory.jobs.refreshed(job)
        assert (now.state, now.counts) == ("done", {"done": STEPS + ITEMS + 1})
        prompts = Counter(exchange.prompt.split(" ")[0] for exchange in memory.sessions.exchanges(job.name))
        assert prompts == Counter({**{f"s{n}": 1 for n in range(1, STEPS)}, "each": ITEMS, "last": 1})
    assert STEPS + ITEMS <= _count(asked) <= STEPS + ITEMS + KILLS * WORKERS
