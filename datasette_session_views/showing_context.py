"""From a request to what the page of a context prints: the window as a picture, fates as cells, items. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from .links import Links
from .pages import MARK, UNMARK, Note, Said, small_dollars
from .sent import Excerpt, Fate, Run, Sent, Since, Stretch, ranges
from .showing import Showing, counted, day, marked
from .visible import one_line

WORDS: dict[Fate, str] = {
    "recent": "newest",
    "pinned": "pinned",
    "recalled": "recalled",
    "summarised": "summarised",
    "pruned": "in the log, not sent",
}

_CELLS = 400
"""Exchanges from which long runs of the same fate are shown as one cell."""

_LONG = 24
"""How many neighbours then make a long run."""

_TEXTS = 60
"""Exchanges whose words are shown on the page; of more, the first and last few."""

_LABELLED = 9.0
"""Percent of the picture's width from which a part has its name in it."""


@dataclass(frozen=True)
class Part:
    """A part of the picture of the window, in percent of its width."""

    kind: str
    name: str
    x: float
    width: float
    label: str


@dataclass(frozen=True)
class Cell:
    """One exchange of the session, or a long run of them, with its fate."""

    fate: Fate
    title: str
    url: str
    text: str = ""


@dataclass(frozen=True)
class Row:
    """One item of a request, in the order in which it was sent: a line, why it is there, and its text to open."""

    kind: str
    label: str
    html: str
    why: str
    tokens: str
    text: str = ""
    url: str = ""


def facts(sent: Sent, history: int | None) -> list[tuple[str, str]]:
    """Return the head's facts, each a figure and what it counts."""
    found: list[tuple[str, str]] = []
    if sent.input_tokens is not None:
        expected = f" ({sent.why.estimate:,} were expected)" if sent.why else ""
        found.append((f"{sent.input_tokens:,}", f"tokens sent, as the server counted{expected}"))
    elif sent.why:
        found.append((f"{sent.why.estimate:,}", "tokens sent, as expected; the server counted none"))
    if not sent.older:
        found.append(("", fates(sent)))
    if history is not None and (whole := sent.share(history)) and sent.tokens and whole > sent.tokens:
        found.append((f"{whole:,}", "tokens would be the whole history, roughly"))
    return found


def fates(sent: Sent) -> str:
    """Return what became of the exchanges before, in words."""
    if sent.number == 1:
        return "the first exchange"
    parts = [
        (sent.counted("recent"), "whole"),
        (sent.counted("pinned"), "pinned"),
        (sent.counted("recalled"), "recalled"),
        (sent.counted("summarised"), "in a summary"),
        (sent.counted("pruned"), "not sent"),
    ]
    said = ", ".join(f"{count:,} {what}" for count, what in parts if count)
    return f"of {counted(sent.number - 1, 'earlier exchange')}: {said}"


@dataclass(frozen=True)
class Sizes:
    """The characters of what a request was made of."""

    system: int
    summary: int
    notes: int
    pinned: int
    recent: int
    recalled: int
    prompt: int
    other: int


def sizes(sent: Sent) -> Sizes:
    """Return the characters of what a request was made of; excerpts are parts of the prompts that they came with."""
    own = sum(len(excerpt.text) for excerpt in sent.excerpts if not excerpt.earlier)
    earlier = sum(len(excerpt.text) for excerpt in sent.excerpts if excerpt.earlier)
    whole: dict[str, int] = {"pinned": 0, "recent": 0, "prompt": 0, "other": 0}
    for stretch in sent.stretches:
        whole[_kind(sent, stretch)] += stretch.characters
    summary = len(sent.summary.text) if sent.summary else 0
    notes = sum(map(len, sent.notes))
    system = sent.system.characters if sent.system else 0
    return Sizes(
        max(system - summary - notes, 0),
        summary,
        notes,
        whole["pinned"],
        max(whole["recent"] - earlier, 0),
        own + earlier,
        max(whole["prompt"] - own, 0),
        whole["other"],
    )


def _kind(sent: Sent, stretch: Stretch) -> str:
    if stretch.number == sent.number:
        return "prompt"
    if stretch.number is None:
        return "other"
    return sent.fate(stretch.number)


def window(sent: Sent) -> tuple[list[Part], list[tuple[float, str]]]:
    """Return the picture of the window: its parts, and the marks on its scale."""
    size, tokens = sizes(sent), sent.tokens or 0
    if not tokens:
        return [], []
    budget, limit = (sent.why.budget, sent.why.window) if sent.why else (None, None)
    full = max(tokens, budget or 0, limit or 0)
    pieces = [
        ("system", "system", size.system),
        ("notes", "notes", size.notes),
        ("summary", "summary", size.summary),
        ("pinned", f"{sent.counted('pinned')} pinned", size.pinned),
        ("other", "earlier", size.other),
        ("recent", counted(sent.counted("recent"), "exchange"), size.recent),
        ("recalled", f"{len(sent.excerpts)} recalled", size.recalled),
        ("prompt", "new", size.prompt),
    ]
    parts: list[Part] = []
    x = 0.0
    for kind, name, characters in pieces:
        width = 100 * (sent.share(characters) or 0) / full
        if characters and width:
            parts.append(_part(kind, name, x, width))
            x += width
    if limit and budget and limit > budget:
        begin = max(100 * budget / full, x)
        if begin < 100:  # noqa: PLR2004  percent
            parts.append(_part("answer", "room for the answer", begin, 100 - begin))
    marks = [(100 * budget / full, f"budget {budget:,}")] if budget else []
    marks += [(100 * limit / full, f"window {limit:,}")] if limit and limit != budget else []
    return parts, marks


def _part(kind: str, name: str, x: float, width: float) -> Part:
    return Part(kind, name, round(x, 2), round(width, 2), name if width >= _LABELLED else "")


def cells(sent: Sent, links: Links, reference: str) -> list[Cell]:
    """Return every exchange before this one with its fate; in long sessions, long runs as one cell each."""
    found: list[Cell] = []
    for run in sent.runs:
        words = WORDS[run.fate] if sent.why or run.fate != "recent" else "sent"
        if sent.number > _CELLS and run.count > _LONG:
            name = ranges([run.first])[0] + f"–#{run.last:,}"
            found.append(Cell(run.fate, f"{name}: {words}", links.exchange(reference, run.first), name))
        else:
            found += [
                Cell(run.fate, f"#{number:,}: {words}", links.exchange(reference, number))
                for number in range(run.first, run.last + 1)
            ]
    return found


def reuse(change: Since, sent: Sent) -> str:
    """Return how much of a request the server could take from the one before, in words."""
    if not change.same_model:
        return "nothing: another model answered the exchange before"
    part = round(100 * change.shared / sent.characters) if sent.characters else 0
    tokens = sent.share(change.shared)
    figure = f"{tokens:,} of {sent.tokens:,} tokens, {part} %" if tokens is not None else f"{part} % of the characters"
    return f"about {figure}: so much of the beginning is the same as before"


def cost(sent: Sent, change: Since) -> str:
    """Return what a request cost beside the one before, in words."""
    said = []
    if change.tokens is not None:
        said.append(
            f"{abs(change.tokens):,} tokens {'more' if change.tokens >= 0 else 'fewer'} than at #{change.number:,}"
        )
    if sent.cost is not None:
        said.append(f"{small_dollars(sent.cost)} with the reply")
    return "; ".join(said) or "not counted"


class Items:
    """The items of a request, in the order in which they were sent."""

    def __init__(self, sent: Sent, said: Sequence[Said], showing: Showing, links: Links, reference: str) -> None:
        """Take a request, and what its messages said; none where they are too many to be shown."""
        self._sent, self._said, self._showing = sent, said, showing
        self._links, self._reference = links, reference

    def rows(self, notes: Sequence[Note], pinned: dict[int, str]) -> list[Row]:
        """Return a row for each item. `notes` and `pinned` say who kept what when, as far as it still is kept."""
        sent, size = self._sent, sizes(self._sent)
        rows: list[Row] = []
        if sent.system:
            tools = f"; {counted(len(sent.tools), 'tool')} besides: {', '.join(sent.tools)}" if sent.tools else ""
            text = self._text(0, 1)
            first = one_line(_before_fences(self._plain(0)), 160)
            rows.append(self._row("system", "system", first, f"system prompt{one_line(tools, 300)}", size.system, text))
        elif sent.tools:
            names = one_line(", ".join(sent.tools), 300)
            rows.append(Row("system", "tools", escape(names), "tool definitions, counted with the request", ""))
        by = {note.text: f", kept by {note.author} on {day(note.created_utc)}" for note in notes}
        rows += [
            self._row("notes", "note", one_line(note, 300), f"always sent{by.get(note, '')}", len(note))
            for note in sent.notes
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

    def _exchanges(self, pinned: dict[int, str]) -> list[Row]:
        sent = self._sent
        before = [stretch for stretch in sent.stretches if stretch.number != sent.number]
        rows: list[Row] = []
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

    def _exchange(self, stretch: Stretch, pinned: dict[int, str]) -> Row:
        sent, number = self._sent, stretch.number
        words = one_line(self._plain(stretch.begin), 160)
        text = self._text(stretch.begin, stretch.end)
        if number is None:
            return self._row(
                "other", "–", words, "from another conversation, or logged beside this one", stretch.characters, text
            )
        kind = _kind(sent, stretch)
        if sent.why is None:
            why = "sent whole"
        elif kind == "pinned":
            why = f"pinned on {day(pinned[number])}" if number in pinned else "pinned at the time"
        else:
            cut = sent.why.clipped and number == sent.why.start
            why = (
                "too long to be sent whole, cut in the middle"
                if cut
                else f"newest; the block began at #{sent.why.began:,}"
            )
        return self._row(
            kind, f"#{number:,}", words, why, stretch.characters, text, self._links.exchange(self._reference, number)
        )

    def _excerpt(self, excerpt: Excerpt) -> Row:
        matched = f"; matched {', '.join(excerpt.words)}" if excerpt.words else ""
        earlier = "for an earlier prompt of this block" if excerpt.earlier else f"rank {excerpt.rank}"
        why = (
            f"recalled {earlier}: score {excerpt.score:.1f}"
            if excerpt.earlier
            else f"recalled: score {excerpt.score:.1f}, {earlier}"
        )
        words = excerpt.text.partition("] ")[2] or excerpt.text
        html = marked(_found(words, excerpt.words)) if words else "the text is not in the log as you may see it"
        url = self._links.exchange(self._reference, excerpt.number)
        return Row(
            "recalled", f"#{excerpt.number:,}", html, one_line(why + matched, 300), f"{excerpt.tokens:,}", "", url
        )

    def _prompt(self, size: int) -> Row:
        sent = self._sent
        stretch = sent.stretches[-1] if sent.stretches else None
        if stretch is None:
            return self._row("prompt", f"#{sent.number:,}", "", "nothing was said", 0)
        said = self._said[stretch.begin] if stretch.begin < len(self._said) else None
        words = "".join(piece.text for piece in said.pieces if piece.kind == "text") if said else ""
        more = stretch.end - stretch.begin - 1
        why = "the new prompt" if not more else f"the new prompt, and {counted(more, 'message')} of its tool calls"
        text = self._text(stretch.begin, stretch.end)
        return self._row("prompt", f"#{sent.number:,}", one_line(words, 300), why, size, text)

    def _row(self, kind: str, label: str, words: str, why: str, size: int, text: str = "", url: str = "") -> Row:  # noqa: PLR0913  a row's own
        tokens = self._sent.share(size)
        return Row(kind, label, escape(words), why, "" if tokens is None else f"{tokens:,}", text, url)

    def _plain(self, place: int) -> str:
        if place >= len(self._said):
            return ""
        return " ".join(piece.text for piece in self._said[place].pieces if piece.kind == "text")[:2_000]

    def _text(self, begin: int, end: int) -> str:
        return "".join(message(said, self._showing, self._sent.number) for said in self._said[begin:end])


def _before_fences(system: str) -> str:
    """Return the system prompt alone, of a system message that has notes or a summary too."""
    return re.split(r"(?:^|\n\n)<(?:notes|summary)>\n", system, maxsplit=1)[0] or "notes and summary alone"


def message(said: Said, showing: Showing, number: int) -> str:
    """Return a message exactly as it was sent: every piece as it is, under its role."""
    pieces: list[str] = []
    for piece in said.pieces:
        if piece.kind in ("tool_call", "tool_result", "other"):
            what = {"tool_call": "calls", "tool_result": "result of"}.get(piece.kind, "")
            pieces.append(f'<p class="sv-sub">{what} {escape(one_line(piece.name, 80))}</p>')
            pieces.append(showing.code(piece.text, number))
        elif piece.kind in ("fragment", "excerpt", "fence"):
            pieces.append(
                f'<p class="sv-sub">fragment {escape(one_line(piece.name, 200))}</p>{showing.text(piece.text, number)}'
            )
        elif piece.text:
            pieces.append(showing.text(piece.text, number))
        pieces.extend(showing.file(held) for held in piece.attachments)
    role = escape(one_line(said.role, 40))
    return f'<div class="sv-sent sv-sent-{role if role.isalpha() else "other"}"><b>{role}</b>{"".join(pieces)}</div>'


def _found(text: str, words: Sequence[str]) -> str:
    """Return an excerpt with the words that it was found by marked."""
    text = text.replace(MARK, "").replace(UNMARK, "")
    if not words:
        return text
    either = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    return re.sub(rf"(?<!\w)(?:{either})\w*", lambda match: MARK + match.group() + UNMARK, text, flags=re.IGNORECASE)


def run_fields(run: Run) -> dict[str, int | str]:
    """Return a run as plain values."""
    return {"first": run.first, "last": run.last, "fate": run.fate}
