"""Texts that others wrote, within Markdown: names escaped, texts quoted, data fenced. Pure."""

from __future__ import annotations

import re

from ...rules.safe_text import one_line, plain
from .segments import as_json

_MARKUP = re.compile(r"[\\`*\[\]<>]|(?<![^\W_])_|_(?![^\W_])")
_NAME_WIDTH = 1_000


def inert(name: str) -> str:
    """Return a name on one line, with its Markdown escaped."""
    return _MARKUP.sub(r"\\\g<0>", one_line(name, _NAME_WIDTH))


_BLOCK = re.compile(r" {0,3}(?:#{1,6} |```|~~~|[-*+] |\d{1,9}[.)] |>|\||\$\$|\\\[)|    \S")
"""The beginning of a reply that means nothing after other words on the same line: a list, a heading, a fence."""


def spoken(who: str, text: str, *, is_reply: bool) -> str:
    """Return a text with its speaker. A reply in JSON is fenced; one that begins with a block gets its own line."""
    shown = plain(text)
    data = as_json(shown) if is_reply else None
    if data is not None:
        return f"{who}\n\n{fenced(data)}"
    return f"{who}\n\n{shown}" if is_reply and _BLOCK.match(shown) else f"{who} {shown}"


def fenced(data: str) -> str:
    """Return JSON as a block of code."""
    fence = "`" * max(3, _longest_run(data) + 1)
    return f"{fence}json\n{data}\n{fence}"


def quoted(title: str, text: str) -> str:
    """Return a text as a quote under its title."""
    body = "\n".join(f"> {line}" for line in plain(text).split("\n"))
    return f"*{title}:*\n\n{body}"


def code(text: str) -> str:
    """Return a text as code within a line."""
    fence = "`" * (_longest_run(text) + 1)
    return f"{fence}{plain(text)}{fence}"


def _longest_run(text: str) -> int:
    """Return how many backticks follow each other at most; a fence must be longer."""
    return max(map(len, re.findall("`+", text)), default=0)
