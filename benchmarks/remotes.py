"""A PostgreSQL remote: many machines at once, and one with 10 million messages.

    python -m benchmarks.remotes machines 20 120      # 20 machines push and pull for 120 seconds, then all are compared
    python -m benchmarks.remotes large 10000000       # a push of 1,000 exchanges and status; takes 20 minutes and 20 GB

TMPDIR says where the server's files are.
"""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.machine import description, table
from benchmarks.remotes_made import make
from llm_session_memory.remotes.postgres.remote import PostgresRemote
from tests.world import postgres_server
from tests.world.machines import EVERYTHING, NAMED
from tests.world.writers import COMMON, machine

SETTINGS = {"shared_buffers": "1GB", "max_wal_size": "8GB", "fsync": "on", "synchronous_commit": "on"}
QUESTION = "What came of the bridge? " * 10


def main() -> None:
    """Run one of the two."""
    what, *numbers = sys.argv[1:] or ["machines", "20", "120"]
    print(description(), "\n")
    with postgres_server.running(None, **SETTINGS) as server, tempfile.TemporaryDirectory() as folder:
        if what == "large":
            large(Path(folder), server.address(), int(numbers[0]))
        else:
            machines(Path(folder), server.address(), *map(int, numbers))


def large(folder: Path, address: str, messages: int) -> None:
    """Measure a machine with a day's exchanges against a remote with many messages."""
    remote = PostgresRemote(address)
    make(remote, messages)
    one = machine(folder, address, 0)
    for day in range(20):
        one.new(f"day {day}", *(f"{QUESTION} {number} of {day}" for number in range(50)))
    measures: list[tuple[str, Callable[[], object]]] = [
        ("push of 1,000 exchanges in 20 sessions", lambda: one.push(NAMED)),
        ("status --all", lambda: one.status(EVERYTHING)),
        ("status", lambda: one.status(NAMED)),
        ("push of nothing", lambda: one.push(NAMED)),
    ]
    found = []
    for name, measure in measures:
        began = time.perf_counter()
        measure()
        found.append((name, f"{time.perf_counter() - began:.1f}"))
    print(table([f"against {messages:,} messages", "seconds"], found))


def machines(folder: Path, address: str, amount: int, seconds: int) -> None:
    """Let machines push and pull at once, then sync each until all are equal, and compare them."""
    context = multiprocessing.get_context("forkserver")
    until = time.time() + seconds
    workers = [context.Process(target=_work, args=(folder, address, one, until)) for one in range(amount)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not any(worker.exitcode for worker in workers), "a machine failed"
    all_ = [machine(folder, address, one) for one in range(amount)]
    for _ in range(3):
        for one in all_:
            one.sync(EVERYTHING)
    first, *others = [one.contents() for one in all_]
    different = sorted({table for one in others for table in one if one[table] != first[table]})
    said = [prompt for _, prompt, _ in first["turn_search"]]
    made = sum(int(path.read_text("utf-8")) for path in folder.glob("*.made"))
    rows = [
        ("exchanges made", made),
        ("there at the end", len(said)),
        ("different ones", len({*said})),
        ("tables that differ", ", ".join(different) or "none"),
    ]
    print(table([f"{amount} machines, {seconds} s", ""], rows))


def _work(folder: Path, address: str, number: int, until: float) -> None:
    """Log and sync until the time is over, and write down how many exchanges that were."""
    one, made = machine(folder, address, number), 0
    while time.time() < until:
        one.say(COMMON, f"Common {made} of {number}")
        one.new(None, f"Own {made} of {number}")
        made += 2
        one.sync(EVERYTHING)
    (folder / f"{number}.made").write_text(str(made), "utf-8")


if __name__ == "__main__":
    main()
