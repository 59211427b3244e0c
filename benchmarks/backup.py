"""How fast a backup is, and how long writers wait for it: `python -m benchmarks.backup FILE [--folder FOLDER]`.

FILE is a log; a copy of it in FOLDER is measured. `cp` and the backup take turns, and ratios are those of pairs. Then
another process writes a row again and again while backups are made, in both journal modes; its longest wait is compared
with its longest wait without a backup.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from benchmarks import machine
from llm_session_memory.services.bundle import Services
from llm_session_memory.store import Log, copying

WRITER = """
import json, sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)
connection.execute("create table if not exists benchmark (n)")
print(flush=True)
waits = []
end = time.monotonic() + float(sys.argv[3])
while time.monotonic() < end and not (len(sys.argv) > 4 and __import__("os").path.exists(sys.argv[4])):
    began = time.perf_counter()
    connection.execute("insert into benchmark values (1)")
    waits.append(time.perf_counter() - began)
    time.sleep(float(sys.argv[2]))
print(json.dumps(waits))
"""


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Return the wall and processor seconds of some work, child processes included."""
    began, worked = time.perf_counter(), _processor()
    work()
    return time.perf_counter() - began, _processor() - worked


def _processor() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def speed(log: Path, times: int) -> list[list[str]]:
    """Return rows of the table about speed: a copy by `cp`, by SQLite's interface, by comparing, and a whole backup."""
    target = log.with_name("copy.db")

    def cp() -> None:
        subprocess.run(["cp", log, target], check=True)
        with target.open("rb+") as file:
            os.fsync(file.fileno())

    def copy() -> None:
        target.unlink(missing_ok=True)
        target.touch()
        with closing(Log.open(log)) as opened:
            copying.copy(opened, target)

    def backup() -> None:
        with Services.open(log) as memory:
            memory.backups.make(target, overwrite=True)

    found: dict[str, list[tuple[float, float]]] = {"cp": [], "copy": [], "backup": []}
    for _ in range(times):
        for name, work in {"cp": cp, "copy": copy, "backup": backup}.items():
            found[name].append(seconds(work))
    target.unlink()
    rows = []
    for name, label in {"cp": "`cp`, then `fsync`", "copy": "the copy alone", "backup": "backup, checked"}.items():
        pairs = list(zip(found[name], found["cp"], strict=True))
        wall = statistics.median(mine[0] for mine, _ in pairs)
        ratios = [statistics.median(mine[which] / cps[which] for mine, cps in pairs) for which in (0, 1)]
        rows.append([label, f"{wall:.1f}", f"{ratios[0]:.2f}", f"{ratios[1]:.2f}"])
    return rows


def waits(log: Path, gap: float, *, backup: bool) -> list[str]:
    """Return a row about a writer's waits in seconds, while a backup is made or for as long as nothing is."""
    target, stop = log.with_name("copy.db"), log.with_name("stop")
    stop.unlink(missing_ok=True)
    arguments = [sys.executable, "-c", WRITER, str(log), str(gap), "600" if backup else "10", *([str(stop)] * backup)]
    writer = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    assert writer.stdout
    writer.stdout.readline()
    took = 0.0
    if backup:
        target.unlink(missing_ok=True)
        target.touch()
        with closing(Log.open(log)) as opened:
            took, _ = seconds(lambda: copying.copy(opened, target))
        stop.touch()
    found = sorted(json.loads(writer.communicate()[0]))
    for one in (target, stop):
        one.unlink(missing_ok=True)
    with closing(sqlite3.connect(log)) as connection:
        mode = connection.execute("pragma journal_mode").fetchone()[0]
    figures = [found[len(found) // 2], found[int(len(found) * 0.99)], found[-1]]
    return [
        f"{mode}, a row each {gap:g} s, {'backup' if backup else 'no backup'}",
        f"{took:.1f}" if backup else "",
        f"{len(found):,}",
        *(f"{1000 * one:.1f}" for one in figures),
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--folder", help="where to put the copy [the temporary folder]")
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--gaps", type=float, nargs="*", default=[5, 1, 0.05])
    parser.add_argument("--modes", nargs="*", default=["delete", "wal"])
    asked = parser.parse_args(arguments)
    print(f"{machine.description()}. {asked.file.stat().st_size:,} bytes.\n")
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        log = Path(folder) / "logs.db"
        shutil.copyfile(asked.file, log)
        if asked.times:
            rows = speed(log, asked.times)
            print(
                machine.table(["what", "seconds", "ratio to cp", "processor time, ratio to cp"], rows), "\n", flush=True
            )
        headers = ["a writer's waits", "backup, s", "rows", "median, ms", "99 %, ms", "longest, ms"]
        print(machine.table(headers, []))
        for mode in asked.modes:
            with closing(sqlite3.connect(log)) as connection:
                connection.execute(f"pragma journal_mode = {mode}")
            for gap in asked.gaps:
                for backup in (False, True):
                    print("| " + " | ".join(waits(log, gap, backup=backup)) + " |", flush=True)
    print(f"\nPeak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB.")


if __name__ == "__main__":
    main()
