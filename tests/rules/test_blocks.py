"""When a block ends: because something before its end changed, or because it would get too long."""

from __future__ import annotations

from dataclasses import replace

import pytest

from llm_session_memory.model import Block, Message, Part, Turn
from llm_session_memory.rules.blocks import NewBlock, changed, outgrown

BLOCK = Block(1, "t1", (), "window", 100, "front", "", first_id="t3")
CALL = Message("assistant", (Part({"type": "tool_call", "name": "f", "arguments": {}, "tool_call_id": "1"}),))
REPLY = (Message.of_text("assistant", "Because."),)

CHANGES: dict[str, tuple[dict[str, object], NewBlock | None]] = {
    "nothing": ({}, None),
    "an empty reply": ({"output": ()}, NewBlock.UNANSWERED),
    "a call that was never run": ({"output": (CALL,)}, NewBlock.UNANSWERED),
    "a prompt that had filled the budget": ({"oversized": True}, NewBlock.UNANSWERED),
    "another policy": ({"policy": "full"}, NewBlock.RULE),
    "another budget": ({"budget": 200}, NewBlock.RULE),
    "a pin": ({"front": "other"}, NewBlock.FRONT),
    "a pin of an exchange that is sent whole": ({"pins": ("t1",)}, None),
    "a pin of the start, which is cut": ({"pins": ("t1",), "clip": 50}, NewBlock.FRONT),
    "a pin beside a start that is cut": ({"pins": ("t3",), "clip": 50}, None),
    "a pin of tool results that were cut": ({"pins": ("t3",), "reason": NewBlock.TOOLS.value}, NewBlock.FRONT),
    "a pin beside tool results that were cut": ({"pins": ("t1",), "reason": NewBlock.TOOLS.value}, None),
    "two causes: the one to name first": ({"front": "other", "budget": 200}, NewBlock.RULE),
}


@pytest.mark.parametrize(("values", "reason"), CHANGES.values(), ids=CHANGES.keys())
def test_a_block_ends_if_something_before_its_end_changed(values: dict[str, object], reason: NewBlock | None) -> None:
    """A prompt continues the block unless its last reply, its rules or its front prevent it; the first is named."""
    of_block = {name: value for name, value in values.items() if name in ("oversized", "clip", "reason")}
    block = replace(BLOCK, **of_block)  # type: ignore[arg-type]
    last = Turn("t9", "m", (), values.get("output", REPLY))  # type: ignore[arg-type]
    now = {"policy": "window", "budget": 100, "front": "front", "pins": ()}
    now |= {name: value for name, value in values.items() if name in now}
    assert changed(block, last, **now) is reason  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("tokens", "wanted", "reason"),
    [
        (100, 0, None),
        (101, 0, NewBlock.FULL),
        (75, 25, None),
        (76, 25, NewBlock.CROWDED),
        (100, 25, NewBlock.CROWDED),
        (101, 25, NewBlock.FULL),
    ],
)
def test_a_block_ends_when_its_next_request_is_too_long(tokens: int, wanted: int, reason: NewBlock | None) -> None:
    """A block ends before history, prompt and the excerpts that the prompt deserves together exceed the budget."""
    assert outgrown(tokens, budget=100, wanted=wanted) is reason


def test_only_a_full_block_moves_the_start() -> None:
    """The start moves only if the previous block had no room left; otherwise everything that fits stays."""
    assert {one for one in NewBlock if one.is_full} == {NewBlock.CROWDED, NewBlock.FULL}
