"""What a line of a file of prompts says: its prompt, and what differs from the rest of its batch. Pure.

The fields of a line are `prompt`, `id`, `model`, `system`, `options` (or `options.temperature` and so on),
`attachments`, `fragments` and `schema`, in upper or lower case; all others are values for a template or a pattern. A
field that the template uses as a variable is only that: a table of cars may have a column `model`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from ..errors import SessionError
from ..model.batch import PromptLine
from .safe_text import one_line, storable
from .words import counted

_TEXTS = ("prompt", "id", "model", "system")
_ALIASES = {"custom_id": "id", "attachment": "attachments", "fragment": "fragments"}
_SETTINGS = ("model", "system", "options", "attachments", "fragments", "schema", "attachment", "fragment")
"""The fields that can be variables instead. A prompt and an id stay what they are even if a template uses them."""

_OPTION = "options."
_SHOWN = 40
LONGEST_ID = 1000
"""The most characters of an id: it names the item in lists and files, it isn't a text."""


def line_of(number: int, fields: Mapping[str, Any], used: Collection[str] = ()) -> PromptLine:
    """Return what the fields of a line say. Empty fields say nothing.

    `used` has the names of the variables that the batch's template uses. Raises SessionError without the line's number.
    """
    said: dict[str, Any] = {}
    options: dict[str, Any] = {}
    values: dict[str, Any] = {}
    for name, value in fields.items():
        folded = name.strip().lower()
        meaning = _ALIASES.get(folded, folded)
        is_option = folded.startswith(_OPTION)
        if name in used or (meaning not in (*_TEXTS, *_SETTINGS) and not is_option):
            values[storable(name)] = value
        if (name in used and (is_option or meaning in _SETTINGS)) or value is None or value == "":
            continue
        if is_option:
            options[name.strip()[len(_OPTION) :]] = value
        elif meaning in _TEXTS:
            said[meaning] = _text(name, value)
        elif meaning in ("attachments", "fragments"):
            said[meaning] = (*said.get(meaning, ()), *_texts(name, value))
        elif meaning == "options":
            options |= _object(name, value)
        elif meaning == "schema":
            said[meaning] = _schema(value)
    if len(said.get("id", "")) > LONGEST_ID:
        raise SessionError(f"its id has {counted(len(said['id']), 'character')}, more than {LONGEST_ID:,}")
    return PromptLine(number, **said, options=options, values=values)


def _text(name: str, value: Any) -> str:
    if name.strip().lower() in ("id", "custom_id") and isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise SessionError(f"“{name}” must be a text, not {_shown(value)}")
    return storable(value)


def _texts(name: str, value: Any) -> tuple[str, ...]:
    """Return a list of texts: a JSON list, also one in a cell, or a single text."""
    found = _json(value) if isinstance(value, str) and value.lstrip().startswith("[") else value
    found = [found] if isinstance(found, str) else found
    if not isinstance(found, list) or not all(isinstance(one, str) and one for one in found):
        raise SessionError(f"“{name}” must be a text or a list of texts, not {_shown(value)}")
    return tuple(map(storable, found))


def _object(name: str, value: Any) -> dict[str, Any]:
    found = _json(value) if isinstance(value, str) else value
    if not isinstance(found, dict):
        raise SessionError(f"“{name}” must be a JSON object, not {_shown(value)}")
    return found


def _schema(value: Any) -> Any:
    """Return a schema: an object, or a text as llm takes it."""
    if not isinstance(value, str | dict):
        raise SessionError(f"“schema” must be a JSON object or a text, not {_shown(value)}")
    return value


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return one_line(text, _SHOWN)
