"""What a person says when asked which of several answers is better. Pure: a text in, an order and votes out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ..errors import SessionError

LETTERS = "abcdefghij"
"""What the answers are called, in the order in which they are shown. No more answers are compared at once."""

Ranking = tuple[tuple[int, ...], ...]
"""The answers by their places, counted from 0, the best first; those of one group are equally good."""

Better = Literal["a", "b", "="]
"""Which of two answers is better: the first, the second, or neither."""

_SKIPPED = ("", "s", "skip")


def question(count: int) -> str:
    """Return the question about this many answers, with what can be said."""
    if count == 2:  # noqa: PLR2004  two answers have an easier question
        return "Which was better? a, b, = (equally good), or Enter to skip"
    letters = LETTERS[:count]
    example = f"{letters[1]}{letters[0]}={letters[2:]}"
    return f"Which was better? The best first, such as {example}; one letter for the best only; Enter to skip"


def ranking(text: str, count: int) -> Ranking:
    """Return the order that a person typed for this many answers; nothing if they skipped the question.

    `ba=c` and `b > a = c` mean the same: b is the best, then a and c, which are equally good. `=` alone means that all
    are equally good. Raises SessionError if the text is not an order.
    """
    said = "".join(text.lower().split())
    if said in _SKIPPED:
        return ()
    said = said.replace(">", "").replace(",", "")
    if said == "=":
        return (tuple(range(count)),)
    known = LETTERS[:count]
    groups: list[list[int]] = []
    joined = False
    for sign in said:
        if sign == "=" and groups and not joined:
            joined = True
            continue
        place = known.find(sign)
        if place < 0 or any(place in group for group in groups):
            raise _no_order(text, count)
        if joined:
            groups[-1].append(place)
        else:
            groups.append([place])
        joined = False
    if joined or not groups:
        raise _no_order(text, count)
    return tuple(tuple(group) for group in groups)


def _no_order(text: str, count: int) -> SessionError:
    choices = ", ".join(LETTERS[:count])
    example = "b" if count == 2 else f"{LETTERS[1]}{LETTERS[0]}={LETTERS[2:count]}"  # noqa: PLR2004  as above
    return SessionError(
        f"“{text.strip()}” does not rank the answers {choices}.",
        f"Name each at most once, the best first, for example {example}; = means equally good. Enter skips.",
    )


def votes(order: Ranking, count: int) -> Mapping[tuple[int, int], Better]:
    """Return the votes that an order stands for: for two places, the lesser one first, which is better.

    Answers that the order does not name are worse than those it names, but nothing is known about which of them is
    better.
    """
    place_of = {one: place for place, group in enumerate(order) for one in group}
    if not place_of:
        return {}
    last = len(order)
    found: dict[tuple[int, int], Better] = {}
    for first in range(count):
        for second in range(first + 1, count):
            if first not in place_of and second not in place_of:
                continue
            one, other = place_of.get(first, last), place_of.get(second, last)
            found[first, second] = "=" if one == other else "a" if one < other else "b"
    return found


def marks(order: Ranking, count: int) -> Mapping[int, Literal["up", "down"]]:
    """Return the ratings that an order stands for: the best go up, the worst go down, those between get none.

    If all are equally good, nothing is rated.
    """
    named = {one for group in order for one in group}
    groups = [*order, *([tuple(one for one in range(count) if one not in named)] if len(named) < count else [])]
    if not order or len(groups) == 1:
        return {}
    best: dict[int, Literal["up", "down"]] = dict.fromkeys(groups[0], "up")
    return best | dict.fromkeys(groups[-1], "down")
