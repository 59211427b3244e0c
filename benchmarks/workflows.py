"""Measure workflows: what a step takes beyond its model's time, and what kills cost.

    python -m benchmarks.workflows            # both
    python -m benchmarks.workflows overhead   # 200 steps, and 20, with a model that answers at once
    python -m benchmarks.workflows kills      # 200 steps, killed at 20 random moments and resumed

The steps need up to two steps before them. The processes are measured from outside.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from benchmarks.machine import description, table
from benchmarks.processes import Measured
from llm_session_memory import Memory
from tests.world.flow_work import flow

STEPS, FEW, WORKERS, KILLS = 200, 20, 8, 20


def main() -> None:
    """Run the measurements that were asked for."""
    part = (sys.argv[1:] or ["all"])[0]
    print(description(), "\n")
    for name, measure in (("overhead", overhead), ("kills", kills)):
        if part in ("all", name):
            measure()


def overhead() -> None:
    """Print what a step takes, without what starting takes."""
    rows = []
    for shape in ("steps", "items of a list"):
        found = {}
        for count in (FEW, STEPS):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "flow.yaml")
                path.write_text(flow(count - 2, 1) if shape == "steps" else flow(3, count - 3))
                found[count] = _measured(Path(folder), str(path))
        less, more = found[FEW], found[STEPS]
        each = [(b - a) / (STEPS - FEW) * 1_000 for a, b in ((less.wall, more.wall), (less.processor, more.processor))]
        rows.append(
            (shape, *(f"{one:.1f}" for one in each), f"{less.wall:.1f}", f"{more.wall:.1f}", f"{more.peak:.0f}")
        )
    headers = ["each, of 200", "wall ms", "processor ms", f"{FEW} in s", f"{STEPS} in s", "peak MB"]
    print(table(headers, rows), "\n")


def kills() -> None:
    """Print what kills at random moments cost: prompts asked again, and that nothing is lost or there twice."""
    chance = random.Random()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path, asked = folder / "flow.yaml", folder / "asked"
        items = STEPS // 4
        path.write_text(flow(STEPS - items - 1, items))
        arguments: list[str] = [str(path)]
        for _ in range(KILLS):
            process = _started(folder, asked, 0.02, *arguments)
            until = _count(asked) + chance.randint(1, STEPS // (KILLS + 5))
            while _count(asked) < until and process.poll() is None:
                time.sleep(0.002)
            time.sleep(chance.random() * 0.05)
            process.kill()
            process.wait()
            with Memory(folder / "logs.db") as memory:
                arguments = ["--resume", memory.jobs.list(1)[0].name]
        if _started(folder, asked, 0.0, *arguments).wait():
            sys.exit("The last run failed.")
        with Memory(folder / "logs.db") as memory:
            job = memory.jobs.list(1)[0]
            prompts = Counter(exchange.prompt for exchange in memory.sessions.exchanges(job.name))
        sent = sum(prompts.values())
        counts = ", ".join(f"{count:,} {state}" for state, count in job.counts.items())
        lost, twice = job.counts["done"] - 1 - len(prompts), sent - len(prompts)  # one item stands for the list
        values = [(KILLS, counts, lost, twice, f"{_count(asked) - sent} of at most {KILLS * WORKERS}")]
        print(table(["kills", "steps", "lost", "logged twice", "asked again"], values), "\n")


def _count(asked: Path) -> int:
    return asked.read_bytes().count(b"\n") if asked.exists() else 0


def _started(folder: Path, asked: Path, seconds: float, *arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.world.flow_work", str(asked), str(seconds), "sessions", "run", *arguments]
    environment = {**os.environ, "LLM_USER_PATH": str(folder), "LLM_RECALL_MODEL": "none"}
    return subprocess.Popen(
        [*command, "-j", str(WORKERS)], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def _measured(folder: Path, *arguments: str) -> Measured:
    """Run a workflow in a process of its own and measure it."""
    start = time.perf_counter()
    process = _started(folder, folder / "asked", 0.0, *arguments)
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"llm sessions run {' '.join(arguments)} ended with {process.returncode}")
    a_megabyte = 2**20 if sys.platform == "darwin" else 2**10
    return Measured(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / a_megabyte)


if __name__ == "__main__":
    main()
