"""Ranking older exchanges for a prompt, and the words and passages that it works on."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.rules import ranking
from llm_session_memory.rules.passages import MOST_WORDS, characters, query_words, split, term
from llm_session_memory.rules.ranking import (
    Excerpt,
    Match,
    Passage,
    choose,
    match,
    rank,
    weigh,
)
from llm_session_memory.rules.terms import indexed
from llm_session_memory.rules.tokens import base
from tests.world import full_text


def conversation(*exchanges: tuple[str, str]) -> list[tuple[Passage, str]]:
    """Return the passages of a conversation with their texts, as an index would hold them."""
    found: list[tuple[Passage, str]] = []
    for number, (prompt, reply) in enumerate(exchanges, 1):
        for side, text in (("prompt", prompt), ("reply", reply)):
            for part, (start, end) in enumerate(split(text)):
                cost = math.ceil(base(text[start:end]) + ranking.LABEL_TOKENS)
                passage = Passage(len(found), number, side, part, cost, base(text))  # type: ignore[arg-type]
                found.append((passage, text[start:end]))
    return found


def lookup(texts: Iterable[str], prompt: str) -> dict[str, list[int]]:
    """Return what an FTS5 index finds for each word of a prompt: the real index, the real expressions."""
    index = full_text.index_of(*texts)
    return {word: full_text.rows(index, term(word)) for word in query_words(prompt)}


def recalled(prompt: str, *exchanges: tuple[str, str], threshold: float = ranking.THRESHOLD) -> list[Excerpt]:
    held = conversation(*exchanges)
    hits = lookup((text for _, text in held), prompt)
    return rank([passage for passage, _ in held], match(hits, len(held)), threshold=threshold)


def first(prompt: str, *exchanges: tuple[str, str]) -> tuple[int, str]:
    best = recalled(prompt, *exchanges)[0].passage
    return best.number, best.side


FILLER = [(f"What is {n} plus {n}?", f"That makes {n + n}.") for n in range(10, 40)]


# -- ranking ---------------------------------------------------------------


def test_the_passage_with_the_rarest_words_comes_first() -> None:
    """A word that is everywhere says little; a word that occurs once says where to look."""
    bridge = ("The bridge in Lisbon has to be ready on 4 May.", "I will keep that in mind.")
    assert first("When does the bridge have to be ready?", *FILLER, bridge, *FILLER) == (31, "prompt")


def test_forms_of_a_word_are_found_and_count_once() -> None:
    """`paint` and `painting` are one word to the index; a prompt with both does not count twice."""
    assert weigh({"paint": [1, 2], "painting": [2, 1], "boat": [3]}, 9).keys() == {"paint", "boat"}
    assert first("Who was painting?", *FILLER, ("My aunt paints.", "Nice."), *FILLER) == (31, "prompt")


def test_two_words_in_the_same_places_are_two_words() -> None:
    """Only forms of one word are merged: the same letters at the beginning, in the same places."""
    assert weigh({"new": [1], "york": [1]}, 9).keys() == {"new", "york"}


def test_an_answer_is_found_by_its_question() -> None:
    """The neighbours of a match are lent half of its strength, those two steps away a fifth."""
    exchanges = [*FILLER, ("Which colour for the kitchen walls?", "A pale ochre."), ("Done then.", "Well done.")]
    strength = {(e.passage.number, e.passage.side): e.strength for e in recalled("kitchen walls", *exchanges)}
    own = strength[31, "prompt"]
    assert strength[31, "reply"] == pytest.approx(0.5 * own)
    assert strength[32, "prompt"] == pytest.approx(0.2 * own)
    assert (32, "reply") not in strength


def test_text_from_the_user_counts_more() -> None:
    """The same words in a prompt rank above the same words in a reply of the same length."""
    assert first("zebra", ("A zebra.", "Hm, hm."), *FILLER, ("Hm, hm.", "A zebra.")) == (1, "prompt")


def test_the_newer_of_two_equals_comes_first() -> None:
    """A fact that was said twice is taken from the later place."""
    same = ("The zebra ran.", "It did.")
    numbers = [e.passage.number for e in recalled("zebra", same, *FILLER, same) if e.passage.side == "prompt"]
    assert numbers[:2] == [32, 1]


def test_a_long_message_gives_way_to_a_short_one() -> None:
    """A long reply matches by chance, and its passages cost more."""
    long = " ".join(f"Sentence number {n} of a long report." for n in range(60)) + " A zebra ran."
    assert first("zebra", ("The zebra ran.", "So?"), *FILLER, ("Report!", long)) == (1, "prompt")


def test_a_word_that_is_everywhere_recalls_little() -> None:
    """Below the threshold nothing is worth its tokens."""
    exchanges = [(f"The report, page {n}.", "Noted in the report.") for n in range(40)]
    assert recalled("report", *exchanges) == []
    assert recalled("report", *exchanges, threshold=0.0)


@pytest.mark.parametrize(
    "prompt",
    ["thanks!", "ok go on", "lol nice", "Perfect, thank you!", "...", "", "danke, super!", "谢谢!", "ありがとう"],
)
def test_small_talk_recalls_nothing(prompt: str) -> None:
    """Small talk recalls nothing, even if the same words were said before."""
    assert query_words(prompt) == []
    assert recalled(prompt, ("lol nice, thanks!", "danke"), *FILLER) == []


def test_small_talk_words_count_beside_others() -> None:
    assert query_words("that was a great bridge") == ["great", "bridge"]


def test_strength_can_be_compared_between_sessions() -> None:
    """The strength of a word in one passage of many is just below 1, however many there are."""
    for passages in (100, 10_000, 1_000_000):
        assert match({"zebra": [7]}, passages)[7].strength == pytest.approx(0.95, abs=0.05)


def test_the_explanation_names_the_words_rarest_first() -> None:
    found = match({"bridge": [1, 2, 3], "lisbon": [2], "deadline": []}, 50)
    assert found[2].words == ("lisbon", "bridge")
    assert found[1].words == ("bridge",)


def test_only_the_strongest_are_looked_at() -> None:
    found = match({"bridge": range(100), "lisbon": [5]}, 1_000, most=3)
    assert sorted(found) == [5, 98, 99]


# -- with an embedding model -------------------------------------------------


def test_what_is_near_in_meaning_is_found_without_a_common_word() -> None:
    held = [passage for passage, _ in conversation(*FILLER)]
    ranked = rank(held, {}, {held[4].id: 0.8, held[9].id: 0.3, held[30].id: 0.2})
    assert ranked[0].passage == held[4]
    assert {excerpt.passage.id: excerpt.words for excerpt in ranked}[held[4].id] == ("similar in meaning",)
    assert all(excerpt.words == () for excerpt in ranked[1:])  # next to it


def test_words_still_decide_over_meaning() -> None:
    """The passage nearest in meaning counts half as much as the best that words have found."""
    held = [passage for passage, _ in conversation(*FILLER)]
    ranked = rank(held, {held[40].id: Match(("zebra",), 2.0)}, {held[4].id: 0.8, held[9].id: 0.3})
    strength = {e.passage.id: e.strength for e in ranked}
    assert ranked[0].passage == held[40]
    assert strength[held[4].id] == pytest.approx(1.0)


# -- choosing under a budget -----------------------------------------------


def excerpts(*costs: int) -> list[Excerpt]:
    return [
        Excerpt(Passage(n, n, "prompt", 0, cost, float(cost)), score=1 / (n + 1), strength=1.0)
        for n, cost in enumerate(costs)
    ]


def test_an_excerpt_that_does_not_fit_is_skipped() -> None:
    """The best excerpts that fit are chosen; one that is too long gives its place to the next."""
    assert [e.passage.tokens for e in choose(excerpts(50, 80, 20, 40), 100)] == [50, 20]


def test_nothing_is_recalled_that_the_request_already_contains() -> None:
    """Excerpts of exchanges that are sent whole are not chosen."""
    chosen = choose(excerpts(10, 10, 10, 10), 100, whole={0, 2})
    assert [e.passage.id for e in chosen] == [1, 3]


# -- laws --------------------------------------------------------------------

passages_of = st.lists(
    st.builds(
        Passage,
        id=st.integers(0, 10_000),
        number=st.integers(1, 200),
        side=st.sampled_from(["prompt", "tool", "reply"]),
        part=st.just(0),
        tokens=st.integers(1, 400),
        message_tokens=st.floats(0, 1e6),
    ),
    unique_by=lambda p: p.id,
    max_size=40,
)
words_in = st.dictionaries(st.text(min_size=1, max_size=8), st.sets(st.integers(0, 10_000), max_size=20), max_size=8)


@given(passages_of, words_in, st.integers(0, 5_000), st.randoms())
def test_laws_of_ranking(held: list[Passage], hits: dict[str, set[int]], room: int, chance: object) -> None:
    """Same input, same order; never over budget; nothing twice; best first; nothing below the threshold."""
    total = max(1, len(held), *(len(found) for found in hits.values())) if hits else max(1, len(held))
    ranked = rank(held, match(hits, total))
    shuffled = list(held)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    again = rank(shuffled, match(dict(reversed(hits.items())), total))
    assert [e.passage.id for e in again] == [e.passage.id for e in ranked]
    assert [e.score for e in ranked] == sorted((e.score for e in ranked), reverse=True)
    assert all(e.strength >= ranking.THRESHOLD and math.isfinite(e.score) for e in ranked)
    chosen = choose(ranked, room)
    assert sum(e.passage.tokens for e in chosen) <= room
    assert len({e.passage.id for e in chosen}) == len(chosen)
    left = room - sum(e.passage.tokens for e in chosen)
    assert all(e.passage.tokens > left for e in ranked if e not in chosen)


@given(passages_of, words_in)
def test_of_equal_scores_the_newer_exchange_is_first(held: list[Passage], hits: dict[str, set[int]]) -> None:
    ranked = rank(held, match(hits, 10_001))
    for one, other in pairwise(ranked):
        if one.score == other.score:
            assert one.passage.number >= other.passage.number


# -- passages --------------------------------------------------------------


def test_a_short_text_is_one_passage() -> None:
    assert split("  Hello there.\n") == [(2, 14)]
    assert split(" \n ") == []


def test_a_long_text_is_cut_between_sentences() -> None:
    text = "\n\n".join(f"Paragraph {n} has a sentence. And it has another one, a little longer." for n in range(40))
    found = [text[start:end] for start, end in split(text)]
    assert len(found) > 3
    assert all(passage.startswith(("Paragraph", "And")) and passage.endswith(".") for passage in found)
    assert all(base(passage) <= 150 for passage in found)


def test_chinese_sentences_end_too() -> None:
    text = "我打算在里斯本建一座桥。" * 60
    assert all(text[start:end].endswith("。") for start, end in split(text))


@given(st.text(alphabet=st.sampled_from("ab .\n。桥é!?\t"), max_size=600), st.integers(1, 40))
def test_laws_of_splitting(text: str, tokens: int) -> None:
    """In order, without overlap, trimmed; only white space is lost."""
    spans = split(text, tokens)
    assert all(start < end for start, end in spans)
    assert all(one[1] <= other[0] for one, other in pairwise(spans))
    passages = [text[start:end] for start, end in spans]
    assert all(passage == passage.strip() for passage in passages)
    assert "".join("".join(passages).split()) == "".join(text.split())


def test_a_text_without_borders_is_cut_all_the_same() -> None:
    text = "x" * 10_000
    assert max(base(text[start:end]) for start, end in split(text)) <= 301


# -- words -------------------------------------------------------------------


def test_words_are_lower_case_each_once_in_order() -> None:
    assert query_words("Bridge, BRIDGE or harbour? It's C++ and 4 May") == ["bridge", "harbour", "c", "4"]


def test_of_a_long_prompt_the_repeated_words_are_taken() -> None:
    paper = " ".join(f"word{n}" for n in range(500))
    words = query_words(f"bridge {paper} bridge. What about the harbour")
    assert len(words) == MOST_WORDS
    assert words[0] == "bridge"
    assert words[-1] == "harbour"


def test_cjk_runs_become_pairs() -> None:
    assert indexed("我的猫。ok") == ("我的 的猫 猫 ok", "")
    assert query_words("橋の予算はいくら") == ["橋の", "の予", "予算", "算は", "橋"]
    assert query_words("ＡＢＣ") == query_words("abc")


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("那座桥的预算是多少?", "我打算在里斯本建一座桥,预算是三百万欧元。"),
        ("猫呢?", "我家有一只猫。"),
        ("締め切りはいつ?", "プロジェクトの締め切りは五月四日です。"),
        ("猫は?", "うちの猫の名前は豆太です。"),
        ("サーバーの名前は?", "ｻｰﾊﾞｰは港にあります。"),
        ("다리의 예산은?", "리스본에 다리를 짓는데 예산은 삼백만 유로입니다."),
        ("Where is the Café?", "We met in a cafe by the river."),
        ("сколько стоит мост", "Мост стоит три миллиона"),
    ],
)
def test_any_script_is_found(prompt: str, said: str) -> None:
    chinese = [("今天天气很好。", "是的,适合散步。"), ("おはようございます。", "今日もよろしく。")] * 10
    assert recalled(prompt, *chinese, (said, "…"), *chinese)[0].passage.number == 21


@given(st.text(max_size=200))
def test_any_prompt_can_be_looked_up(prompt: str) -> None:
    """Quotes, operators, NUL, unpaired surrogates: no prompt is a syntax error, and earlier text is found again."""
    said = prompt.encode("utf-8", "ignore").decode()
    words = query_words(said)
    hits = lookup([said], said)
    assert list(hits) == words
    assert len(words) <= MOST_WORDS


@given(st.text(alphabet="猫桥はのカab \u3000。", min_size=1, max_size=30))
def test_each_pair_of_a_text_is_found_in_it(text: str) -> None:
    assert all(found == [0] for found in lookup([text], text).values())


@pytest.mark.parametrize(
    ("prompt", "signs"),
    [("桥在哪里？", ["桥"]), ("猫はどこですか", ["猫"]), ("Where is it?", []), ("这是什么", [])],
    ids=["Chinese", "Japanese", "English", "function words"],
)
def test_cjk_characters_that_may_be_words(prompt: str, signs: list[str]) -> None:
    """The CJK characters of a run that may be words alone are known; particles and endings are not among them."""
    assert characters(prompt) == signs
