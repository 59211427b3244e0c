"""`Memory.stats`: the numbers of the command, for programs."""

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
    """Two sessions, of two prompts and of one."""
    for name in ("work", "work", "play"):
        llm_("-m", "scripted", "--session", name, "Hello").ok()
    return log


@pytest.mark.parametrize("name", [None, "play"], ids=["all", "one session"])
def test_the_numbers_are_those_of_the_command(two: Path, llm_: Command, name: str | None) -> None:
    """Totals and rows are what `llm sessions stats` shows, of all conversations or of one session."""
    shown = json.loads(llm_("sessions", "stats", *([name] if name else []), "--json").ok().out)
    with Memory(two) as memory:
        found = memory.stats(name)
    assert dict(found.totals) == shown["totals"]
    assert {panel["query"]: panel["rows"] for panel in shown["panels"]} == {
        query: [dict(row) for row in rows] for query, rows in found.rows.items()
    }
    assert found.totals["calls"] == (1 if name else 3)


def test_numbers_of_a_session_that_is_not_there(two: Path) -> None:
    """A session that is not there is an error of the family; days without calls have no calls."""
    with Memory(two) as memory:
        with pytest.raises(NoSuchSession):
            memory.stats("nosuch")
        assert not memory.stats(until="2000-01-01").totals["calls"]
