"""A process that runs tests for another one tells what that one shows or counts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.world.quiet_worker import shorten

QUICK = {"when": "setup", "outcome": "passed", "sections": [], "duration": 0.01}


class Recorded:
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []

    def sendevent(self, name: str, **more: Any) -> None:
        """Keep an event."""
        self.sent.append((name, more))


@pytest.mark.parametrize(
    "more",
    [
        {"when": "call"},
        {"outcome": "failed"},
        {"outcome": "skipped"},
        {"sections": [("Captured", "a")]},
        {"duration": 1},
    ],
    ids=str,
)
def test_results_errors_output_and_long_preparations_are_told(more: dict[str, Any]) -> None:
    """A report is sent if it is a test's result, or if something is to be seen in it."""
    worker = Recorded()
    shorten(worker)
    for when in ("setup", "teardown"):
        report = {**QUICK, "when": when, **more}
        worker.sendevent("testreport", data=report)
        assert worker.sent[-1] == ("testreport", {"data": report})


def test_a_preparation_that_says_nothing_is_not_told() -> None:
    """Most preparations are short, succeed and print nothing. Other events are sent, but not that a test begins."""
    worker = Recorded()
    shorten(worker)
    worker.sendevent("logstart", nodeid="a")
    for when in ("setup", "teardown"):
        worker.sendevent("testreport", data={**QUICK, "when": when})
    worker.sendevent("logfinish", nodeid="a")
    assert worker.sent == [("logfinish", {"nodeid": "a"})]
