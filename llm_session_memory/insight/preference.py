"""Which models people prefer: their votes, counted, tested exactly, and as strengths of the Bradley-Terry model.

Pure. Votes are about answers, and some of them say the same thing again. So they are counted by prompt:

- Votes on the same two models for the same prompt after the same history (repeats, or several people) count as one. It
  is divided in the proportion of those votes.
- An order of k answers gives k (k - 1) / 2 votes, but only k - 1 of them are independent. In the Bradley-Terry model,
  each vote on such a prompt has the weight 2 / k. Without it, intervals would be too narrow.
- If two answers are equally good, each wins half.

The strengths are those of Bradley and Terry (Biometrika 39, 1952): a model of strength s is preferred to one of
strength t with probability s / (s + t). Half a vote for each side is added to each pair of models that was voted on, as
Jeffreys' prior does for a proportion. So a model that was always preferred has a finite strength, and for two models
the interval is Jeffreys' (Brown, Cai and DasGupta, Statistical Science 16, 2001), which is right for few votes too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from ..model.votes import CastVote
from ..rules.words import counted
from .duels import Duel, duel_of, holm, in_words, sign_test
from .strengths import Matrix, strengths_of


@dataclass(frozen=True)
class Strength:
    """How much a model is preferred.

    `share` is the estimated probability that it is preferred to one of the other models, each of which is as likely to
    be the other one; `low` and `high` are the ends of its 95% interval. `best` is the probability that no other model
    is preferred to it. All four are None if they were not estimated. `wins`, `ties` and `losses` count prompts, once
    for each other model. `place` tells models that votes connect from others: only those with the same place can be
    compared.
    """

    model: str
    wins: int
    ties: int
    losses: int
    place: int
    share: float | None = None
    low: float | None = None
    high: float | None = None
    best: float | None = None


@dataclass(frozen=True)
class Preference:
    """What the votes say: the models, the most preferred one first, and each pair of them that was voted on.

    `votes` is how many votes were counted, `prompts` how many different prompts they are about, and `blind` how many
    were given without knowing the models. `same` is how many were about two answers of one model, and `lost` how many
    about an answer that is gone; they are not counted.
    """

    models: tuple[Strength, ...]
    duels: tuple[Duel, ...]
    votes: int
    prompts: int
    blind: int
    same: int = 0
    lost: int = 0


def preference(votes: Sequence[CastVote], *, strengths: bool = True) -> Preference:
    """Return what votes say about models. Without `strengths`, only counts and exact tests, which need no library.

    Raises SessionError if the libraries of the extra `compare` are missing.
    """
    known = [one for one in votes if one.a_model is not None and one.b_model is not None]
    used = [one for one in known if one.a_model != one.b_model]
    shares = _by_prompt(used)
    duels = _duels(shares)
    places = _connected(duels)
    names = sorted(places, key=lambda name: (places[name], name))
    models = [_counted(name, places[name], duels) for name in names]
    if strengths:
        models = _estimated(models, shares)
    models.sort(key=lambda one: (one.place, -(one.share or 0.0), -(one.wins - one.losses), one.model))
    blind = sum(one.vote.blind for one in used)
    return Preference(
        tuple(models), duels, len(used), len(shares), blind, len(known) - len(used), len(votes) - len(known)
    )


# -- counting ----------------------------------------------------------

_Pair = tuple[str, str]
"""Two models, in the order of their names."""

_Shares = Mapping[_Pair, Fraction]
"""For one prompt: the part of the vote on each pair of models that went to the first of the two."""


def _by_prompt(votes: Iterable[CastVote]) -> list[_Shares]:
    """Return the votes of each prompt, those on the same two models together."""
    groups = _Groups()
    for one in votes:
        groups.join(_prompt(one.vote.a_turn_id, one.a_sent), _prompt(one.vote.b_turn_id, one.b_sent))
        groups.join(one.vote.a_turn_id, _prompt(one.vote.a_turn_id, one.a_sent))
        groups.join(one.vote.b_turn_id, _prompt(one.vote.b_turn_id, one.b_sent))
    found: dict[str, dict[_Pair, list[Fraction]]] = defaultdict(lambda: defaultdict(list))
    for one in votes:
        pair, won = _won(one)
        found[groups.of(one.vote.a_turn_id)][pair].append(won)
    return [{pair: Fraction(sum(won), len(won)) for pair, won in each.items()} for each in found.values()]


def _prompt(turn_id: str, sent: str | None) -> str:
    """Return what tells a prompt, with its history, from others: llm's hash of what was sent, if there is one."""
    return turn_id if sent is None else f"sent {sent}"


def _won(one: CastVote) -> tuple[_Pair, Fraction]:
    """Return the models of a vote in the order of their names, and the part of it that the first one won."""
    assert one.a_model is not None
    assert one.b_model is not None
    won = {"a": Fraction(1), "b": Fraction(0)}.get(one.vote.better, Fraction(1, 2))
    if one.a_model < one.b_model:
        return (one.a_model, one.b_model), won
    return (one.b_model, one.a_model), 1 - won


class _Groups:
    """Things that belong together, directly or through others."""

    def __init__(self) -> None:
        self._parents: dict[str, str] = {}

    def of(self, one: str) -> str:
        """Return the thing that stands for the group of this one."""
        parent = self._parents.setdefault(one, one)
        while parent != self._parents[parent]:
            parent = self._parents[parent] = self._parents[self._parents[parent]]
        self._parents[one] = parent
        return parent

    def join(self, one: str, other: str) -> None:
        """Put two groups together."""
        self._parents[self.of(one)] = self.of(other)


def _duels(shares: Iterable[_Shares]) -> tuple[Duel, ...]:
    """Return each pair of models with its counts and its exact test."""
    results: dict[_Pair, list[int]] = defaultdict(lambda: [0, 0, 0])
    half = Fraction(1, 2)
    for prompt in shares:
        for pair, won in prompt.items():
            results[pair][0 if won > half else 2 if won < half else 1] += 1
    pairs = sorted(results)
    chances = [sign_test(results[pair][0], results[pair][2]) for pair in pairs]
    adjusted = holm(chances)
    return tuple(
        duel_of(pair, results[pair], p, corrected, len(pairs))
        for pair, p, corrected in zip(pairs, chances, adjusted, strict=True)
    )


def _connected(duels: Iterable[Duel]) -> dict[str, int]:
    """Return a number for each model: the same for models that votes connect. The largest set of models is 0."""
    groups = _Groups()
    for duel in duels:
        groups.join(duel.a, duel.b)
    names = sorted({name for duel in duels for name in (duel.a, duel.b)})
    sets: dict[str, list[str]] = defaultdict(list)
    for name in names:
        sets[groups.of(name)].append(name)
    ordered = sorted(sets.values(), key=lambda some: (-len(some), some))
    return {name: place for place, some in enumerate(ordered) for name in some}


def _counted(name: str, place: int, duels: Iterable[Duel]) -> Strength:
    mine = [one for one in duels if name in (one.a, one.b)]
    wins = sum(one.wins if one.a == name else one.losses for one in mine)
    losses = sum(one.losses if one.a == name else one.wins for one in mine)
    return Strength(name, wins, sum(one.ties for one in mine), losses, place)


# -- strengths ---------------------------------------------------------


def _estimated(models: Sequence[Strength], shares: Iterable[_Shares]) -> list[Strength]:
    """Return the models with their strengths, each set of connected models by itself."""
    weighted = [*shares]
    found: list[Strength] = []
    for place in sorted({one.place for one in models}):
        some = [one for one in models if one.place == place]
        won = _matrix([one.model for one in some], weighted)
        for one, (share, low, high, best) in zip(some, strengths_of(won), strict=True):
            found.append(Strength(one.model, one.wins, one.ties, one.losses, place, share, low, high, best))
    return found


def _matrix(names: Sequence[str], shares: Iterable[_Shares]) -> Matrix:
    """Return how often each model (row) was preferred to each other one, with half a vote for each side of a pair."""
    place = {name: number for number, name in enumerate(names)}
    won = [[0.0] * len(names) for _ in names]
    voted: set[tuple[int, int]] = set()
    for prompt in shares:
        pairs = {(place[a], place[b]): float(part) for (a, b), part in prompt.items() if a in place}
        if not pairs:
            continue
        weight = (len({one for pair in pairs for one in pair}) - 1) / len(pairs)
        for (a, b), part in pairs.items():
            won[a][b] += weight * part
            won[b][a] += weight * (1 - part)
        voted.update(pairs)
    for a, b in voted:
        won[a][b] += 0.5
        won[b][a] += 0.5
    return won


# -- in words ----------------------------------------------------------


def sentences(found: Preference) -> list[str]:
    """Return what the votes show and what they can't show, a sentence or two for each pair of models."""
    told = [in_words(duel, len(found.duels)) for duel in found.duels]
    places = {one.place for one in found.models}
    if len(places) > 1:
        sets = "; ".join(", ".join(one.model for one in found.models if one.place == place) for place in sorted(places))
        told.append(f"No votes connect these sets of models, so they can't be compared with each other: {sets}.")
    seeing = found.votes - found.blind
    if seeing:
        told.append(
            f"{counted(seeing, 'vote')} of {found.votes:,} {'was' if seeing == 1 else 'were'} not blind: whoever voted"
            " knew the models."
        )
    return told
