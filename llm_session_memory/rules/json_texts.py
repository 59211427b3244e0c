"""The texts in JSON values. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def mapped(value: Any, change: Callable[[str], str]) -> Any:
    """Return a JSON value with every text in it changed, names of fields too."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {change(name): mapped(one, change) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [mapped(one, change) for one in value]
    return value
