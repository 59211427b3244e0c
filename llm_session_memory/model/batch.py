"""A line of a file of prompts as a frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from .frozen import dataclass


@dataclass(frozen=True)
class PromptLine:
    """One prompt as a file has it, with what differs from the rest of its batch.

    `number` is the line in the file, from 1. `id` is what the file calls it. `options` are the model's. `schema` is a
    JSON object, or a text as llm's `--schema` takes it. `values` has the other columns: the variables of a template.
    """

    number: int
    prompt: str | None = None
    id: str | None = None
    model: str | None = None
    system: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    attachments: tuple[str, ...] = ()
    fragments: tuple[str, ...] = ()
    schema: Any = None
    values: Mapping[str, Any] = field(default_factory=dict)
