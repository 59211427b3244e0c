"""What a conversation without a name is called: the beginning of its first prompt, as a person reads it. Pure."""

from __future__ import annotations

import re

from .safe_text import without_hidden

LONGEST = 280
"""The most characters of a prompt that are kept: two or three lines of a list."""

_TITLE = 80
"""The most characters of a title that is made of them."""

_READ = 2_000
"""How many characters of a prompt are read."""

_LINE = re.compile(
    r"^[ \t]{0,3}(?:#{1,6}[ \t]+|>[ \t]?|[-*+][ \t]+(?:\[[ xX]\][ \t]+)?|\d{1,3}[.)][ \t]+)", re.MULTILINE
)
"""What Markdown has at the beginning of a line: headings, quotes, lists and tasks."""

_FENCE = re.compile(r"^[ \t]{0,3}(?:`{3,}|~{3,})[^\n]{0,80}$", re.MULTILINE)
_RULE = re.compile(r"^[ \t]{0,3}[-:*_=|][-:*_=| \t]{2,}$", re.MULTILINE)
_ROW = re.compile(r"^[ \t]{0,3}\|[^\n]*\|[ \t]*$", re.MULTILINE)
"""A row of a table, which begins and ends with a bar."""

_LINK = re.compile(r"!?\[([^\[\]\n]{0,200})\]\([^()\s]{0,500}\)")
_PAIRED = re.compile(r"(?<![\w*])(\*{1,3})(?=\S)([^*\n]{1,200}?)(?<=\S)\1(?![\w*])")
_CODE = re.compile(r"(`{1,2})([^`\n]{1,200})\1")


def opening(prompt: str) -> str:
    """Return the beginning of a prompt on one line, without Markdown's signs and without hidden characters."""
    return shortened(" ".join(without_hidden(without_signs(prompt[:_READ])).split()), LONGEST)


def without_signs(text: str) -> str:
    """Return a text without Markdown's signs, as far as they can be told from what is meant as it stands."""
    text = _RULE.sub("", _FENCE.sub(" ", text))
    text = _LINE.sub("", _ROW.sub(lambda row: " ".join(row[0].replace("|", " ").split()), text))
    for pattern, within in ((_LINK, r"\1"), (_PAIRED, r"\2"), (_CODE, r"\2")):
        text = pattern.sub(within, text)
    return text


def beginning(opening: str) -> str:
    """Return the beginning of an opening, short enough for a title."""
    return shortened(opening, _TITLE)


def shortened(line: str, width: int) -> str:
    """Return a line cut to a width with an ellipsis, between words if there are any."""
    if len(line) <= width:
        return line
    cut = line[:width]
    at = cut.rfind(" ", width // 2)
    return cut[: at if at > 0 else width - 1].rstrip(" ,;:–-") + "…"
