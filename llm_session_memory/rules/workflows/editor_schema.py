"""The JSON schema of the file format, with which editors complete and check a workflow. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .fields import INPUT, STEP, TOP, Field

_TEXT = {"type": "string", "minLength": 1}
_TEXTS = {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]}
_VALUE = {"type": ["string", "number", "boolean"]}
_NAMED = "^[A-Za-z_][A-Za-z0-9_]*$"

_TAKES: Mapping[str, Any] = {
    "any": {},
    "text": _TEXT,
    "template": _TEXT,
    "expression": _TEXT,
    "texts": _TEXTS,
    "templates": _TEXTS,
    "templates by name": {"type": "object", "additionalProperties": _VALUE},
    "options": {"type": "object"},
    "schema": {"anyOf": [_TEXT, {"type": "object"}]},
    "list or expression": {"anyOf": [_TEXT, {"type": "array"}]},
    "count": {"type": "integer", "minimum": 0, "maximum": 100},
    "seconds": {"type": "number", "exclusiveMinimum": 0, "maximum": 86_400},
}


def editor_schema() -> dict[str, Any]:
    """Return the schema of a workflow's file."""
    step = _object(STEP) | {"anyOf": [{"required": [name]} for name in ("prompt", "template", "shell")]}
    made = _object(TOP)
    made["properties"]["inputs"] |= _named({"anyOf": [_object(INPUT), {"type": "null"}]})
    made["properties"]["steps"] |= _named(step) | {"minProperties": 1}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A workflow of llm sessions run",
        **made,
        "required": ["steps"],
    }


def _object(fields: Mapping[str, Field]) -> dict[str, Any]:
    """Return the schema of a mapping that has only these fields."""
    properties = {name: _of(field) | {"description": field.means} for name, field in fields.items()}
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _of(field: Field) -> dict[str, Any]:
    if field.takes == "choice":
        return {"enum": [*field.choices]}
    return dict(_TAKES.get(field.takes, {}))


def _named(schema: Any) -> dict[str, Any]:
    return {"type": "object", "patternProperties": {_NAMED: schema}, "additionalProperties": False}
