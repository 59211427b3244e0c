"""A pinned exchange is sent whole, even if its block had sent it cut before it was pinned."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import llm
import pytest
from llm.parts import ToolResultPart

from llm_session_memory import Memory
from tests.conftest import Command
from tests.world.scripted import Script

LETTER = " ".join(["word"] * 565)
MARK = "left out here; the log keeps them"


def test_an_exchange_that_is_cut_is_sent_whole_once_it_is_pinned(llm_: Command, script: Script) -> None:
    """If the newest exchange was cut to its share of the budget and is then pinned, the next prompt sends all of it."""
    llm_("-m", "scripted", "--session", "work", "Hello. " * 20).ok()
    llm_("--session", "work", LETTER).ok()
    llm_("sessions", "set", "work", "--max-context-tokens", "600").ok()
    llm_("--session", "work", "Thanks.").ok()
    assert MARK in script.texts()[0][1]
    llm_("sessions", "pin", "work", "2").ok()
    for prompt in ("And?", "So?"):
        llm_("--session", "work", prompt).ok()
        assert script.texts()[:2] == [("user", LETTER), ("assistant", "Noted.")]


class Reader(llm.Model):
    """Reads the letter in its first reply, and thanks for it in the second."""

    model_id = "reader"
    supports_tools = True

    def __init__(self) -> None:
        self.results: list[list[str]] = []

    def execute(self, prompt: llm.Prompt, stream: bool, response: llm.Response, conversation: object) -> Iterator[str]:
        parts = [part for message in prompt.messages for part in message.parts]
        self.results.append([part.output for part in parts if isinstance(part, ToolResultPart)])
        yield "Thanks."
        if prompt.tools and not prompt.tool_results:
            response.add_tool_call(llm.ToolCall("letter", {}, tool_call_id="c1"))


def letter() -> str:
    """Return the letter."""
    return LETTER


@pytest.mark.parametrize("earlier", [0, 1], ids=["alone", "after another"])
def test_a_tool_result_that_was_cut_is_sent_whole_once_it_is_pinned(log: Path, earlier: int) -> None:
    """If a tool result outgrew the budget and its exchange is then pinned, the next prompt sends all of it."""
    model = Reader()
    with Memory(create=True) as memory:
        conversation = memory.conversation("work", model=model, max_context_tokens=600)
        for _ in range(earlier):
            conversation.prompt("Hello").text()
        conversation.chain("Read it.", tools=[letter]).text()
        assert MARK in model.results[-1][0]
        memory.sessions.pin("work", earlier + 1, model)
        conversation.prompt("And?").text()
        assert model.results[-1] == [LETTER]
