"""Texts in columns, side by side, for a terminal. Pure: texts and widths in, lines out.

Widths are in cells of the terminal: an ideograph or an emoji has two, a combining mark none.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from itertools import zip_longest

GAP = " │ "
"""What stands between two columns."""

NARROW = 100
"""A terminal with fewer columns than this shows texts one below the other."""

LEAST = 30
"""The narrowest column that is still read easily."""

_ZERO = frozenset(("Mn", "Me", "Cf"))


def width_for(count: int, columns: int) -> int | None:
    """Return the width of each of several texts side by side in a terminal, or None if they don't fit."""
    width = (columns - 1 - len(GAP) * (count - 1)) // count  # a full last line would wrap in some terminals
    return width if count > 1 and columns >= NARROW and width >= LEAST else None


def cells(text: str) -> int:
    """Return how many cells of a terminal a text without control characters fills."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def wrapped(text: str, width: int) -> list[str]:
    """Return a text in lines of at most this many cells, broken at blanks if there are any, else anywhere.

    The indentation of a line stays; tabs become blanks.
    """
    return [piece for line in text.expandtabs(4).split("\n") for piece in _broken(line.rstrip(), width)]


def beside(texts: Sequence[Sequence[str]], width: int) -> list[str]:
    """Return lines with these texts in columns of this width. No line of a text may be wider."""
    rows = zip_longest(*texts, fillvalue="")
    return [GAP.join(f"{line}{' ' * (width - cells(line))}" for line in row).rstrip() for row in rows]


def _broken(line: str, width: int) -> Iterator[str]:
    while (fitting := _fitting(line, width)) < len(line):
        blank = line.rfind(" ", len(line) - len(line.lstrip()), fitting + 1)
        end = blank if blank > 0 else fitting
        yield line[:end].rstrip()
        line = line[end:].lstrip() if blank > 0 else line[end:]
    yield line


def _fitting(line: str, width: int) -> int:
    """Return how many characters of a line fit, at least one."""
    used = 0
    for place, character in enumerate(line):
        used += _cells(character)
        if used > width:
            return max(place, 1)
    return len(line)


def _cells(character: str) -> int:
    if character.isascii():
        return 1
    if unicodedata.category(character) in _ZERO:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
