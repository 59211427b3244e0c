"""The embedding model of a session: --recall-model, else llm's default one, else none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import llm

from ..errors import ModelFailed, SessionError
from ..model import POLICIES, Session, Settings
from ..rules.policy import effective, recalls
from ..services.bundle import Services
from ..services.recall import Near, Nearness
from .models import embedding_model_of

NONE = "none"
"""What the setting says where recall goes by words alone, whatever llm's default is."""


class Embedding:
    """What is near a prompt, by an embedding model of llm's that is looked up when it is needed first."""

    def __init__(self, memory: Services, model_id: str) -> None:
        self.memory = memory
        self.model_id = model_id
        self._near: Nearness | None = None

    def near(self, thread_id: str, prompt: str) -> Mapping[int, float]:
        """Return the passages nearest to a prompt. Raises ModelFailed whatever goes wrong."""
        try:
            return self._found().near(thread_id, prompt)
        except SessionError:
            raise
        except Exception as error:  # a model's plugin may fail in any way
            raise ModelFailed(str(error) or type(error).__name__) from error

    def catch_up(self, thread_id: str) -> None:
        """Embed what is missing of a session, for about a second. What goes wrong is told with the next prompt."""
        with suppress(Exception):
            self._found().catch_up(thread_id)

    def _found(self) -> Nearness:
        if self._near is None:
            model: Any = embedding_model_of(self.model_id)

            def embed(texts: Sequence[str]) -> list[list[float]]:
                return list(model.embed_multi(texts))

            self._near = Nearness(self.memory.desk, model.model_id, embed)
        return self._near


def embedding_of(memory: Services, settings: Settings) -> Embedding | None:
    """Return the embedding model of a session; None where it has none, or does not recall."""
    if not recalls(settings.memory or POLICIES[0]):
        return None
    model_id = settings.recall_model or llm.get_default_embedding_model()
    return Embedding(memory, model_id) if model_id and model_id != NONE else None


def near_of(memory: Services, session: Session, asked: Settings) -> Near | None:
    """Return what finds passages by meaning in a session, as its next prompt would."""
    embedding = embedding_of(memory, effective(session.settings, asked))
    return embedding.near if embedding else None
