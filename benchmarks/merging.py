"""What merging costs, and for how long others wait: `python -m benchmarks.merging [--exchanges N] [--folder FOLDER]`.

Two logs of N exchanges each are made, with texts of their own, and one is put into the other. A lock lasts from the
beginning of a transaction to its end; its processor time says how long it would be on an idle machine.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks import large, machine
from llm_session_memory.llm_seam.tables import migrated
from llm_session_memory.memory import Memory
from llm_session_memory.store import Log

Seconds = tuple[float, float]
"""Wall and processor time."""


@contextmanager
def timed(found: list[Seconds]) -> Iterator[None]:
    """Add how long something took."""
    began, worked = time.perf_counter(), time.process_time()
    try:
        yield
    finally:
        found.append((time.perf_counter() - began, time.process_time() - worked))


@contextmanager
def locks(path: Path) -> Iterator[list[Seconds]]:
    """Give a list that gets the time of each transaction that writes to a log."""
    found: list[Seconds] = []
    locked = Log.locked

    @contextmanager
    def measured(self: Log) -> Iterator[None]:
        if self.path != path:  # the private copy of the other log
            with locked(self):
                yield
            return
        with ExitStack() as held, locked(self):
            held.enter_context(timed(found))  # until it is committed
            yield

    Log.locked = measured  # type: ignore[method-assign]
    try:
        yield found
    finally:
        Log.locked = locked  # type: ignore[method-assign]


def merge(ours: Path, theirs: Path, *, dry_run: bool) -> list[str]:
    """Merge, and return a row of the table."""
    whole: list[Seconds] = []
    with locks(ours) as found, Memory(ours) as memory, timed(whole):
        done = memory.merging.merge(theirs, migrated, dry_run=dry_run)
    wall, processor = whole[0]
    longest = max(found, default=(0.0, 0.0))
    return [
        f"{done.turns:,}",
        f"{wall:.1f}",
        f"{processor:.1f}",
        f"{len(found):,}",
        f"{longest[0]:.2f}",
        f"{max((one[1] for one in found), default=0.0):.2f}",
        f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}",
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the logs, measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--exchanges", type=int, default=20_000)
    parser.add_argument("--folder", help="where to put the logs [the temporary folder]")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        logs = [Path(folder) / name for name in ("ours.db", "theirs.db")]
        for seed, log in enumerate(logs, 1):
            if not os.fork():  # a process of its own, so that its memory is not counted
                large.write(log, asked.exchanges, asked.exchanges // 6, seed)
                os._exit(0)
            os.wait()
        rows = [
            [what, *merge(*logs, dry_run=what == "dry run")] for what in ("dry run", "first merge", "the same again")
        ]
    print(f"{machine.description()}. Load: {os.getloadavg()[0]:.1f}.\n")
    headers = ["", "turns", "seconds", "of processor time", "transactions", "longest, s", "of processor time"]
    print(machine.table([*headers, "MB at most"], rows))


if __name__ == "__main__":
    main()
