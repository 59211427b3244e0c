"""Where a long text is folded behind “Show all”. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .segments import GOES_ON, Segment

_SHOWN, _FOLDED_FROM = 6_000, 3_000
"""The characters of a long text that are shown at first, and how many must be left for folding them to be worth it."""

_SHOWN_PLAIN, _SHOWN_LINES = 1_800, 24
_CODE_COUNTS = 2_000
"""The characters that a block of code counts as at most, because a long one scrolls by itself."""

_SENTENCE = re.compile(r"(?:[.!?…][\"”’»)]*\s|[。！？])")
_TRIES = 50
"""How many ends of sentences are looked at."""

_PAIRS = [re.compile(f"{re.escape(mark)}+") for mark in "`*_~$"]
"""Marks that come in pairs around words, each alone or several in a row."""


def shortened(parts: Sequence[Segment]) -> list[Segment]:
    """Return the parts of a text, in which the paragraph that goes beyond what is shown at first is cut in two."""
    found: list[Segment] = []
    total = 0
    for part in parts:
        if total <= _SHOWN < total + len(part.text) - _FOLDED_FROM and part.language is None:
            found += _in_two(part.text, _SHOWN - total)
        else:
            found.append(part)
        total += _size(part)
    return found


def _in_two(text: str, most: int) -> Iterator[Segment]:
    end = _end_of_sentence(text, most)
    yield Segment(text[:end])
    if end < len(text):
        yield Segment(text[end:])


def _end_of_sentence(text: str, most: int) -> int:
    """Return where a paragraph can be cut: after a sentence, at a place where no mark of Markdown is open."""
    for match in reversed([*_SENTENCE.finditer(text, most // 2, most)][-_TRIES:]):
        said = text[: match.end()].rpartition("\n\n")[2]
        if _is_paragraph(said) and not any(len(mark.findall(said)) % 2 for mark in _PAIRS) and _closed(said):
            return match.end()
    return len(text)


def _is_paragraph(said: str) -> bool:
    """Return whether a block that begins like this is words and nothing else: no list, quote, heading or table."""
    return not any(GOES_ON.match(line) or line[:1] in ("#", "|", "<", "$", "\\") for line in said.split("\n") if line)


def _closed(said: str) -> bool:
    return all(said.count(one) == said.count(other) for one, other in ("[]", "()", "<>"))


def cut(parts: Sequence[Segment]) -> int:
    """Return how many parts of a long text are shown before “Show all”."""
    sizes = [_size(part) for part in parts]
    total = 0
    for place, size in enumerate(sizes):
        if place and total + size > _SHOWN and sum(sizes[place:]) >= _FOLDED_FROM:
            return place
        total += size
    return len(parts)


def _size(part: Segment) -> int:
    return len(part.text) if part.language is None else min(len(part.text), _CODE_COUNTS)


def cut_plain(text: str) -> int:
    """Return how many characters of a long text without markup are shown before “Show all”."""
    lines = text.split("\n", _SHOWN_LINES)
    end = sum(len(line) + 1 for line in lines[:_SHOWN_LINES]) - 1 if len(lines) > _SHOWN_LINES else len(text)
    if end > _SHOWN_PLAIN:
        last = max(text.rfind("\n", _SHOWN_PLAIN // 2, _SHOWN_PLAIN), text.rfind(" ", _SHOWN_PLAIN // 2, _SHOWN_PLAIN))
        end = last if last > 0 else _SHOWN_PLAIN
    rest = text[end:]
    return end if len(rest) >= _SHOWN_PLAIN or rest.count("\n") >= _SHOWN_LINES else len(text)


def unfolding(size: int, html: str) -> str:
    """Return what is folded, under a line that says how many characters it has."""
    more = f'<span class="sv-when-closed">Show all: {size:,} more characters</span>'
    less = '<span class="sv-when-open">Show less</span>'
    return f'<details class="sv-fold sv-long"><summary>{more}{less}</summary>{html}</details>'
