"""A session as one line of OpenAI's chat format, to train a model with or to take to another tool.

    {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", ...}, ...], "tools": [...]}

Format: https://platform.openai.com/docs/api-reference/fine-tuning/chat-input. The line has what the format can hold: no
reasoning, no tools that a model's server ran, no figures. Excerpts and the summary are left out, because all exchanges
are there. An exchange without a reply teaches nothing, and most tools refuse it, so it is left out too.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from typing import Any

from ...model import Attachment, Exchange, Part
from ...rules.fences import without_summary
from ...rules.request import whole
from ...rules.safe_text import escaped
from ...rules.thinking import as_reasoning
from ...store import details
from .gathering import Gathering
from .jsonl import Known, joined_system

_SOUNDS = {"audio/wav": "wav", "audio/x-wav": "wav", "audio/mpeg": "mp3", "audio/mp3": "mp3"}
"""The types of sounds that the format can hold, with its names for them."""


def openai_pieces(gathering: Gathering, known: Known) -> Iterator[tuple[str, int]]:
    """Yield the line of a session in pieces, each with the number of exchanges that it completes; nothing if empty."""
    detailed = details.Detailed(gathering.log)
    system: str | None = None
    tools: dict[str, dict[str, Any]] = {}
    begun = False
    for entry in gathering.entries():
        if not isinstance(entry, Exchange) or not _is_answered(entry):
            continue
        found = detailed.of([turn.id for turn in entry.turns])
        now = without_summary(joined_system(found[entry.id]) or "") or None
        changed = [{"role": "system", "content": now or ""}] if now != system else []
        system = now
        for turn in entry.turns:
            tools |= {one.name: _tool(one) for one in found[turn.id].tools if not known.is_server_side(one)}
        messages = [*changed, *_Messages(gathering, entry).all()]
        yield (
            ("" if begun else '{"messages": [')
            + (", " if begun else "")
            + ", ".join(_json(gathering.record(one)) for one in messages),
            1,
        )
        begun = True
    if begun:
        yield (
            "]" + (f', "tools": {_json([gathering.record(one) for one in tools.values()])}' if tools else "") + "}\n",
            0,
        )


def _json(value: Any) -> str:
    return escaped(json.dumps(value, ensure_ascii=False))


def _is_answered(exchange: Exchange) -> bool:
    """Return whether an exchange ends with a reply: a text that is more than thinking, or a file."""
    return any(
        part.attachments or (part.type == "text" and str(part.data.get("text") or "").strip())
        for message in exchange.turns[-1].output
        if message.role == "assistant"
        for part in as_reasoning(message).parts
    )


def _tool(tool: details.Tool) -> dict[str, Any]:
    described = {"description": tool.description} if tool.description else {}
    function = {"name": tool.name, **described, "parameters": dict(tool.input_schema)}
    return {"type": "function", "function": function}


class _Messages:
    """The messages of one exchange. Calls and results without ids, as local models have them, get ids here."""

    def __init__(self, gathering: Gathering, exchange: Exchange) -> None:
        self._gathering = gathering
        self._exchange = exchange
        self._made = 0
        self._open: list[str] = []

    def all(self) -> Iterator[dict[str, Any]]:
        """Yield the messages in order."""
        for message in whole(self._exchange):
            kept = [part for part in as_reasoning(message).parts if not part.data.get("server_executed")]
            if message.role == "assistant":
                yield from self._assistant(kept)
            else:
                yield from (self._result(part) for part in kept if part.type == "tool_result")
                said = [part for part in kept if part.type in ("text", "attachment")]
                if said:
                    yield {"role": message.role, "content": self._content(said)}

    def _assistant(self, parts: Iterable[Part]) -> Iterator[dict[str, Any]]:
        kept = [*parts]
        said = [part for part in kept if part.type in ("text", "attachment")]
        calls = [self._call(part) for part in kept if part.type == "tool_call"]
        if said or calls:
            text = self._text(said) if said else None
            yield {"role": "assistant", "content": text, **({"tool_calls": calls} if calls else {})}

    def _call(self, part: Part) -> dict[str, Any]:
        id_ = part.data.get("tool_call_id")
        if not id_:
            self._made += 1
            id_ = f"call_{self._exchange.number}_{self._made}"
            self._open.append(id_)
        arguments = json.dumps(part.data.get("arguments") or {}, ensure_ascii=False)
        return {"id": id_, "type": "function", "function": {"name": part.data.get("name"), "arguments": arguments}}

    def _result(self, part: Part) -> dict[str, Any]:
        id_ = part.data.get("tool_call_id") or (self._open.pop(0) if self._open else "")
        left_out = [_left_out(one) for one in part.attachments]
        return {"role": "tool", "tool_call_id": id_, "content": "\n".join([str(part.data.get("output")), *left_out])}

    def _content(self, parts: Iterable[Part]) -> Any:
        """Return a text, or a list of parts if there are files among them."""
        kept = [*parts]
        if all(part.type == "text" for part in kept):
            return self._text(kept)
        return [self._part(part) for part in kept]

    def _text(self, parts: Iterable[Part]) -> str:
        """Return the text of parts. A reply can't have files in this format, so a line says that one is missing."""
        return "".join(
            str(part.data.get("text") or "") if part.type == "text" else "\n".join(map(_left_out, part.attachments))
            for part in parts
        )

    def _part(self, part: Part) -> dict[str, Any]:
        if part.type == "text" or not part.attachments:
            return {"type": "text", "text": str(part.data.get("text") or "")}
        attachment = self._gathering.filled(part.attachments[0])
        type_ = attachment.type or "application/octet-stream"
        held = base64.b64encode(attachment.content).decode("ascii") if attachment.content is not None else None
        data = f"data:{type_};base64,{held}" if held is not None else None
        if type_.startswith("image/") and (attachment.url or data):
            return {"type": "image_url", "image_url": {"url": attachment.url or data}}
        if type_ in _SOUNDS and held is not None:
            return {"type": "input_audio", "input_audio": {"data": held, "format": _SOUNDS[type_]}}
        if data is not None:
            return {"type": "file", "file": {"filename": f"attachment-{attachment.id[:8]}", "file_data": data}}
        return {"type": "text", "text": _left_out(attachment)}


def _left_out(attachment: Attachment) -> str:
    return f"[… {attachment.type or 'an attachment'} left out here …]"
