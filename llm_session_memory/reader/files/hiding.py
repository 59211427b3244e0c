"""Hide what a file should not have: secrets, or all texts. Pure: values in, values out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from ...model import Attachment

Value = TypeVar("Value")

Change = Callable[[str], str]
"""Returns a text without its secrets."""


def hidden(value: Value, change: Change) -> Value:
    """Return a value of the model with every text in it changed: those of fields, of mappings, and of lists."""
    made: Any = value
    if isinstance(value, str):
        made = change(value)
    elif isinstance(value, Mapping):
        made = {name: hidden(one, change) for name, one in value.items()}
    elif isinstance(value, (tuple, list)):
        made = type(value)(hidden(one, change) for one in value)
    elif isinstance(value, Attachment):
        made = replace(value, url=hidden(value.url, change), content=_content(value.content, change))
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        texts = {one.name: hidden(getattr(value, one.name), change) for one in dataclasses.fields(value)}
        made = replace(value, **texts)
    return made  # type: ignore[no-any-return]


def _content(content: bytes | None, change: Change) -> bytes | None:
    """Return the bytes of an attachment, changed if they are a text."""
    if content is None or b"\x00" in content[:1_000]:
        return content
    try:
        return change(content.decode("utf-8")).encode()
    except UnicodeDecodeError:
        return content
