"""Which turns are one exchange, and what their numbers are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.store.numbering import Numbering, without
from tests.world.laws import tried


@pytest.mark.parametrize(
    ("turns", "exchanges"),
    [
        pytest.param([], [], id="none"),
        pytest.param([("a", None), ("b", None)], [("a",), ("b",)], id="one_turn_each"),
        pytest.param([("a", None), ("b", ""), ("c", None)], [("a", "b"), ("c",)], id="continues_the_one_before"),
        pytest.param([("a", None), ("b", None), ("c", "a")], [("a", "c"), ("b",)], id="continues_an_earlier_one"),
        pytest.param([("a", None), ("b", "gone")], [("a", "b")], id="its_own_beginning_is_gone"),
        pytest.param([("a", ""), ("b", None)], [("a",), ("b",)], id="nothing_before_it"),
    ],
)
def test_turns_are_joined_to_exchanges(turns: list[tuple[str, str | None]], exchanges: list[tuple[str, ...]]) -> None:
    """A turn begins an exchange, joins the one that it names, or else joins the newest one before it."""
    assert list(Numbering(turns)) == exchanges


def test_a_numbering_is_a_sequence() -> None:
    """Length, index, slice and number agree with the order of the exchanges."""
    numbering = Numbering([("a", None), ("b", None), ("c", "a"), ("d", None)])
    assert len(numbering) == 3
    assert (numbering[0], numbering[-1]) == (("a", "c"), ("d",))
    assert numbering[-2:] == [("b",), ("d",)]
    assert numbering.numbers() == {"a": 1, "b": 2, "d": 3}
    with pytest.raises(IndexError):
        numbering[3]


names = [f"{number:02}" for number in range(12)]
threads = st.lists(st.sampled_from([None, "", *names[:6]]), max_size=12).map(
    lambda to: list(zip(names, to, strict=False))
)


@tried(200, few=60)
@given(threads, st.sets(st.sampled_from(names)))
def test_what_is_undone_is_left_out_whole(turns: list[tuple[str, str | None]], undone: set[str]) -> None:
    """What was undone goes with all its turns; the others keep theirs, and the greatest id still counts."""
    every, left = Numbering(turns), without(iter(turns), undone)
    assert list(left) == [ids for ids in every if ids[0] not in undone]
    assert list(left.undone) == [ids for ids in every if ids[0] in undone]
    assert (left.greatest, left.turn_count) == (every.greatest, len(turns))
    assert all(left.number_of(id_) is None for ids in left.undone for id_ in ids)
    assert left.newest == Numbering([turn for turn in turns if left.number_of(turn[0])]).newest
