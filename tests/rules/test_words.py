"""Numbers in running text."""

from __future__ import annotations

import re

import pytest

from llm_session_memory.rules.words import counted
from tests.imports import paths


@pytest.mark.parametrize(
    ("number", "noun", "words"),
    [
        pytest.param(0, "exchange", "0 exchanges", id="none"),
        pytest.param(1, "exchange", "1 exchange", id="one"),
        pytest.param(1142, "failed prompt", "1,142 failed prompts", id="thousands"),
    ],
)
def test_a_noun_is_plural_except_after_one(number: int, noun: str, words: str) -> None:
    """A noun has its s for every number but 1, and thousands have their comma."""
    assert counted(number, noun) == words


def test_no_plural_is_made_by_hand() -> None:
    """The s of a plural is added in one place."""
    making = [path.name for path in paths() if re.search(r"\{'' if [^{}]* == 1 else 's'\}", path.read_text("utf-8"))]
    assert making == ["words.py"]
