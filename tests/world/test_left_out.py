"""A run says which tests it skipped because a tool is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.world.left_out import lines, needs

CHROMIUM = needs("chromium", None, "apt-get it")


@dataclass(frozen=True)
class Report:
    """Return pytest's report on a skipped test."""

    nodeid: str
    longrepr: Any


def skipped(nodeid: str, reason: str) -> Report:
    return Report(nodeid, (nodeid.partition("::")[0], 7, f"Skipped: {reason}"))


def test_a_tool_that_is_there_leaves_nothing_out() -> None:
    """Tests are skipped for a tool only if it is not found."""
    assert CHROMIUM.args == (True,)
    assert needs("sqlite3", "/usr/bin/sqlite3", "apt-get install sqlite3").args == (False,)


def test_one_line_for_each_tool() -> None:
    """A line has the number of tests, their files, and how to install the tool; other skips have no line."""
    why = CHROMIUM.kwargs["reason"]
    reports = [
        *(skipped(f"tests/test_pages.py::test_page[{page}]", why) for page in range(3)),
        skipped("tests/test_replay.py::test_replay", why),
        skipped("tests/test_tab.py::test_tab", needs("llm", None, "make test").kwargs["reason"]),
        skipped("tests/test_jump.py::test_jump", "of Datasette 1.0"),
        Report("tests/test_other.py::test_other", "no reason at all"),
    ]
    assert list(lines(reports)) == [
        "4 tests left out, chromium is missing: tests/test_pages.py, tests/test_replay.py. Install it with: apt-get it",
        "1 test left out, llm is missing: tests/test_tab.py. Install it with: make test",
    ]
