"""How alike two answers are. Pure.

Two texts are compared by their words: twice the number of words that both have, by the number of words of both (the
coefficient of Dice 1945, of multisets). Order doesn't count. That takes a few microseconds a text; the longest common
subsequence would take seconds for long answers, and vectors would need a model.
"""

from __future__ import annotations

import re
from collections import Counter

from ...reader.compared import Compared
from .sentences import alike_sentence
from .values import Alike

_WORD = re.compile(r"[぀-ヿ㐀-鿿가-힯]|[^\W_]+")
"""A word, or a character of a script that is written without spaces."""

_MOST = 10
"""The most answers of one side to one prompt that are compared with the other side's."""


def similarity(one: str, other: str) -> float:
    """Return the share of words that two texts have in common, from 0 to 1; without words, 1 if they are equal."""
    first, second = (Counter(_WORD.findall(text.casefold())) for text in (one, other))
    whole = first.total() + second.total()
    return 2 * (first & second).total() / whole if whole else float(one.strip() == other.strip())


def alike(compared: Compared, first: int, second: int) -> Alike:
    """Return how alike the answers of two sides are, as a mean over the prompts that both answered."""
    found: list[float] = []
    identical = 0
    for row in compared.rows:
        ones, others = ([a.reply.strip() for a in row.cells[side] if not a.failed][:_MOST] for side in (first, second))
        if ones and others:
            identical += bool(set(ones) & set(others))
            found.append(sum(similarity(x, y) for x in ones for y in others) / len(ones) / len(others))
    mean = sum(found) / len(found) if found else None
    return Alike(len(found), identical, mean, alike_sentence(len(found), identical, mean))
