"""Ranking older exchanges for a prompt: which of their passages are worth sending again.

Pure. The input is what was found, as numbers (which passage contains which words of the prompt). The output is the
passages that are worth their tokens, best first, with the words that found them. Reading, indexing and fencing happen
elsewhere.

The ranking has five parts, each measured (benchmarks/README.md):

1. A passage's strength is the rarity of the prompt's words in it. Rarity is BM25's idf (Robertson and Spärck Jones
   1976, in Lucene's form that is never negative), counted within the session. In a passage of 150 tokens, the number
   of times that a word occurs adds no information. Passages that contain more of the prompt's words at once are
   preferred.
2. The neighbours of a match are often what was meant, because an answer rarely repeats the words of its question. A
   long text that went with a prompt is about many things, so only its own passages that match count.
3. Long messages match by chance, and the budget is spent by length, so scores are divided by the square root of the
   length.
4. Text that the user wrote counts a little more.
5. A time that the prompt names (see `times`) is one more thing that a passage can have, with its rarity.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from heapq import nlargest
from typing import NamedTuple

from ..model import Side
from ..model.frozen import dataclass

COVERAGE_POWER = 0.3
"""Passages with more of the words count more: their rarity is multiplied by (their share of all rarity) ** 0.3."""

LENT = (0.5, 0.2)
"""The shares of its strength that a message lends to the messages one step and two steps away, in both directions."""

USER_WEIGHT = 1.2
LENGTH_POWER = 0.5
LABEL_TOKENS = 8.0
"""The tokens of the label on each excerpt: exchange, date, speaker."""

NEAREST_WEIGHT = 0.5
"""The weight of the passage nearest in meaning, relative to the best passage found by words."""

THRESHOLD = 0.15
"""The least strength that is recalled; see `Match.strength` for its unit."""

BEYOND_WEIGHT = 0.4
BEYOND_LEAST = 0.5
"""Excerpts of other sessions count less than the session's own, and weak ones are not recalled at all: there are many
more of them, so more of them match by chance. Measured: see benchmarks/README.md."""

MOST_EXCERPTS = 120
"""The most excerpts for one prompt: more would hide the important ones, and llm's writer looks for each of them in all
of the text."""

COMMON = 1_000
"""A word that occurs in more passages of a session than this says nothing, unless the prompt has no other words."""

MOST_MATCHES = 800
"""The most passages that are examined closely; in a longer session, the strongest ones."""

MOST_WORDS_TOLD = 4
"""The most words that are shown and kept with an excerpt that they found: the rarest ones."""

SIMILAR = "similar in meaning"
"""What is told, after words and times, of an excerpt that is near enough in meaning to be recalled for that alone."""

_SAME_STEM = 3
"""Two forms of one word share at least this many letters at their beginning."""


class Passage(NamedTuple):
    """A stretch of an older message, as the index knows it.

    `number` is the number of its exchange, `part` its position in its message, from 0. `tokens` is its cost as an
    excerpt, `message_tokens` the weight of the whole message. A tuple, because a question makes thousands of them.
    """

    id: int
    number: int
    side: Side
    part: int
    tokens: int
    message_tokens: float


@dataclass(frozen=True)
class Match:
    """The words of the prompt found in one passage, rarest first, and how much that says.

    `times` are the times that the prompt names, if the passage is of them.

    `strength` is 1 if, by chance alone, these words would occur together in about one passage of the session. It is the
    sum of their rarities, ln(passages / passages with the word), divided by ln(passages), so it can be compared between
    sessions of any length.
    """

    words: tuple[str, ...]
    strength: float
    times: tuple[str, ...] = ()


class Excerpt(NamedTuple):
    """A passage worth sending. `score` ranks it; `strength`, its own plus what was lent to it, is for the threshold."""

    passage: Passage
    score: float
    strength: float
    words: tuple[str, ...] = ()


def weigh(hits: Mapping[str, Collection[int]], passages: int) -> dict[str, float]:
    """Return the rarity of each word that was found: BM25's idf within a session of this many passages.

    Forms of one word (which the index finds in exactly the same passages) count once.
    """
    weights: dict[str, float] = {}
    seen: dict[tuple[str, int], list[Collection[int]]] = defaultdict(list)
    for word, found in hits.items():
        if not found:
            continue
        alike = seen[word[:_SAME_STEM], len(found)]
        if any(set(found) == set(other) for other in alike):
            continue
        alike.append(found)
        weights[word] = math.log1p((max(passages, len(found)) - len(found) + 0.5) / (len(found) + 0.5))
    return weights


def match(
    hits: Mapping[str, Collection[int]],
    passages: int,
    most: int = MOST_MATCHES,
    *,
    times: Mapping[str, Collection[int]] | None = None,
    asking: bool = False,
) -> dict[int, Match]:
    """Return the match in each passage, by id: the `most` strongest, the newer first among equals.

    A time is as rare as the passages of that time. It counts only in passages that have a word of the prompt too, or,
    if there is none and the prompt is `asking`, in all of them: naming a day in passing doesn't ask for all of it.
    Whoever asks only for a time wants what was said then, even if that is all of the session and so not rare.

    Args:
        hits: for each word of the prompt, the ids of the passages that contain it; ids grow with time
        passages: the number of passages in the session
        most: the most matches to return
        times: for each time that the prompt names, the ids of the passages that were said then
        asking: whether the prompt asks for something
    """
    weights = weigh(hits, passages)
    held: dict[int, float] = defaultdict(float)
    for word in sorted(weights):  # so that sums do not depend on the order of the words
        weight = weights[word]
        for id_ in hits[word]:
            held[id_] += weight
    then: dict[str, float] = weigh(times, passages) if times else {}
    for time, within in _counted(times or {}, frozenset(held), asking=asking):
        for id_ in within:
            held[id_] += then.get(time, 0.0)
    strongest = nlargest(most, ((weight, id_) for id_, weight in held.items()))
    words: dict[int, list[str]] = {id_: [] for _, id_ in strongest}
    for word in sorted(weights, key=lambda word: (-weights[word], word)):
        for id_ in words.keys() & hits[word]:
            words[id_].append(word)
    everything = sum(weights.values()) + sum(then.values())
    unit = math.log1p(passages)
    least = THRESHOLD if asking and not weights else 0.0
    return {
        id_: Match(
            tuple(words[id_]),
            max(least, weight * (weight / everything) ** COVERAGE_POWER / unit),
            tuple(time for time in then if id_ in (times or {})[time]),
        )
        for weight, id_ in strongest
    }


def _counted(
    times: Mapping[str, Collection[int]], worded: frozenset[int], *, asking: bool
) -> Iterator[tuple[str, Collection[int]]]:
    """Yield the passages of each time in which it counts."""
    for time, within in sorted(times.items()):
        both = worded.intersection(within)
        yield time, within if asking and not both else both


def rank(
    passages: Iterable[Passage],
    matches: Mapping[int, Match],
    nearest: Mapping[int, float] | None = None,
    threshold: float = THRESHOLD,
) -> list[Excerpt]:
    """Return the passages worth sending, best first, the newer first among equals.

    `passages` are those that matched and their neighbours up to two messages away; others make no difference. `nearest`
    are the cosine similarities of the passages nearest in meaning, if there is an embedding model. A passage that stays
    below `threshold`, including what was lent to it, is not worth its tokens.
    """
    near = _near(nearest or {}, matches)
    found = list(passages)
    strengths = [(matches[p.id].strength if p.id in matches else 0.0) + near.get(p.id, 0.0) for p in found]
    own: dict[int, float] = {}  # of messages, by their place in the conversation: prompts are even, answers odd
    steps = [2 * p.number + (p.side not in ("prompt", "fragment")) for p in found]
    for step, strength in zip(steps, strengths, strict=True):
        if strength > own.get(step, 0.0):
            own[step] = strength
    lent = {step: _lent(own, step) for step in {*steps}}
    ranked: list[Excerpt] = []
    for passage, step, strength in zip(found, steps, strengths, strict=True):
        whole = strength + (lent[step] if passage.side != "fragment" else 0.0)
        if whole >= threshold:
            words = _words(matches.get(passage.id), similar=near.get(passage.id, 0.0) >= threshold)
            ranked.append(Excerpt(passage, _score(passage, whole), whole, words))
    return sorted(ranked, key=_order)


def _near(nearest: Mapping[int, float], matches: Mapping[int, Match]) -> dict[int, float]:
    """Return the strengths of the passages nearest in meaning: zero for the last of them, the most for the first."""
    if not nearest:
        return {}
    best = max((found.strength for found in matches.values()), default=0.0)
    most = NEAREST_WEIGHT * max(best, 1.0)
    low, high = min(nearest.values()), max(nearest.values())
    width = (high - low) or 1.0
    return {id_: most * (similarity - low) / width for id_, similarity in nearest.items()}


def _lent(own: Mapping[int, float], step: int) -> float:
    one, two = LENT
    return one * (own.get(step - 1, 0.0) + own.get(step + 1, 0.0)) + two * (
        own.get(step - 2, 0.0) + own.get(step + 2, 0.0)
    )


def _score(passage: Passage, strength: float) -> float:
    weight = USER_WEIGHT if passage.side == "prompt" else 1.0
    return float(weight * strength / (passage.message_tokens + LABEL_TOKENS) ** LENGTH_POWER)


def _words(found: Match | None, *, similar: bool) -> tuple[str, ...]:
    said = (*found.words[:MOST_WORDS_TOLD], *found.times) if found else ()
    return (*said, SIMILAR) if similar else said


def _order(excerpt: Excerpt) -> tuple[float, int, int]:
    """Return the sort key: best first, then newer first, then conversation order within one exchange."""
    return (-excerpt.score, -excerpt.passage.number, excerpt.passage.id)


def favouring(
    own: Iterable[Excerpt], others: Iterable[Excerpt], weight: float = BEYOND_WEIGHT, least: float = BEYOND_LEAST
) -> list[Excerpt]:
    """Return the excerpts of a session and of others together, best first, with a preference for the session itself.

    The scores of others are multiplied by `weight`, and those with less than the `least` strength are left out.
    """
    found = [one._replace(score=one.score * weight) for one in others if one.strength >= least]
    return sorted([*own, *found], key=_order)


def choose(ranked: Iterable[Excerpt], room: int, *, whole: Collection[int] = ()) -> list[Excerpt]:
    """Return the excerpts that fit into `room` tokens, best first; one that does not fit is skipped.

    `whole` are the numbers of exchanges that the request already contains.
    """
    chosen: list[Excerpt] = []
    left = room
    for excerpt in ranked:
        passage = excerpt.passage
        if len(chosen) == MOST_EXCERPTS:
            break
        if passage.tokens <= left and passage.number not in whole:
            chosen.append(excerpt)
            left -= passage.tokens
    return chosen
