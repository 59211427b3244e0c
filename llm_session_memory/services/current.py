"""The prompt in progress, for what llm calls meanwhile: the tools of a model, the loader of fragments.

Set by the seam when it composes a request; a tool has no other way to know in which session it is called.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Current:
    """A prompt in progress: the log, the session's name, the model that was asked, the request's budget in tokens.

    `recording` is False under -n.
    """

    path: Path
    session: str
    model: str
    budget: int
    recording: bool = True


_current: ContextVar[Current | None] = ContextVar("llm_session_memory_current", default=None)


def hold(current: Current | None) -> None:
    """Say which prompt is in progress in this thread or task, or that none is."""
    _current.set(current)


def held() -> Current | None:
    """Return the prompt in progress, if it is in a session."""
    return _current.get()
