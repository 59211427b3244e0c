"""Values of JSON that may have any shape. Pure."""

from __future__ import annotations

from typing import Any


def dict_of(value: object) -> dict[str, Any]:
    """Return a JSON object, or an empty one if a value is something else."""
    return value if isinstance(value, dict) else {}


def list_of(value: object) -> list[dict[str, Any]]:
    """Return the objects of a JSON list; none if a value is something else."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def text_of(value: object) -> str | None:
    """Return a text, or None if it is empty or if a value is something else."""
    return value if isinstance(value, str) and value else None
