"""Settings of one prompt, and what makes no sense as a setting. Pure."""

from __future__ import annotations

from ..errors import SessionError
from ..model import Settings


def effective(settings: Settings, asked: Settings) -> Settings:
    """Return the settings of one prompt: what it asks for, else what the session has."""
    return Settings(
        model=asked.model or settings.model,
        system=asked.system if asked.system is not None else settings.system,
        options={**settings.options, **asked.options},
        max_context_tokens=asked.max_context_tokens or settings.max_context_tokens,
        memory=asked.memory or settings.memory,
        recall_share=asked.recall_share if asked.recall_share is not None else settings.recall_share,
        recall_model=asked.recall_model or settings.recall_model,
        summary_model=asked.summary_model or settings.summary_model,
    )


def check_tokens(count: int) -> int:
    """Return a budget if it is one. Raises SessionError."""
    if count < 1:
        raise SessionError(f"A budget of {count:,} tokens is none.", "Give --max-context-tokens a number above 0.")
    return count
