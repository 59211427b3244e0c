"""The prompt in progress, for code that llm calls in the meantime: a model's tools, the fragment loader.

`llm_seam` sets it when it composes a request; a tool has no other way to know which session it was called in.
"""

from __future__ import annotations

from contextvars import ContextVar
from pathlib import Path

from ..model.frozen import dataclass


@dataclass(frozen=True)
class Current:
    """A prompt in progress: the log, the session's name, the model, and the request's budget in tokens.

    `recording` is False under -n.
    """

    path: Path
    session: str
    model: str
    budget: int
    recording: bool = True


_current: ContextVar[Current | None] = ContextVar("llm_session_memory_current", default=None)


def hold(current: Current | None) -> None:
    """Set the prompt in progress for this thread or task, or None."""
    _current.set(current)


def held() -> Current | None:
    """Return the prompt in progress, or None outside a session."""
    return _current.get()
