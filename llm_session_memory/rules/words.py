"""Numbers in running text."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """Return a number with a noun: `1 exchange`, `1,142 exchanges`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
