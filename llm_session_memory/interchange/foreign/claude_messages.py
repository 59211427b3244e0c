"""The messages of Claude's export as the parts of llm's messages.

Anthropic does not document the format. It is known from the exports that people get: each message has a sender, and
content that is a list of blocks. In older exports it has only its text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ...llm_seam.past import PastTurn
from ...model import Message, Part
from ...rules.safe_text import one_line
from .moments import moment
from .shapes import dict_of, list_of, text_of
from .values import Losses

_FIELDS = frozenset(
    "uuid text content sender created_at updated_at attachments files files_v2 index truncated stop_reason"
    " parent_message_uuid input_mode nested sync_sources".split()
)
_BLOCK_FIELDS = frozenset(
    "start_timestamp stop_timestamp flags type text citations thinking summaries cut_off truncated signature id name"
    " input message integration_name integration_icon_url icon_name context approval_options approval_key"
    " display_content is_error is_mcp_app mcp_server_url tool_use_id content structured_content meta title"
    " alternative_display_type".split()
)
_SAYS_NOTHING = ("token_budget", "flag")


class ClaudeMessages:
    """Reads messages of one conversation. What can't be taken over is counted as a loss."""

    def __init__(self, losses: Losses, place: str) -> None:
        self._losses, self._place = losses, place

    def turn(self, prompt: Mapping[str, Any] | None, replies: Iterable[Mapping[str, Any]], begun: str) -> PastTurn:
        """Return a prompt with all that followed it. `begun` is its time if no message has one."""
        messages = [*([prompt] if prompt else []), *replies]
        parts = self._joined(part for one in messages[1 if prompt else 0 :] for part in self._parts(one))
        times = filter(None, (moment(one.get("created_at")) for one in messages))
        fragments = self._fragments(prompt or {})
        text = "".join(str(part.data["text"]) for part in self._parts(prompt or {}) if part.type == "text")
        asked = Part(
            {"type": "text", "text": "\n".join([*(content for _, _, content in fragments), text])},
            fragments=tuple(content for _, _, content in fragments),
        )
        return PastTurn(
            input=(Message("user", (asked,)),) if prompt else (),
            output=(Message("assistant", parts),) if parts else (),
            fragments=fragments,
            datetime_utc=next(times, begun),
        )

    def _joined(self, parts: Iterable[Part]) -> tuple[Part, ...]:
        found: list[Part] = []
        for part in parts:
            again = part.type == "text" and any(one.type == "text" for one in found)
            found.append(Part({**part.data, "text": f"\n\n{part.data['text']}"}) if again else part)
        return tuple(found)

    def _fragments(self, message: Mapping[str, Any]) -> tuple[tuple[str, str | None, str], ...]:
        """Return the texts of the files that went with a prompt; files whose content is not there are counted."""
        found: list[tuple[str, str | None, str]] = []
        for one in list_of(message.get("attachments")):
            content, name = one.get("extracted_content"), one.get("file_name")
            if isinstance(content, str) and content:
                found.append(("prompt", one_line(name, 200) if isinstance(name, str) and name else None, content))
            else:
                self._losses.add("an attached file that is not in the export", self._place)
        named = {text_of(one.get("file_name")) for one in list_of(message.get("attachments"))}
        for one in list_of(message.get("files")):
            if text_of(one.get("file_name")) not in named:
                self._losses.add("an attached file that is not in the export", self._place)
        return tuple(found)

    def _parts(self, message: Mapping[str, Any]) -> Iterator[Part]:
        for field in message.keys() - _FIELDS:
            self._losses.add(f"the field {field} of a message", self._place)
        blocks, called = list_of(message.get("content")), 0
        if not blocks:
            text = message.get("text")
            yield from [Part({"type": "text", "text": text})] if isinstance(text, str) and text else []
            return
        made_up = f"{message.get('uuid')}"
        id_ = made_up
        for block in blocks:
            for field in block.keys() - _BLOCK_FIELDS:
                self._losses.add(f"the field {field} of a message's content", self._place)
            match block.get("type"):
                case "text" | "voice_note":
                    yield from _text("text", block.get("text") or block.get("title"))
                case "thinking":
                    yield from _text("reasoning", block.get("thinking"))
                case "tool_use":
                    called += 1
                    id_ = block["id"] if isinstance(block.get("id"), str) and block["id"] else f"{made_up} {called}"
                    yield _ran("tool_call", block, id_, arguments=_arguments(block.get("input")))
                case "tool_result":
                    output = self._output(block.get("content"))
                    answered = block.get("tool_use_id")
                    yield _ran("tool_result", block, answered if isinstance(answered, str) else id_, output=output)
                case kind if kind not in _SAYS_NOTHING:
                    self._losses.add(f"a part of a message of the type “{kind}”", self._place)

    def _output(self, content: object) -> str:
        """Return the text of a tool's result."""
        if isinstance(content, str):
            return content
        texts = []
        for one in list_of(content):
            if isinstance(one.get("text"), str):
                texts.append(one["text"])
            elif one.get("type") == "knowledge":
                texts.append("\n".join(str(one[name]) for name in ("title", "url") if one.get(name)))
            else:
                self._losses.add(f"a part of a tool's result of the type “{one.get('type')}”", self._place)
        return "\n".join(texts)


def _ran(kind: str, block: Mapping[str, Any], id_: str, **more: Any) -> Part:
    """Return the call of a tool that the server ran, or its result."""
    name = block.get("name")
    made = {"type": kind, "name": name if isinstance(name, str) else "tool", "tool_call_id": id_, **more}
    return Part({**made, "server_executed": True})


def _text(kind: str, text: object) -> Iterator[Part]:
    if isinstance(text, str) and text:
        yield Part({"type": kind, "text": text})


def _arguments(given: object) -> dict[str, Any]:
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            return {"input": given}
    return dict_of(given) or ({} if given in (None, {}) else {"input": given})
