"""Sizes of files in words. Pure."""

from __future__ import annotations

from .words import counted

_STEP = 1_000
_UNITS = ("bytes", "KB", "MB", "GB", "TB")


def in_words(size: int) -> str:
    """Return a size in bytes as a person says it: `950 bytes`, `1.2 MB`, `28 MB`. A KB is 1,000 bytes."""
    amount, unit = float(size), 0
    while amount >= _STEP - 0.5 and unit < len(_UNITS) - 1:
        amount /= _STEP
        unit += 1
    if unit == 0:
        return counted(size, "byte")
    return f"{amount:.1f} {_UNITS[unit]}" if amount < 9.95 else f"{amount:,.0f} {_UNITS[unit]}"  # noqa: PLR2004  two digits
