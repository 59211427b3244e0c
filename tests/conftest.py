"""How the suite is run. The fixtures for all tests are in tests/fixtures.py."""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module
from pathlib import Path

import pytest

from tests.world import left_out, quick_disk, quiet_worker
from tests.world.done import Command, Done

__all__ = ["Command", "Done"]

os.environ["TMPDIR"] = quick_disk.chosen()

gc.disable()  # until all tests are collected; a process that only hands them out never has garbage worth a search

_FIXTURES = "tests.fixtures"

if "PYTEST_XDIST_WORKER" in os.environ or not any(one.startswith(("-n", "--numproc")) for one in sys.argv):
    import_module(_FIXTURES)  # before the conftest.py of a folder imports sqlite3


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Start one process more than there are cores: many tests wait for a moment, for a lock, a browser or a server."""
    return 1 + (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def pytest_configure(config: pytest.Config) -> None:
    """Load the fixtures, and with them llm, unless this process only hands out the tests to others, who wait for it."""
    options = config.option
    hands_out = getattr(options, "numprocesses", None) and not options.collectonly
    if hasattr(config, "workerinput") or not hands_out:
        config.pluginmanager.register(import_module(_FIXTURES))
    quiet_worker.quieten(config)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the slow tests: the tests of one file then stay in one process, and its long fixture is made once."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_collection_finish() -> None:
    """Search for garbage from now on, but not yet among the two million objects of the collected tests."""
    gc.freeze()
    gc.unfreeze()
    gc.set_threshold(10_000, 20, 50)
    gc.enable()


def pytest_unconfigure() -> None:
    """Leave pytest nothing to search for garbage, which it would do five times."""
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the tests skipped because a tool is missing; list the passed tests, for adding up several runs."""
    for line in left_out.lines(terminalreporter.stats.get("skipped", ())):
        terminalreporter.write_line(line, yellow=True)
    if passed := os.environ.get("PYTEST_PASSED"):
        with Path(passed).open("a", encoding="utf-8") as file:
            file.writelines(f"{report.nodeid}\n" for report in terminalreporter.stats.get("passed", ()))
