"""What a person types when asked which answer was better, and the votes and ratings that it stands for."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.errors import SessionError
from llm_session_memory.rules.voting import LETTERS, Ranking, marks, question, ranking, votes


@pytest.mark.parametrize(
    ("text", "count", "order"),
    [
        ("a", 2, ((0,),)),
        (" B ", 2, ((1,),)),
        ("=", 2, ((0, 1),)),
        ("", 2, ()),
        ("skip", 3, ()),
        ("ba=c", 3, ((1,), (0, 2))),
        ("b > a = c", 3, ((1,), (0, 2))),
        ("c, a", 4, ((2,), (0,))),
        ("=", 3, ((0, 1, 2),)),
    ],
)
def test_an_order_is_letters_with_the_best_first(text: str, count: int, order: Ranking) -> None:
    """Blanks, commas and > mean nothing, = joins what is equally good, and nothing at all skips the question."""
    assert ranking(text, count) == order


@pytest.mark.parametrize("text", ["c", "aa", "a=", "==", "=a", "a==b", "better", "a\x1b[2J", "1"])
def test_what_is_no_order_is_refused_with_an_example(text: str) -> None:
    """The sentence names the letters and an order that is one."""
    with pytest.raises(SessionError, match="does not rank the answers a, b"):
        ranking(text, 2)
    with pytest.raises(SessionError, match="for example ba=c;"):
        ranking("d", 3)


def test_the_question_of_two_answers_is_the_short_one() -> None:
    """Two answers need one letter; more of them need an order."""
    assert question(2) == "Which was better? a, b, = (equally good), or Enter to skip"
    assert "ba=cd" in question(4)


def test_an_answer_that_is_not_named_is_worse_than_those_that_are() -> None:
    """“b” of four is better than each other; nothing is known of the others among themselves."""
    order = ranking("b", 4)
    assert votes(order, 4) == {(0, 1): "b", (1, 2): "a", (1, 3): "a"}
    assert marks(order, 4) == {1: "up", 0: "down", 2: "down", 3: "down"}


def test_only_the_best_and_the_worst_are_rated() -> None:
    """Between them no rating is given, and none at all if all are equally good."""
    assert marks(ranking("ba=cd", 4), 4) == {1: "up", 3: "down"}
    assert marks(ranking("=", 4), 4) == {}
    assert not marks((), 2)
    assert not votes((), 2)


@given(st.permutations(range(5)), st.lists(st.booleans(), min_size=4, max_size=4))
def test_the_votes_of_a_whole_order_agree_with_it(places: list[int], equal: list[bool]) -> None:
    """Whatever the order, each pair has one vote, for the one that comes first, or for neither if they are joined."""
    text = LETTERS[places[0]]
    group = {places[0]: 0}
    for same, (before, place) in zip(equal, itertools.pairwise(places), strict=True):
        text += ("=" if same else "") + LETTERS[place]
        group[place] = group[before] + (not same)
    found = votes(ranking(text, 5), 5)
    assert set(found) == set(itertools.combinations(range(5), 2))
    for (one, other), better in found.items():
        assert better == ("=" if group[one] == group[other] else "a" if group[one] < group[other] else "b")
