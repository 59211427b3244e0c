"""Search by meaning: embed the passages of sessions, and find those nearest to a prompt.

Apart from recall, because a prompt that recalls nothing embeds passages too, after its reply.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from .desk import Desk

if TYPE_CHECKING:
    from ..store.index import Scope

Near = Callable[["Sequence[Scope]", str], Mapping[int, float]]
"""Returns the passages (given where to look) that are nearest to a prompt, with their cosine similarities."""

Embed = Callable[[Sequence[str]], Iterable[Sequence[float]]]
"""Returns a vector for each text."""

NEAREST = 100
NEAREST_ONE_IN = 5
NEAREST_AT_LEAST = 10
"""How many passages similar in meaning are considered for a prompt: a fifth of a session, but 10 to 100.

Some passage is always the nearest. If all passages of a short session were, replies such as “Noted.” would be among
them. There is no least similarity, because each model has a scale of its own.
"""

_SECONDS = 1.0
_BATCH = 16
_MOST = 1_024
"""After each reply, passages are embedded for about this long, in batches of this size, and no more than these. Later
prompts do the rest."""


class Nearness:
    """Finds passages of sessions by meaning, with the vectors of one embedding model.

    Without `fragments`, texts that went with prompts are not given to the model.
    """

    def __init__(self, desk: Desk, model: str, embed: Embed, *, fragments: bool = True) -> None:
        from ..store.vectors import Vectors

        self.vectors = Vectors(desk.log, model)
        self.embed = embed
        self.fragments = fragments

    def near(self, scopes: Sequence[Scope], prompt: str) -> Mapping[int, float]:
        """Return the passages of a session nearest to a prompt, with their cosine similarities."""
        from ..store.vectors import packed

        vector = packed(self.embed([prompt]))[0]
        share = sum(scope.passages for scope in scopes) // NEAREST_ONE_IN
        return self.vectors.nearest(scopes, vector, min(NEAREST, max(NEAREST_AT_LEAST, share)))

    def waiting(self, thread_id: str, most: int | None = None) -> list[int]:
        """Return the ids of the passages of a session that have no vector yet, newest first, at most `most`."""
        return self.vectors.waiting(self.vectors.index.scopes(thread_id), most, fragments=self.fragments)

    def catch_up(self, thread_id: str, seconds: float | None = _SECONDS, *, patient: bool = False) -> int:
        """Embed passages of a session that have no vector yet, newest first, for about `seconds` (None: all of them).

        If `patient`, fewer than a batch of them wait. Returns the number embedded. Errors of the model propagate.
        """
        began, done = time.monotonic(), 0
        waiting = self.waiting(thread_id, None if seconds is None else _MOST)
        for count in self.add(waiting if len(waiting) >= _BATCH or not patient else ()):
            done += count
            if seconds is not None and time.monotonic() - began >= seconds:
                break
        return done

    def add(self, ids: Sequence[int]) -> Iterator[int]:
        """Embed passages, and yield after each batch how many it had. A batch that was yielded is in the log."""
        from ..store.vectors import packed

        for start in range(0, len(ids), _BATCH):
            batch = ids[start : start + _BATCH]
            texts = self.vectors.texts(batch)
            self.vectors.add(dict(zip(texts, packed(self.embed(list(texts.values()))), strict=True)))
            yield len(batch)
