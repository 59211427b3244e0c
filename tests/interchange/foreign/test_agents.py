"""Transcripts of agents in a log: sessions, turns, projects, forks, and what a second import brings."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from llm_session_memory.interchange.foreign.arriving import into
from llm_session_memory.interchange.foreign.registry import recognised
from llm_session_memory.interchange.foreign.source import SourceFile
from llm_session_memory.memory import Memory
from tests.interchange.foreign import test_any_transcript as samples
from tests.interchange.foreign import test_plain_talk as plain
from tests.interchange.foreign.files import lines
from tests.interchange.foreign.test_claude_code import answer, result, text, use, user
from tests.interchange.foreign.test_mods import TALK

FILES: dict[str, tuple[str, Callable[[Path], object]]] = {
    "claude-code": ("projects/-home-ada/s.jsonl", lambda path: lines(path, samples.CLAUDE)),
    "codex": ("sessions/2026/08/01/rollout-1.jsonl", lambda path: lines(path, samples.CODEX)),
    "gemini-cli": ("tmp/bridge/chats/session-1.jsonl", lambda path: lines(path, samples.GEMINI)),
    "gptme": ("logs/bridge/conversation.jsonl", lambda path: path.write_text(spaced(samples.GPTME))),
    "aichat": ("sessions/bridge.yaml", lambda path: path.write_text(plain.SESSION)),
    "shell-gpt": ("chat_cache/bridge", lambda path: path.write_text(json.dumps(plain.CHAT))),
    "mods": ("conversations/ab1.gob", lambda path: path.write_bytes(TALK)),
}
"""A file of each tool, at the place where the tool keeps it."""


def spaced(records: list[dict[str, object]]) -> str:
    """Return records as JSON lines as Python writes them."""
    return "".join(json.dumps(one) + "\n" for one in records)


@pytest.mark.parametrize("tool", FILES)
def test_a_file_is_known_by_what_is_in_it_also_under_another_name(fresh: Path, tmp_path: Path, tool: str) -> None:
    """Each format takes its own files only, wherever they are; an import of the whole folder brings nothing again."""
    place, write = FILES[tool]
    path = tmp_path / "home" / place
    path.parent.mkdir(parents=True)
    write(path)
    moved = tmp_path / "moved" / "file"
    moved.parent.mkdir()
    moved.write_bytes(path.read_bytes())
    whole = tmp_path / "home" if tool != "mods" else path  # a folder of mods has a database
    found = [recognised(SourceFile(one)) for one in (path, moved, whole)]
    assert [one and one.source for one in found] == [tool] * 3
    format_ = found[0]
    assert format_ is not None
    assert into(fresh, SourceFile(path), format_, None).exchanges
    again = into(fresh, SourceFile(whole), format_, None)
    assert (again.exchanges, again.conversations) == (0, 1)


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
        source = SourceFile(lines(path, records))
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
