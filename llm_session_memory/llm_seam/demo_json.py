"""The bundled model's answers with a schema: JSON of the right form, made from the words of the prompt. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_MOST = 3
"""How many items a list has."""


def json_of(schema: Mapping[str, Any], lines: list[str]) -> Any:
    """Return a value that follows a schema.

    Of several allowed values, it is the first that the lines contain. Texts are the lines, one after the other, and
    numbers count their words.
    """
    choices = schema.get("enum")
    if isinstance(choices, list) and choices:
        said = " ".join(lines).lower()
        return next((one for one in choices if str(one).lower() in said), choices[0])
    kind, properties, items = schema.get("type"), schema.get("properties"), schema.get("items")
    if kind == "object" or isinstance(properties, Mapping):
        of = properties.items() if isinstance(properties, Mapping) else ()
        return {str(name): json_of(_schema(one), lines[number:] or lines) for number, (name, one) in enumerate(of)}
    if kind == "array":
        return [json_of(_schema(items), [line]) for line in lines[:_MOST]]
    if kind in ("integer", "number"):
        return sum(len(line.split()) for line in lines)
    if kind in ("boolean", "null"):
        return True if kind == "boolean" else None
    return lines[0] if lines else ""


def _schema(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
