"""Blank texts are left out of messages, or replaced by a word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.model import Attachment, Message, Part
from llm_session_memory.rules.blank import NO_OUTPUT, NO_PROMPT, NO_REPLY, is_blank, without_blanks

BLANKS = (
    "",
    " ",
    "\n\n",
    "\t\r\n",
    "\u200b",
    "\ufeff\u2060",
    "\u3000",
    "\xa0\u2028",
    "\u2800",
    "\u3164",
    "\ufe0f",
    "\x00",
)
CALL = Part({"type": "tool_call", "name": "f", "arguments": {}, "tool_call_id": "1"})
THOUGHT = Part({"type": "reasoning", "text": "Hm."})
PICTURE = Part({"type": "attachment"}, (Attachment("a", "image/png"),))


def text(content: str) -> Part:
    return Part({"type": "text", "text": content})


def result(output: str) -> Part:
    return Part({"type": "tool_result", "name": "f", "output": output, "tool_call_id": "1"})


@pytest.mark.parametrize("blank", BLANKS)
def test_what_shows_nothing_is_blank(blank: str) -> None:
    """Blanks, controls, and characters of no width or without ink are blank; with any other character they are not."""
    assert is_blank(blank * 2)
    assert not is_blank(f"{blank}.{blank}")


def test_a_combined_emoji_is_not_blank() -> None:
    """Characters of no width inside visible text change nothing, and neither do marks and symbols."""
    for shown in ("\U0001f469\u200d\U0001f4bb", "\u0301", "0", "\u2764\ufe0f"):
        assert not is_blank(shown)


@pytest.mark.parametrize(
    ("role", "parts", "sent"),
    [
        pytest.param("assistant", (text("\n"),), (text(NO_REPLY),), id="reply"),
        pytest.param("assistant", (text("\n"), CALL), (CALL,), id="blanks before a call"),
        pytest.param("assistant", (THOUGHT, text("\n")), (THOUGHT, text(NO_REPLY)), id="a thought"),
        pytest.param("user", (text(" "), PICTURE), (PICTURE,), id="blanks beside a picture"),
        pytest.param("user", (text("\u200b"),), (text(NO_PROMPT),), id="prompt"),
        pytest.param("tool", (result(" \n"),), (result(NO_OUTPUT),), id="result"),
        pytest.param("tool", (result(""), result("4")), (result(NO_OUTPUT), result("4")), id="one of two results"),
    ],
)
def test_blanks_are_replaced(role: str, parts: tuple[Part, ...], sent: tuple[Part, ...]) -> None:
    """A blank text is dropped if the message says something else, and otherwise replaced."""
    assert without_blanks(Message(role, parts)).parts == sent


@given(
    st.sampled_from(["user", "assistant", "tool"]),
    st.lists(st.text(max_size=5).map(text) | st.text(max_size=5).map(result) | st.just(CALL), max_size=4),
)
def test_nothing_blank_is_left(role: str, parts: list[Part]) -> None:
    """No blank text is left, a second time changes nothing, and a message without blanks is the same object."""
    message = Message(role, tuple(parts))
    sent = without_blanks(message)
    texts = [part.data.get("text", part.data.get("output")) for part in sent.parts if part is not CALL]
    assert not any(map(is_blank, texts))
    assert without_blanks(sent) is sent
    assert bool(sent.parts) == bool(parts)
