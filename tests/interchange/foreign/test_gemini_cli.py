"""Gemini CLI's chats: one object or lines, replaced and taken back messages, tools, subagents, checkpoints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llm_session_memory.interchange.foreign.gemini_cli import FORMAT
from llm_session_memory.interchange.foreign.source import SourceFile
from llm_session_memory.interchange.foreign.values import Losses
from llm_session_memory.interchange.lines import FileRefused
from tests.interchange.foreign.files import PIXEL, lines, of_turn, read, said

FACTS = {"sessionId": "s-1", "projectHash": "ab" * 32, "startTime": "2026-08-01T10:00:00.000Z", "lastUpdated": "x"}


def message(id_: str, kind: str, content: Any, second: int = 0, **more: Any) -> dict[str, Any]:
    return {"id": id_, "timestamp": f"2026-08-01T10:00:{second:02}.000Z", "type": kind, "content": content, **more}


CALL = {
    "id": "c1",
    "name": "read_file",
    "args": {"path": "plan.md"},
    "status": "success",
    "timestamp": "2026-08-01T10:00:04.000Z",
    "result": [{"functionResponse": {"id": "c1", "name": "read_file", "response": {"output": "2.3 km"}}}],
    "resultDisplay": "2.3 km",
}
TALK = [
    message("u1", "user", [{"text": "How long?"}, {"inlineData": {"mimeType": "image/png", "data": PIXEL}}], 1),
    message("i1", "info", "Update available"),
    message(
        "g1",
        "gemini",
        "I look.",
        3,
        thoughts=[{"subject": "Plan", "description": "Read it.", "timestamp": "x"}],
        toolCalls=[CALL],
        tokens={"input": 100, "output": 20, "cached": 60, "thoughts": 5, "total": 125},
        model="gemini-heron",
    ),
    message("g2", "gemini", "2.3 km.", 6, model="gemini-heron", mood="good"),
]


def test_a_chat_has_its_prompts_thoughts_calls_results_and_tokens(tmp_path: Path) -> None:
    """A message with calls of tools has their results too, which belong to the next turn."""
    path = tmp_path / "session.json"
    path.write_text(json.dumps({**FACTS, "messages": TALK, "summary": "A bridge"}, indent=2), encoding="utf-8")
    (found,), losses = read(FORMAT, path)
    assert (found.key, found.name, found.model, found.created_utc) == (
        "s-1",
        "A bridge",
        "gemini-heron",
        FACTS["startTime"],
    )
    (exchange,) = found.exchanges
    first, second = exchange.turns
    assert of_turn(first) == [
        "user: How long?",
        "user [image/png]",
        "assistant thinks: **Plan**\n\nRead it.",
        "assistant: I look.",
        'assistant calls read_file {"path": "plan.md"}',
    ]
    assert of_turn(second) == ["tool read_file: 2.3 km", "assistant: 2.3 km."]
    assert (first.input_tokens, first.output_tokens, first.token_details) == (100, 25, {"cached": 60, "thoughts": 5})
    assert (first.duration_ms, second.duration_ms) == (2000, 2000)
    assert losses.counts == {"a message of the kind info": 1, "the field mood of a message": 1}


def test_lines_replace_messages_and_take_them_back(tmp_path: Path) -> None:
    """A chat as lines is the same chat; the project's directory is beside it; what was taken back is a branch."""
    folder = tmp_path / "tmp" / "bridge"
    records = [
        FACTS,
        message("u1", "user", "Name a river."),
        message("g1", "gemini", "Ta"),
        message("g1", "gemini", "Tagus."),
        {"$set": {"summary": "Waters"}},
        message("u2", "user", "And a lake?"),
        message("g2", "gemini", "Como."),
        {"$rewindTo": "u2"},
        message("u3", "user", "And a sea?"),
        message("g3", "gemini", "Baltic."),
    ]
    lines(folder / "chats" / "session-1.jsonl", records)
    side = {**FACTS, "sessionId": "s-2", "kind": "subagent"}
    lines(folder / "chats" / "s-1" / "s-2.jsonl", [side, records[1], records[3]])
    (folder / ".project_root").write_text("/home/ada/bridge", encoding="utf-8")
    (sub, main, branch), losses = read(FORMAT, tmp_path)
    assert [said(one) for one in main.exchanges] == [
        ["user: Name a river.", "assistant: Tagus."],
        ["user: And a sea?", "assistant: Baltic."],
    ]
    assert [said(one) for one in branch.exchanges] == [["user: And a lake?", "assistant: Como."]]
    assert (main.name, main.project, main.meta) == ("Waters", "bridge", {"directory": "/home/ada/bridge"})
    assert (branch.forked_from, sub.key, sub.archived) == (("s-1", "u1"), "s-2", True)
    assert not losses.counts


def test_a_checkpoint_is_read_and_its_setup_is_no_prompt(tmp_path: Path) -> None:
    """Checkpoints have messages as the API takes them, without times and ids."""
    path = tmp_path / "checkpoint-bridge.json"
    contents = [
        {"role": "user", "parts": [{"text": "This is the Gemini CLI. We are setting up the context for our chat. …"}]},
        {"role": "user", "parts": [{"text": "How long?"}]},
        {"role": "model", "parts": [{"text": "Hm.", "thought": True}, {"functionCall": {"name": "ls", "args": {}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "ls", "response": {"output": "plan.md"}}}]},
        {"role": "model", "parts": [{"text": "2.3 km."}]},
    ]
    for form in (contents, {"history": contents, "authType": "x"}):
        path.write_text(json.dumps(form), encoding="utf-8")
        (found,), losses = read(FORMAT, path)
        assert (found.key, found.name) == ("checkpoint bridge", "bridge")
        assert [said(one) for one in found.exchanges] == [
            [
                "user: How long?",
                "assistant thinks: Hm.",
                "assistant calls ls {}",
                "tool ls: plan.md",
                "assistant: 2.3 km.",
            ]
        ]
        assert losses.counts == {"the message with which Gemini CLI describes the directory": 1}


def test_a_chat_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    """One object that ends in the middle can't be read; the sentence says so."""
    path = tmp_path / "session.json"
    path.write_text(json.dumps({**FACTS, "messages": TALK}, indent=2)[:300], encoding="utf-8")
    with pytest.raises(FileRefused, match=r"session\.json is not complete JSON\. Was it cut off\?"):
        [*FORMAT.conversations(SourceFile(path), Losses())]
