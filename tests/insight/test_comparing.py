"""The statistics of comparisons: against scipy's and statsmodels' own, by simulation, and in words.

These two are imported where they are needed: each process of a run imports this file, and one of them runs its tests.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.insight.comparing import drawing, repeated
from llm_session_memory.insight.comparing.fields import as_fields
from llm_session_memory.insight.comparing.measures import Pair
from llm_session_memory.insight.comparing.sentences import percent
from llm_session_memory.insight.comparing.similarity import similarity
from llm_session_memory.insight.comparing.statistics import ENOUGH, examined, holm, unit_of
from llm_session_memory.insight.comparing.values import Kind
from llm_session_memory.insight.comparing.verdict import verdict
from llm_session_memory.reader.compared import Answer, Compared, Preferred, PromptRow, Side
from llm_session_memory.reader.entries import Relative
from llm_session_memory.reader.values import Judged
from tests.world.laws import PROFILE, tried

X = np.array([120, 95, 310, 80, 150, 205, 99, 130, 400, 75, 88, 160, 140, 115, 230, 101], dtype=float)
Y = np.array([100, 99, 250, 60, 160, 150, 90, 100, 420, 50, 80, 120, 150, 90, 200, 77], dtype=float)
"""Sixteen prompts, such as their output tokens by two models."""


def pairs(x: Iterable[float], y: Iterable[float]) -> list[Pair]:
    return [Pair(0, (float(a),), (float(b),)) for a, b in zip(x, y, strict=True)]


# -- against scipy and statsmodels -----------------------------------------------


@pytest.mark.parametrize("kind", ["ratio", "log", "difference"])
def test_the_bootstrap_is_that_of_scipy(kind: Kind) -> None:
    """An interval is scipy's BCa at the level that reaches as far as Student's t, but for what chance draws."""
    from scipy import stats

    statistic: dict[Kind, Callable[..., Any]] = {
        "ratio": lambda x, y, axis: y.mean(axis) / x.mean(axis),
        "log": lambda x, y, axis: np.exp((np.log(y) - np.log(x)).mean(axis)),
        "difference": lambda x, y, axis: (y - x).mean(axis),
    }
    level = 2 * stats.norm.cdf(drawing.tail_of(len(X))) - 1
    rng = np.random.default_rng(1)
    theirs = stats.bootstrap(
        (X, Y), statistic[kind], paired=True, vectorized=True, confidence_level=level, random_state=rng, method="BCa"
    ).confidence_interval
    found = examined(pairs(X, Y), kind)
    assert found.effect == pytest.approx(float(statistic[kind](X, Y, axis=0)))
    assert found.interval is not None
    width = theirs.high - theirs.low
    assert found.interval.low == pytest.approx(theirs.low, abs=0.04 * width)
    assert found.interval.high == pytest.approx(theirs.high, abs=0.04 * width)
    assert drawing.tail_of(10_000) == pytest.approx(stats.norm.ppf(0.975), abs=0.001)


@pytest.mark.parametrize("count", [8, 15])
def test_the_permutation_test_is_that_of_scipy(count: int) -> None:
    """The exact test gives scipy's probability; beyond 14 pairs that differ, nearly so."""
    from scipy import stats

    theirs = stats.permutation_test(
        (X[:count], Y[:count]), lambda x, y, axis: (y - x).mean(axis), permutation_type="samples", n_resamples=np.inf
    ).pvalue
    found = examined(pairs(X[:count], Y[:count]), "ratio")
    assert found.p == pytest.approx(theirs, rel=1e-9 if count < ENOUGH else 0.3)
    assert found.test == ("exact permutation" if count < ENOUGH else "permutation")


@pytest.mark.parametrize(("share", "df"), [(0.8, 1), (0.975, 9), (0.9995, 200)])
def test_the_tails_are_those_of_scipy(share: float, df: int) -> None:
    """Student's t is scipy's."""
    from scipy import stats

    assert drawing.t_of(share, df) == pytest.approx(stats.t.ppf(share, df), rel=1e-12)


@pytest.mark.parametrize(("less", "more"), [(0, 0), (1, 7), (4, 4), (12, 3)])
def test_shares_are_tested_as_by_statsmodels(less: int, more: int) -> None:
    """Thumbs are tested by McNemar's exact test."""
    from statsmodels.stats.contingency_tables import mcnemar as their_mcnemar

    differences = [-1] * less + [1] * more + [0] * 10
    table = [[5, less], [more, 5]]
    found = examined(pairs([float(d < 0) for d in differences], [float(d > 0) for d in differences]), "share")
    assert found.p == pytest.approx(their_mcnemar(table, exact=True).pvalue)
    assert found.effect == pytest.approx((more - less) / len(differences))


def test_repeated_answers_are_tested_as_by_scipy() -> None:
    """Answers to one prompt are two samples: the test is scipy's of their means."""
    from scipy import stats

    theirs = stats.permutation_test(
        (X[:6], Y[:5]), lambda x, y, axis: y.mean(axis) - x.mean(axis), vectorized=True, n_resamples=np.inf
    ).pvalue
    found = examined([Pair(0, tuple(X[:6]), tuple(Y[:5]))], "difference")
    assert (found.unit, found.units, found.test) == ("answer", 5, "exact permutation")
    p, _ = repeated.relabelled([X[:6]], [Y[:5]])
    assert found.p == p
    # scipy doubles the smaller tail, which is the same only if both samples have as many values
    equal = examined([Pair(0, tuple(X[:5]), tuple(Y[:5]))], "difference")
    again = stats.permutation_test(
        (X[:5], Y[:5]), lambda x, y, axis: y.mean(axis) - x.mean(axis), vectorized=True, n_resamples=np.inf
    ).pvalue
    assert equal.p == pytest.approx(again)
    assert p == pytest.approx(theirs, abs=0.1)


def test_holm_is_that_of_statsmodels() -> None:
    """Probabilities are adjusted as statsmodels does; one that is missing stays so and doesn't count."""
    from statsmodels.stats.multitest import multipletests

    ps = [0.04, 0.01, 0.03, 0.9, 0.011, 0.03]
    theirs = [float(p) for p in multipletests(ps, method="holm")[1]]
    assert holm([*ps[:2], None, *ps[2:]]) == [*map(pytest.approx, theirs[:2]), None, *map(pytest.approx, theirs[2:])]


@pytest.mark.parametrize("count", [8, 16])
def test_what_was_detectable_is_that_of_statsmodels(count: int) -> None:
    """The smallest difference is the one for which a paired t test has a power of 0.8, within a few percent."""
    from statsmodels.stats.power import TTestPower

    found = examined(pairs(X[:count], Y[:count]), "difference")
    size = TTestPower().solve_power(nobs=count, alpha=0.05, power=0.8)
    assert found.detectable == pytest.approx(size * (Y - X)[:count].std(ddof=1), rel=0.04)
    several = examined(pairs(X[:count], Y[:count]), "difference", comparisons=3).detectable
    assert several is not None
    assert several > (found.detectable or 0)


# -- what counts as independent --------------------------------------------------


@pytest.mark.parametrize(
    ("made", "unit"),
    [
        ([Pair(0, (1.0,), (2.0,))] * 20, "prompt"),
        ([Pair(n % 6, (1.0,), (2.0,)) for n in range(20)], "conversation"),
        ([Pair(n % 5, (1.0,), (2.0,)) for n in range(20)], "prompt"),
        ([Pair(n, (1.0,), (2.0,)) for n in range(20)], "prompt"),
        ([Pair(0, (1.0, 2.0), (2.0, 3.0))] * 5, "answer"),
        ([Pair(0, (1.0, 2.0), (2.0, 3.0))] * 6, "prompt"),
        ([Pair(0, (1.0, 2.0), (2.0,))] * 5, "prompt"),
    ],
)
def test_the_largest_units_count_of_which_there_are_enough(made: list[Pair], unit: str) -> None:
    """Conversations, then prompts, then answers: the first of which there are six."""
    assert unit_of(made) == unit


def test_an_interval_needs_fifteen_units() -> None:
    """With fewer there is an exact test and no interval; prompts of fifteen conversations are fifteen units."""
    assert examined(pairs(X[:14], Y[:14]), "ratio").interval is None
    assert examined(pairs(X[:15], Y[:15]), "ratio").interval is not None
    few = [Pair(n % 14, (a,), (b,)) for n, (a, b) in enumerate(zip(X, Y, strict=True))]
    assert (examined(few, "ratio").units, examined(few, "ratio").interval) == (14, None)


def test_the_same_values_give_the_same_figures() -> None:
    """Nothing depends on an earlier draw."""
    assert examined(pairs(X, Y), "ratio") == examined(pairs(X, Y), "ratio")


@tried(100, 30)
@given(
    st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1e6)), min_size=1, max_size=12),
    st.sampled_from(["ratio", "difference"]),
)
def test_any_values_can_be_compared(values: list[tuple[float, float]], kind: Kind) -> None:
    """Zeros, equal values and a single pair give no error, and a probability is one."""
    found = examined([Pair(0, (a,), (b,)) for a, b in values], kind)
    assert found.p is None or 0 < found.p <= 1
    assert found.effect is None or math.isfinite(found.effect)


@pytest.mark.parametrize(("units", "samples"), [(20, 9_999), (1_000, 4_000), (50_000, 1_999)])
def test_many_units_need_fewer_samples(units: int, samples: int) -> None:
    """A comparison of thousands of prompts takes seconds, because its samples are fewer."""
    assert drawing.draws(units) == samples


# -- by simulation ---------------------------------------------------------------

ROUNDS, SAMPLES = (200, 499) if PROFILE == "ci" else (100, 299)


def _covered(
    make: Callable[[np.random.Generator], list[Pair]], kind: Kind, truth: float, rounds: int = ROUNDS
) -> float:
    """Return the share of intervals that contain the truth."""
    rng = np.random.default_rng(5)
    found = [examined(make(rng), kind).interval for _ in range(rounds)]
    return sum(one is not None and one.low <= truth <= one.high for one in found) / rounds


def _prompts(count: int, spread: float = 0.4) -> Callable[[np.random.Generator], list[Pair]]:
    def make(rng: np.random.Generator) -> list[Pair]:
        base = rng.lognormal(5, 0.4, count)
        return pairs(base * rng.lognormal(0, spread, count), base * rng.lognormal(0, spread, count))

    return make


def _repeated(rng: np.random.Generator) -> list[Pair]:
    found = []
    for base, effect in zip(rng.lognormal(5, 0.5, 20), rng.lognormal(-0.045, 0.3, 20), strict=True):
        found.append(Pair(0, tuple(base * rng.lognormal(0, 0.5, 3)), tuple(base * effect * rng.lognormal(0, 0.5, 3))))
    return found


def _conversations(rng: np.random.Generator) -> list[Pair]:
    found = []
    for cluster, effect in enumerate(rng.lognormal(-0.125, 0.5, 20)):
        base = rng.lognormal(5, 0.4, 8)
        x, y = base * rng.lognormal(0, 0.2, 8), base * effect * rng.lognormal(0, 0.2, 8)
        found += [Pair(cluster, (float(a),), (float(b),)) for a, b in zip(x, y, strict=True)]
    return found


def _thumbs(rng: np.random.Generator) -> list[Pair]:
    luck = rng.random(20)
    return pairs((luck < 0.5).astype(float), ((luck > 0.2) & (luck < 0.8)).astype(float))


def _answers(rng: np.random.Generator) -> list[Pair]:
    return [Pair(0, tuple(rng.lognormal(5, 0.5, 15)), tuple(rng.lognormal(5, 0.5, 15)))]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "kind", "truth"),
    [
        pytest.param(_prompts(15), "ratio", 1.0, id="ratio"),
        pytest.param(_prompts(15), "log", 1.0, id="log"),
        pytest.param(_prompts(40), "difference", 0.0, id="difference"),
        pytest.param(_repeated, "ratio", 1.0, id="repeated"),
        pytest.param(_conversations, "ratio", 1.0, id="conversations"),
        pytest.param(_thumbs, "share", 0.1, id="share"),
        pytest.param(_answers, "ratio", 1.0, id="answers"),
    ],
)
def test_intervals_contain_the_truth(
    monkeypatch: pytest.MonkeyPatch, make: Callable[..., list[Pair]], kind: Kind, truth: float
) -> None:
    """Nearly as many intervals as promised contain the true effect, and not all of them."""
    monkeypatch.setattr(drawing, "RESAMPLES", SAMPLES)
    monkeypatch.setattr(repeated, "RESAMPLES", SAMPLES)
    assert 0.89 <= _covered(make, kind, truth) < 1


@pytest.mark.slow
def test_conversations_must_not_be_taken_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prompts of one conversation drawn one by one give intervals that promise too much."""
    monkeypatch.setattr(drawing, "RESAMPLES", SAMPLES)

    def apart(rng: np.random.Generator) -> list[Pair]:
        return [Pair(0, pair.first, pair.second) for pair in _conversations(rng)]

    assert _covered(apart, "ratio", 1.0, rounds=60) < 0.8


# -- in words --------------------------------------------------------------------


def compared(*rows: tuple[tuple[Answer, ...], ...], votes: tuple[Preferred, ...] = ()) -> Compared:
    names = ("work", "work-b", "work-c")
    sides = tuple(
        Side(letter, name, (Relative(name, name, ""),))
        for letter, name in zip("abc", names[: len(rows[0])], strict=False)
    )
    made = tuple(PromptRow(number, "Why?", 0, cells) for number, cells in enumerate(rows, 1))
    return Compared("session", "prompt", sides, made, votes)


def said(tokens: float | None = None, mark: str = "", *, seconds: float | None = None, reply: str = "So.") -> Answer:
    count = None if tokens is None else int(tokens)
    return Answer("t", "x", 1, "m", "Why?", reply, output_tokens=count, seconds=seconds, judged=Judged(mark))


FAILED = Answer("t", "x", None, "m", "Why?", error="Gone.")


def sentences(found: Compared) -> dict[str, str]:
    (one,) = verdict(found).comparisons
    return {figure.measure: figure.sentence for figure in one.figures}


def test_what_is_shown_is_said_with_its_evidence() -> None:
    """A sentence has the difference, both values, the interval and the probability."""
    found = compared(*(((said(20 * n + 20),), (said(9 * n + 20 + n % 3),)) for n in range(20)))
    assert sentences(found)["output_tokens"] == (
        "“work-b” used 49% fewer output tokens than “work” (mean 106 against 210;"
        " 95% interval -51% to -47%; p < 0.001)."
    )
    assert (
        verdict(found).comparisons[0].sentence == "Over 20 prompts, “work-b” used 49% fewer output tokens than “work”."
    )


def test_only_nothing_is_a_hundred_percent_less() -> None:
    """What is nearly a hundred percent less is not said to be nothing."""
    found = compared(*(((said(90_000 + n),), (said(6),)) for n in range(20)))
    assert "“work-b” used 99.9% fewer output tokens than “work”" in sentences(found)["output_tokens"]
    assert [percent(share) for share in (0.994, 0.996, 0.99999, 1.0)] == ["99%", "99.6%", "99.9%", "100%"]


def test_no_difference_shown_is_not_the_same() -> None:
    """Without a difference, the sentence says how large one would have had to be."""
    found = sentences(compared(*(((said(a),), (said(a + 9 * (-1) ** n),)) for n, a in enumerate(X))))["output_tokens"]
    assert found.startswith(
        "Output tokens: no difference shown. “work-b” used as many output tokens as “work” (mean 156"
    )
    assert found.endswith(
        "; that may be chance. With 16 prompts, a difference of 5% or more would probably have shown, a smaller one"
        " would not."
    )


def test_few_prompts_are_said_to_be_too_few() -> None:
    """Five prompts can't show anything, however large the difference; six can."""
    five = sentences(compared(*(((said(100 + n),), (said(10),)) for n in range(5))))
    assert five["output_tokens"].startswith(
        "Output tokens: too few to show a difference (5 prompts; at least 6 are needed). “work-b” used "
    )
    few = verdict(compared(*(((said(100 + n),), (said(10),)) for n in range(5)))).comparisons[0].sentence
    assert few == (
        "Over 5 prompts, no difference between “work” and “work-b” is shown: at least 6 prompts are needed for that."
    )
    repeated_ones = verdict(compared(((said(100), said(99), said(98)), (said(10), said(11), said(12)))))
    assert repeated_ones.comparisons[0].sentence.endswith("is shown: at least 4 answers a side are needed for that.")
    six = sentences(compared(*(((said(100 + n),), (said(10),)) for n in range(6))))
    assert "p = 0.031" in six["output_tokens"]


def test_equal_values_and_failures_have_their_words() -> None:
    """What is equal is called so; failures are counted by prompt, and a failed prompt has no other value."""
    found = sentences(compared(((said(5),), (said(5),)), ((said(5),), (FAILED,))))
    assert found["output_tokens"] == "Output tokens: equal for 1 prompt."
    assert "“work-b” failed for 50% of 2 prompts, “work” for 0%" in found["failures"]


def test_thumbs_and_stars_are_not_mixed() -> None:
    """Stars alone are compared as stars; with a thumb among them, as good or bad, and 3 stars are neither."""
    stars = verdict(compared(((said(mark="3"),), (said(mark="5"),)))).comparisons[0].figures
    assert [figure.measure for figure in stars if figure.measure in ("stars", "thumbs")] == ["stars"]
    both = compared(((said(mark="up"),), (said(mark="2"),)), ((said(mark="4"),), (said(mark="3"),)))
    thumbs = next(figure for figure in verdict(both).comparisons[0].figures if figure.measure == "thumbs")
    assert (thumbs.pairs, thumbs.wins, thumbs.losses) == (1, 0, 1)


def test_votes_count_for_the_side_that_was_found_better() -> None:
    """Seven votes for one side show that it is preferred."""
    rows = [((said(),), (said(),)) for _ in range(7)]
    found = compared(*rows, votes=tuple(Preferred(n + 1, 0, 1, 1) for n in range(7)))
    votes = verdict(found).comparisons[0].figures[0]
    assert (votes.measure, votes.wins, votes.equal, votes.shown) == ("votes", 7, 0, True)
    assert votes.p == pytest.approx(2 / 128)


def test_several_sides_are_compared_with_each_other() -> None:
    """Three sides are three pairs, whose probabilities allow for that."""
    found = verdict(compared(*(((said(100 + n),), (said(10),), (said(10 + n % 2),)) for n in range(7))))
    assert [(one.first, one.second) for one in found.comparisons] == [(0, 1), (0, 2), (1, 2)]
    first = next(figure for figure in found.comparisons[0].figures if figure.measure == "output_tokens")
    assert (first.p, first.adjusted) == (2 / 128, 6 / 128)
    assert found.notes[-1].startswith("3 pairs are compared.")


def test_without_the_extra_there_are_counts_and_means(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without numpy or scipy nothing is tested, and the note says what to install."""
    there = importlib.util.find_spec
    monkeypatch.setattr(
        "llm_session_memory.insight.comparing.verdict.find_spec", lambda name: None if name == "scipy" else there(name)
    )
    found = verdict(compared(*(((said(20),), (said(10),)) for _ in range(20))))
    tokens = next(figure for figure in found.comparisons[0].figures if figure.measure == "output_tokens")
    assert (tokens.less, tokens.effect, tokens.p, tokens.shown) == (20, 0.5, None, False)
    assert tokens.sentence == "“work-b” used 50% fewer output tokens than “work” (mean 10 against 20)."
    assert found.comparisons[0].sentence == "“work” and “work-b” have 20 prompts in common."
    assert "llm install 'llm-session-memory[compare]'" in found.notes[0]


def test_a_comparison_is_plain_values() -> None:
    """For programs, a vote and a win are said by the letters of the sides."""
    found = compared(((said(1),), (said(2),)), votes=(Preferred(1, 0, 1, -1, blind=True),))
    fields = as_fields(found, verdict(found), texts=False)
    assert fields["votes"] == [{"prompt": 1, "between": ["a", "b"], "better": "a", "blind": True}]
    assert "reply" not in fields["prompts"][0]["answers"]["a"][0]


@tried(50, 10)
@given(st.text(max_size=30), st.text(max_size=30))
def test_similarity_is_a_share(one: str, other: str) -> None:
    """It is between 0 and 1, the same both ways, and 1 for a text with itself."""
    assert 0 <= similarity(one, other) == similarity(other, one) <= 1
    assert similarity(one, one) == 1


@pytest.mark.parametrize(
    ("one", "other", "share"),
    [
        ("The deadline is 4 May.", "the DEADLINE is May 4", 1.0),
        ("a b c", "a x y z", 2 / 7),
        ("橋は川", "橋は海", 2 / 3),
        ("", "!", 0.0),
    ],
)
def test_similarity_counts_words_that_both_have(one: str, other: str, share: float) -> None:
    """Case, order and punctuation don't count; scripts without spaces are compared by characters."""
    assert similarity(one, other) == pytest.approx(share)


def test_nothing_in_common_is_said() -> None:
    """Sides without a prompt in common have no figures."""
    found = verdict(compared(((said(1),), ()), ((), (said(2),))))
    assert found.comparisons[0].sentence == "“work-b” and “work” have no prompt in common."
    assert found.comparisons[0].figures == ()
    assert found.notes[0] == "Only “work” has 1 more prompt, which is not compared."
