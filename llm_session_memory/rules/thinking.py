"""The thinking that some models write into their replies, between `<think>` and `</think>`. Pure.

llm keeps the reasoning of other models in parts of their own. Thinking in the text is shown like those, and it is left
out when it is sent again, counted or recalled. The log keeps the reply as it was.

A tag counts at the beginning of a line, outside of code; a reply that explains the tags is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

from ..errors import SessionError
from ..model import THINK, Exchange, Message, Part, Turn

_MARK = (
    r"(?im)^ {0,3}(?P<code>`{3,}|~{3,})[^\n]*$"
    r"|(?P<open><[ \t]{0,4}think[ \t]{0,4}>)|(?P<close><[ \t]{0,4}/[ \t]{0,4}think[ \t]{0,4}>)"
)
"""Compiled, like the next ones, for a reply that has the word: most have none."""

_CLOSE = r"(?i)<[ \t]{0,4}/[ \t]{0,4}think[ \t]{0,4}>"

_BEFORE, _AFTER = r"(?:\A|\n)[ \t]{0,16}\Z", r"[ \t]{0,16}(?:\n|\Z)"

_NEARBY = 18
"""How many characters before a tag are looked at."""

_NESTED = 64
"""How many tags are looked at to find where thinking with thinking inside ends."""


class ThinkingStretch(NamedTuple):
    """A stretch of a reply, from `start` to `end` in its text, without tags. `thought`: whether it is thinking."""

    thought: bool
    start: int
    end: int


def stretches(text: str) -> list[ThinkingStretch]:
    """Return the stretches of a reply, in order; one that is not thinking for a reply without tags.

    Thinking that never ends goes to the end of the reply if it began with the reply; if it only ends, it began there.
    """
    if "think" not in text.lower() or not re.search(_MARK, text):
        return [_said(0, len(text))]
    found: list[ThinkingStretch] = []
    place, code = 0, ""
    for mark in re.finditer(_MARK, text):
        if mark.start() < place or (code and not mark["code"]):
            continue
        if mark["code"]:
            code = _code(code, mark["code"], mark.group())
        elif mark["open"] and (_begins_line(text, mark.start()) or (found and mark.start() == place)):
            inside = _inside(text, mark.end())
            if inside is None and text[: mark.start()].strip():
                break  # none ends any more, and something was said before: perhaps an example
            end, after = inside or (len(text), len(text))
            found += [_said(place, mark.start()), _thought(mark.end(), end)]
            place = after
        elif mark["close"] and not found and _is_alone(text, mark.start(), mark.end()):
            found.append(_thought(0, mark.start()))
            place = mark.end()
    found.append(_said(place, len(text)))
    return [one for one in found if text[one.start : one.end].strip()] or [_said(len(text), len(text))]


def _said(start: int, end: int) -> ThinkingStretch:
    return ThinkingStretch(thought=False, start=start, end=end)


def _thought(start: int, end: int) -> ThinkingStretch:
    return ThinkingStretch(thought=True, start=start, end=end)


def _code(now: str, fence: str, line: str) -> str:
    """Return the fence of the code block that goes on after a line with a fence, or nothing."""
    if not now:
        return fence
    ends = fence[0] == now[0] and len(fence) >= len(now) and line.strip() == fence
    return "" if ends else now


def _begins_line(text: str, place: int) -> bool:
    near = max(place - _NEARBY, 0)
    return bool(re.search(_BEFORE, text[near:place] if near else text[:place]))


def _is_alone(text: str, start: int, end: int) -> bool:
    """Return whether a closing tag is at the beginning or at the end of a line."""
    return _begins_line(text, start) or bool(re.compile(_AFTER).match(text, end))


def _inside(text: str, begin: int) -> tuple[int, int] | None:
    """Return where thinking that begins here ends, and where its closing tag ends, or None if it has none.

    Thinking can have thinking inside. If there are more opening tags than closing ones, the first closing tag counts.
    """
    first = re.compile(_CLOSE).search(text, begin)
    if first is None:
        return None
    depth = 1
    for mark in islice(re.compile(_MARK).finditer(text, begin), _NESTED):
        depth += bool(mark["open"]) - bool(mark["close"])
        if not depth:
            return mark.span()
    return first.span()


def said(text: str) -> str:
    """Return a reply without its thinking."""
    found = stretches(text)
    if found == [_said(0, len(text))]:
        return text
    return "\n\n".join(text[one.start : one.end].strip("\n") for one in found if not one.thought).strip()


def pieces(text: str) -> Iterator[tuple[bool, str]]:
    """Yield the stretches of a reply for showing it: whether one is thinking, and its text."""
    for one in stretches(text):
        shown = text[one.start : one.end]
        yield one.thought, shown.strip() if one.thought else shown.strip("\n") if one.start else shown


# -- messages ------------------------------------------------------------


def as_reasoning(message: Message) -> Message:
    """Return a message with the thinking in its texts as parts of their own, like those of other models."""
    if not _thinks(message):
        return message
    parts: list[Part] = []
    for part in message.parts:
        text = str(part.data.get("text") or "")
        if part.type != "text" or said(text) == text:
            parts.append(part)
            continue
        parts += (Part({"type": "reasoning" if thought else "text", "text": piece}) for thought, piece in pieces(text))
    return replace(message, parts=tuple(parts))


def without_thinking(message: Message) -> Message:
    """Return a message without the thinking in its texts, or the message itself if it has none."""
    if not _thinks(message):
        return message
    parts = tuple(map(_part_without, message.parts))
    return message if parts == message.parts else replace(message, parts=parts)


def _part_without(part: Part) -> Part:
    if part.type != "text":
        return part
    return replace(part, data={**part.data, "text": said(str(part.data.get("text") or ""))})


def turn_without_thinking(turn: Turn) -> Turn:
    """Return a turn without its thinking. The server's count of its reply is dropped with it, because it has both."""
    output = tuple(map(without_thinking, turn.output))
    return turn if output == turn.output else replace(turn, output=output, output_tokens=None)


def exchange_without_thinking(exchange: Exchange) -> Exchange:
    """Return an exchange without the thinking of its replies."""
    turns = tuple(map(turn_without_thinking, exchange.turns))
    return exchange if turns == exchange.turns else replace(exchange, turns=turns)


def _thinks(message: Message) -> bool:
    return message.role == "assistant" and any(_may_think(part) for part in message.parts)


def _may_think(part: Part) -> bool:
    return part.type == "text" and "think" in str(part.data.get("text") or "").lower()


# -- excerpts ------------------------------------------------------------


def said_within(text: str, start: int, end: int) -> str:
    """Return what is not thinking of a stretch of a reply."""
    found = stretches(text)
    if found == [_said(0, len(text))]:
        return text[start:end]
    kept = (
        text[max(one.start, start) : min(one.end, end)]
        for one in found
        if not one.thought and one.start < end and one.end > start
    )
    return " ".join(filter(None, (piece.strip() for piece in kept)))


# -- the setting -----------------------------------------------------------


def keeps(think: str | None) -> bool:
    """Return whether thinking is sent again."""
    return think == "keep"


def parsed_think(text: str) -> str:
    """Return a setting for thinking in its normal form. Raises SessionError if it is invalid."""
    found = text.strip().lower()
    if found not in THINK:
        raise SessionError(f"“{text}” is not one of: {', '.join(THINK)}.", "Give --think keep or --think drop.")
    return found


def unthinking(messages: Iterable[Message], think: str | None) -> tuple[Message, ...]:
    """Return messages as a setting wants them sent again."""
    return tuple(messages) if keeps(think) else tuple(map(without_thinking, messages))
