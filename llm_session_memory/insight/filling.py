"""The contents of the context window at each exchange of a replay, as values. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..reader.values import Exchange


@dataclass(frozen=True)
class FilledWindow:
    """The context window at an exchange, as the session recorded it, or as its request was logged: without a budget.

    Earlier exchanges from `start` on were sent whole, but those that were `left` out.
    """

    tokens: int | None
    budget: int | None
    window: int | None
    start: int
    pinned: tuple[int, ...]
    recalled: tuple[int, ...]
    summarised: tuple[int, int] | None = None
    parts: tuple[int, ...] = ()
    """The estimated tokens of each of PARTS; empty if part of what was sent is outside the replay."""
    left: tuple[int, ...] = ()

    def fields(self) -> list[Any]:
        """Return plain values in the order that the page's script expects."""
        summarised = list(self.summarised) if self.summarised else None
        numbers = [list(self.pinned), list(self.recalled), summarised, list(self.parts)]
        return [self.tokens, self.budget, self.window, self.start, *numbers, *([list(self.left)] if self.left else [])]


PARTS = ("system", "summary", "pinned", "recent", "recalled", "prompt")
"""The parts of a context window, in the order in which they are drawn."""


@dataclass(frozen=True)
class Front:
    """The beginning of a block, before its exchanges: characters of the system message, including the summary's."""

    system: int = 0
    summary: int = 0
    summarised: tuple[int, int] | None = None


def parts(window: FilledWindow, number: int, front: Front, recalled: int, sizes: Mapping[int, Size]) -> tuple[int, ...]:
    """Return the estimated tokens of each of PARTS: excerpts as recorded, the rest in proportion to characters."""
    recent = range(window.start, number)
    pinned = [one for one in window.pinned if one not in recent]
    if not all(one in sizes for one in (*pinned, *recent, number)):
        return ()
    characters = [
        max(front.system - front.summary, 0),
        front.summary,
        sum(sizes[one].whole for one in pinned),
        sum(sizes[one].whole for one in recent),
        sizes[number].asked,
    ]
    tokens = window.tokens or 0
    left, whole = max(tokens - recalled, 0), sum(characters) or 1
    shares = [round(left * part / whole) for part in characters]
    return (*shares[:4], min(recalled, tokens), shares[4])


@dataclass(frozen=True)
class Size:
    """The characters of a whole exchange, and of the part of it that its last request contained."""

    whole: int
    asked: int


def size(exchange: Exchange) -> Size:
    """Return the size of an exchange without the excerpts recalled for it."""
    counts = [
        (said.role, sum(len(piece.text) for piece in said.pieces if piece.kind not in ("excerpt", "fence")))
        for call in exchange.calls
        for said in call.messages
    ]
    whole = sum(count for _, count in counts)
    reply = counts[-1][1] if counts and counts[-1][0] == "assistant" else 0
    return Size(whole, whole - reply)
