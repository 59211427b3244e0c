"""What was given with a prompt that got no answer is named."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llm_session_memory.model import Attempt
from llm_session_memory.reader.files.markdown import attempt_block
from llm_session_memory.reader.given import given_with

REQUEST: dict[str, Any] = {
    "fragments": [{"text": "Two piers.", "source": "plan.txt"}, {"text": "x", "source": None}],
    "attachments": [{"type": "image/png", "path": "/deck.png"}, {"type": None, "content": "AAAA"}],
}


def test_fragments_and_attachments_are_named() -> None:
    """Fragments come with their texts, attachments with their place or their size."""
    found = given_with(json.dumps(REQUEST))
    assert [(one.words, one.text) for one in found] == [
        ("Fragment plan.txt, 10 characters", "Two piers."),
        ("Fragment without a name, 1 character", "x"),
        ("Attachment: image/png, deck.png", None),
        ("Attachment: a file, 3 bytes", None),
    ]


@pytest.mark.parametrize("request_", [None, "", "[", "[]", {}, {"fragments": [1], "attachments": None}])
def test_a_request_without_them_gives_nothing(request_: Any) -> None:
    """A request that can't be read gives nothing."""
    assert given_with(request_) == ()


def test_the_terminal_shows_them_below_the_prompt() -> None:
    """`show` names them between the prompt and the error."""
    attempt = Attempt("a1", "t", "m", "Does it hold?", "gone", "", "2026-09-01T08:00:00", None, REQUEST)
    shown = attempt_block(attempt, "llm sessions retry work", {})
    assert "*Attachment: image/png, deck.png*" in shown
    assert "plan.txt" in shown
