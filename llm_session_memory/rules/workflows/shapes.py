"""What a step's JSON has according to its schema: follow `steps.facts.json.names` before anything is sent. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_OF_A_MAPPING = ("items", "keys", "values", "get")
"""What templates can call on any JSON object."""

_WORDS = {"array": "a list", "object": "an object", "string": "a text", "integer": "a number", "number": "a number"}

_WITHOUT_PARTS = ("integer", "number", "boolean", "null")


def followed(schema: Mapping[str, Any], path: Sequence[str | int]) -> tuple[Mapping[str, Any] | None, str]:
    """Return the schema of what a path leads to, or None if the schema doesn't say, and what is wrong, or "".

    Only what the schema rules out is wrong: a property that an object with listed properties doesn't have, or a part of
    a number or truth. Methods of texts and lists end the path.
    """
    here: Mapping[str, Any] | None = schema
    for number, part in enumerate(path):
        if here is None:
            break
        said = ".".join(map(str, path[:number]))
        here, why = _part(here, part)
        if why:
            return None, f"{f'“{said}”' if said else 'the answer'} {why}"
    return here, ""


def _part(here: Mapping[str, Any], part: str | int) -> tuple[Mapping[str, Any] | None, str]:
    """Return the schema of one part of a value, or None, and what is wrong with it, or ""."""
    kind, properties = here.get("type"), here.get("properties")
    if kind == "object" and isinstance(properties, Mapping) and properties:
        if part in properties:
            return _schema(properties[part]), ""
        if here.get("additionalProperties") or part in _OF_A_MAPPING:
            return None, ""
        return None, f"has no “{part}” according to its schema. It has: {', '.join(properties)}."
    if kind == "array" and isinstance(part, str):
        return None, f"is a list, so it has no “{part}”. Loop over it, or use for_each."
    if kind in _WITHOUT_PARTS:
        return None, f"is {kind_of(here)}, so it has no “{part}”."
    return (_schema(here.get("items")) if kind == "array" else None), ""


def kind_of(schema: Mapping[str, Any] | None) -> str:
    """Return what a schema describes, in words, or "" if it doesn't say."""
    kind = schema.get("type") if schema else None
    return _WORDS.get(kind, kind) if isinstance(kind, str) else ""


def _schema(value: Any) -> Mapping[str, Any] | None:
    return value if isinstance(value, Mapping) and "$ref" not in value else None


def lacking(schema: Mapping[str, Any], value: Any) -> str:
    """Return what an answer lacks that its schema requires, in words, or "" if nothing.

    Only the outermost object is looked at: models whose servers follow schemas give the rest, and the templates that
    use a part say if it is missing.
    """
    if value is None:
        return "it is not JSON"
    if schema.get("type") == "object":
        if not isinstance(value, dict):
            return "it is not a JSON object"
        required = schema.get("required")
        missing = [str(name) for name in required if name not in value] if isinstance(required, list) else []
        return f"it lacks {', '.join(missing)}" if missing else ""
    if schema.get("type") == "array" and not isinstance(value, list):
        return "it is not a JSON list"
    return ""
