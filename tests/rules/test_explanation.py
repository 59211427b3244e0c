"""The explanation of a request: each exchange in one line, and a line for each other part."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.model import Block
from llm_session_memory.rules.explanation import explain, tool_items


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
    """The exchange that was cut is still named as cut, but not as the newest, when it is no longer the newest."""
    sizes = {"t4.0": (4, 50), "t5.0": (5, 10)}
    found = explain(block(clip=50), sizes, 5, 4, system=None, tools=[], prompt=("", 0))
    cut, later = (item for item in found if item.fate == "recent")
    assert (cut.clipped, later.clipped) == (True, False)
    assert "cut in the middle" in cut.reason
    assert "newest" not in cut.reason
    assert later.reason == "newest, sent whole"
