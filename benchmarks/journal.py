"""What it costs to write a prompt into the log before it is sent.

`python -m benchmarks.journal`. Prompts go to a model in this process that answers at once, in turns with the journal
and without it. Times are those of one prompt: to the call of the model (all that the first token waits for), and whole.
"""

from __future__ import annotations

import argparse
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import llm

from benchmarks import machine
from llm_session_memory import Memory
from llm_session_memory.llm_seam.prompted import Prompted


class Instant(llm.Model):
    """Answers at once, and notes when it was called."""

    model_id = "instant"
    can_stream = True
    called = 0.0

    def execute(self, *arguments: Any, **parameters: Any) -> Iterator[str]:
        """Yield a short reply."""
        del arguments, parameters
        self.called = time.perf_counter()
        yield "Noted."


@contextmanager
def without() -> Iterator[None]:
    """Send prompts without the journal."""
    with mock.patch.object(Prompted, "sending", return_value=None):
        yield


def measured(memory: Memory, model: Instant, name: str) -> tuple[float, float, float]:
    """Return the milliseconds of one prompt: to the model's call, whole, and of the processor."""
    began, processor = time.perf_counter(), time.thread_time()
    memory.conversation(name, model=model).prompt("When is the deadline of the bridge?").text()
    ended = time.perf_counter()
    return (model.called - began) * 1000, (ended - began) * 1000, (time.thread_time() - processor) * 1000


def commit(connection: sqlite3.Connection) -> float:
    """Return the milliseconds of a transaction that writes one row, on the same disk: what SQLite alone needs."""
    began = time.perf_counter()
    connection.execute("insert into t values ('When is the deadline of the bridge?')")
    return (time.perf_counter() - began) * 1000


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", "--times", type=int, default=200)
    parser.add_argument("--folder", help="where to put the log, for example a RAM disk [the temporary folder]")
    asked = parser.parse_args()
    found: dict[str, list[tuple[float, float, float]]] = {"without": [], "with": []}
    model = Instant()
    commits: list[float] = []
    with (
        tempfile.TemporaryDirectory(dir=asked.folder) as folder,
        Memory(Path(folder) / "logs.db", create=True) as memory,
    ):
        bare = sqlite3.connect(Path(folder) / "bare.db", isolation_level=None)
        bare.execute("create table t (text)")
        for name in found:
            measured(memory, model, name)
        for _ in range(asked.times):
            with without():
                found["without"].append(measured(memory, model, "without"))
            found["with"].append(measured(memory, model, "with"))
            commits.append(commit(bare))
        bare.close()
    rows = []
    for column, name in enumerate(("to the model's call", "whole prompt", "processor")):
        a, b = ([one[column] for one in found[who]] for who in ("without", "with"))
        more = statistics.median(y - x for x, y in zip(a, b, strict=True))
        rows.append([name, f"{statistics.median(a):.1f}", f"{statistics.median(b):.1f}", f"{more:.1f}"])
    rows.append(["a transaction of SQLite with one row", "", "", f"{statistics.median(commits):.1f}"])
    print(f"{machine.description()}. {asked.times} prompts each, in turns; medians.\n")
    print(machine.table(["milliseconds", "without", "with", "difference, median of each pair"], rows))


if __name__ == "__main__":
    main()
