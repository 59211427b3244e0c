"""Conversations in OpenAI's chat format: JSONL for training, requests of batches, and plain lists of messages.

    {"messages": [{"role": "user", "content": "..."}, {"role": "assistant", "content": "..."}], "tools": [...]}

Format: https://platform.openai.com/docs/api-reference/fine-tuning/chat-input. A file has one such object in each line,
or a JSON list of them, or is itself a list of messages.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from ...llm_seam.past import PastTool
from ...rules.safe_text import one_line
from ..lines import FileRefused
from .chats import ROLES, Offered, SaidMessage, begun, exchanges, key_of
from .first_value import first_value
from .items import is_list, items
from .moments import moment
from .openai_parts import said_of
from .source import SourceFile
from .transcripts import count_unknown, mapping, mappings, text
from .values import ForeignConversation, Losses

_TIMES = ("created_at", "created", "timestamp", "date", "time", "create_time")
_NAMES = ("title", "name", "session", "conversation")
_OPTIONS = ("temperature", "top_p", "max_tokens", "max_completion_tokens", "seed", "stop", "frequency_penalty")
_KNOWN = frozenset(
    (
        *("messages", "system", "tools", "functions", "model", "metadata", "response_format", "tags"),
        *("parallel_tool_calls", "id", "custom_id", *_TIMES, *_NAMES, *_OPTIONS),
    )
)
_OF_BATCH = frozenset(("custom_id", "method", "url", "body"))


class OpenAI:
    """The format."""

    source = "openai"
    title = "OpenAI's chat format"
    may_repeat = True

    def recognises(self, source: SourceFile) -> bool:
        """Return whether a file's first object has messages with roles, or is such a message."""
        if not source.may_be_text:
            return False
        value = first_value(source.head)
        first = value[0] if isinstance(value, list) and value else value
        if not isinstance(first, Mapping):
            return False
        if isinstance(value, list) and _is_message(first):
            return True
        messages = _whole(first).get("messages")
        return isinstance(messages, list) and bool(messages) and _is_message(messages[0])

    def conversations(self, source: SourceFile, losses: Losses) -> Iterator[ForeignConversation]:
        """Yield the conversations of a file. Raises FileRefused, with the place, for what is not in the format."""
        found = items(source)
        place, first = next(found, ("", {}))
        if is_list(source) and _is_message(first):
            yield from _one(chain([(place, first)], found), source, losses)
            return
        for where, value in chain([(place, first)], found):
            made = conversation_of(value, where, losses)
            if made is not None:
                yield made


FORMAT = OpenAI()


def _is_message(value: Any) -> bool:
    """Return whether a value is a message; one that was cut off may have nothing but its role."""
    if not isinstance(value, Mapping) or text(value.get("role")).lower() not in ROLES:
        return False
    return bool({"content", "tool_calls"} & {*value}) or len(value) == 1


def _whole(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the object that has the messages: the body of a request in a batch, or the value itself."""
    body = value.get("body")
    if isinstance(body, Mapping) and "messages" in body:
        return {**body, **{name: one for name, one in value.items() if name not in _OF_BATCH - {"custom_id"}}}
    return value


def conversation_of(value: Mapping[str, Any], place: str, losses: Losses) -> ForeignConversation | None:
    """Return a conversation, or None if it has no messages. Raises FileRefused if it has no list of messages."""
    whole = _whole(value)
    messages = whole.get("messages")
    if not isinstance(messages, list) or not all(isinstance(one, Mapping) for one in messages):
        raise FileRefused(f"{place} has no “messages”, which must be a list of objects with “role” and “content”.")
    count_unknown(whole, _KNOWN, "a conversation", place, losses)
    system, rest = begun(said for one in messages for said in said_of(one, place, losses))
    if text(whole.get("system")):
        system = "\n\n".join(filter(None, [text(whole["system"]), system]))
    offered = Offered(_tools(whole), _options(whole), _schema(whole))
    made = [*exchanges(rest, place, losses, offered, grows=False)]
    if not made:
        losses.add("a conversation without messages", place)
        return None
    names, tags = [text(whole.get(name)) for name in _NAMES], whole.get("tags")
    return ForeignConversation(
        key=None,
        exchanges=made,
        name=next(filter(None, names), None),
        created_utc=next(filter(None, (moment(whole.get(name)) for name in _TIMES)), ""),
        model=text(whole.get("model")) or None,
        system=system,
        tags=tuple(one for one in tags if isinstance(one, str)) if isinstance(tags, list) else (),
        meta=_meta(whole),
    )


def _one(
    found: Iterator[tuple[str, Mapping[str, Any]]], source: SourceFile, losses: Losses
) -> Iterator[ForeignConversation]:
    """Yield the conversation of a file that is a list of messages. It grows, so its beginning identifies it."""

    def messages() -> Iterator[SaidMessage]:
        for place, value in found:
            yield from said_of(value, place, losses)

    system, rest = begun(messages())
    made = exchanges(rest, source.name, losses, grows=True)
    first = next(made, None)
    if first is not None:
        yield ForeignConversation(key_of(None, first), chain([first], made), name=source.stem, system=system)


def _meta(whole: Mapping[str, Any]) -> dict[str, str]:
    facts = {**mapping(whole.get("metadata"))}
    facts |= {name: whole[name] for name in ("id", "custom_id") if whole.get(name) not in (None, "")}
    return {str(name): one if isinstance(one, str) else json.dumps(one) for name, one in facts.items()}


def _options(whole: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a call. They are not the session's: another model that continues it may not have them."""
    return {name: whole[name] for name in _OPTIONS if whole.get(name) is not None}


def _schema(whole: Mapping[str, Any]) -> Mapping[str, Any] | None:
    wanted = mapping(mapping(whole.get("response_format")).get("json_schema"))
    return mapping(wanted.get("schema")) or None


def _tools(whole: Mapping[str, Any]) -> tuple[PastTool, ...]:
    return tools_of([*mappings(whole.get("tools")), *mappings(whole.get("functions"))])


def tools_of(tools: list[Mapping[str, Any]]) -> tuple[PastTool, ...]:
    """Return the tools that a conversation offers, by OpenAI's definitions or Anthropic's."""
    made = {}
    for one in tools:
        function = mapping(one.get("function")) or one
        name = text(function.get("name"))
        if name:
            schema = mapping(function.get("parameters")) or mapping(function.get("input_schema"))
            made[name] = PastTool(
                one_line(name, 200), text(function.get("description")) or None, schema, None, None, None
            )
    return tuple(made.values())
