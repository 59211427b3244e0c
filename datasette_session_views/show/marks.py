"""Mark the words of a search in the messages of a page, which are HTML already. Pure but for the clock."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from html import unescape
from itertools import islice
from typing import Any

from llm_session_memory.rules.folding import fold
from llm_session_memory.rules.passages import STOP_WORDS
from llm_session_memory.rules.safe_text import one_line
from llm_session_memory.rules.search_terms import Marker, query_of

from ..web.links import Links
from .cards import Card
from .speech import SpeechBlock, SpeechPart

_TOKEN = re.compile(r"""<(?:"[^"]*"|'[^']*'|[^'">])*>|&[#\w]{1,32};|[^<&]+|[<&]""")
_NAME = re.compile(r"</?([a-zA-Z][\w-]*)")

_INLINE = frozenset("a b bdi bdo code del em i ins kbd mark s small span strong sub sup u wbr".split())
"""Elements that a word may go on through, as in `<b>bridge</b>s`. Others begin a new line."""

_SKIPPED = frozenset("button math svg".split())
"""Elements without words to mark."""

_UNSEARCHED = frozenset("cut failed files rated recalled schema tools".split())
"""Kinds of blocks that no search looks in: marks there would only open folds."""

_STRETCH = 20_000
"""The characters in which words are looked for at once."""

_BEGINNING = 3
"""How many characters a word and its other endings have in common; stretches without them need no closer look."""

_MOST = 1_000
"""The most marks on a page."""

_PATIENCE = 0.5
"""The seconds after which no more blocks are looked at. A page of usual texts takes a tenth of that."""


@dataclass
class Marks:
    """Marks the words of one search on one page, and counts them."""

    text: str
    count: int = 0
    _until: float = 0.0

    def __post_init__(self) -> None:
        query = query_of(self.text)
        words = [word for word in query.words if word.lower() not in STOP_WORDS] or query.words
        self._marker = Marker(words, query.signs)
        texts = (term.units[0].text.casefold()[:_BEGINNING] for term in self._marker.terms)
        self._beginnings = [*texts, *(fold(sign).casefold() for sign in query.signs)]

    @property
    def any(self) -> bool:
        """Whether the search has a word or a sign at all."""
        return bool(self._marker.terms or self._marker.signs)

    def cards(self, cards: Sequence[Card]) -> list[Card]:
        """Return cards with the words marked, and the folds that have some open."""
        return [replace(card, parts=tuple(map(self._part, card.parts))) for card in cards] if self.any else [*cards]

    def _part(self, part: SpeechPart) -> SpeechPart:
        return replace(part, blocks=tuple(map(self._block, part.blocks)))

    def _block(self, block: SpeechBlock) -> SpeechBlock:
        html = block.html if block.kind in _UNSEARCHED else self.html(block.html)
        return block if html == block.html else replace(block, html=html, opened=True)

    def html(self, html: str) -> str:
        """Return a piece of HTML with the words marked in its texts; the folds in it that have some are open."""
        self._until = self._until or time.monotonic() + _PATIENCE
        if self.count >= _MOST or time.monotonic() > self._until:
            return html
        tokens = list(_tokens(html))
        plain = "".join(token.plain for token in tokens)
        spans = [*islice(self._spans(plain), _MOST - self.count)]
        if not spans:
            return html
        self.count += len(spans)
        return _written(tokens, spans)

    def _spans(self, plain: str) -> Iterator[tuple[int, int]]:
        """Yield where the words are, until there is no time left."""
        begin = 0
        while begin < len(plain) and time.monotonic() <= self._until:
            end = max(plain.rfind(" ", begin, begin + _STRETCH), begin) if begin + _STRETCH < len(plain) else len(plain)
            end = end if end > begin else begin + _STRETCH
            stretch = plain[begin:end]
            folded = fold(stretch).casefold()
            if any(beginning in folded for beginning in self._beginnings):
                yield from ((begin + first, begin + last) for first, last in self._marker.spans(stretch))
            begin = end


def marked(links: Links, reference: str, marks: Marks, without_url: str) -> dict[str, Any] | None:
    """Return what a page says of its marks, or None if nothing was searched."""
    if not marks.any:
        return None
    return {
        "words": one_line(marks.text, 100),
        "count": f"at least {marks.count:,}" if marks.count >= _MOST else f"{marks.count:,}",
        "one": marks.count == 1,
        "without_url": without_url,
        "search_url": links.search(q=marks.text),
        "within_url": links.search(q=marks.text, session=reference),
    }


@dataclass
class _Token:
    """A tag, an entity or a stretch of text: as in the HTML, and as a reader sees it."""

    html: str
    plain: str
    is_text: bool = False


def _tokens(html: str) -> Iterator[_Token]:
    skipped = ""
    for found in _TOKEN.finditer(html):
        token = found.group()
        if token[0] == "<" and len(token) > 1:
            named = _NAME.match(token)
            name = named[1].lower() if named else ""
            if name in _SKIPPED:
                skipped = "" if token.startswith("</") else skipped or name
            yield _Token(token, "" if name in _INLINE else "\n")
        elif skipped:
            yield _Token(token, "")
        else:
            yield _Token(token, unescape(token) if token[0] == "&" else token, is_text=True)


def _written(tokens: Sequence[_Token], spans: Sequence[tuple[int, int]]) -> str:
    """Return tokens as HTML with marks around the spans of their plain text, which are in order."""
    written: list[str] = []
    folds: list[int] = []
    left = list(reversed(spans))
    place = 0
    for token in tokens:
        if not token.is_text:
            _fold(token.html, written, folds)
            place += len(token.plain)
            continue
        end = place + len(token.plain)
        while left and left[-1][1] <= place:
            left.pop()
        pieces, at = [], place
        for start, stop in reversed(left):
            if start >= end:
                break
            begin, until = max(start, at), min(stop, end)
            pieces += [(at, begin, False), (begin, until, True)]
            at = until
        pieces.append((at, end, False))
        for begin, until, is_marked in pieces:
            piece = _cut(token, begin - place, until - place)
            written.append(f"<mark>{piece}</mark>" if is_marked and piece else piece)
        if any(is_marked for *_, is_marked in pieces):
            for fold in folds:
                written[fold] = _opened(written[fold])
        place = end
    return "".join(written)


def _fold(tag: str, written: list[str], folds: list[int]) -> None:
    """Write a tag, and keep the places of the folds that are not closed yet."""
    if tag.startswith("<details"):
        folds.append(len(written))
    elif tag.startswith("</details") and folds:
        folds.pop()
    written.append(tag)


def _opened(tag: str) -> str:
    return tag if re.search(r"\sopen\b", tag) else f"{tag[:-1]} open>"


def _cut(token: _Token, begin: int, end: int) -> str:
    """Return a part of a token's HTML; an entity is never cut."""
    if token.html[0] == "&" and len(token.html) > 1:
        return token.html if begin == 0 and end > begin else ""
    return token.html[begin:end]
