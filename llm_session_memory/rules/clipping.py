"""Cutting one exchange that does not fit: the middle of its longest texts is replaced by a mark that gives the size.

Pure. Only the newest exchange is ever cut, or the exchange in progress if its tool results grow too long. Every other
exchange is sent whole or not at all.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..model import Message, Part
from .tokens import Measure

_MARK = "\n[… {left_out:,} of {length:,} characters left out here; the log keeps them …]\n"
_WHOLE_MARK = "[… {what} left out here; the log keeps it …]"


def cut_middle(text: str, keep: int) -> str:
    """Return `text` with its middle replaced by a mark, so that about `keep` characters of it remain.

    A text that would not get shorter is returned unchanged.
    """
    if len(text) <= keep:
        return text
    head = (keep + 1) // 2
    tail = keep - head
    mark = _MARK.format(left_out=len(text) - keep, length=len(text))
    shorter = text[:head] + mark + (text[-tail:] if tail else "")
    return shorter if len(shorter) < len(text) else text


def clip(messages: Sequence[Message], limit: int, measure: Measure) -> tuple[Message, ...] | None:
    """Return `messages` cut to at most `limit` tokens, or None if even the marks alone do not fit.

    Reasoning is removed first, because its signature would not match a shortened text. Then all texts longer than a
    certain length are cut to that length, the greatest one that fits, so that only the longest texts are cut.
    Attachments are replaced by a mark only if that is not enough.
    """
    for attachments in (True, False):
        bare = tuple(_without(message, attachments=attachments) for message in messages)
        longest = max((len(text) for message in bare for text in _texts(message)), default=0)
        if (found := _greatest_that_fits(bare, longest, limit, measure)) is not None:
            return found
    return None


def _greatest_that_fits(
    messages: tuple[Message, ...], longest: int, limit: int, measure: Measure
) -> tuple[Message, ...] | None:
    def cut_to(keep: int) -> tuple[Message, ...]:
        return tuple(_mapped(message, lambda text: cut_middle(text, keep)) for message in messages)

    def fits(candidate: tuple[Message, ...]) -> bool:
        return measure.tokens(measure.base(candidate)) <= limit

    if fits(messages):
        return messages
    if not fits(cut_to(0)):
        return None
    low, high = 0, longest
    while high - low > 1:
        middle = (low + high) // 2
        if fits(cut_to(middle)):
            low = middle
        else:
            high = middle
    return cut_to(low)


def _without(message: Message, *, attachments: bool) -> Message:
    """Return the message without its reasoning and, unless `attachments`, with marks in place of attachments.

    A reply that was only reasoning becomes a mark as well, because many models refuse an empty message.
    """
    parts: list[Part] = []
    for part in message.parts:
        if part.type == "reasoning":
            continue
        if attachments or not part.attachments:
            parts.append(part)
            continue
        marks = "\n".join(_WHOLE_MARK.format(what=held.type or "an attachment") for held in part.attachments)
        data: dict[str, Any] = {"type": "text", "text": marks}
        if part.type == "tool_result":
            data = {**part.data, "output": "\n".join(filter(None, (part.data.get("output"), marks)))}
        parts.append(dataclasses.replace(part, data=data, attachments=()))
    if message.parts and not parts:
        parts.append(Part({"type": "text", "text": _WHOLE_MARK.format(what="reasoning")}))
    return dataclasses.replace(message, parts=tuple(parts))


def _texts(message: Message) -> Iterator[str]:
    seen: list[str] = []

    def see(text: str) -> str:
        seen.append(text)
        return text

    _mapped(message, see)
    yield from seen


def _mapped(message: Message, change: Callable[[str], str]) -> Message:
    """Return the message with `change` applied to each of its texts: prose, tool results, tool arguments."""
    return dataclasses.replace(message, parts=tuple(_mapped_part(part, change) for part in message.parts))


def _mapped_part(part: Part, change: Callable[[str], str]) -> Part:
    keys = {"text": ("text",), "tool_result": ("output",), "tool_call": ("arguments",)}.get(part.type, ())
    data = dict(part.data)
    for name in data.keys() & set(keys):
        data[name] = _mapped_value(data[name], change)
    return dataclasses.replace(part, data=data)


def _mapped_value(value: Any, change: Callable[[str], str]) -> Any:
    match value:
        case str():
            return change(value)
        case dict():
            return {name: _mapped_value(inner, change) for name, inner in value.items()}
        case list():
            return [_mapped_value(inner, change) for inner in value]
        case _:
            return value
