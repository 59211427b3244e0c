"""Claude's export: its messages with thinking, tools and files, its branches and its projects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llm_session_memory.interchange.foreign.arrived import Arrivals
from llm_session_memory.interchange.foreign.arriving import into
from llm_session_memory.interchange.foreign.registry import recognised
from llm_session_memory.interchange.foreign.source import SourceFile
from llm_session_memory.interchange.lines import FileRefused
from llm_session_memory.memory import Memory
from tests.interchange.foreign.chatgpt_world import export
from tests.interchange.foreign.world import came, names, texts
from tests.interchange.world import rows


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Path:
    return tmp_path / "data-2026-01-01-batch-0000.zip"


def said(uuid: str, sender: str, text: str, *blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a message; without blocks, its content is its text."""
    content = [*blocks] or [{"type": "text", "text": text, "citations": []}]
    at = {"created_at": "2026-01-01T08:00:00.123456Z", "updated_at": "2026-01-01T08:00:00.123456Z"}
    return {
        "uuid": uuid,
        "sender": sender,
        "text": text,
        "content": content,
        "attachments": [],
        "files": [],
        **at,
        **more,
    }


def chat(name: str, *messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a conversation."""
    at = {"created_at": "2026-01-01T08:00:00Z", "updated_at": "2026-01-01T09:00:00Z"}
    return {"uuid": f"id of {name}", "name": name, "summary": "", "account": {"uuid": "1"}, **at, **more} | {
        "chat_messages": [*messages]
    }


def arrive(log: Path, path: Path) -> Arrivals:
    """Import an export, which is recognised."""
    format_ = recognised(SourceFile(path))
    assert format_ is not None
    assert format_.title == "Claude's export"
    return into(log, SourceFile(path), format_)


def test_a_conversation_becomes_a_session(fresh: Path, file: Path) -> None:
    """It has the name, the times and the project; an export of before content had blocks is read too."""
    bridge = chat("Bridge", said("1", "human", "A"), said("2", "assistant", "a"), project_uuid="p")
    old = chat("Old", said("3", "human", "B", content=None), said("4", "assistant", "b", content=[]))
    empty = chat("Empty")
    arrive(
        fresh,
        export(file, bridge, old, empty, projects=[{"uuid": "p", "name": "Bridges", "prompt_template": "Be brief."}]),
    )
    assert (texts(fresh, "Bridge"), texts(fresh, "Old")) == (["A > a"], ["B > b"])
    assert rows(fresh, "select distinct datetime_utc, model from turns") == [
        ("2026-01-01T08:00:00.123456+00:00", "unknown")
    ]
    with Memory(fresh) as memory:
        session = memory.sessions.get("Bridge")
        assert (session.project, session.settings.system) == ("bridges", "Be brief.")
    assert names(fresh) == ["Bridge", "Old"]
    path = file.with_name("one.json")
    path.write_text(json.dumps(chat("One", said("1", "human", "C"), said("2", "assistant", "c"))))
    assert came(arrive(fresh, path)) == [("One", 1)]


def test_thinking_and_tools_are_parts_of_the_reply(fresh: Path, file: Path) -> None:
    """A tool's call and its result belong together, also if the export has no id for them."""
    reply = said(
        "2", "assistant", "The tide is low.",
        {"type": "thinking", "thinking": "I look it up.", "summaries": []},
        {"type": "text", "text": "Let me look."},
        {"type": "tool_use", "name": "web_search", "input": {"query": "tides"}, "id": None},
        {"type": "tool_result", "name": "web_search", "content": [{"type": "knowledge", "title": "T", "url": "http://t"}]},
        {"type": "token_budget"},
        {"type": "text", "text": "The tide is low."},
    )  # fmt: skip
    found = arrive(fresh, export(file, chat("Tides", said("1", "human", "Tides?"), reply)))
    with Memory(fresh) as memory:
        (message,) = memory.sessions.exchanges("Tides", 1, 1)[0].turns[0].output
    shared = {"name": "web_search", "tool_call_id": "2 1", "server_executed": True}
    assert [dict(part.data) for part in message.parts] == [
        {"type": "reasoning", "text": "I look it up."},
        {"type": "text", "text": "Let me look."},
        {"type": "tool_call", "arguments": {"query": "tides"}, **shared},
        {"type": "tool_result", "output": "T\nhttp://t", **shared},
        {"type": "text", "text": "\n\nThe tide is low."},
    ]
    assert not found.losses


def test_files_are_fragments_of_the_prompt(fresh: Path, file: Path) -> None:
    """The export has the text of a document; a picture, of which it has only the name, is counted."""
    plan = {"file_name": "plan.txt", "file_type": "txt", "file_size": 9, "extracted_content": "Two piers."}
    asked = said("1", "human", "What is planned?", attachments=[plan], files=[{"file_name": "deck.png"}])
    found = arrive(fresh, export(file, chat("Plan", asked, said("2", "assistant", "Two piers."))))
    assert rows(fresh, "select source, content from fragments") == [("plan.txt", "Two piers.")]
    assert rows(fresh, "select prompt from turn_search") == [("\nWhat is planned?",)]
    with Memory(fresh) as memory:
        assert memory.sessions.exchanges("Plan", 1, 1)[0].prompt == "Two piers.\nWhat is planned?"
    assert dict(found.losses) == {"an attached file that is not in the export": 1}


def test_edited_prompts_become_forks(fresh: Path, file: Path) -> None:
    """Newer exports say which message each answers."""
    root = "00000000-0000-4000-8000-000000000000"
    tree = [
        said("1", "human", "A", parent_message_uuid=root),
        said("2", "assistant", "a", parent_message_uuid="1"),
        said("3", "human", "B", parent_message_uuid="2"),
        said("4", "assistant", "b", parent_message_uuid="3"),
        said("5", "human", "B, edited", parent_message_uuid="2"),
        said("6", "assistant", "c", parent_message_uuid="5"),
    ]
    assert came(arrive(fresh, export(file, chat("Bridge", *tree)))) == [("Bridge", 2), ("Bridge-2", 1)]
    assert texts(fresh, "Bridge") == ["A > a", "B, edited > c"]
    assert texts(fresh, "Bridge-2") == ["A > a", "B > b"]


def test_what_is_unknown_is_counted_and_what_is_broken_refused(fresh: Path, file: Path) -> None:
    """The sentence about a broken conversation has its place."""
    odd = said("2", "assistant", "a", {"type": "text", "text": "a"}, {"type": "hologram", "depth": 3}, aura="blue")
    found = arrive(fresh, export(file, chat("x", said("1", "human", "A"), odd, mood="good")))
    assert sorted(found.losses) == [
        "a part of a message of the type “hologram”",
        "the field aura of a message",
        "the field depth of a message's content",
        "the field mood of a conversation",
    ]
    with pytest.raises(FileRefused, match="Conversation 2 of data-2026-01-01-batch-0000.zip has no “chat_messages”"):
        arrive(fresh, export(file, chat("x", said("1", "human", "B"), said("2", "assistant", "b")), {"uuid": "3"}))
