"""`llm --session` compared with plain `llm -c`, in sessions of 10, 1,000 and 10,000 exchanges.

`python -m benchmarks.session_speed`. Runs real processes with llm-echo; each begins with a fresh copy of the log.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks import machine
from benchmarks.generate import NAME, cached
from benchmarks.processes import ECHO, OURS, Case, interleaved, median, ratio

LENGTHS = (10, 1_000, 10_000)
PROMPT = "And what does the harbour office say about the foundations?"
PLAIN, SESSION, NAMED = "llm -c", "llm --session", "llm --session, first prompt after `llm sessions name`"
_GENERATED = {PLAIN: "plain", SESSION: "session", NAMED: "named"}


def _restored(original: Path, copy: Path) -> Callable[[], None]:
    """Return a function that copies the log again and writes the copy to disk before the clock starts."""

    def restore() -> None:
        for ending in ("-journal", "-wal", "-shm"):
            Path(f"{copy}{ending}").unlink(missing_ok=True)
        shutil.copyfile(original, copy)
        with copy.open("rb+") as file:
            os.fsync(file.fileno())

    return restore


def _case(kind: str, length: int, logs: Path, folder: Path) -> Case:
    copy = folder / f"{_GENERATED[kind]}-{length}.db"
    before = _restored(cached(logs, length, _GENERATED[kind]), copy)
    which = ["-c"] if kind == PLAIN else ["--session", NAME]
    arguments = ["prompt", PROMPT, *which, "-d", str(copy)]
    return Case(f"{kind} {length}", arguments, ECHO if kind == PLAIN else OURS, before)


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", "--times", type=int, default=31)
    parser.add_argument("--lengths", type=int, nargs="*", default=LENGTHS)
    parser.add_argument("--logs", type=Path, help="keep the generated logs in this folder and reuse them")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        logs = asked.logs or folder / "logs"
        cases = [_case(kind, length, logs, folder) for length in asked.lengths for kind in _GENERATED]
        found = interleaved(cases, asked.times, folder)
    print(f"{machine.description()}. {asked.times} rounds, medians; ratios are medians of each round's ratio.\n")
    rows = []
    for length in asked.lengths:
        for kind in _GENERATED:
            this, plain = found[f"{kind} {length}"], found[f"{PLAIN} {length}"]
            got, against = median(this), ratio(this, plain)
            figures = [f"{got.wall * 1000:,.0f}", f"{got.processor * 1000:,.0f}", f"{got.peak:,.0f}"]
            ratios = [f"{against.wall:.2f}", f"{against.processor:.2f}", f"{against.peak:.2f}"]
            rows.append([kind, f"{length:,}", *figures, *(["", "", ""] if kind == PLAIN else ratios)])
    headers = ["", "exchanges", "wall ms", "processor ms", "peak MB", "wall ratio", "processor ratio", "memory ratio"]
    print(machine.table(headers, rows))
    least, most = min(asked.lengths), max(asked.lengths)
    grown = ratio(found[f"{SESSION} {most}"], found[f"{SESSION} {least}"])
    print(
        f"\n`llm --session` at {most:,} exchanges against {least:,}: wall {grown.wall:.2f}, "
        f"processor {grown.processor:.2f}, memory {grown.peak:.2f}."
    )


if __name__ == "__main__":
    main()
