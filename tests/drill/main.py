"""Run the drill, print its table, and exit with 1 if anything was lost, is not clean, or has no proper message."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from datetime import datetime, timezone
from importlib import import_module
from pathlib import Path

from benchmarks import machine
from tests.drill import answers, fault, table
from tests.drill.schedule import Drill, Teller
from tests.drill.world import World
from tests.world import processes

FAMILIES = (
    *("killed", "writes", "signals", "disks", "locks", "clocks", "writers"),
    *("servers", "broken_logs", "surroundings", "imported"),
)
"""The modules of the faults, in the order of the table."""

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"


def main() -> int:
    """Run what the arguments want; return the exit code."""
    wanted = _arguments()
    for family in FAMILIES:
        import_module(f"tests.drill.{family}")
    faults = [one for one in fault.FAULTS if all(part in f"{one.inject.__module__} {one.name}" for part in wanted.only)]
    if wanted.list:
        print("\n".join(f"{one.name}: {one.how} ({one.times})" for one in faults))
        return 0
    processes.prepare()
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="llm-drill-"))
    folder.chmod(0o755)
    print(f"seed {wanted.seed}, {wanted.minutes:g} minutes, {len(faults)} faults, in {folder}", flush=True)
    drill = Drill(
        wanted.seed, began + 60 * wanted.minutes, folder, _template(folder), wanted.keep, wanted.forks, Teller()
    )
    rows = drill.run(faults)
    text = f"{table.table(rows)}\n\n{table.totals(rows)}"
    print(f"\n{text}\n{time.monotonic() - began:.0f} seconds")
    if wanted.write:
        date = datetime.now(timezone.utc).date()
        table.written(PAGE, f"Run on {date} with seed {wanted.seed}, on {machine.description()}.\n\n{text}")
    return 0 if all(row.good for row in rows) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.drill", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="when no more runs are begun")
    parser.add_argument("--seed", type=int, default=1, help="what decides about random moments")
    parser.add_argument(
        "--only", action="append", default=[], metavar="TEXT", help="faults with this in their name or module"
    )
    parser.add_argument("--keep", action="store_true", help="keep the folders of failed runs")
    parser.add_argument("--list", action="store_true", help="list the faults and run none")
    parser.add_argument(
        "--forks", action="store_true", help="fork most processes from one that has loaded llm, to save time"
    )
    parser.add_argument("--write", action="store_true", help="put the table into docs/reliability.md")
    return parser.parse_args()


def _template(folder: Path) -> Path:
    """Return a folder with a log of one exchange in one session, which each run gets a copy of."""
    from random import Random

    with World(folder / "template", 0, Random(0), None, first=900) as world:
        asked = world.ask("-m", "llama3")
        done = asked.running.end()
        if done.code or not world.kept_of(asked.tag):
            sys.exit(f"The drill can't begin, since a plain prompt fails: {done.err or answers.question(asked.tag)}")
    return world.home
