"""From a plan to the exact messages, and to their explanation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.model import Block, Exchange, Message, Part, Sized, Turn
from llm_session_memory.rules.policy import Plan
from llm_session_memory.rules.request import (
    NO_REPLY,
    NO_RESULT,
    explain,
    fragments,
    front,
    messages,
    system_messages,
    tool_items,
    whole,
)
from llm_session_memory.rules.tokens import Measure

LONG = "The harbour office signs off the foundations. " * 100


def text(role: str, content: str) -> Message:
    return Message.of_text(role, content)


def call(*ids: str, **more: object) -> Message:
    return Message(
        "assistant",
        tuple(Part({"type": "tool_call", "name": "f", "arguments": {}, "tool_call_id": id_, **more}) for id_ in ids),
    )


def result(*ids: str, output: str = "42") -> Message:
    return Message(
        "tool",
        tuple(Part({"type": "tool_result", "name": "f", "output": output, "tool_call_id": id_}) for id_ in ids),
    )


def exchange(number: int, *turns: tuple[tuple[Message, ...], tuple[Message, ...]]) -> Exchange:
    made = tuple(Turn(f"t{number}.{n}", "m", asked, said) for n, (asked, said) in enumerate(turns))
    return Exchange(number, made)


def said(number: int, prompt: str = "Why?", reply: str = "Because.") -> Exchange:
    return exchange(number, ((text("user", prompt),), (text("assistant", reply),)))


def sized(*exchanges: Exchange) -> tuple[Sized, ...]:
    return tuple(Sized(e.number, e.id, Measure().tokens(Measure().base(whole(e)))) for e in exchanges)


# -- the front ---------------------------------------------------------


def test_another_front_is_told_apart() -> None:
    """System prompt and pins, in their order, make the front; no two different ones look the same."""
    fronts = [(None, []), ("a", []), ("a", ["b"]), ("ab", []), (None, ["a"]), ("a", ["b", "c"]), ("a", ["c", "b"])]
    assert len({front(system, pins) for system, pins in fronts}) == len(fronts)
    assert front(None, []) == front("", [])
    assert front("a", ["b"]) == front("a", ("b",))
    assert front("\udcff", [])


def test_no_system_prompt_is_no_message() -> None:
    """A missing or empty system prompt sends no system message."""
    assert system_messages(None) == system_messages("") == ()
    assert system_messages("Be brief.") == (text("system", "Be brief."),)


# -- an exchange, as it is sent again ----------------------------------

ONE_TURN = ((text("user", "Why?"),), (text("assistant", "Because."),))

WHOLE: dict[str, tuple[Exchange, tuple[Message, ...]]] = {
    "prompt and reply": (said(1), (text("user", "Why?"), text("assistant", "Because."))),
    "a tool loop": (
        exchange(1, ((text("user", "Why?"),), (call("1"),)), ((result("1"),), (text("assistant", "42."),))),
        (text("user", "Why?"), call("1"), result("1"), text("assistant", "42.")),
    ),
    "no reply": (
        exchange(1, ((text("user", "Why?"),), ())),
        (text("user", "Why?"), text("assistant", NO_REPLY)),
    ),
    "a reply of nothing": (
        exchange(1, ((text("user", "Why?"),), (Message("assistant", ()),))),
        (text("user", "Why?"), text("assistant", NO_REPLY)),
    ),
    "no reply after a result": (
        exchange(1, ((text("user", "Why?"),), (call("1"),)), ((result("1"),), ())),
        (text("user", "Why?"), call("1"), result("1"), text("assistant", NO_REPLY)),
    ),
    "calls that were never run": (
        exchange(1, ((text("user", "Why?"),), (call("1", "2"),))),
        (text("user", "Why?"), call("1", "2"), result("1", "2", output=NO_RESULT), text("assistant", NO_REPLY)),
    ),
    "a call that the server ran itself": (
        exchange(1, ((text("user", "Why?"),), (call("1", server_executed=True),))),
        (text("user", "Why?"), call("1", server_executed=True)),
    ),
    "nothing at all": (exchange(1, ((), ())), (text("assistant", NO_REPLY),)),
    "an attachment that came with a result": (
        exchange(
            1,
            ((text("user", "Why?"),), (call("1"),)),
            ((result("1"), text("user", "see")), (text("assistant", "42."),)),
        ),
        (text("user", "Why?"), call("1"), result("1"), text("user", "see"), text("assistant", "42.")),
    ),
}


@pytest.mark.parametrize(("given_", "expected"), WHOLE.values(), ids=WHOLE.keys())
def test_an_exchange_is_sent_whole(given_: Exchange, expected: tuple[Message, ...]) -> None:
    """An exchange is sent with all its messages, none empty, each call with a result, a reply last."""
    assert whole(given_) == expected


# -- the messages of a plan --------------------------------------------


def test_the_order_is_system_pins_recent() -> None:
    """A request is the system prompt, the pinned exchanges, then the newest, each in order."""
    talk = [said(n, f"Q{n}", f"A{n}") for n in range(1, 6)]
    chosen = sized(*talk)
    made = messages(Plan((chosen[0], chosen[2]), chosen[3:], 0), "Be brief.", {e.id: e for e in talk}, Measure())
    assert made is not None
    sent, spared = made
    assert [m.text for m in sent] == ["Be brief.", "Q1", "A1", "Q3", "A3", "Q4", "A4", "Q5", "A5"]
    assert spared == 0


def test_a_cut_newest_exchange_says_what_it_spared() -> None:
    """The newest exchange is cut to its tokens; what it came out below them is told, so that the sum is right."""
    one = said(1, LONG)
    made = messages(Plan((), sized(one), 0, clip=200), None, {one.id: one}, Measure())
    assert made is not None
    sent, spared = made
    assert Measure().tokens(Measure().base(sent)) + spared == 200
    assert 0 <= spared < 20
    assert "left out here" in sent[0].text
    assert messages(Plan((), sized(one), 0, clip=3), None, {one.id: one}, Measure()) is None


# -- the explanation ---------------------------------------------------


def block(**values: object) -> Block:
    return Block(**{  # type: ignore[arg-type]
        "id": 1, "start_id": "t4.0", "pinned": (), "policy": "window", "budget": 100, "front": "", "reason": "",
        **values,
    })  # fmt: skip


def lines(found: tuple[object, ...]) -> list[tuple[str, int, int]]:
    return [(item.fate, item.first, item.last) for item in found]  # type: ignore[attr-defined]


EXPLAINED = {
    "all recent": (
        block(start_id="1"), {"1": 1, "2": 2}, 2, 1,
        [("recent", 1, 1), ("recent", 2, 2)],
    ),
    "pruned in front": (
        block(), {"4": 4, "5": 5}, 5, 4,
        [("pruned", 1, 3), ("recent", 4, 4), ("recent", 5, 5)],
    ),
    "pins with gaps": (
        block(pinned=("1", "3")), {"1": 1, "3": 3, "6": 6}, 6, 6,
        [("pinned", 1, 1), ("pinned", 3, 3), ("pruned", 2, 2), ("pruned", 4, 5), ("recent", 6, 6)],
    ),
    "nothing recent": (
        block(pinned=("2",), start_id=None), {"2": 2}, 3, None,
        [("pinned", 2, 2), ("pruned", 1, 1), ("pruned", 3, 3)],
    ),
    "nothing at all": (block(start_id=None), {}, 0, None, []),
}  # fmt: skip


@pytest.mark.parametrize(("one", "sizes", "total", "start", "expected"), EXPLAINED.values(), ids=EXPLAINED.keys())
def test_every_exchange_has_its_fate(
    one: Block, sizes: dict[str, int], total: int, start: int | None, expected: list[tuple[str, int, int]]
) -> None:
    """Every exchange is in exactly one line: pinned, recent, or in a range of pruned ones."""
    found = explain(
        one, {id_: (n, 10) for id_, n in sizes.items()}, total, start, system=None, tools=[], prompt=("Why?", 5)
    )
    assert lines(found) == [*expected, ("prompt", 0, 0)]


@given(st.integers(0, 30), st.data())
def test_the_ranges_cover_each_exchange_once(total: int, data: st.DataObject) -> None:
    """Whatever is sent of a session, the lines of its explanation name every exchange once."""
    start = data.draw(st.none() | st.integers(1, total)) if total else None
    early = range(1, start or total + 1)
    pinned = sorted(data.draw(st.sets(st.sampled_from(early)))) if early else []
    recent = range(start, total + 1) if start else range(0)
    sizes = {str(n): (n, 1) for n in [*pinned, *recent]}
    one = block(pinned=tuple(map(str, pinned)), start_id=str(start) if start else None)
    found = explain(one, sizes, total, start, system=None, tools=[], prompt=("", 0))
    named = [n for item in found if item.first for n in range(item.first, item.last + 1)]
    assert sorted(named) == list(range(1, total + 1))


def test_the_parts_of_a_request_are_lines_too() -> None:
    """System prompt, tool definitions and prompt have lines with their tokens, in the order in which they are sent."""
    found = explain(
        block(start_id=None), {}, 0, None, system=("Be brief.", 7), tools=[("add", 20), ("sub", 22)], prompt=("Why?", 5)
    )
    assert [(item.fate, item.tokens) for item in found] == [("system", 7), ("tools", 42), ("prompt", 5)]
    assert found[1].reason == "tool definitions: add, sub"
    assert tool_items([]) == []


def test_a_cut_exchange_is_named_as_cut_for_as_long_as_its_block_lasts() -> None:
    """The exchange that was cut says so, also when it is no longer the newest, and is not called the newest then."""
    sizes = {"t4.0": (4, 50), "t5.0": (5, 10)}
    found = explain(block(clip=50), sizes, 5, 4, system=None, tools=[], prompt=("", 0))
    cut, later = (item for item in found if item.fate == "recent")
    assert (cut.clipped, later.clipped) == (True, False)
    assert "cut in the middle" in cut.reason
    assert "newest" not in cut.reason
    assert later.reason == "recent; the block began at #4"


# -- fragments ---------------------------------------------------------


def test_fragments_are_named_once_and_only_where_they_are_used() -> None:
    """Fragments of restored messages are found once each; one whose text was cut away is not stored again."""
    notes, empty, gone = "the notes", "", "gone"
    one = Message("user", (Part({"type": "text", "text": "the notes\nSummarise"}, (), (notes, empty, gone)),))
    assert fragments([one, text("assistant", "OK"), one]) == [notes]
