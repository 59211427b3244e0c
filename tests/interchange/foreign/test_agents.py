"""Transcripts of agents in a log: sessions, turns, projects, forks, and what a second import brings."""

from __future__ import annotations

from pathlib import Path

from llm_session_memory.interchange.foreign.arriving import into
from llm_session_memory.interchange.foreign.registry import recognised
from llm_session_memory.interchange.foreign.source import Source
from llm_session_memory.memory import Memory
from tests.interchange.foreign.files import lines
from tests.interchange.foreign.test_claude_code import answer, result, text, use, user


def test_a_transcript_that_went_on_brings_only_what_is_new(fresh: Path, tmp_path: Path) -> None:
    """An exchange that was not complete gets its other turns, and the rest follows in the same session."""
    path = tmp_path / "s.jsonl"
    begun = [
        user("u1", None, "How long is it?"),
        answer("a1", "u1", [text("I look."), use("t1", "Read", file_path="plan.md")]),
    ]
    more = [
        user("r1", "a1", [result("t1", "2.3 km")]),
        answer("a2", "r1", [text("2.3 km.")]),
        user("u2", "a2", "And how high?"),
        answer("a3", "u2", [text("80 m.")]),
    ]
    for records in (begun, begun, [*begun, *more]):
        source = Source(lines(path, records))
        format_ = recognised(source)
        assert format_ is not None
        into(fresh, source, format_, None)
    with Memory(fresh) as memory:
        (name,) = memory.sessions.names()
        session = memory.sessions.get(name)
        assert memory.projects.name_of(session) == "bridge"
        assert session.settings.model == "claude-heron-5"
        exchanges = memory.sessions.exchanges(name)
    assert [(one.prompt, one.reply, len(one.turns)) for one in exchanges] == [
        ("How long is it?", "I look.\n2.3 km.", 2),
        ("And how high?", "80 m.", 1),
    ]
