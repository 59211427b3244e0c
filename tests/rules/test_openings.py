"""Rules of what a conversation without a name is called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.rules.openings import LONGEST, beginning, opening, without_signs
from llm_session_memory.rules.safe_text import visible

PROMPTS = [
    pytest.param("another **unnamed** with\ntwo `lines`", "another unnamed with two lines", id="emphasis and code"),
    pytest.param("# Plan\n\n- [ ] buy *oak*\n2. build", "Plan buy oak build", id="headings, lists and tasks"),
    pytest.param("> see [the docs](https://a.example/b) and ![](c.png)", "see the docs and", id="quotes and links"),
    pytest.param("```python\nx = a_b * c ** 2 * d\n```", "x = a_b * c ** 2 * d", id="a fence goes, its code stays"),
    pytest.param("2 * 3 * 4 and snake_case_name", "2 * 3 * 4 and snake_case_name", id="signs that are no Markdown"),
    pytest.param("a\u202eb\x1b[31m c", "ab[31m c", id="hidden characters"),
    pytest.param("", "", id="nothing"),
]


@pytest.mark.parametrize(("prompt", "expected"), PROMPTS)
def test_an_opening_is_what_a_person_reads_of_the_prompt(prompt: str, expected: str) -> None:
    """An opening is one line without Markdown's signs."""
    assert opening(prompt) == expected


@given(st.text(st.sampled_from("*_`[]()!#>-+ \n\tabc1.\u202e\u200d"), max_size=3_000))
def test_any_prompt_has_a_short_opening(prompt: str) -> None:
    """Whatever the prompt, its opening is one short line with nothing hidden, and a title is shorter still."""
    found = opening(prompt)
    assert len(found) <= LONGEST + 1
    assert len(beginning(found)) <= 81
    assert "\n" not in found
    assert visible(found) == found


def test_a_long_opening_ends_between_words() -> None:
    """A cut is between two words and marked."""
    assert beginning("word " * 40).endswith("word…")
    assert beginning("x" * 200) == "x" * 79 + "…"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("| day | water |\n|---|--:|\n| 14 | 0.42 |", "day water 14 0.42"),
        (
            "Low\n===\n\n***\n\n- [x] at **09:42**, see [the table](https://tides.example)",
            "Low at 09:42, see the table",
        ),
        ("a | b, __init__ and x * y * z", "a | b, __init__ and x * y * z"),
        ("```python\nreturn `x`\n```", "return x"),
    ],
)
def test_tables_and_rules_lose_their_signs(text: str, plain: str) -> None:
    """Signs of tables, rules and underlined headings go too; what may be meant as it stands stays."""
    assert " ".join(without_signs(text).split()) == plain
