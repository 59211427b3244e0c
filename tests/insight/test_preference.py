"""What votes say about models: counts by prompt, exact tests, and strengths with their intervals.

scipy is imported where it is needed (see test_comparing).
"""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
import pytest

from llm_session_memory.insight import strengths
from llm_session_memory.insight.duels import holm, prompts_needed, sign_test, wins_needed
from llm_session_memory.insight.preference import Preference, preference, sentences
from llm_session_memory.insight.strengths import strengths_of
from llm_session_memory.model.votes import CastVote, Vote
from tests.world.laws import PROFILE


def _vote(prompt: str, a: str, b: str, better: str, *, again: int = 0, blind: bool = True) -> CastVote:  # noqa: PLR0913  what a vote is
    """A vote on the answers of two models to a prompt; `again` counts the times that it was asked."""
    vote = Vote(f"{prompt}{a}{again}", f"{prompt}{b}{again}", better, blind, "2026-11-28")  # type: ignore[arg-type]
    return CastVote(vote, a, b, "ta", "tb", prompt, prompt)


def _of(*results: str, a: str = "fox", b: str = "owl", first: int = 0) -> list[CastVote]:
    """A vote on each of several prompts: the letters of `results`."""
    return [_vote(f"p{first + number}", a, b, better) for number, better in enumerate("".join(results))]


@pytest.mark.parametrize(("wins", "losses"), [(0, 0), (1, 0), (6, 0), (9, 3), (5, 5), (40, 22)])
def test_the_exact_test_is_scipys(wins: int, losses: int) -> None:
    """The sign test is a binomial test with one half."""
    from scipy import stats

    there = wins + losses
    assert sign_test(wins, losses) == pytest.approx(stats.binomtest(wins, there).pvalue if there else 1.0)


def test_the_wins_that_show_a_difference() -> None:
    """The number named is enough, and one less is not; under six prompts none is."""
    assert prompts_needed() == 6
    assert [wins_needed(number) for number in (5, 6, 20)] == [None, 6, 15]
    for number, duels in ((17, 1), (40, 3), (100, 6)):
        least = wins_needed(number, duels)
        assert least is not None
        assert sign_test(least, number - least) * duels <= 0.05 < sign_test(least - 1, number - least + 1) * duels


def test_the_probabilities_of_several_duels_are_corrected_together() -> None:
    """Holm: the least of five counts five times, the next four times; none is less than one before it."""
    assert holm([0.04, 0.001, 0.3, 0.02, 0.3]) == pytest.approx([0.12, 0.005, 0.6, 0.08, 0.6])
    assert holm([]) == []


def test_the_interval_of_two_models_is_jeffreys() -> None:
    """For two models, share and interval are those of the beta distribution with half a vote for each side."""
    from scipy import stats

    for wins, losses in ((4, 0), (9, 3), (40, 22)):
        (share, low, high, best), _ = strengths_of([[0, wins + 0.5], [losses + 0.5, 0]])
        exact = stats.beta(wins + 0.5, losses + 0.5)
        assert share == pytest.approx((wins + 0.5) / (wins + losses + 1))
        assert (low, high) == pytest.approx(exact.interval(0.95), abs=0.01)
        assert best == pytest.approx(exact.sf(0.5), abs=0.01)


def test_the_strengths_are_the_most_likely_ones() -> None:
    """The shares of three models are those of the maximum of the likelihood, found by scipy's optimiser."""
    from scipy.optimize import minimize

    won = np.array([[0, 8.5, 6.5], [3.5, 0, 7.5], [1.5, 2.5, 0]])

    def unlikely(free: list[float]) -> float:
        logs = np.array([*free, 0.0])
        return float((won * np.log1p(np.exp(logs[None, :] - logs[:, None]))).sum())

    logs = np.array([*minimize(unlikely, [0.0, 0.0], tol=1e-12).x, 0.0])
    chances = 1 / (1 + np.exp(logs[None, :] - logs[:, None]))
    shares = [(chances[one].sum() - 0.5) / 2 for one in range(3)]
    assert [share for share, *_ in strengths_of(won.tolist())] == pytest.approx(shares, abs=1e-4)


def test_a_clear_preference_is_shown_and_a_close_one_is_not() -> None:
    """The sentence has the counts, the exact probability, and what it would take if no difference is shown."""
    clear = preference(_of("a" * 9, "b", "=="))
    fox, owl = clear.models
    assert (fox.model, fox.wins, fox.ties, fox.losses, owl.wins) == ("fox", 9, 2, 1, 1)
    assert fox.share is not None
    assert owl.share == pytest.approx(1 - fox.share)
    assert sentences(clear) == [
        "fox was preferred to owl on 9 of 10 prompts, and 2 ties: a difference is shown (exact p = 0.021)."
    ]
    assert sentences(preference(_of("aaaaaabbbb"))) == [
        (
            "fox was preferred to owl on 6 of 10 prompts: no difference is shown (exact p = 0.75). There may still be"
            " one: of 10 prompts, a model has to win 9 to show it."
        )
    ]
    assert sentences(preference(_of("aaa"))) == [
        "fox was preferred to owl on 3 of 3 prompts: too few to show a difference. It takes 6 that the same model wins."
    ]


def test_what_was_seen_twice_is_said_once() -> None:
    """Five votes on repeats of one prompt are one: they say how this prompt is answered, not how prompts are."""
    repeats = [_vote("p", "fox", "owl", better, again=again) for again, better in enumerate("aaaba")]
    found = preference(repeats)
    assert (found.votes, found.prompts) == (5, 1)
    (duel,) = found.duels
    assert (duel.wins, duel.ties, duel.losses) == (1, 0, 0)
    share = found.models[0].share
    assert share == pytest.approx((Fraction(4, 5) + Fraction(1, 2)) / 2)


def test_votes_that_can_not_be_compared_are_named() -> None:
    """Models that no votes connect, votes on one model's own answers or on lost ones, and votes that were not blind."""
    lost = CastVote(Vote("x", "y", "a", True, ""), None, "owl", None, None, None, None)
    own = _vote("q", "fox", "fox", "a", blind=False)
    apart = [_vote("r", "bee", "elk", "=", blind=False)]
    found = preference([*_of("ab"), lost, own, *apart])
    assert (found.votes, found.same, found.lost, found.blind) == (3, 1, 1, 2)
    assert {one.model: one.place for one in found.models} == {"bee": 0, "elk": 0, "fox": 1, "owl": 1}
    told = sentences(found)
    assert "No votes connect these sets of models, so they can't be compared with each other: bee, elk; fox, owl." in (
        told
    )
    assert "1 vote of 3 was not blind: whoever voted knew the models." in told
    assert "bee and elk: only ties (1 prompt), so no difference is shown." in told


def test_no_votes_say_nothing() -> None:
    """There is nothing to estimate, and no sentence."""
    assert preference([]) == Preference((), (), 0, 0, 0)
    assert sentences(preference([])) == []


@pytest.mark.slow
@pytest.mark.parametrize(("models", "prompts"), [(2, 5), (3, 6), (3, 30), (5, 12)])
def test_intervals_contain_the_truth_as_often_as_they_say(
    monkeypatch: pytest.MonkeyPatch, models: int, prompts: int
) -> None:
    """Among simulated people who order all answers, 95 % intervals contain the true share in 92 % of cases or more."""
    if PROFILE != "ci":
        monkeypatch.setattr(strengths, "_DRAWS", 2_000)  # the ends are then right to two percent
    rng = np.random.default_rng(models * 100 + prompts)
    names = [chr(ord("a") + number) for number in range(models)]
    inside = total = 0
    for _ in range(60 if PROFILE == "ci" else 40):
        logs = rng.normal(0, 0.8, models)
        chances = 1 / (1 + np.exp(logs[None, :] - logs[:, None]))
        truth = dict(zip(names, (chances.sum(axis=1) - 0.5) / (models - 1), strict=True))
        votes = []
        for number in range(prompts):
            liked = logs + rng.gumbel(size=models)
            for one in range(models):
                for other in range(one + 1, models):
                    better = "a" if liked[one] > liked[other] else "b"
                    votes.append(_vote(f"p{number}", names[one], names[other], better))
        for found in preference(votes).models:
            assert found.low is not None
            assert found.high is not None
            inside += found.low <= truth[found.model] <= found.high
            total += 1
    assert inside / total >= 0.92


def test_the_order_of_the_votes_does_not_matter() -> None:
    """The same votes always say the same, to the last digit: nothing is drawn anew."""
    votes = [*_of("aabab="), *_of("bb", a="owl", b="ant", first=10)]
    shuffled = random.Random(1).sample(votes, len(votes))
    assert preference(shuffled).duels == preference(votes).duels
    for one, other in zip(preference(shuffled).models, preference(votes).models, strict=True):
        assert one.model == other.model
        assert (one.share, one.low, one.high) == pytest.approx((other.share, other.low, other.high))
