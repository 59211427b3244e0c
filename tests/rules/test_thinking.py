"""Thinking in a reply's text is told from what was said, however odd its tags are."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.model import Exchange, Message, Part, Turn
from llm_session_memory.rules import thinking

CASES: dict[str, tuple[str, list[str], str]] = {
    "none": ("The deadline is 4 May.", [], "The deadline is 4 May."),
    "before the reply": ("<think>\nHm.\n</think>\n\nIt is 4 May.", ["Hm."], "It is 4 May."),
    "on one line": ("<think>Hm.</think>It is 4 May.", ["Hm."], "It is 4 May."),
    "in capitals": ("<THINK>Hm.</Think>Yes.", ["Hm."], "Yes."),
    "with blanks": (" \n< think >Hm.</ think >\nYes.", ["Hm."], "Yes."),
    "empty": ("<think>\n\n</think>\n\nYes.", [], "Yes."),
    "twice": ("<think>a</think>One.\n<think>b</think>Two.", ["a", "b"], "One.\n\nTwo."),
    "nested": ("<think>a<think>b</think>c</think>Yes.", ["a<think>b</think>c"], "Yes."),
    "a tag is mentioned within": ("<think>Is <think> a tag?</think>Yes.", ["Is <think> a tag?"], "Yes."),
    "never ends": ("<think>Hm, let me see", ["Hm, let me see"], ""),
    "never begins": ("Hm, let me see.\n</think>\n\nYes.", ["Hm, let me see."], "Yes."),
    "never begins, on the last line": ("Hm. 4 May.</think>\nYes.", ["Hm. 4 May."], "Yes."),
    "nothing else": ("<think>Hm.</think>\n", ["Hm."], ""),
    "only tags at the end": ("Yes.\n<think></think>", [], "Yes."),
    "only tags": ("<think></think>", [], ""),
    "code within": ("<think>\n```\nx = 1\n</think>\nYes.", ["```\nx = 1"], "Yes."),
    "an example in code": ("Use:\n```\n<think>a</think>\n```\nDone.", [], "Use:\n```\n<think>a</think>\n```\nDone."),
    "an example in longer code": ("~~~~x\n~~~\n<think>a</think>\n~~~~", [], "~~~~x\n~~~\n<think>a</think>\n~~~~"),
    "an example in a sentence": ("Put it in <think> and </think> tags.", [], "Put it in <think> and </think> tags."),
    "an example that never ends": ("Begin with:\n<think>\nThen go on.", [], "Begin with:\n<think>\nThen go on."),
    "another tag": ("<thinker>a</thinker>", [], "<thinker>a</thinker>"),
    "code that never ends within": (
        "<think>\n```\nx\n</think>\nOne.\n<think>b</think>Two.",
        ["```\nx", "b"],
        "One.\n\nTwo.",
    ),
    "after code": ("```\nx\n```\n<think>a</think>Yes.", ["a"], "```\nx\n```\n\nYes."),
}


@pytest.mark.parametrize(("text", "thoughts", "said"), CASES.values(), ids=CASES)
def test_thinking_is_told_from_what_was_said(text: str, thoughts: list[str], said: str) -> None:
    """Thinking is taken out, and shown as it is; a reply that only mentions the tags stays."""
    assert [piece for thought, piece in thinking.pieces(text) if thought] == thoughts
    assert thinking.said(text) == said


@given(
    st.lists(st.sampled_from(["<think>", "</think>", "\n", "```", "a", " ", "<THINK>", "~~~", "think"]), max_size=14)
)
def test_stretches_are_in_order_and_said_once(words: list[str]) -> None:
    """Whatever the tags, stretches follow each other within the text, and an excerpt has what was said."""
    text = "".join(words)
    found = thinking.stretches(text)
    assert all(one.start <= one.end <= len(text) for one in found)
    assert all(one.end <= two.start for one, two in pairwise(found))
    assert thinking.said_within(text, 0, len(text)).replace(" ", "").replace("\n", "") == "".join(
        text[one.start : one.end] for one in found if not one.thought
    ).replace(" ", "").replace("\n", "")


def test_a_long_reply_is_read_quickly() -> None:
    """A megabyte of tags and fences takes no time that grows with its square."""
    for text in ("<think>" * 150_000, "</think>" * 150_000, "```\n" * 250_000 + "<think>", "\n<think>x" * 100_000):
        thinking.said(text)


def message(text: str, role: str = "assistant") -> Message:
    return Message.of_text(role, text)


def test_only_replies_think() -> None:
    """What a person or a tool wrote is left alone; parts of other kinds stay."""
    assert thinking.without_thinking(message("<think>a</think>b", "user")).text == "<think>a</think>b"
    call = Part({"type": "tool_call", "name": "f", "arguments": {}, "tool_call_id": "1"})
    both = Message("assistant", (Part({"type": "text", "text": "<think>a</think>"}), call))
    assert thinking.without_thinking(both).parts == (Part({"type": "text", "text": ""}), call)
    assert thinking.as_reasoning(both).parts == (Part({"type": "reasoning", "text": "a"}), call)
    plain = message("I think so.")
    assert thinking.without_thinking(plain) is plain
    assert thinking.as_reasoning(plain) == plain


def test_a_count_with_thinking_is_dropped() -> None:
    """The server's count of a reply includes its thinking, so it says nothing of what is sent again."""
    turns = (
        Turn("t1", "m", (message("Why?", "user"),), (message("<think>a</think>b"),), output_tokens=50),
        Turn("t2", "m", (message("Why?", "user"),), (message("b"),), output_tokens=5),
    )
    found = thinking.exchange_without_thinking(Exchange(1, turns)).turns
    assert [turn.output_tokens for turn in found] == [None, 5]
    assert [turn.output[0].text for turn in found] == ["b", "b"]
