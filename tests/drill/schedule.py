"""Which fault runs when: every fault once, then in turn until each had its runs or the time is over."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

from tests.drill.fault import Fault, missing
from tests.drill.judge import Verdict, judged
from tests.drill.running import Stuck
from tests.drill.world import World


@dataclass
class Row:
    """A fault and what its runs did."""

    fault: Fault
    verdicts: list[Verdict] = field(default_factory=list)
    not_run: str = ""
    seconds: float = 0  # of its longest run

    @property
    def good(self) -> bool:
        """Whether all runs were good."""
        return all(verdict.good for verdict in self.verdicts)


@dataclass(frozen=True)
class Drill:
    """The settings of a drill: its seed, when it must end, and whether the folders of failed runs are kept."""

    seed: int
    until: float
    folder: Path
    template: Path
    keep: bool
    forks: bool
    tell: Callable[[str], None]

    def run(self, faults: Sequence[Fault]) -> list[Row]:
        """Run faults in turn, as many at once as there are cores and a few more, since most of a run is waiting."""
        rows = [Row(fault, not_run=next(filter(None, map(missing, fault.needs)), "")) for fault in faults]
        at_once = 2 * (os.cpu_count() or 1)
        running: dict[Future[tuple[Verdict, float]], Row] = {}
        with ThreadPoolExecutor(at_once) as workers:
            for row, number in _turns(rows):
                if row.verdicts and time.monotonic() + row.seconds > self.until:
                    continue
                if time.monotonic() > self.until:
                    row.not_run = row.not_run or "no time"
                    continue
                running[workers.submit(self._one, row.fault, number)] = row
                if len(running) >= at_once:
                    self._collect(running, FIRST_COMPLETED)
            while running:
                self._collect(running, FIRST_COMPLETED)
        return rows

    def _collect(self, running: dict[Future[tuple[Verdict, float]], Row], when: str) -> None:
        """Wait for a run, and put its verdict into its row."""
        for future in wait(running, return_when=when).done:
            row = running.pop(future)
            verdict, seconds = future.result()
            row.verdicts.append(verdict)
            row.seconds = max(row.seconds, seconds)

    def _one(self, fault: Fault, number: int) -> tuple[Verdict, float]:
        """Run a fault once in a world of its own."""
        began = time.monotonic()
        folder = Path(
            tempfile.mkdtemp(prefix=f"{fault.name[:20].replace(' ', '-').replace('/', '-')}-", dir=self.folder)
        )
        chance = random.Random(f"{self.seed}/{fault.name}/{number}")
        with World(folder, number, chance, None if fault.empty else self.template, self.forks) as world:
            try:
                fault.inject(world)
            except Stuck as stuck:
                world.troubles.append(str(stuck))
            except Exception as error:  # noqa: BLE001  the other faults run all the same
                world.troubles.append(f"the drill itself failed: {type(error).__name__}: {error}")
            verdict = judged(world)
        if not verdict.good:
            found = [*verdict.unclean, *verdict.troubles]
            self.tell("\n  ".join([f"{fault.name}, run {number}:", *found, *([str(folder)] if self.keep else [])]))
            (folder / "report.txt").write_text("\n".join([*found, "", *map(str, world.spoken())]), "utf-8", "replace")
        if verdict.good or not self.keep:
            shutil.rmtree(folder, ignore_errors=True)
        return verdict, time.monotonic() - began


def _turns(rows: Sequence[Row]) -> Iterator[tuple[Row, int]]:
    """Yield each row that can run with the numbers of its runs: all first runs, all second ones, and so on."""
    able = [row for row in rows if not row.not_run]
    for number in range(max((row.fault.times for row in able), default=0)):
        yield from ((row, number) for row in able if number < row.fault.times)


class Teller:
    """Prints what is found as it is found, one thread at a time."""

    def __init__(self) -> None:
        """Count nothing yet."""
        self._lock = threading.Lock()

    def __call__(self, text: str) -> None:
        """Print a text."""
        with self._lock:
            print(text, flush=True)  # noqa: T201  what the drill is for
