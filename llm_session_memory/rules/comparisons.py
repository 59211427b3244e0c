"""The names and the figures of answers that are compared. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import date

from .money import exact
from .names import LONGEST, hidden, key

_UNFIT = re.compile(r"[\s/:\\]+")
"""What a model's id may have, and the name of a session had better not: “/” is forbidden, “:” begins a number."""

_MODEL = 60
"""The most characters of a model's id in a session's name."""


def group_name(day: date, groups: Collection[str], sessions: Collection[str]) -> str:
    """Return a name for the answers to one prompt that is not taken, such as compare-2026-11-28-1.

    It isn't the beginning of a session's name either: those answers may have outlived their group.
    """
    known, number = {key(one) for one in groups}, 1
    while True:
        name = f"compare-{day.isoformat()}-{number}"
        if name not in known and not any(key(one).startswith(f"{name}-") for one in sessions):
            return name
        number += 1


def answer_name(stem: str, model: str, taken: Collection[str]) -> str:
    """Return a name for the session of a model's answer, such as work-llama3, or work-llama3-2 if that is taken."""
    last = model.rpartition("/")[2] or model
    unseen = set(hidden(last))
    short = _UNFIT.sub("-", "".join(c for c in last if c not in unseen))[:_MODEL].strip("-") or "model"
    begin = f"{stem[: LONGEST - len(short) - 6]}-{short}"
    keys, name, number = {key(one) for one in taken}, begin, 2
    while key(name) in keys:
        name, number = f"{begin}-{number}", number + 1
    return name


def figures(given: int | None, written: int | None, seconds: float | None, dollars: float | None) -> str:
    """Return the figures of an answer in words, as far as they are known: `21 tokens in, 9 out · 1.2 s · $0.0001`."""
    tokens: Sequence[str] = [
        *([f"{given:,} tokens in"] if given is not None else []),
        *([f"{written:,} out" if given is not None else f"{written:,} tokens out"] if written is not None else []),
    ]
    return " · ".join(
        [
            *([", ".join(tokens)] if tokens else []),
            *([f"{seconds:,.1f} s"] if seconds is not None else []),
            *([exact(dollars)] if dollars is not None else []),
        ]
    )
