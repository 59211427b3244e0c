"""`Memory.stats`: the statistics of the command, for programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from llm_session_memory.errors import NoSuchSession
from llm_session_memory.memory import Memory
from tests.conftest import Command
from tests.world.scripted import Script


@pytest.fixture(name="two")
def _two(log: Path, llm_: Command, script: Script) -> Path:
    """Two sessions, one with two prompts and one with a single prompt."""
    for name in ("work", "work", "play"):
        llm_("-m", "scripted", "--session", name, "Hello").ok()
    return log


@pytest.mark.parametrize("name", [None, "play"], ids=["all", "one session"])
def test_stats_are_the_same_as_the_commands(two: Path, llm_: Command, name: str | None) -> None:
    """Totals and rows are what `llm sessions stats` shows, for all conversations or for one session."""
    shown = json.loads(llm_("sessions", "stats", *([name] if name else []), "--json").ok().out)
    with Memory(two) as memory:
        found = memory.stats(name)
    assert dict(found.totals) == shown["totals"]
    assert {panel["query"]: panel["rows"] for panel in shown["panels"]} == {
        query: [dict(row) for row in rows] for query, rows in found.rows.items()
    }
    assert found.totals["calls"] == (1 if name else 3)


def test_stats_of_a_missing_session(two: Path) -> None:
    """A missing session raises NoSuchSession; days without calls have no calls."""
    with Memory(two) as memory:
        with pytest.raises(NoSuchSession):
            memory.stats("nosuch")
        assert not memory.stats(until="2000-01-01").totals["calls"]
