"""The prompt in progress, for what llm calls meanwhile: the tools of a model, the loader of fragments.

Set by the seam when it composes a request; a tool has no other way to know in which session it is called.
"""

from __future__ import annotations

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


_current: Current | None = None


def hold(current: Current | None) -> None:
    """Say which prompt is in progress, or that none is."""
    global _current  # noqa: PLW0603  one command, one prompt at a time
    _current = current


def held() -> Current | None:
    """Return the prompt in progress, if it is in a session."""
    return _current


def log_in_use() -> Path:
    """Return the log that the command in progress works on: the one of its -d, else llm's own."""
    import click
    import llm

    context = click.get_current_context(silent=True)
    database = context.params.get("database") if context else None
    return Path(database) if database else Path(llm.user_dir()) / "logs.db"
