"""The first JSON value of a file, as far as its beginning has it, to recognise the file. Pure."""

from __future__ import annotations

import json
import re
from typing import Any

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[\[\]{},]', re.DOTALL)
_DEEPEST = 100
_CLOSING = {"[": "]", "{": "}"}


def first_value(head: bytes) -> Any:
    """Return the first JSON value of a text, or None if it isn't JSON.

    If the text ends or is damaged before the value ends, the value is completed: what comes after the last element is
    left out, and the brackets are closed.
    """
    text = head.decode("utf-8", "ignore").lstrip("\ufeff \t\r\n")
    if not text.startswith(("{", "[")):
        return None
    try:
        return json.JSONDecoder().raw_decode(text)[0]
    except json.JSONDecodeError as error:
        valid = text[: error.pos]
    except (ValueError, RecursionError):
        valid = text
    try:
        return json.loads(_completed(valid))
    except (ValueError, RecursionError):
        return None


def _completed(text: str) -> str:
    """Return a text up to its last complete element, with its brackets closed."""
    open_: list[str] = []
    end, closing = 0, ""
    for found in _TOKEN.finditer(text):
        token = found[0]
        if token in _CLOSING:
            if len(open_) == _DEEPEST:
                break
            open_.append(_CLOSING[token])
            end = found.end()
        elif token in ("]", "}"):
            if not open_ or open_.pop() != token:
                break
            end = found.end()
        elif token == ",":  # noqa: S105  no password
            end = found.start()
        else:
            continue
        closing = "".join(reversed(open_))
    return text[:end] + closing
