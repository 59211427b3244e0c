"""Tool calls with their results, and schemas: in a line, and laid out. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from llm_session_memory.reader.exchanges import parsed
from llm_session_memory.reader.values import Call, Piece
from llm_session_memory.rules.safe_text import one_line

_WAITING = 100
"""The most calls, newest first, among which the one that a result answers is looked for."""

_LAID_OUT = 20_000
"""The most characters of JSON that is laid out on lines. Longer JSON is shown as it is."""


@dataclass(frozen=True)
class Spoken:
    """A piece of an exchange, with the role of its message and its call."""

    call: Call
    role: str
    piece: Piece


def answers(said: Sequence[Spoken]) -> dict[int, int]:
    """Return the places of tool results by the place of the tool call that each answers, for all that have one."""
    waiting: list[int] = []
    found: dict[int, int] = {}
    for place, one in enumerate(said):
        if one.piece.kind == "tool_call":
            waiting.append(place)
        elif one.piece.kind == "tool_result":
            index = _answered([said[call].piece for call in waiting[-_WAITING:]], one.piece)
            if index is not None:
                found[waiting.pop(index)] = place
    return found


def _answered(waiting: Sequence[Piece], result: Piece) -> int | None:
    """Return which call a result answers, counted from the end (-1 is the last), or None if it is none of them.

    It is the first one with the result's id or, if one of them has no id, with its name.
    """
    places = range(-len(waiting), 0)
    same = (place for place in places if result.call and waiting[place].call == result.call)
    named = (
        place for place in places if not (result.call and waiting[place].call) and waiting[place].name == result.name
    )
    return next(same, next(named, None))


def in_line(arguments: str) -> str:
    """Return a call's arguments as in a program, `place="Lisbon", days=3`, or unchanged if they aren't an object."""
    values = parsed(arguments) if len(arguments) <= _LAID_OUT else None
    if not isinstance(values, dict):
        return one_line(arguments, 80)
    words = (f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in values.items())
    return one_line(", ".join(words), 80)


def laid_out(text: str) -> str:
    """Return JSON on indented lines, or unchanged if it is too long or not JSON."""
    values = parsed(text) if len(text) <= _LAID_OUT else None
    if not values or not isinstance(values, dict | list):
        return text
    found = json.dumps(values, ensure_ascii=False, indent=2)
    return found if len(found) <= 4 * _LAID_OUT else text


def schema_title(schema: str) -> str:
    """Return the title in a schema, or nothing."""
    found = parsed(schema)
    title = found.get("title") if isinstance(found, dict) else None
    return one_line(title, 60) if isinstance(title, str) else ""


def schema_in_line(schema: str) -> str:
    """Return the names of the properties that a schema asks for; of a list as llm asks for it, those of its items."""
    found = parsed(schema)
    names = _properties(found)
    if list(names) == ["items"]:
        items = names["items"]
        inner = _properties(items.get("items") if isinstance(items, dict) else None)
        if inner:
            return one_line(f"a list of {', '.join(inner)}", 100)
    return one_line(", ".join(names), 100)


def schema_value(text: str) -> object:
    """Return a schema as plain values, as text if it is not JSON, or None if there is none."""
    found = (
        None if "NaN" in text or "Infinity" in text else parsed(text)
    )  # Python reads these, but JSON has no such numbers
    return text or None if found is None else found


def _properties(schema: object) -> dict[str, object]:
    properties = schema.get("properties") if isinstance(schema, dict) else None
    return properties if isinstance(properties, dict) else {}
