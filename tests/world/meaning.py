"""An embedding model that knows a few words of similar meaning, and fails on request."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from zlib import crc32

import llm
from llm.models import EmbeddingModel

ALIKE = (
    {"car", "vehicle", "automobile", "drive", "saloon"},
    {"dog", "puppy", "hound", "spaniel"},
    {"money", "fee", "price", "invoice", "cost"},
)
"""Words of similar meaning share a dimension; every other word gets one of many by its letters."""

_OTHERS = 64


class Meaning(EmbeddingModel):
    """Counts meanings. `seen` has the texts that it was asked about; it fails with `error` if there is one.

    It fails only once it has seen `fails_after` texts.
    """

    def __init__(self, model_id: str) -> None:
        self.model_id = model_id
        self.batch_size = 4
        self.seen: list[str] = []
        self.error: BaseException | None = None
        self.fails_after = 0

    def embed_batch(self, items: Iterable[str | bytes], *, key: str | None = None) -> Iterator[list[float]]:
        """Yield a vector for each text."""
        del key
        for item in items:
            if self.error is not None and len(self.seen) >= self.fails_after:
                raise self.error
            self.seen.append(str(item))
            vector = [0.0] * (len(ALIKE) + _OTHERS)
            for word in re.findall(r"\w+", str(item).lower()):
                alike = next((n for n, words in enumerate(ALIKE) if word in words), None)
                place = len(ALIKE) + crc32(word.encode()) % _OTHERS if alike is None else alike
                vector[place] += 0.1 if alike is None else 3.0
            yield vector


class MeaningPlugin:
    """Registers the model with llm as `meaning`."""

    def __init__(self) -> None:
        self.model = Meaning("meaning")

    @llm.hookimpl
    def register_embedding_models(self, register: Callable[..., None]) -> None:
        """Offer the model."""
        register(self.model)
