"""What a contract says when it is broken: what changed in llm, and which part of ours relies on it."""

from __future__ import annotations


def changed(what: str, module: str) -> str:
    """Return the sentence for a broken contract."""
    return f"llm has changed: {what}. llm_session_memory/{module} relies on it."
