"""Two models and the prompts on which people preferred one of them: an exact test, and what it shows in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice

from ..rules.words import counted

LEVEL = 0.05
"""A difference is shown if chance alone would give one as large with at most this probability."""


@dataclass(frozen=True)
class Duel:
    """Two models and how many prompts were decided for each, with the exact test of whether one is preferred.

    `ties` are the prompts on which they were equally good. `p` is the two-sided probability of such a result if
    neither is preferred (a sign test; ties say nothing), `adjusted` the same after Holm's correction for all duels.
    `needed` is how many of the decided prompts one model would have to win to show a difference; None if even all
    would be too few.
    """

    a: str
    b: str
    wins: int
    ties: int
    losses: int
    p: float
    adjusted: float
    needed: int | None

    @property
    def decided(self) -> int:
        """How many prompts were decided for one of the two."""
        return self.wins + self.losses


def duel_of(pair: tuple[str, str], result: Sequence[int], p: float, adjusted: float, duels: int) -> Duel:
    """Return a duel with these wins, ties and losses, and its probabilities; `duels` is how many there are in all."""
    wins, ties, losses = result
    return Duel(*pair, wins, ties, losses, p, adjusted, wins_needed(wins + losses, duels))


def sign_test(wins: int, losses: int) -> float:
    """Return the exact two-sided probability of a result at least as one-sided if both are equally likely to win."""
    number = wins + losses
    tail = sum(islice(_ways(number), min(wins, losses) + 1))
    return min(1.0, float(Fraction(2 * tail, 2**number)))


def holm(chances: Sequence[float]) -> list[float]:
    """Return probabilities after Holm's correction for their number (Scandinavian Journal of Statistics 6, 1979)."""
    order = sorted(range(len(chances)), key=lambda place: chances[place])
    found = [1.0] * len(chances)
    most = 0.0
    for rank, place in enumerate(order):
        most = max(most, min(1.0, chances[place] * (len(chances) - rank)))
        found[place] = most
    return found


def wins_needed(decided: int, duels: int = 1) -> int | None:
    """Return how many of the decided prompts one side must win to show a difference; None if all are too few.

    If there are several duels, it is the number that is enough whatever the results of the others are.
    """
    level = Fraction(LEVEL).limit_denominator(1000)
    most = 2**decided * level.numerator // (2 * duels * level.denominator)
    lost = tail = 0
    for ways in _ways(decided):
        tail += ways
        if tail > most:
            break
        lost += 1
    return decided - lost + 1 if lost else None


def _ways(number: int) -> Iterator[int]:
    """Yield in how many ways 0, 1, 2 ... of this number can be chosen."""
    ways = 1
    for chosen in range(number + 1):
        yield ways
        ways = ways * (number - chosen) // (chosen + 1)


def prompts_needed(duels: int = 1) -> int:
    """Return the fewest prompts that can show a difference, if the same model wins all of them."""
    number = 1
    while sign_test(number, 0) * duels > LEVEL:
        number += 1
    return number


def in_words(duel: Duel, duels: int) -> str:
    """Return what the votes on two models show, or why they show nothing. `duels` is how many there are in all."""
    ties = f", and {'1 tie' if duel.ties == 1 else f'{duel.ties:,} ties'}" if duel.ties else ""
    won = max(duel.wins, duel.losses)
    ahead, behind = (duel.a, duel.b) if duel.wins >= duel.losses else (duel.b, duel.a)
    prompts = counted(duel.decided, "prompt")
    if not duel.decided:
        return f"{duel.a} and {duel.b}: only ties ({counted(duel.ties, 'prompt')}), so no difference is shown."
    result = f"{ahead} was preferred to {behind} on {won:,} of {prompts}{ties}"
    if duel.wins == duel.losses:
        result = f"{duel.a} and {duel.b} were each preferred on {won:,} of {prompts}{ties}"
    chance = chance_in_words(duel.adjusted)
    if duel.adjusted <= LEVEL:
        return f"{result}: a difference is shown (exact p = {chance})."
    if duel.needed is None:
        return f"{result}: too few to show a difference. It takes {prompts_needed(duels)} that the same model wins."
    return (
        f"{result}: no difference is shown (exact p = {chance}). There may still be one: of {prompts}, a model has to"
        f" win {duel.needed:,} to show it."
    )


def chance_in_words(p: float) -> str:
    """Return a probability with two digits, never as nought."""
    return "less than 0.001" if p < 0.001 else f"{p:.2g}" if p < 0.995 else "1"  # noqa: PLR2004  what is readable
