"""The blocks of messages in Claude Code's transcripts, which are those of Anthropic's Messages API. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...model import Part
from .transcripts import call_part, count_unknown, file_part, mapping, of_base64, of_url, text, text_part, thought
from .values import Losses

_BLOCKS = {
    "text": frozenset("type text citations cache_control".split()),
    "thinking": frozenset("type thinking signature cache_control".split()),
    "redacted_thinking": frozenset("type data".split()),
    "tool_use": frozenset("type id name input caller cache_control".split()),
    "server_tool_use": frozenset("type id name input caller".split()),
    "tool_result": frozenset("type tool_use_id content is_error cache_control".split()),
    "image": frozenset("type source cache_control".split()),
    "document": frozenset("type source title context citations cache_control".split()),
}


def parts_of(block: Mapping[str, Any], place: str, losses: Losses) -> list[Part]:
    """Return a block of a message as parts; none if it can't be taken over, which is counted."""
    kind = text(block.get("type"))
    count_unknown_in(block, place, losses)
    if kind == "text":
        return [text_part(text(block.get("text")))] if text(block.get("text")) else []
    if kind in ("thinking", "redacted_thinking"):
        return [thought(text(block.get("thinking")))]
    if kind in ("tool_use", "server_tool_use"):
        server = kind == "server_tool_use"
        return [call_part(text(block.get("name")), block.get("input"), text(block.get("id")), server=server)]
    if kind in ("image", "document"):
        found = _file(mapping(block.get("source")))
        if found:
            return [found]
    losses.add(f"a block of the kind {kind or 'without a kind'}", place)
    return []


def count_unknown_in(block: Mapping[str, Any], place: str, losses: Losses) -> None:
    """Count the fields of a block of a known kind that are not known."""
    kind = text(block.get("type"))
    if kind in _BLOCKS:
        count_unknown(block, _BLOCKS[kind], f"a block of the kind {kind}", place, losses)


def _file(source: Mapping[str, Any]) -> Part | None:
    """Return an image or a document as a part, or None if its content is elsewhere."""
    if source.get("type") == "text":
        return text_part(text(source.get("data")))
    found = of_base64(source.get("data"), source.get("media_type")) if source.get("data") else of_url(source.get("url"))
    return file_part(found) if found else None
