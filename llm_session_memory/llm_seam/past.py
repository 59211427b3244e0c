"""Past model calls as plain values for llm's writer. Pure, so that file readers can make them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..model import Message

UNKNOWN_MODEL = "unknown"
"""The model of turns whose model is not known."""


@dataclass(frozen=True)
class PastTool:
    """A tool that was offered to the model.

    Attributes:
        server_side: The name of the tool's class if the model's server ran it, else None.
        arguments: The configuration of the server-side tool, or of the toolbox behind the tool.
    """

    name: str
    description: str | None
    input_schema: Mapping[str, Any]
    plugin: str | None
    server_side: str | None
    arguments: Any


@dataclass(frozen=True)
class PastTurn:
    """One past model call.

    Attributes:
        has_system: Whether `system` applies. If False, the call had the session's system prompt.
        system: The call's own system prompt, or None if it was sent without one.
        fragments: The side (“prompt” or “system”), source and text of each fragment.
        instances: For each tool call, by its id, the arguments of the toolbox that served it.
    """

    input: tuple[Message, ...]
    output: tuple[Message, ...]
    model: str | None = None
    resolved_model: str | None = None
    has_system: bool = False
    system: str | None = None
    options: Mapping[str, Any] | None = None
    schema: Mapping[str, Any] | None = None
    fragments: tuple[tuple[str, str | None, str], ...] = ()
    tools: tuple[PastTool, ...] = ()
    instances: Mapping[str, Any] | None = None
    datetime_utc: str = ""
    duration_ms: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    token_details: Mapping[str, Any] | None = None
    response_json: Any = None
