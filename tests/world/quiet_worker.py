"""A process that runs tests for another one tells it less: a test's result, and what its preparation says or lasts.

pytest-xdist sends three reports and three events for each test, which takes both processes a thousandth of a second:
longer than half of all tests.
"""

from __future__ import annotations

from typing import Any

import pytest

LONG = 0.1
"""A preparation of so many seconds is told: the longest ones are listed at the end of a run."""


def quieten(config: pytest.Config) -> None:
    """Let this process, if it runs tests for another one, send only what that one shows or counts."""
    if config.get_verbosity() > 0:  # a test is shown when it begins
        return
    for plugin in config.pluginmanager.get_plugins():
        if hasattr(plugin, "sendevent"):
            shorten(plugin)


def shorten(worker: Any) -> None:
    """Let xdist's worker send no event that a test begins, and no report of a part of a test that says nothing."""
    send = worker.sendevent

    def sendevent(name: str, **more: Any) -> None:
        if name != "logstart" and not (name == "testreport" and _says_nothing(more["data"])):
            send(name, **more)

    worker.sendevent = sendevent


def _says_nothing(report: dict[str, Any]) -> bool:
    """Return whether a test's preparation or its end went well, quickly, and without output."""
    well = report["when"] != "call" and report["outcome"] == "passed" and not report["sections"]
    return bool(well and report["duration"] < LONG)
