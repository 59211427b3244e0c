"""Turn a request into its items, in the order they were sent, and its messages exactly as sent. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from llm_session_memory.reader.entries import MARK, UNMARK
from llm_session_memory.reader.sent import Excerpt, Sent, Stretch, ranges
from llm_session_memory.reader.values import Note, Said, Stem
from llm_session_memory.rules.explanation import why as why_found
from llm_session_memory.rules.safe_text import one_line
from llm_session_memory.rules.words import counted

from ..web.links import Links
from .called import laid_out, schema_in_line, schema_title
from .points import session_of
from .showing import Showing
from .window import kind as kind_of
from .window import sizes
from .words import day, marked

_TEXTS = 60
"""Exchanges whose text is shown on the page. If there are more, only the first and last few are shown."""


@dataclass(frozen=True)
class ItemRow:
    """One item of a request: a line, the reason why it was sent, and its full text in a fold."""

    kind: str
    label: str
    html: str
    why: str
    tokens: str
    text: str = ""
    url: str = ""


class Items:
    """The items of a request, in the order they were sent."""

    def __init__(  # noqa: PLR0913  what the rows are made of
        self,
        sent: Sent,
        said: Sequence[Said],
        showing: Showing,
        links: Links,
        reference: str,
        stems: Sequence[Stem] = (),
    ) -> None:
        """Take a request and the texts of its messages, as far as they are shown; `stems` are the parts of a fork."""
        self._sent, self._said, self._showing, self._stems = sent, said, showing, stems
        self._links, self._reference = links, reference

    def rows(self, notes: Sequence[Note], pinned: dict[int, str]) -> list[ItemRow]:
        """Return a row for each item. `notes` and `pinned` are the current notes and pins, with their dates."""
        sent, size = self._sent, sizes(self._sent)
        rows: list[ItemRow] = []
        if sent.system:
            tools = f", plus {counted(len(sent.tools), 'tool')}: {', '.join(sent.tools)}" if sent.tools else ""
            text = self._text(0, 1)
            first = one_line(_before_fences(self._plain(0)), 160)
            notes_too = bool(sent.notes or sent.everywhere)
            beside = " and ".join(["notes"] * notes_too + ["summary"] * bool(sent.summary)) or "text"
            why = "system prompt" if first else f"no system prompt, only the {beside}"
            words = first or f"{beside}, as sent"
            rows.append(self._row("system", "system", words, f"{why}{one_line(tools, 300)}", size.system, text))
        elif sent.tools:
            names = one_line(", ".join(sent.tools), 300)
            rows.append(
                ItemRow("system", "tools", escape(names), "tool definitions, included in the request's count", "")
            )
        if sent.schema:
            names = " ".join(filter(None, [schema_title(sent.schema), schema_in_line(sent.schema)]))
            text = self._showing.code(laid_out(sent.schema), sent.number)
            rows.append(ItemRow("system", "schema", escape(names), "the schema that the reply must follow", "", text))
        by = {note.text: f"; added by {note.author} on {day(note.created_utc)}" for note in notes}
        for texts, where in ((sent.everywhere, "sent in all sessions"), (sent.notes, "always sent")):
            rows += [
                self._row("notes", "note", one_line(note, 300), f"{where}{by.get(note, '')}", len(note))
                for note in texts
            ]
        if sent.summary:
            one = sent.summary
            made = f"made by {one.model}" if one.model else "written by a person"
            why = f"summary of {counted(one.last - one.first + 1, 'exchange')}, {made} on {day(one.made_utc)}"
            text = self._showing.text(one.text)
            label = f"#{one.first:,}–#{one.last:,}"
            rows.append(self._row("summary", label, one_line(one.text, 160), why, len(one.text), text))
        rows += self._exchanges(pinned)
        for excerpt in sent.excerpts:
            rows.append(self._excerpt(excerpt))
        return [*rows, self._prompt(size.prompt)]

    def _exchanges(self, pinned: dict[int, str]) -> list[ItemRow]:
        sent = self._sent
        before = [stretch for stretch in sent.stretches if stretch.number != sent.number]
        rows: list[ItemRow] = []
        shown = set(range(len(before))) if len(before) <= _TEXTS else {*range(3), *range(len(before) - 20, len(before))}
        for place, stretch in enumerate(before):
            if place in shown:
                rows.append(self._exchange(stretch, pinned))
            elif place - 1 in shown:
                left = before[3 : len(before) - 20]
                known = [one.number for one in left if one.number is not None]
                names = ", ".join(ranges(known)[:3])
                size = sum(one.characters for one in left)
                rows.append(self._row("recent", "…", f"{counted(len(left), 'exchange')}: {names}", "sent whole", size))
        return rows

    def _exchange(self, stretch: Stretch, pinned: dict[int, str]) -> ItemRow:
        sent, number = self._sent, stretch.number
        words = one_line(self._plain(stretch.begin), 160)
        text = self._text(stretch.begin, stretch.end)
        if number is None:
            return self._row(
                "other", "–", words, "from another conversation, or logged while this one ran", stretch.characters, text
            )
        kind = kind_of(sent, stretch)
        if sent.why is None:
            why = "sent whole"
        elif kind == "pinned":
            why = f"pinned on {day(pinned[number])}" if number in pinned else "pinned at the time"
        else:
            cut = sent.why.clipped and number == sent.why.start
            why = "too long to be sent whole, cut in the middle" if cut else "newest, sent whole"
        why += self._of(number)
        return self._row(
            kind, f"#{number:,}", words, why, stretch.characters, text, self._links.exchange(self._reference, number)
        )

    def _of(self, number: int) -> str:
        """Return which session an exchange is from, if it isn't the fork's own."""
        of = session_of(self._stems, number)
        return f"; from {of}" if of else ""

    def _excerpt(self, excerpt: Excerpt) -> ItemRow:
        earlier = "for an earlier prompt of this block" if excerpt.earlier else f"rank {excerpt.rank}"
        whose = f"session “{excerpt.session}”" if excerpt.session else "another session"
        where = f" from {whose}" if excerpt.thread_id else ""
        why = (
            f"recalled{where} {earlier}: score {excerpt.score:.1f}"
            if excerpt.earlier
            else f"recalled{where}: score {excerpt.score:.1f}, {earlier}"
        )
        why += why_found(excerpt.words) + ("" if excerpt.thread_id else self._of(excerpt.number))
        words = excerpt.text.partition("] ")[2] or excerpt.text
        html = (
            marked(_found(words, excerpt.words)) if words else "the text is not in the part of the log that you can see"
        )
        here = excerpt.session if excerpt.thread_id else self._reference
        url = self._links.exchange(here, excerpt.number) if here else ""
        return ItemRow(
            "recalled",
            f"#{excerpt.number:,}",
            html,
            one_line(why, 300),
            f"{excerpt.tokens:,}",
            "",
            url,
        )

    def _prompt(self, size: int) -> ItemRow:
        sent = self._sent
        stretch = sent.stretches[-1] if sent.stretches else None
        if stretch is None:
            return self._row("prompt", f"#{sent.number:,}", "", "no prompt", 0)
        said = self._said[stretch.begin] if stretch.begin < len(self._said) else None
        words = "".join(piece.text for piece in said.pieces if piece.kind == "text") if said else ""
        more = stretch.end - stretch.begin - 1
        calls = f" and {counted(more, 'message')} from its tool calls" if more else ""
        if any(not one.earlier for one in sent.excerpts):
            marks = "the marks around its excerpts"
            why = f"the new prompt, {marks},{calls}" if calls else f"the new prompt, and {marks}"
        else:
            why = f"the new prompt{calls}"
        text = self._text(stretch.begin, stretch.end)
        return self._row("prompt", f"#{sent.number:,}", one_line(words, 300), why, size, text)

    def _row(self, kind: str, label: str, words: str, why: str, size: int, text: str = "", url: str = "") -> ItemRow:  # noqa: PLR0913  the fields of a row
        tokens = self._sent.share(size)
        return ItemRow(
            kind, label, escape(words), one_line(why, 400), "" if tokens is None else f"{tokens:,}", text, url
        )

    def _plain(self, place: int) -> str:
        if place >= len(self._said):
            return ""
        return " ".join(piece.text for piece in self._said[place].pieces if piece.kind == "text")[:2_000]

    def _text(self, begin: int, end: int) -> str:
        return "".join(message(said, self._showing, self._sent.number) for said in self._said[begin:end])


def _before_fences(system: str) -> str:
    """Return only the system prompt of a system message that also has notes or a summary."""
    return re.split(r"(?:^|\n\n)<(?:notes|summary)>\n", system, maxsplit=1)[0]


def message(said: Said, showing: Showing, number: int) -> str:
    """Return a message exactly as sent: its role and every piece."""
    pieces: list[str] = []
    for piece in said.pieces:
        if piece.kind in ("tool_call", "tool_result", "other"):
            what = {"tool_call": "calls", "tool_result": "result of"}.get(piece.kind, "")
            pieces.append(f'<p class="sv-sub">{what} {escape(one_line(piece.name, 80))}</p>')
            pieces.append(showing.code(piece.text, number))
        elif piece.kind in ("fragment", "excerpt"):
            recalled = piece.kind == "excerpt"  # its name is made up: all excerpts of a prompt are one fragment
            what = f"recalled from {piece.name.rpartition('/')[2]}" if recalled else f"fragment {piece.name}"
            pieces.append(f'<p class="sv-sub">{escape(one_line(what, 200))}</p>{showing.text(piece.text, number)}')
        elif piece.text:
            pieces.append(showing.text(piece.text, number))
        pieces.extend(showing.file(held) for held in piece.attachments)
    role = escape(one_line(said.role, 40))
    return f'<div class="sv-sent sv-sent-{role if role.isalpha() else "other"}"><b>{role}</b>{"".join(pieces)}</div>'


def _found(text: str, words: Sequence[str]) -> str:
    """Return an excerpt with the words that matched marked."""
    text = text.replace(MARK, "").replace(UNMARK, "")
    if not words:
        return text
    either = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    return re.sub(rf"(?<!\w)(?:{either})\w*", lambda match: MARK + match.group() + UNMARK, text, flags=re.IGNORECASE)
