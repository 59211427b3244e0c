"""Starting `llm` with and without the plugin.

`python -m benchmarks.start`. Runs the same commands with LLM_LOAD_PLUGINS naming only llm-echo, then our plugin too.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks import machine
from benchmarks.processes import ECHO, OURS, Case, interleaved, median, ratio

COMMANDS = {
    "llm --version": ("--version",),
    "llm --help": ("--help",),
    'llm "x" -m echo': ("x", "-m", "echo"),
}


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", "--times", type=int, default=15)
    asked = parser.parse_args()
    cases = [Case(f"{name} {who}", given, who) for name, given in COMMANDS.items() for who in (ECHO, OURS)]
    with tempfile.TemporaryDirectory() as folder:
        found = interleaved(cases, asked.times, Path(folder))
    print(f"{machine.description()}. {asked.times} rounds, medians; ratios are medians of each round's ratio.\n")
    rows = []
    for name in COMMANDS:
        without, with_us = found[f"{name} {ECHO}"], found[f"{name} {OURS}"]
        a, b, against = median(without), median(with_us), ratio(with_us, without)
        wall = [f"{a.wall * 1000:,.0f}", f"{b.wall * 1000:,.0f}", f"{against.wall:.3f}"]
        processor = [f"{a.processor * 1000:,.0f}", f"{b.processor * 1000:,.0f}", f"{against.processor:.3f}"]
        rows.append([f"`{name}`", *wall, *processor])
    headers = ["", "wall ms without", "with", "ratio", "processor ms without", "with", "ratio"]
    print(machine.table(headers, rows))


if __name__ == "__main__":
    main()
