"""The outline of a transcript's page: one line for each prompt, and the bookmarks of the whole session. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from llm_session_memory.reader.values import Exchange, Transcript
from llm_session_memory.rules.safe_text import one_line

from ..web.links import Links
from .cards import Card

_WIDTH = 60
"""The most characters of a prompt in the outline. The rail shows about half of them, a phone nearly all."""

_BOOKMARKS = 40
"""The most bookmarks listed that are on other pages."""

NO_TEXT = "(no text)"


@dataclass(frozen=True)
class OutlineLine:
    """A line of the outline: where it leads, its number, the first words, and its marks."""

    url: str
    number: int | None
    words: str
    pinned: bool = False
    chapter: str = ""
    """The label of its bookmark: the heading of a chapter."""
    state: str = ""
    """“failed”, “in progress” or “undone”, or nothing for an exchange."""


@dataclass(frozen=True)
class FarBookmark:
    """A bookmark on another page of the session: its URL, number and label."""

    url: str
    number: int
    label: str


def outline(page: Transcript, cards: Iterable[Card]) -> tuple[OutlineLine, ...]:
    """Return a line for each card of a page. A failed prompt that was answered later has none: its answer has one."""
    words = _words(page)
    states = {one.id: "in progress" if one.in_progress else "failed" for one in page.attempts}
    return tuple(
        OutlineLine(
            f"#{card.anchor}",
            card.number,
            words.get(card.id) or NO_TEXT,
            card.pinned,
            card.label,
            "undone" if card.undone else states.get(card.id, ""),
        )
        for card in cards
        if card.answered is None
    )


def elsewhere(page: Transcript, bookmarks: Sequence[tuple[int, str]], links: Links) -> tuple[FarBookmark, ...]:
    """Return the session's bookmarks that are not on this page: those nearest to it, in order."""
    near = sorted(_others(page, bookmarks), key=lambda one: min(abs(one[0] - page.first), abs(one[0] - page.last)))
    reference = page.line.reference
    return tuple(
        FarBookmark(links.exchange(reference, number), number, one_line(label, 80))
        for number, label in sorted(near[:_BOOKMARKS])
    )


def more_elsewhere(page: Transcript, bookmarks: Sequence[tuple[int, str]]) -> int:
    """Return how many bookmarks on other pages are too many to be listed."""
    return max(len(_others(page, bookmarks)) - _BOOKMARKS, 0)


def _others(page: Transcript, bookmarks: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    return [one for one in bookmarks if not page.first <= one[0] <= page.last]


def first_words(exchange: Exchange) -> str:
    """Return the first words of an exchange's prompt or, if it has no text, the names of what was given with it."""
    pieces = [piece for said in exchange.calls[0].messages if said.role == "user" for piece in said.pieces]
    text = next((piece.text for piece in pieces if piece.kind == "text" and piece.text.strip()), "")
    if not text:
        text = ", ".join(piece.name for piece in pieces if piece.kind == "fragment" and piece.name)
    if not text:
        files = [held for piece in pieces for held in piece.attachments]
        text = ", ".join((held.path or held.url or held.type).rpartition("/")[2] for held in files)
    return one_line(text, _WIDTH)


def _words(page: Transcript) -> Mapping[str, str]:
    """Return the first words of each prompt of a page, by the id of its card."""
    shown = [*page.exchanges, *(one.exchange for one in page.undone)]
    return {one.id: first_words(one) for one in shown} | {one.id: one_line(one.prompt, _WIDTH) for one in page.attempts}
