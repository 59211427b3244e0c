"""What a prompt deserves of the room, and which excerpts are worth their tokens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.rules.ranking import Excerpt, Passage
from llm_session_memory.rules.recall_worth import BAR, LEAST, TOLD, asking, unknown, worth, worthwhile

SHARE = st.floats(0, 1)


@pytest.mark.parametrize(
    "prompt",
    [
        "When is the deadline?",
        "when is the deadline",
        "which of them was it",
        "who signs off the foundations",
        "Did we choose the bolts",
        "Wann ist die Frist?",
        "¿Cuándo vence?",
        "什么时候到期？",
        "(Is it, “really”?!?)…",
        "Remind me of the deadline.",
        "As you said, the harbour office signs.",
        "We've decided on M20 bolts.",
    ],
)
def test_questions_and_what_speaks_of_before_ask(prompt: str) -> None:
    """A question mark says so in any language; in English the words do too."""
    assert asking(prompt) == 1


@pytest.mark.parametrize(
    "prompt",
    [
        "",
        "Thanks, go on.",
        "Now write the function.",
        "What a lovely bridge!",
        "When I run this, it fails.",
        "Add version 2.0 to https://example.org/?page=1 please.",
    ],
)
def test_other_prompts_do_not(prompt: str) -> None:
    """A prompt that tells, thanks or gives an order asks nothing of the past."""
    assert asking(prompt) == 0


def test_a_long_row_of_question_marks_is_read_at_once() -> None:
    """A file in a wrong encoding may be all question marks: each is looked at once, not each with all after it."""
    assert asking("?" * 400_000 + "a") == 0
    assert asking("?" * 400_000) == 1


def test_a_question_in_a_long_prompt_counts_by_its_length() -> None:
    """“Can you help me?” below a page of code does not make it a question about the past."""
    code = "\n".join(f"total += rows[{number}]" for number in range(50))
    assert asking(f"{code}\nCan you help me?") < 0.05


def test_words_that_are_sent_already_are_known() -> None:
    """The rarer a word, the more it counts; a prompt with no word that is found anywhere is unknown."""
    assert unknown({"deadline": 3.0, "bridge": 1.0}, {"bridge"}) == 0.75
    assert unknown({"deadline": 3.0, "bridge": 1.0}, {"bridge", "deadline"}) == 0
    assert unknown({}, ()) == 1


@given(SHARE, SHARE, st.floats(0, 20))
def test_a_prompt_deserves_between_nothing_and_everything(asks: float, new: float, strength: float) -> None:
    """Whatever is said, a prompt deserves nothing, or between the least and everything."""
    deserved = worth(asks, new, strength)
    assert deserved == 0 or LEAST <= deserved <= 1


@given(st.lists(SHARE, min_size=2, max_size=2), SHARE, st.floats(0, 20))
def test_it_deserves_more_the_more_it_asks_or_says_anew(pair: list[float], other: float, strength: float) -> None:
    """Nothing that speaks for recall takes away from it."""
    low, high = sorted(pair)
    assert worth(low, other, strength) <= worth(high, other, strength) + 1e-9
    assert worth(other, low, strength) <= worth(other, high, strength) + 1e-9
    assert worth(low, other, strength) <= worth(low, other, strength + 1) + 1e-9


def test_orders_on_the_topic_at_hand_deserve_nothing() -> None:
    """An order whose words are in what is sent, or found everywhere in the session, recalls nothing."""
    assert worth(0, unknown=0.3, strength=5) == 0
    assert worth(0, unknown=1, strength=0.5) == 0
    assert worth(0, unknown=1, strength=5) == TOLD, "but one that names something else does"


def excerpt(id_: int, tokens: int, score: float) -> Excerpt:
    return Excerpt(Passage(id_, id_, "prompt", 0, tokens, float(tokens)), score, score)


@st.composite
def rankings(draw: st.DrawFn) -> list[Excerpt]:
    """Draw excerpts, best first."""
    scores = sorted(draw(st.lists(st.floats(0.001, 1), max_size=30)), reverse=True)
    tokens = [draw(st.integers(1, 300)) for _ in scores]
    return [excerpt(id_, size, score) for id_, (score, size) in enumerate(zip(scores, tokens, strict=True), 1)]


def _tokens(chosen: list[Excerpt]) -> int:
    return sum(one.passage.tokens for one in chosen)


@given(rankings(), st.integers(-50, 5_000), st.integers(-50, 5_000))
def test_excerpts_never_exceed_what_is_deserved_nor_what_fits(ranked: list[Excerpt], allowed: int, fits: int) -> None:
    """Excerpts stay in both bounds, in order, and none is far below the best."""
    chosen = worthwhile(ranked, allowed, fits, 10)
    assert _tokens(chosen) <= max(0, min(allowed, fits))
    assert len(chosen) <= 10
    assert chosen == [one for one in ranked if one in chosen]
    assert all(one.score >= BAR * ranked[0].score for one in chosen)


@given(rankings(), st.integers(1, 5_000), st.integers(1, 5_000), st.integers(1, 5_000))
def test_deserving_more_never_buys_fewer_tokens(ranked: list[Excerpt], one: int, other: int, fits: int) -> None:
    """The tokens of excerpts grow with the allowance."""
    small, large = sorted((one, other))
    assert _tokens(worthwhile(ranked, small, fits, 120)) <= _tokens(worthwhile(ranked, large, fits, 120))


def test_a_further_excerpt_has_to_be_better_the_fuller_the_room() -> None:
    """At the same score, an excerpt is sent while there is much room, and not once most of it is used up."""
    best, *weak = (excerpt(id_, 100, 1.0 if id_ == 1 else 0.2) for id_ in range(1, 11))
    assert len(worthwhile([best, *weak], 1_000, 1_000, 120)) == 5, "0.1 and 0.18 of the way are 0.2 at 556 tokens"
    assert len(worthwhile([best, *weak], 2_000, 2_000, 120)) == 10
