"""The words in which two answers differ, as HTML. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import SequenceMatcher
from html import escape

from llm_session_memory.rules.safe_text import visible

_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")
"""A word, a space, or a sign."""

_MOST = 1_500
"""The most words of a text that are compared: the longest common subsequence takes their square in time."""

_ALIKE = 0.3
"""With a smaller share of words in common, two texts are said to differ altogether: marks would be on every line."""


def marked_words(one: str, other: str) -> tuple[str, str] | None:
    """Return two texts as HTML, each with the words marked that the other lacks there.

    Return None if they have too little in common for marks to help, or are too long.
    """
    first, second = _TOKEN.findall(visible(one)), _TOKEN.findall(visible(other))
    words = [place for place, token in enumerate(first) if not token.isspace()]
    others = [place for place, token in enumerate(second) if not token.isspace()]
    if max(len(words), len(others)) > _MOST:
        return None
    matcher = SequenceMatcher(
        None,
        [first[place].casefold() for place in words],
        [second[place].casefold() for place in others],
        autojunk=False,
    )
    if matcher.ratio() < _ALIKE:
        return None
    changed = [code for code in matcher.get_opcodes() if code[0] != "equal"]
    return (
        _marked(first, words, ((begin, end) for _, begin, end, _, _ in changed)),
        _marked(second, others, ((begin, end) for _, _, _, begin, end in changed)),
    )


def _marked(tokens: list[str], words: list[int], stretches: Iterable[tuple[int, int]]) -> str:
    """Return tokens as HTML with some stretches of words marked, with the spaces inside them."""
    parts, done = [], 0
    for begin, end in stretches:
        if begin == end:
            continue
        start, stop = words[begin], words[end - 1] + 1
        parts.append(escape("".join(tokens[done:start])))
        parts.append(f"<mark>{escape(''.join(tokens[start:stop]))}</mark>")
        done = stop
    return "".join(parts) + escape("".join(tokens[done:]))
