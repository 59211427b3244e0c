"""The error of a model that refuses system prompts is recognised if our notes or summary were the only one."""

from __future__ import annotations

import pytest

from llm_session_memory.rules.refused_system import refused

REFUSALS = (
    "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
    "Developer instruction is not enabled for models/gemma-3-27b-it",
    "Model does not support system prompts",
    "System role not supported",
    "System prompts are not supported for OpenAI completion models",
)


@pytest.mark.parametrize("error", REFUSALS)
def test_notes_and_summaries_are_named_as_the_cause(error: str) -> None:
    """Each interface has its own words; notes and summary are named, unless the person set a system prompt."""
    assert refused(error, None, "<notes>\n- Bridge\n</notes>") == "notes"
    assert refused(error, None, "<notes>\nNotes for all conversations:\n- Bridge\n</notes>") == "global notes"
    assert refused(error, None, "<summary>\nBridge\n</summary>") == "summary"
    assert refused(error, "Be brief.", "Be brief.\n\n<notes>\n- Bridge\n</notes>") is None
    assert refused(error, None, None) is None


@pytest.mark.parametrize("error", ["model requires more system memory (5 GiB)", "HTTP 500", "interrupted", ""])
def test_other_errors_have_other_causes(error: str) -> None:
    """An error that only has the word “system” in it says nothing about notes."""
    assert refused(error, None, "<notes>\n- Bridge\n</notes>") is None
