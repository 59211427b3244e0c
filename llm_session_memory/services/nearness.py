"""Recall by meaning, for those who have an embedding model: embedding passages, and finding those near a prompt.

Between the store and the model, which comes in as a function: from texts to vectors.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from ..store import Log, Vectors
from ..store.vectors import packed

Embed = Callable[[Sequence[str]], Iterable[Sequence[float]]]
"""Gives a vector for each text."""

NEAREST = 100
"""How many passages near in meaning are considered for a prompt."""

_SECONDS = 1.0
_BATCH = 16
"""After each reply passages are embedded for about so long, so many at a time: those that are missing get there over
the next prompts."""


class Nearness:
    """The passages of sessions as vectors of one embedding model."""

    def __init__(self, log: Log, model: str, embed: Embed) -> None:
        self.vectors = Vectors(log, model)
        self.embed = embed

    def near(self, thread_id: str, prompt: str) -> Mapping[int, float]:
        """Return the passages of a thread that are nearest to a prompt, with their cosine similarities."""
        vector = packed(self.embed([prompt]))[0]
        return self.vectors.nearest(thread_id, vector, NEAREST)

    def catch_up(self, thread_id: str, seconds: float | None = _SECONDS) -> int:
        """Embed passages of a thread that have no vector yet, newest first, for about `seconds` (None: all of them).

        Returns how many that were. What the model raises is not caught.
        """
        began, done = time.monotonic(), 0
        while seconds is None or time.monotonic() - began < seconds:
            missing = self.vectors.missing(thread_id, _BATCH)
            if not missing:
                break
            self.vectors.add(thread_id, dict(zip(missing, packed(self.embed(list(missing.values()))), strict=True)))
            done += len(missing)
        return done
