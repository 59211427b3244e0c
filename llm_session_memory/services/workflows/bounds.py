"""How much a template of a workflow may make: a width or a factor can come from a model's answer. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

LONGEST = 10_000_000
"""How many characters a filled template may have, and how many characters or list entries one operation may make."""

_LARGEST = 10_000

_PADDING = ("center", "expandtabs", "ljust", "rjust", "zfill")
"""The methods of a text that make it as long as their argument says."""

_FORMATTING = ("format", "format_map")

_WIDE = re.compile(r"[0-9]{8}|%[-+ #0]*\*|\{[^{}]*:[^{}]*\{")
"""A format with a width of eight digits, or with one that comes from a value."""


def check_operation(operator: str, left: Any, right: Any) -> None:
    """Raise OverflowError if `*`, `**` or `%` would make something too large."""
    for one, times in ((left, right), (right, left)):
        if operator == "*" and hasattr(one, "__len__") and isinstance(times, int) and len(one) * times > LONGEST:
            raise OverflowError("the result is too long")
    if operator == "**" and (abs(right) > _LARGEST or abs(left) > _LARGEST):
        raise OverflowError("the result is too large")
    if operator == "%" and isinstance(left, str) and _WIDE.search(left):
        raise OverflowError("the result is too long")


def check_call(called: Any, args: Iterable[Any]) -> None:
    """Raise OverflowError if a method of a text would make it too long."""
    text = getattr(called, "__self__", None)
    if isinstance(text, str) and called.__name__ in _PADDING:
        for one in args:
            check_width(one)
    if isinstance(text, str) and called.__name__ in _FORMATTING and _WIDE.search(text):
        raise OverflowError("the result is too long")


def check_width(width: Any) -> None:
    """Raise OverflowError if a text would be too wide."""
    if isinstance(width, int) and width > LONGEST:
        raise OverflowError("the result is too long")


def joined(pieces: Iterable[str]) -> str:
    """Return the pieces of a filled template as one text.

    It ends as soon as they are too long, so that a loop within a loop can't fill the memory. Raises OverflowError.
    """
    found, length = [], 0
    for piece in pieces:
        length += len(piece)
        if length > LONGEST:
            raise OverflowError(f"it is longer than {LONGEST:,} characters")
        found.append(piece)
    return "".join(found)
