"""Measure jobs: what an item takes beyond its model's time, what kills cost, and the memory for 100,000 items.

    python -m benchmarks.jobs                 # all of it
    python -m benchmarks.jobs overhead        # 1,000 items, 8 at a time, against a stand-in Ollama server
    python -m benchmarks.jobs kills           # 1,000 items, killed at 20 random moments and resumed
    python -m benchmarks.jobs memory          # jobs of 1,000 and of 100,000 items

The processes are measured from outside, the stand-in server is not counted. Overhead is the difference to the same
prompts asked of the same model by 8 threads without a log.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.machine import description, table
from benchmarks.processes import Measured
from llm_session_memory import Memory
from llm_session_memory.model.jobs import Item
from tests.world import job_work
from tests.world.ollama_server import OllamaStandIn

ITEMS, WORKERS, KILLS, MANY = 1_000, 8, 20, 100_000

MODEL = "ollama/llama3"


def main() -> None:
    """Run the measurements that were asked for, or do the part of one in this process."""
    part, *arguments = sys.argv[1:] or ["all"]
    if part in _CHILDREN:
        _CHILDREN[part](*arguments)
        return
    print(description(), "\n")
    for name, measure in (("overhead", overhead), ("kills", kills), ("memory", memory)):
        if part in ("all", name):
            measure()


# -- overhead --------------------------------------------------------------


def overhead() -> None:
    """Print what an item of a job takes beyond its model's time."""
    rows = []
    with OllamaStandIn(reply="All right.") as ollama, tempfile.TemporaryDirectory() as folder:
        for count in (ITEMS // 10, ITEMS):
            plain = _measured(["plain", str(count)], ollama.environment(Path(folder)))
            log = _new_log(Path(folder), f"{count}.db", count)
            ours = _measured(["ours", str(log)], ollama.environment(Path(folder)))
            rows.append((count, plain, ours))
    (few, plain_few, ours_few), (many, plain, ours) = rows
    items = many - few  # what starting takes is in both

    def each(more: float, less: float) -> float:
        return (more - less) / items * 1_000

    found: list[Sequence[str]] = [
        (name, f"{each(one.wall, first.wall):.1f}", f"{each(one.processor, first.processor):.1f}", f"{one.peak:.0f}")
        for name, one, first in (("threads without a log", plain, plain_few), ("a job", ours, ours_few))
    ]
    difference = (
        each(ours.wall, ours_few.wall) - each(plain.wall, plain_few.wall),
        each(ours.processor, ours_few.processor) - each(plain.processor, plain_few.processor),
    )
    found.append(("difference", *(f"{one:.1f}" for one in difference), ""))
    print(table(["an item, of 1,000", "wall ms", "processor ms", "peak MB"], found), "\n")


def _plain(count: str) -> None:
    """Ask the prompts without a log."""
    import llm

    model = llm.get_model(MODEL)
    with ThreadPoolExecutor(WORKERS) as pool:
        for _ in pool.map(lambda number: model.prompt(str(number), stream=False).text(), range(int(count))):
            pass


def _ours(log: str) -> None:
    """Ask the prompts as a job."""
    import llm

    job_work.resume(Path(log), "job", llm.get_model(MODEL), WORKERS)


# -- kills -----------------------------------------------------------------


def kills() -> None:
    """Print what kills at random moments cost: prompts asked again, and that nothing is lost or there twice."""
    chance = random.Random()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log, asked = _new_log(folder, "logs.db", ITEMS), folder / "asked"
        for _ in range(KILLS):
            process = _job(log, asked)
            until = _count(asked) + chance.randint(1, ITEMS // (KILLS + 5))
            while _count(asked) < until and process.poll() is None:
                time.sleep(0.002)
            time.sleep(chance.random() * 0.02)
            process.kill()
            process.wait()
        if _job(log, asked).wait():
            sys.exit("The last run failed.")
        with Memory(log) as memory:
            job = memory.jobs.get("job")
            prompts = Counter(exchange.prompt for exchange in memory.sessions.exchanges("job"))
        twice, lost = sum(prompts.values()) - len(prompts), ITEMS - len(prompts)
        counts = ", ".join(f"{count:,} {state}" for state, count in job.counts.items())
        repeated = _count(asked) - ITEMS
        values = [(KILLS, counts, lost, twice, f"{repeated} of at most {KILLS * WORKERS}")]
        print(table(["kills", "items", "lost", "logged twice", "asked again"], values), "\n")


def _job(log: Path, asked: Path) -> subprocess.Popen[bytes]:
    arguments = [sys.executable, "-m", "tests.world.job_work", str(log), "job", str(asked), str(WORKERS), "0.005"]
    return subprocess.Popen(arguments)


def _count(asked: Path) -> int:
    return asked.read_bytes().count(b"\n") if asked.exists() else 0


# -- memory ----------------------------------------------------------------


def memory() -> None:
    """Print the peak memory of making a job, and of working on it until 200 items are done, by its size."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for count in (ITEMS, MANY):
            log = Path(folder, f"{count}.db")
            made = _measured(["make", str(log), str(count)], os.environ)
            worked = _measured(["some", str(log)], os.environ)
            rows.append(
                (f"{count:,}", f"{made.wall:.1f}", f"{made.peak:.0f}", f"{worked.wall:.1f}", f"{worked.peak:.0f}")
            )
    print(table(["items", "made in s", "peak MB", "200 of them in s", "peak MB"], rows), "\n")


def _make(log: str, count: str) -> None:
    """Make a job whose prompts have 300 characters each."""
    with Memory(log, create=True) as memory:
        memory.sessions.create("job")
        made = memory.jobs.new("batch", "job", {"model": "slow"})
        memory.jobs.add(made, (Item("", n, f"key {n}", {"prompt": f"{n} " * 40}) for n in range(1, int(count) + 1)))


def _some(log: str) -> None:
    """Work on a job until 200 of its items are done."""
    from llm_session_memory.llm_seam.asking import Question, ask
    from llm_session_memory.llm_seam.working import Also, JobProgress, work
    from llm_session_memory.services.bundle import Services

    model = job_work.SlowModel(Path(f"{log}.asked"), 0.0)

    def run(services: Services, item: Item, also: Also) -> None:
        question = Question(str(item.input["prompt"]), context="none")
        ask(services, services.sessions.get("job"), question, model, also=also, keep_attempt=False)
        if item.position >= 200:  # noqa: PLR2004  what the heading says
            services.jobs.stop(job, "Enough.")

    def progress(_: JobProgress) -> None:
        """Let the counts be read as on a terminal."""

    with Memory(log) as memory:
        job = memory.jobs.get("job")
    work(Path(log), job, run, jobs=WORKERS, progress=progress)


# -- processes -------------------------------------------------------------


def _new_log(folder: Path, name: str, count: int) -> Path:
    """Make a log with a job."""
    log = folder / name
    with Memory(log, create=True):
        pass
    job_work.make(log, count, MODEL)
    return log


def _measured(arguments: Sequence[str], environment: Mapping[str, str]) -> Measured:
    """Run a part of this module in a process of its own and measure it."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.jobs", *arguments], env=dict(environment))
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"benchmarks.jobs {' '.join(arguments)} ended with {process.returncode}")
    a_megabyte = 2**20 if sys.platform == "darwin" else 2**10
    return Measured(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / a_megabyte)


_CHILDREN: dict[str, Callable[..., None]] = {"plain": _plain, "ours": _ours, "make": _make, "some": _some}

if __name__ == "__main__":
    main()
