"""Errors as people read them."""

from __future__ import annotations

import pytest

from llm_session_memory.errors import SessionError


@pytest.mark.parametrize(
    ("hint", "outcome", "said"),
    [
        ("", "", "It is full."),
        ("Try again.", "", "It is full. Try again."),
        ("", "Nothing was kept.", "It is full. Nothing was kept."),
        ("Try again.", "Nothing was kept.", "It is full. Try again. Nothing was kept."),
        ("Is it yours?", "Nothing was kept.", "It is full. Is it yours? Nothing was kept."),
        (
            "Empty it: llm sessions delete NAME",
            "Nothing was kept.",
            "It is full. Nothing was kept. Empty it: llm sessions delete NAME",
        ),
    ],
)
def test_an_outcome_comes_last_unless_it_would_follow_a_command(hint: str, outcome: str, said: str) -> None:
    """What is copied from the end of a line is the command alone."""
    assert str(SessionError("It is full.", hint, outcome)) == said
