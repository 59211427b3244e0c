"""The message of a broken contract: what changed in llm, and which of our modules relies on it."""

from __future__ import annotations


def changed(what: str, module: str) -> str:
    """Return the message for a broken contract."""
    return f"llm has changed: {what}. llm_session_memory/{module} relies on it."
