"""Estimating tokens, and learning from a server's counts how many a model makes of a text."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.model import Attachment, Exchange, Message, Part, Turn
from llm_session_memory.rules.server_cuts import CountedRequest, detect
from llm_session_memory.rules.tokens import (
    TOKENS_A_MESSAGE,
    TOKENS_AN_ATTACHMENT,
    Counted,
    Measure,
    base,
    base_of_data,
    continued,
    has_reasoning,
    learn,
    learn_from_replies,
    own_counts,
    plausible,
)

PROSE = "The harbour office signs off the foundations, and the deadline for the steel is the fourth of May. " * 20
JAPANESE = "港湾事務所が基礎を承認し、鋼材の納期は五月四日です。" * 20


def user(text: str) -> Message:
    return Message.of_text("user", text)


def assistant(text: str) -> Message:
    return Message.of_text("assistant", text)


def counted(  # noqa: PLR0913  a turn, as the log has it
    request_base: float | None,
    input_tokens: int | None,
    *,
    cut: str | None = None,
    window: int | None = None,
    model: str = "m",
    id_: str = "1",
) -> Turn:
    return Turn(
        id_, model, (), (), input_tokens=input_tokens, request_base=request_base, cut=cut, window=window, block_id=1
    )


# -- base --------------------------------------------------------------


@given(st.text(st.sampled_from([*"abzABZ019 \n\t\r\x0b\x00\x1c\x7f,.[]{}~"]), max_size=60))
def test_pieces_are_counted_as_they_are_defined(text: str) -> None:
    """A piece is a word of up to nine letters, three capitals, a digit, two marks, a line's beginning, or blanks.

    That is the whole rule; the pattern that counts them is written so that it counts quickly.
    """
    word, capitals, line, blanks = "[A-Z]?[a-z]{1,9}", "[A-Z]{1,3}", r"\n[ \t]*", r"\s{2,16}"
    marks = r"[!-/:-@\[-`{-~\x00-\x08\x0e-\x1b\x7f]{1,2}"
    assert base(text) == len(re.findall(f"{word}|{capitals}|[0-9]|{line}|{blanks}|{marks}", text))


def test_nothing_weighs_nothing() -> None:
    """An empty text, and missing data, have no weight."""
    assert (base(""), base_of_data(None), base_of_data({}), base_of_data([])) == (0, 0, 0, 0)


def test_prose_has_four_to_five_characters_per_token() -> None:
    """English prose weighs what common tokenizers make of it: one token for 4 to 6 characters."""
    assert 4 <= len(PROSE) / base(PROSE) <= 6


def test_japanese_has_more_tokens_per_character_than_english() -> None:
    """Japanese weighs one token for one or two characters."""
    assert 1 <= len(JAPANESE) / base(JAPANESE) <= 2


@given(st.text())
def test_every_text_has_a_weight(text: str) -> None:
    """Whatever the text, its weight is not negative, and at most three tokens per character."""
    assert 0 <= base(text) <= 3 * len(text)


def test_a_text_that_is_not_unicode_has_a_weight() -> None:
    """A text with a lone surrogate (a file name that is not UTF-8) is weighed like any other."""
    assert base("a\udcffb") > 0


# -- measure -----------------------------------------------------------

ATTACHED = (Attachment("a", "image/png"),)

WEIGHED = {
    "text": (Part({"type": "text", "text": PROSE}), base(PROSE)),
    "text that is missing": (Part({"type": "text"}), 0),
    "reasoning": (Part({"type": "reasoning", "text": PROSE}), base(PROSE)),
    "a call": (Part({"type": "tool_call", "name": "f", "arguments": {"a": 1}}), base("f") + base('{"a": 1}')),
    "a result": (Part({"type": "tool_result", "name": "f", "output": PROSE}), base(PROSE)),
    "a result with an image": (Part({"type": "tool_result", "output": ""}, ATTACHED), TOKENS_AN_ATTACHMENT),
    "an image": (Part({"type": "attachment"}, ATTACHED), TOKENS_AN_ATTACHMENT),
    "an image that is gone": (Part({"type": "attachment"}), 0),
    "a kind of part that is new": (Part({"type": "hologram", "text": PROSE}), 0),
}


@pytest.mark.parametrize(("part", "weight"), WEIGHED.values(), ids=WEIGHED.keys())
def test_a_part_weighs_what_is_sent_of_it(part: Part, weight: float) -> None:
    """A part has the weight of its text, arguments or output, and a fixed weight for each attachment."""
    assert Measure().part(part) == weight


def test_reasoning_that_is_not_sent_again_weighs_nothing() -> None:
    """For a model that is not sent the reasoning of earlier replies, only the reply has a weight."""
    reply = Message("assistant", (Part({"type": "reasoning", "text": PROSE}), Part({"type": "text", "text": "Yes."})))
    assert Measure(reasoning=False).base([reply]) == TOKENS_A_MESSAGE + base("Yes.")
    assert has_reasoning([reply])
    assert not has_reasoning([assistant("Yes.")])


@given(st.lists(st.floats(0, 10_000)), st.floats(0.1, 4))
def test_the_parts_of_a_request_are_at_least_the_whole(weights: list[float], rate: float) -> None:
    """Tokens are rounded up, so the estimates of a request's parts never add up to less than the whole."""
    measure = Measure(rate)
    assert sum(map(measure.tokens, weights)) >= measure.tokens(sum(weights)) - 1e-6
    assert all(measure.tokens(weight) >= weight * rate * (1 - 1e-9) for weight in weights)


def test_the_servers_count_takes_precedence_over_an_estimate() -> None:
    """An exchange has the server's counts as its tokens; what was not counted is estimated."""
    one = Turn("1", "m", (user(PROSE),), (assistant(PROSE),))
    two = Turn("2", "m", (Message("tool", (Part({"type": "tool_result", "output": PROSE}),)),), (assistant(PROSE),))
    measure = Measure(2.0)
    each = measure.tokens(TOKENS_A_MESSAGE + base(PROSE))
    exchange = Exchange(1, (one, two))
    assert measure.exchange(exchange) == 4 * each
    assert measure.exchange(exchange, {"1": Counted(7, None), "2": Counted(None, 5)}) == 7 + each + each + 5
    assert measure.exchange(exchange, {"1": Counted(0, 0)}) == 2 * each


# -- learning a rate ---------------------------------------------------

PLAUSIBLE = {
    "no count": (None, 100.0, False),
    "nothing known of the request": (100, None, False),
    "zero": (0, 100.0, False),
    "a third: cached tokens were left out": (33, 100.0, False),
    "the least": (40, 100.0, True),
    "the most": (400, 100.0, True),
    "five times": (500, 100.0, False),
}


@pytest.mark.parametrize(("count", "weight", "expected"), PLAUSIBLE.values(), ids=PLAUSIBLE.keys())
def test_a_count_far_off_is_not_a_count_of_the_request(count: int | None, weight: float | None, expected: bool) -> None:
    """A count is believed if it is between 0.4 and 4 tokens for each token of an average tokenizer."""
    assert plausible(count, weight) is expected


LEARNED = {
    "nothing": ([], None),
    "one": ([counted(1_000, 1_300)], 1.3),
    "steady": ([counted(3_000, 3_900), counted(2_000, 2_600), counted(1_000, 1_300)], 1.3),
    "the newer weighs twice": ([counted(1_000, 1_600), counted(1_000, 1_000)], 1.4),
    "another model's": ([counted(1_000, 1_300, model="other")], None),
    "implausible ones are left out": ([counted(1_000, 30), counted(1_000, 1_300), counted(1_000, 9_000)], 1.3),
    "no count": ([counted(1_000, None), counted(1_000, 1_300)], 1.3),
    "not through a session": ([counted(None, 500), counted(1_000, 1_300)], 1.3),
    "only the newest five": ([*[counted(1_000, 1_000)] * 5, counted(1_000, 3_900)], 1.0),
    "half of a window: at least the window": ([counted(2_000, 2_050, cut="halved", window=4_096)], 2.048),
    "half of another window than was thought": ([counted(2_000, 1_026, cut="halved", window=8_192)], 1.024),
    "half of a window that nobody knew": ([counted(2_000, 2_051, cut="halved")], 2.048),
    "some messages dropped: at least the count": ([counted(4_000, 3_600, cut="fewer", window=4_096)], 0.9),
    "a cut that shows less than what is known": (
        [counted(4_000, 3_600, cut="fewer", window=4_096), counted(1_000, 1_300)],
        1.3,
    ),
    "a cut that shows more than what is known": (
        [counted(2_000, 2_050, cut="halved", window=4_096), counted(1_000, 1_000)],
        2.048,
    ),
    "a cut without a count": ([counted(2_000, None, cut="?", window=4_096), counted(1_000, 1_300)], 1.3),
}


@pytest.mark.parametrize(("turns", "rate"), LEARNED.values(), ids=LEARNED.keys())
def test_a_rate_is_learned_from_the_newest_requests(turns: list[Turn], rate: float | None) -> None:
    """A model's rate comes from its newest counted requests, newest first; a cut request sets its minimum."""
    assert learn(turns, "m") == (None if rate is None else pytest.approx(rate))


@given(st.floats(0.6, 1.6), st.lists(st.integers(10, 3_000), min_size=1, max_size=30))
def test_answers_that_fill_the_window_do_not_spoil_the_rate(rate: float, sizes: list[int]) -> None:
    """If every answer fills the window (recorded as a likely cut), the learned rate is still the true one."""
    window = 8_192
    log: list[Turn] = []
    for number, size in enumerate(sizes):
        learned = learn(reversed(log), "m")
        measure = Measure(learned or 1.0)
        count = round(size * rate)
        now = CountedRequest(count, float(size), measure.tokens(size))
        cut = detect(now, None, window=window, reply_tokens=window - count, calibrated=learned is not None)
        assert cut is not None
        log.append(counted(size, count, cut=cut.because, window=window, id_=str(number)))
    assert learn(reversed(log), "m") == pytest.approx(rate, abs=0.06)


def test_a_first_rate_is_learned_from_replies_of_plain_llm() -> None:
    """A log without sessions gives a first rate: the tokens of its replies by their weight."""
    weight = base(PROSE)
    replies = [(round(weight * 1.5), PROSE), (round(weight * 1.5), PROSE), (10_000_000, PROSE), (0, PROSE), (7, "")]
    assert learn_from_replies(replies) == pytest.approx(1.5, abs=0.01)
    assert learn_from_replies([]) is None
    assert learn_from_replies([(9_999, "Yes.")]) is None


# -- what the server counted of each turn ------------------------------

RATE = 1.5


def logged(talk: list[tuple[str, str]], *, rate: float = RATE, overhead: float = 20.0) -> list[Turn]:
    """Return turns of one block, as counted by a server with this rate; each request has tool definitions of 20."""
    turns: list[Turn] = []
    sent: list[Message] = []
    for number, (prompt, reply) in enumerate(talk, 1):
        sent.append(user(prompt))
        weight = Measure().base(sent) + overhead
        said = assistant(reply)
        turns.append(
            Turn(
                f"{number}",
                "m",
                (sent[-1],),
                (said,),
                input_tokens=round(weight * rate),
                output_tokens=round(Measure().base([said]) * rate),
                request_base=weight,
                block_id=1,
            )
        )
        sent.append(said)
    return turns


TALK = [(PROSE, "Noted."), ("What is the deadline of the steel?", PROSE), (PROSE, "The fourth of May.")]


def changed(turn: Turn, **values: object) -> Turn:
    return Turn(**{**turn.__dict__, **values})


def test_within_a_block_the_difference_of_two_counts_is_the_new_input() -> None:
    """Each request of a block is the previous one, its reply and the new input, so the input's count is the rest."""
    turns = logged(TALK)
    found = own_counts(turns, "m", Measure(RATE))
    assert found["1"].input is None
    for turn in turns[1:]:
        assert found[turn.id].input == pytest.approx(Measure().base(turn.input) * RATE, abs=2)
    for turn in turns:
        assert found[turn.id].output == turn.output_tokens


UNTRUSTED = {
    "another model's": {"model": "other"},
    "cut": {"cut": "halved"},
    "not counted": {"input_tokens": None},
    "not through a session": {"request_base": None},
    "implausible": {"input_tokens": 1},
}


@pytest.mark.parametrize("values", UNTRUSTED.values(), ids=UNTRUSTED.keys())
def test_an_untrusted_count_says_nothing_about_its_neighbour(values: dict[str, object]) -> None:
    """A turn without a usable count has no own count, and the turn after it has no count of its input."""
    one, two, three = logged(TALK)
    found = own_counts([one, changed(two, **values), three], "m", Measure(RATE))
    assert "2" not in found
    assert found["3"].input is None


NOT_DIFFERENCES: dict[str, Callable[[Turn, Turn, Turn], list[Turn]]] = {
    "another block": lambda one, two, three: [one, changed(two, block_id=2)],
    "one left out between them": lambda one, two, three: [one, three],
    "reasoning, which is counted but not sent again": lambda one, two, three: [
        changed(one, output=(Message("assistant", (Part({"type": "reasoning", "text": "Hm."}),)),)),
        two,
    ],
    "a reply without a count": lambda one, two, three: [changed(one, output_tokens=None), two],
    "an input that was cut before it was sent": lambda one, two, three: [
        one,
        changed(two, input=(user(PROSE * 3),), input_tokens=(two.input_tokens or 0) * 2),
    ],
}


@pytest.mark.parametrize("choose", NOT_DIFFERENCES.values(), ids=NOT_DIFFERENCES.keys())
def test_requests_that_do_not_follow_each_other_have_no_difference(
    choose: Callable[[Turn, Turn, Turn], list[Turn]],
) -> None:
    """If a request is not the previous one, its reply and the new input, the difference is not the input's count."""
    one, two, three = logged(TALK)
    turns = choose(one, two, three)
    assert own_counts(turns, "m", Measure(RATE))[turns[-1].id].input is None


def test_two_requests_that_extend_the_same_one_have_no_difference() -> None:
    """Two terminals that prompt at once both extend the same request: neither extends the other."""
    first, one = logged([(PROSE, "Noted."), ("Who signs it off? " * 10, "The office. " * 9)])
    other = logged([(PROSE, "Noted."), (PROSE * 2, "Yes.")])[-1]
    found = own_counts([first, one, changed(other, id="3")], "m", Measure(RATE))
    assert found["2"].input == pytest.approx(Measure().base(one.input) * RATE, abs=2)
    assert found["3"].input is None


# -- the next request --------------------------------------------------


def test_the_next_request_is_the_last_one_and_what_was_added() -> None:
    """A request that continues costs the last one's count, its reply's count, and an estimate of only the new input."""
    turns = logged(TALK)
    last = turns[-1]
    measure = Measure(1.0)
    whole = (last.request_base or 0) + measure.base([*last.output, user("Who signs?")])
    new = measure.tokens(measure.base([user("Who signs?")]))
    assert continued(last, whole, measure) == (last.input_tokens or 0) + (last.output_tokens or 0) + new


def test_tools_that_are_no_longer_sent_are_subtracted() -> None:
    """A request that continues without the last one's tools or schema costs less by their estimate."""
    last = logged(TALK, overhead=600.0)[-1]
    measure = Measure(RATE)
    whole = (last.request_base or 0) - 600 + measure.base([*last.output, user("Who signs?")])
    assert continued(last, whole, measure) == pytest.approx(whole * RATE, abs=3)


@pytest.mark.parametrize("values", [v for k, v in UNTRUSTED.items() if k != "another model's"])
def test_without_a_usable_count_the_whole_request_is_estimated(values: dict[str, object]) -> None:
    """If the last request's count can't be used, the rate is applied to the whole new request."""
    last = changed(logged(TALK)[-1], **values)
    assert continued(last, 1_000.0, Measure(1.25)) == 1_250


def test_reasoning_is_not_counted_into_the_next_request() -> None:
    """A reply's count that includes reasoning, which is not sent again, is replaced by an estimate of the reply."""
    last = logged([("Why?", PROSE)])[0]
    thought = Message("assistant", (Part({"type": "reasoning", "text": PROSE}), Part({"type": "text", "text": "Yes."})))
    last = changed(last, output=(thought,), output_tokens=900)
    measure = Measure(RATE, reasoning=False)
    whole = (last.request_base or 0) + measure.base([thought, user("So?")])
    expected = ((last.request_base or 0) + measure.base([assistant("Yes."), user("So?")])) * RATE
    assert continued(last, whole, measure) == pytest.approx(expected, abs=3)


@given(st.floats(0.6, 1.6), st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30)), min_size=2, max_size=12))
def test_with_a_steady_server_every_later_estimate_is_right(rate: float, sizes: list[tuple[int, int]]) -> None:
    """Once a server that counts steadily has counted a request, all later ones are estimated to a few tokens."""
    turns = logged([("word " * asked, "word " * said) for asked, said in sizes], rate=rate)
    for last, now in pairwise(turns):
        learned = learn(reversed(turns[: turns.index(last) + 1]), "m")
        assert learned is not None
        estimate = continued(last, now.request_base or 0, Measure(learned))
        assert estimate == pytest.approx(now.input_tokens, abs=4)
