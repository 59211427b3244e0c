"""How long deletion takes in a log of 1,000,000 messages: `python -m benchmarks.deletion FILE [--many 10000]`.

FILE is a log that `benchmarks.large` wrote. It is deleted from: measure a copy. The longest transaction is how long
another program that wants to write has to wait.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.large import SESSIONS


def measure(path: Path, many: int, *, plan: bool) -> None:
    """Print how long it takes to delete single sessions, and many conversations, in seconds."""
    from llm_session_memory.memory import Memory
    from llm_session_memory.model import Target

    print(f"{machine.description()}.\n")
    rows: list[list[object]] = []
    with Memory(path) as memory:
        for name in SESSIONS:
            targets = [Target(memory.sessions.get(name).thread_id)]
            if plan:
                rows.append(_timed(f"plan for `{name}`", memory, lambda targets=targets: memory.deletion.plan(targets)))
            rows.append(_timed(f"delete `{name}`", memory, lambda targets=targets: memory.deletion.delete(targets)))
        ids = memory.desk.log.tuples(f"select id from threads order by id limit {many} offset 20000")
        targets = [Target(id_) for (id_,) in ids]
        if plan:
            rows.append(_timed(f"plan for {many:,} conversations", memory, lambda: memory.deletion.plan(targets)))
        rows.append(_timed(f"delete {many:,} conversations", memory, lambda: memory.deletion.delete(targets)))
    print(machine.table(["what", "seconds", "processor seconds", "longest transaction, s", "peak memory, MB"], rows))


def _timed(label: str, memory: Any, work: Any) -> list[object]:
    held: list[float] = []
    with _watched(memory.desk.log, held):
        began, worked = time.perf_counter(), time.process_time()
        work()
        wall, busy = time.perf_counter() - began, time.process_time() - worked
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [label, f"{wall:.2f}", f"{busy:.2f}", f"{max(held, default=0):.2f}", f"{peak:.0f}"]


@contextmanager
def _watched(log: Any, held: list[float]) -> Iterator[None]:
    """Note how long each transaction holds the log's write lock."""
    locked = log.locked

    @contextmanager
    def timed() -> Iterator[None]:
        with locked():
            began = time.perf_counter()
            yield
            held.append(time.perf_counter() - began)

    log.locked = timed
    try:
        yield
    finally:
        del log.locked


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--many", type=int, default=10_000)
    parser.add_argument("--plan", action="store_true", help="measure plans as well")
    asked = parser.parse_args(arguments)
    measure(asked.file, asked.many, plan=asked.plan)


if __name__ == "__main__":
    main()
