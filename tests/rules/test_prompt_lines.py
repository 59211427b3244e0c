"""The rules of what a line of a file of prompts says, and of patterns with the names of columns."""

from __future__ import annotations

from typing import Any

import pytest

from llm_session_memory.errors import SessionError
from llm_session_memory.model.batch import PromptLine
from llm_session_memory.rules.patterns import as_text, filled, names_in
from llm_session_memory.rules.prompt_lines import LONGEST_ID, line_of

_MIXED = {"prompt": "Hi", "id": "7", "options": {"top_P": 1}, "values": {"Word": "x"}}


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"prompt": "Hi", "id": 7}, {"prompt": "Hi", "id": "7"}),
        ({"custom_id": "a", "prompt": "Hi"}, {"prompt": "Hi", "id": "a"}),
        ({" Prompt": "Hi", "ID": 7, "Options.top_P": 1, "Word": "x"}, _MIXED),
        ({"prompt": "Hi", "model": "", "system": None}, {"prompt": "Hi"}),
        ({"options": {"a": 1}, "options.b": "2"}, {"options": {"a": 1, "b": "2"}}),
        ({"options": '{"a": 1}'}, {"options": {"a": 1}}),
        ({"attachment": "a.png", "attachments": '["b.png", "c.png"]'}, {"attachments": ("a.png", "b.png", "c.png")}),
        ({"fragments": ["x"]}, {"fragments": ("x",)}),
        ({"schema": "name, age int"}, {"schema": "name, age int"}),
        ({"word": "sea", "empty": ""}, {"values": {"word": "sea", "empty": ""}}),
    ],
)
def test_fields_have_meanings_and_all_others_are_values(fields: dict[str, Any], says: dict[str, Any]) -> None:
    """A field with a meaning is read by it, an empty one says nothing, and any other is a value for a template."""
    assert line_of(3, fields) == PromptLine(3, **says)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"prompt": 3}, "“prompt” must be a text, not 3"),
        ({"prompt": "x", "id": True}, "“id” must be a text, not true"),
        ({"options": "hot"}, "“options” must be a JSON object, not hot"),
        ({"attachments": [1]}, "“attachments” must be a text or a list of texts, not [1]"),
        ({"fragments": "[1"}, "“fragments” must be a text or a list of texts, not [1"),
        ({"schema": 1}, "“schema” must be a JSON object or a text, not 1"),
        ({"id": "x" * (LONGEST_ID + 1)}, "its id has 1,001 characters, more than 1,000"),
    ],
)
def test_a_field_of_a_wrong_type_is_refused(fields: dict[str, Any], why: str) -> None:
    """The sentence names the field and shows its value."""
    with pytest.raises(SessionError) as error:
        line_of(1, fields)
    assert error.value.message == why


def test_a_column_that_the_template_uses_is_a_variable() -> None:
    """A table of cars has a column `model`, which is no model of llm if the template asks for it."""
    line = line_of(2, {"model": "Beetle", "prompt": "When?"}, used={"model", "prompt"})
    assert line == PromptLine(2, prompt="When?", values={"model": "Beetle", "prompt": "When?"})


def test_a_pattern_is_filled_with_values() -> None:
    """Names in braces are replaced; double braces and braces without a name stay as text."""
    pattern = 'Say {word} in {Mother tongue} as {"a": {{word}}} {}'
    assert names_in(pattern) == ("word", "Mother tongue")
    assert filled(pattern, {"word": "{x}", "Mother tongue": "Dutch"}) == 'Say {x} in Dutch as {"a": {word}} {}'
    with pytest.raises(KeyError, match="word"):
        filled(pattern, {})


@pytest.mark.parametrize(("value", "text"), [("é", "é"), (None, ""), (True, "true"), (1.5, "1.5"), (["é"], '["é"]')])
def test_values_are_put_into_prompts_as_texts(value: Any, text: str) -> None:
    """A text stays as it is, nothing is an empty text, anything else is JSON."""
    assert as_text(value) == text
