"""Which turns are one exchange, and what their numbers are."""

from __future__ import annotations

import pytest

from llm_session_memory.store.numbering import Numbering


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
