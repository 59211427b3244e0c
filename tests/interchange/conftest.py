"""Logs: as llm makes one (made once: its migrations take longer than a test), and one in which all happened."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import llm
import pytest
from llm.plugins import pm

from llm_session_memory.memory import Memory
from llm_session_memory.store import Notes
from tests.conftest import Command
from tests.interchange.world import PNG, copied, new_log
from tests.store.world import opened
from tests.world.once import once
from tests.world.scripted import Broken, Script


@pytest.fixture(name="template", scope="session")
def _template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty log with our tables."""
    path = new_log(tmp_path_factory.mktemp("template") / "logs.db")
    with opened(path):
        return path


@pytest.fixture(name="fresh")
def _fresh(template: Path, tmp_path: Path) -> Path:
    """An empty log of this test's own."""
    return copied(template, tmp_path / "fresh.db")


@pytest.fixture(name="other")
def _other(template: Path, tmp_path: Path) -> Path:
    """Another empty log."""
    return copied(template, tmp_path / "other.db")


class Tides(llm.Toolbox):
    """A toolbox with an argument."""

    def __init__(self, year: int = 2026) -> None:
        self.year = year

    def look(self, place: str) -> str:
        """Look up the tides of a place, the times of low and high water, for whoever builds there."""
        return f"Low water at {place} is at 09:42."


class _Tools:
    @llm.hookimpl
    def register_tools(self, register: Any) -> None:
        register(Tides)


@pytest.fixture(name="attached", scope="session")
def _attached(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of `files`. All tests have the same one, because the log that they copy has its path."""
    return tmp_path_factory.mktemp("attached")


@pytest.fixture(name="files")
def _files(attached: Path) -> Path:
    """The folder with the files that were attached in `lived`: plan.txt and deck.png. A test may delete them."""
    (attached / "plan.txt").write_text("The plan of the bridge: two piers, one deck, no toll.")
    (attached / "deck.png").write_bytes(PNG)
    return attached


@pytest.fixture(name="lived")
@once
def _lived(llm_: Command, script: Script, log: Path, files: Path) -> Path:
    """A log with the session `work`, in which everything happened that can happen."""
    script.count = lambda text: len(text) // 4
    plugin = _Tools()
    pm.register(plugin)
    plan, deck = str(files / "plan.txt"), str(files / "deck.png")
    try:
        create = ("-m", "scripted", "-o", "mood", "calm", "-s", "Be brief.", "--max-context-tokens", "220")
        llm_(*create, "--session", "work", "We build a bridge.").ok()
        llm_("--session", "work", "-f", plan, "-a", deck, "What of the deck?").ok()
        llm_("--session", "work", "--schema", "name, age int", "Who?").ok()
        script.replies.append(Broken("half an answer and", 2, RuntimeError("the server is gone")))
        llm_("--session", "work", "-f", plan, "Does it hold?", "-a", deck)
        script.replies.append("It holds.")
        llm_("--session", "work", "Does it hold?").ok()
        script.replies.append(RuntimeError("gone again"))
        llm_("--session", "work", "And now?")
        script.replies.append("Fine.")
        llm_("sessions", "pin", "work", "1").ok()
        for number in range(8):
            llm_("--session", "work", f"Question {number}. " + "word " * 40).ok()
        call = {"tool_calls": [{"name": "Tides_look", "arguments": {"place": "Lisbon"}}], "prompt": "When?"}
        llm_("--session", "work", "-m", "echo", "-T", 'Tides({"year": 2027})', json.dumps(call)).ok()
    finally:
        pm.unregister(plugin)
    script.replies = ["Fine."]  # a failure is not copied
    with Memory(log) as memory, memory.writing():
        thread, kept = memory.sessions.get("work").thread_id, Notes(memory.desk.log)
        first, second = memory.sessions.exchanges("work", 1, 2)
        kept.add_tag(thread, "Lisbon")
        kept.set_meta(thread, {"client": "harbour"})
        kept.add_note(thread, "The harbour office signs off.", "you", "2026-09-01T08:00:00+00:00")
        memory.desk.log.run(
            "insert into memory_summaries (thread_id, text, first_turn_id, last_turn_id, exchanges, made_utc)"
            " values (:thread, 'Lisbon, two piers.', :first, :last, 2, '2026-09-02T08:00:00+00:00')",
            {"thread": thread, "first": first.id, "last": second.id},
        )
    return log


@pytest.fixture(name="recalled")
@once
def _recalled(llm_: Command, script: Script, log: Path) -> Path:
    """A log with the session `work`, for whose last prompt excerpts were recalled."""
    for number in range(12):
        place = "The harbour office is at pier 7." if number == 1 else f"Story {number}. " + "word " * 60
        llm_("-m", "scripted", "--session", "work", "--max-context-tokens", "500", place).ok()
    llm_("--session", "work", "Where is the harbour office?").ok()
    return log
