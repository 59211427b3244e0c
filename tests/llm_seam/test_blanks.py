"""A reply, a prompt or a tool's result of only blanks doesn't end a session, which hosted interfaces would refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llm_session_memory.rules.blank import NO_OUTPUT, NO_REPLY, is_blank
from tests.conftest import Command
from tests.world.logs import Call, LogBuilder, Said
from tests.world.scripted import Script

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40

NOTHING = """
def nothing() -> str:
    "Return a blank."
    return " \\n"
"""


def blanks(messages: list[Any]) -> list[Any]:
    """Return the parts that a hosted interface would refuse."""
    parts = [part for message in messages for part in message.parts]
    texts = [getattr(part, "text", getattr(part, "output", None)) for part in parts]
    return [part for part, text in zip(parts, texts, strict=True) if text is not None and is_blank(text)]


@pytest.mark.parametrize("policy", ["window", "recall", "full"])
@pytest.mark.parametrize("blank", ["\n\n", "\u200b"])
def test_a_blank_reply_is_not_sent_back(llm_: Command, script: Script, policy: str, blank: str) -> None:
    """After a blank reply the next prompts have a mark in its place; the log keeps what was said."""
    script.replies = [blank, "Yes."]
    for text in ("First", "Second", "Third"):
        llm_("-m", "scripted", "--session", "work", "--memory", policy, text).ok()
        assert blanks(script.seen[-1]) == []
    assert script.texts()[:4] == [("user", "First"), ("assistant", NO_REPLY), ("user", "Second"), ("assistant", "Yes.")]
    shown = json.loads(llm_("sessions", "show", "work", "--json").ok().out)["exchanges"]
    assert [one["reply"] for one in shown] == [blank, "Yes.", "Yes."]
    assert "[no reply]" in llm_("sessions", "context", "work", "Next", "--text").ok().out


def test_blanks_beside_a_picture_are_not_sent(llm_: Command, script: Script, tmp_path: Path) -> None:
    """A blank prompt with an attachment sends the attachment alone, also when it is sent again."""
    picture = tmp_path / "a.png"
    picture.write_bytes(PNG)
    llm_("-m", "scripted", "--session", "work", " \n", "-a", str(picture)).ok()
    llm_("--session", "work", "What is it?").ok()
    assert blanks(script.seen[0]) == blanks(script.seen[1]) == []
    assert len(script.seen[1][0].parts) == 1


def test_blank_results_of_tools_are_marked(llm_: Command, log: Path) -> None:
    """A tool's blank result reaches the model as a mark, at once and later; the transcript shows what it was."""
    prompt = json.dumps({"prompt": "Go", "tool_calls": [{"name": "nothing", "arguments": {}}]})
    first = llm_("-m", "echo", "--session", "work", "--functions", NOTHING, prompt).ok().out
    assert NO_OUTPUT in first
    assert NO_OUTPUT in llm_("sessions", "context", "work", "Next", "--text").ok().out
    shown = json.loads(llm_("sessions", "show", "work", "--json").ok().out)["exchanges"][0]["turns"]
    assert shown[1]["messages"][0]["parts"][0]["output"] == " \n"


def test_blanks_that_were_logged_before_are_not_sent(llm_: Command, log: Path, script: Script) -> None:
    """Blank prompts, replies and results in a conversation of plain llm are replaced when it becomes a session."""
    with LogBuilder(log) as made:
        thread = made.thread()
        made.turns(thread, Said("First", "\n"), Said(" ", "Yes."), Said("Third", calls=(Call("look", {}, "\t"),)))
    llm_("sessions", "name", thread, "work").ok()
    llm_("-m", "scripted", "--session", "work", "Now").ok()
    assert blanks(script.seen[-1]) == []
    assert len(script.seen[-1]) == 9
