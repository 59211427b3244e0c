"""Conversations in ShareGPT's format, in JSONL or a JSON list: most public training data with several turns.

    {"conversations": [{"from": "human", "value": "..."}, {"from": "gpt", "value": "..."}], "tools": "..."}

Format: https://llamafactory.readthedocs.io/en/latest/getting_started/data_preparation.html (ShareGPT). Tool calls are
messages from “function_call” with JSON in them, results are from “observation”.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ...llm_seam.past import PastTool
from ...model import Part
from ...rules.safe_text import one_line
from ..lines import FileRefused
from .chats import ROLES, Offered, SaidMessage, begun, exchanges
from .first_value import first_value
from .items import items
from .moments import moment
from .openai import tools_of
from .openai_parts import content_parts, said_of
from .source import SourceFile
from .transcripts import call_part, count_unknown, mapping, mappings, result_part, text
from .values import ForeignConversation, Losses

_LISTS = ("conversations", "conversation")
_TIMES = ("created_at", "created", "timestamp", "date")
_KNOWN = frozenset((*_LISTS, *_TIMES, "id", "system", "system_prompt", "tools", "model", "title", "name", "source"))
_OF_MESSAGE = frozenset(("from", "value", "role", "content", "text", "weight"))
_CALLS = ("function_call", "tool_call")


class ShareGPT:
    """The format."""

    source = "sharegpt"
    title = "ShareGPT's format"
    may_repeat = True

    def recognises(self, source: SourceFile) -> bool:
        """Return whether a file's first object has a conversation of messages with “from” and “value”."""
        if not source.may_be_text:
            return False
        value = first_value(source.head)
        first = value[0] if isinstance(value, list) and value else value
        messages = _messages(first) if isinstance(first, Mapping) else None
        return bool(mappings(messages)) and bool({"from", "role"} & {*mappings(messages)[0]})

    def conversations(self, source: SourceFile, losses: Losses) -> Iterator[ForeignConversation]:
        """Yield the conversations of a file. Raises FileRefused, with the place, for what is not in the format."""
        for place, value in items(source):
            made = _conversation(value, place, losses)
            if made is not None:
                yield made


FORMAT = ShareGPT()


def _messages(value: Mapping[str, Any]) -> Any:
    return next((value[name] for name in _LISTS if isinstance(value.get(name), list)), None)


def _conversation(value: Mapping[str, Any], place: str, losses: Losses) -> ForeignConversation | None:
    messages = _messages(value)
    if messages is None or not all(isinstance(one, Mapping) for one in messages):
        raise FileRefused(f"{place} has no “conversations”, which must be a list of objects with “from” and “value”.")
    count_unknown(value, _KNOWN, "a conversation", place, losses)
    system, rest = begun(said for one in messages for said in _said(one, place, losses))
    given = text(value.get("system")) or text(value.get("system_prompt"))
    system = "\n\n".join(filter(None, [given, system])) or None
    made = [*exchanges(rest, place, losses, Offered(_tools(value, place, losses)), grows=False)]
    if not made:
        losses.add("a conversation without messages", place)
        return None
    return ForeignConversation(
        key=None,
        exchanges=made,
        name=text(value.get("title")) or text(value.get("name")) or None,
        created_utc=next(filter(None, (moment(value.get(name)) for name in _TIMES)), ""),
        model=text(value.get("model")) or None,
        system=system,
        meta={name: str(value[name]) for name in ("id", "source") if value.get(name) not in (None, "")},
    )


def _said(message: Mapping[str, Any], place: str, losses: Losses) -> Iterator[SaidMessage]:
    """Yield a message as ours. Some data has OpenAI's messages under ShareGPT's names."""
    if "from" not in message:
        yield from said_of(message, place, losses)
        return
    count_unknown(message, _OF_MESSAGE, "a message", place, losses)
    speaker = text(message["from"]).strip().lower()
    content = next((message[name] for name in ("value", "content", "text") if message.get(name) is not None), "")
    if speaker in _CALLS:
        yield SaidMessage("assistant", tuple(_calls(content)))
        return
    role = ROLES.get(speaker)
    if role is None:
        losses.add(f"a message from “{one_line(speaker, 30)}”", place)
        return
    parts: list[Part] = content_parts(content, role, place, losses)
    if role == "tool":
        output = "\n".join(str(part.data.get("text") or "") for part in parts)
        parts = [result_part(output, None)]
    yield SaidMessage(role, tuple(parts))


def _calls(content: Any) -> Iterator[Part]:
    """Yield the tool calls in a message from “function_call”: one, or a list of them, as JSON."""
    try:
        value = json.loads(content) if isinstance(content, str) else content
    except (ValueError, RecursionError):
        value = None
    found = mappings(value) if isinstance(value, list) else [mapping(value)]
    for one in found:
        if one.get("name"):
            yield call_part(text(one.get("name")), one.get("arguments", one.get("parameters")), None)
        else:
            yield call_part("tool", {"input": content}, None)


def _tools(value: Mapping[str, Any], place: str, losses: Losses) -> tuple[PastTool, ...]:
    given = value.get("tools")
    if isinstance(given, str) and given.strip():
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            losses.add("the tools of a conversation, which are not JSON", place)
    return tools_of(mappings(given))
