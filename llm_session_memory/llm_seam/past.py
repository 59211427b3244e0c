"""A past model call as plain values, with what llm's writer needs. Pure, so that file readers can make them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..model import Message


@dataclass(frozen=True)
class PastTool:
    """A tool that a turn offered: `server_side` is the class of one that the server ran, `arguments` configure it."""

    name: str
    description: str | None
    input_schema: Mapping[str, Any]
    plugin: str | None
    server_side: str | None
    arguments: Any


@dataclass(frozen=True)
class PastTurn:
    """One model call that is over. `system` None: it had none; `has_system` False: the session's."""

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
