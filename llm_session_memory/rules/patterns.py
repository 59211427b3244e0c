"""Patterns of prompts with the names of columns in braces, such as `Translate {word} into {language}`. Pure.

`{{word}}` is written as `{word}`. Braces that hold no name, as in JSON, stay as they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_BRACES = re.compile(r"\{\{(?P<literal>[^{}\n]*)\}\}|\{(?P<name>[^\W\d][\w .-]*)\}")


def names_in(pattern: str) -> tuple[str, ...]:
    """Return the names in a pattern, each once, in order."""
    return tuple(dict.fromkeys(found["name"] for found in _BRACES.finditer(pattern) if found["name"]))


def filled(pattern: str, values: Mapping[str, Any]) -> str:
    """Return a pattern with its names replaced by values. Raises KeyError with the first name that has none."""

    def value(found: re.Match[str]) -> str:
        return as_text(values[found["name"]]) if found["name"] else f"{{{found['literal']}}}"

    return _BRACES.sub(value, pattern)


def as_text(value: Any) -> str:
    """Return a column's value as it is put into a prompt: a text as it is, nothing for null, other values as JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)
