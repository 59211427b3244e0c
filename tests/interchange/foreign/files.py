"""Files of other tools, with invented texts, and what their readers say, as plain values to compare."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from llm_session_memory.interchange.foreign.source import SourceFile
from llm_session_memory.interchange.foreign.values import ForeignConversation, ForeignExchange, Format, Losses
from llm_session_memory.llm_seam.past import PastTurn
from llm_session_memory.model import Message, Part

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
"""A picture of one pixel, in base64."""


def lines(path: Path, records: Iterable[Mapping[str, Any]]) -> Path:
    """Write records as JSON lines and return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(one, separators=(",", ":")) + "\n" for one in records), encoding="utf-8")
    return path


def read(format_: Format, path: Path) -> tuple[list[ForeignConversation], Losses]:
    """Return the conversations of a file or a folder, with their exchanges as lists, and what was lost."""
    losses = Losses()
    source = SourceFile(path)
    assert format_.recognises(source)
    found = []
    for one in format_.conversations(source, losses):
        object.__setattr__(one, "exchanges", [*one.exchanges])
        found.append(one)
    return found, losses


def said(exchange: ForeignExchange) -> list[str]:
    """Return an exchange as one line for each part: “user: text”, “assistant calls ls {…}”, “tool: result”."""
    return [line for turn in exchange.turns for line in of_turn(turn)]


def of_turn(turn: PastTurn) -> list[str]:
    """Return a turn as lines, as `said` does."""
    return [_part(message, part) for message in (*turn.input, *turn.output) for part in message.parts]


def _part(message: Message, part: Part) -> str:
    data = part.data
    held = "".join(f" [{one.type or one.url}]" for one in part.attachments)
    match part.type:
        case "text":
            return f"{message.role}: {data['text']}"
        case "reasoning":
            return f"{message.role} thinks: {data['text'] or '…'}"
        case "tool_call":
            where = "server runs" if data.get("server_executed") else "calls"
            return f"{message.role} {where} {data['name']} {json.dumps(data['arguments'])}"
        case "tool_result":
            wrong = " (error)" if data.get("exception") else ""
            return f"{message.role} {data['name']}: {data['output']}{wrong}{held}"
    return f"{message.role}{held}"
