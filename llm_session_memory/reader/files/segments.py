"""Cut a text into what is code and what is Markdown, and long Markdown into parts that can be read by themselves. Pure.

A fence that begins at the margin ends every other block, and so does a line at the margin after a blank one, unless it
is an item of a list. So the parts look as they would in the whole, and no part is so long that parsing it takes long.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

LONGEST = 20_000
"""The most characters of a part."""

_ENOUGH = 3_000
"""A part that has this many characters ends where it can."""

_FENCE = re.compile(r"(`{3,})([^`\n]*)$|(~{3,})([^\n]*)$")
GOES_ON = re.compile(r"[\s>]|[-*+](?:\s|$)|\d{1,9}[.)](?:\s|$)|\[\^")
"""The beginning of a line that may belong to a block before a blank line."""


@dataclass(frozen=True)
class Segment:
    """A part of a text. `language` is that of a block of code, and None if the part is Markdown."""

    text: str
    language: str | None = None


def segments(text: str) -> Iterator[Segment]:
    """Yield the parts of a text in their order."""
    prose: list[str] = []
    lines = iter(text.split("\n"))
    for line in lines:
        fence = _FENCE.match(line)
        if fence is None:
            prose.append(line)
            continue
        yield from _parts(prose)
        prose = []
        mark = fence[1] or fence[3]
        closing = re.compile(rf" {{0,3}}{re.escape(mark[0])}{{{len(mark)},}}[ \t]*$")
        code: list[str] = []
        for inner in lines:
            if closing.match(inner):
                break
            code.append(inner)
        yield Segment("\n".join(code), (fence[2] or fence[4] or "").strip())
    yield from _parts(prose)


def _parts(lines: list[str]) -> Iterator[Segment]:
    part: list[str] = []
    size = 0
    blank = False
    for line in lines:
        if size >= _ENOUGH and blank and line and not GOES_ON.match(line):
            yield from _cut("\n".join(part))
            part, size = [], 0
        part.append(line)
        size += len(line) + 1
        blank = not line.strip()
    yield from _cut("\n".join(part))


def _cut(text: str) -> Iterator[Segment]:
    """Yield a part, cut at the ends of lines or words if it is still too long."""
    while len(text) > LONGEST:
        end = (
            max(text.rfind("\n", LONGEST // 2, LONGEST), 0) or max(text.rfind(" ", LONGEST // 2, LONGEST), 0) or LONGEST
        )
        yield Segment(text[:end])
        text = text[end:]
    if text.strip():
        yield Segment(text)


def as_json(text: str) -> str | None:
    """Return a text that is a JSON object or array, on lines of its own; None if it is something else."""
    stripped = text.strip()
    if stripped[:1] + stripped[-1:] not in ("{}", "[]"):
        return None
    try:
        json.loads(stripped, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return None
    return stripped if "\n" in stripped or len(stripped) < _ONE_LINE else _indented(stripped)


_ONE_LINE = 80
_DEEPEST = 20
_STRING = r'"(?:[^"\\]|\\.)*"'
_SHORT = r'\[(?:[^\[\]{}"]|"(?:[^"\\]|\\.){0,16}"){1,24}\]'
"""A list of a few numbers or short strings, which stays on one line."""

_ATOM = re.compile(rf'{_STRING}|[{{}}\[\],:]|[^\s{{}}\[\],:"]+')
_TOKEN = re.compile(rf"{_SHORT}|{_ATOM.pattern}")


def _indented(text: str) -> str:
    """Return JSON with a line for each member. Its strings and numbers stay exactly as they were written."""
    pieces: list[str] = []
    depth = 0
    opened = False
    for piece in _TOKEN.findall(text):
        closes = piece in "}]"
        depth -= closes
        if opened != closes:
            pieces.append(_new_line(depth))
        opened = piece in "{["
        depth += opened
        if len(piece) > 1 and piece[0] == "[":
            pieces.extend(", " if atom == "," else atom for atom in _ATOM.findall(piece))
        else:
            pieces.append({",": "," + _new_line(depth), ":": ": "}.get(piece, piece))
    return "".join(pieces)


def _new_line(depth: int) -> str:
    return "\n" + "  " * min(depth, _DEEPEST)
