"""What a prompt is worth to recall: how many tokens of older exchanges are sent with it.

Pure. A server reads each excerpt again, so recall spends by what is at stake rather than a fixed share. A question may
take most of the room; a prompt that tells or asks for something new takes little, and only if its words are not in what
is sent already. Then each further excerpt has to be better than a bar that rises as the room is used up.

The constants are on the knee of the frontier in benchmarks/README.md: evidence sent with questions, against tokens that
a server reads again, on questions and on everyday prompts.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .ranking import Excerpt

QUESTION = 0.8
"""A prompt counts as a question if this share of it asks; the rest says how to answer."""

ASKED_OF_THE_KNOWN = 0.75
"""What a question deserves if all its words are in what is sent already: the answer may be elsewhere."""

TOLD = 0.4
"""What a prompt deserves at most that asks nothing."""

TOLD_STRENGTH = 3.0
"""The strength (see `ranking.Match`) of the best excerpt from which on such a prompt deserves that."""

LEAST = 0.2
"""A prompt that deserves less than this gets nothing: the next request would have to read this prompt again."""

BAR = 0.1
RISE = 0.18
"""An excerpt's score, relative to the best one's, has to be at least BAR, and more by RISE once the room is used up."""


@cache
def _borders() -> re.Pattern[str]:
    return re.compile(r"\n\s*|(?<=[.!?…؟])\s+|(?<=[。！？])")


@cache
def _questions() -> re.Pattern[str]:
    """Return the pattern of a sentence that asks for something, or speaks of what was said before."""
    said = "said|told|mentioned|decided|agreed|discussed|talked|planned|asked"
    be = "is|are|was|were|did|does|has|had"
    auxiliary = f"{be}|do|have|will|would|can|could|should"
    return re.compile(
        r"[?？؟][^\w?？؟]*$"
        r"|^\W*(?:what|where|who|whom|whose|why|how)\b(?!.*!$)"
        rf"|^\W*when\W+(?:{auxiliary})\b"
        rf"|^\W*which\W+(?:\w+\W+){{0,3}}?(?:{auxiliary})\b"
        rf"|^\W*(?:{be})\W+\w(?!.*!$)"
        r"|\b(?:remember|remind|recall|recap|earlier|previously|last time|like before|as before)\b"
        rf"|\b(?:you|we|i)(?: have|'ve|’ve| had)? (?:{said})\b",
        re.IGNORECASE,
    )


def asking(prompt: str) -> float:
    """Return the share of a prompt, by length, that is sentences which ask, or speak of what was said before."""
    sentences = [found.strip() for found in _borders().split(prompt)]
    whole = sum(map(len, sentences))
    return sum(len(one) for one in sentences if _questions().search(one)) / whole if whole else 0.0


def unknown(rarities: Mapping[str, float], known: Collection[str]) -> float:
    """Return the share of a prompt's words, by their rarity in the session, that is not in what is sent already."""
    whole = sum(rarities.values())
    return sum(rarity for word, rarity in rarities.items() if word not in known) / whole if whole else 1.0


def worth(asks: float, unknown: float, strength: float) -> float:
    """Return what a prompt deserves, from 0 (nothing) to 1.

    Args:
        asks: the share of it that asks (see `asking`)
        unknown: the share of its words that is not in what is sent already
        strength: the strength of its best excerpt
    """
    question = min(1.0, asks / QUESTION)
    asked = ASKED_OF_THE_KNOWN + (1 - ASKED_OF_THE_KNOWN) * unknown
    told = TOLD * (unknown * min(1.0, strength / TOLD_STRENGTH)) ** 2
    deserved = question * asked + (1 - question) * told
    return deserved if deserved >= LEAST else 0.0


def worthwhile(ranked: Iterable[Excerpt], allowance: int, most: int, excerpts: int) -> list[Excerpt]:
    """Return the excerpts that are worth their tokens, best first; those that are not, or do not fit, are skipped.

    A larger allowance never buys fewer tokens: an excerpt that it adds is larger than all that it may displace.

    Args:
        ranked: the excerpts, best first
        allowance: the tokens that the prompt deserves
        most: the tokens that there is room for
        excerpts: the most excerpts
    """
    chosen: list[Excerpt] = []
    used, best = 0, 0.0
    for excerpt in ranked:
        if len(chosen) == excerpts:
            break
        best = best or excerpt.score
        then = used + excerpt.passage.tokens
        if then <= min(allowance, most) and excerpt.score >= best * (BAR + RISE * then / allowance):
            chosen.append(excerpt)
            used = then
    return chosen
