"""Recognise the error of a model that refuses system prompts, when the only system prompt is our notes or summary."""

from __future__ import annotations

import re

from .fences import NOTES_FOR_ALL

_REFUSED = re.compile(
    r"\bsystem[ _-]?(prompt|message|role|instruction)|\bdeveloper[ _-]?(instruction|message)"
    r"|\brole\b.{0,60}\bsystem\b|\bsystem\b.{0,60}\brole\b",
    re.IGNORECASE | re.DOTALL,
)
"""The words with which OpenAI, Gemini, llm's own plugins and the templates of local models refuse them."""


def refused(error: str, own: str | None, sent: str | None) -> str | None:
    """Return what made a model refuse a request: “global notes”, “notes” or “summary”; None if it was something else.

    `own` is the system prompt that the person set; `sent` is the whole system message, with notes and summary.
    """
    if own or not sent or not _REFUSED.search(error):
        return None
    if sent.startswith(f"<notes>\n{NOTES_FOR_ALL}"):
        return "global notes"
    return "notes" if sent.startswith("<notes>") else "summary"
