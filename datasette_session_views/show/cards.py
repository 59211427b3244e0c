"""Turn exchanges into cards for the templates: figures in words, and messages as safe HTML. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape

from llm_session_memory.reader.figures import small_dollars
from llm_session_memory.reader.files.markup import plain
from llm_session_memory.reader.sent import Summary
from llm_session_memory.reader.values import Attempt, Exchange, Judged, Piece, Recall, Said, Transcript, Undone
from llm_session_memory.rules.order import together
from llm_session_memory.rules.safe_text import one_line, visible
from llm_session_memory.rules.words import counted

from ..web.links import card_id
from .points import Divider, Mark, dividers, marks
from .showing import Showing
from .words import day, span

_PAUSE = 3600
"""Seconds without a prompt after which a pause is marked."""


@dataclass(frozen=True)
class Block:
    """One block of an exchange. `kind` is its CSS class. If it has a `summary`, the block is folded under that line."""

    kind: str
    html: str
    summary: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Folded:
    """A summary on the page: the exchanges that it covers, its URL, who made it and when, and its text."""

    first: int
    last: int
    url: str
    made: str
    html: str = ""


@dataclass(frozen=True)
class Card:
    """An exchange or an attempt on the page."""

    anchor: str
    """Its DOM id."""
    number: int | None
    utc: str
    facts: tuple[str, ...]
    blocks: tuple[Block, ...]
    pinned: bool = False
    pause: str = ""
    start: str = ""
    answered: int | None = None
    rows: tuple[tuple[str, str], ...] = ()
    label: str = ""
    rated: str = ""
    folded: tuple[Folded, ...] = ()
    """The summaries that end with it."""
    folds: Folded | None = None
    """The newest summary that begins with it."""
    judged: Judged | None = None
    undone: str = ""
    """If it was undone: that it was, and when."""
    divider: Divider | None = None
    """The part of a fork's history that begins with it."""
    ends: Divider | None = None
    """The part of a fork's history that begins after it and has nothing yet."""
    snapshots: tuple[Mark, ...] = ()
    """The snapshots that were taken after it."""
    url: str = ""
    """Its address that lasts."""
    old_anchor: str = ""
    """The place that older addresses lead to."""

    @property
    def id(self) -> str:
        """The id of its first call."""
        return self.rows[0][0] if self.rows else ""


def cards(transcript: Transcript, showing: Showing) -> list[Card]:
    """Return exchanges with the attempts among them, and with what was undone if that was asked for."""
    making = _Cards(showing)
    model = transcript.line.model
    found: list[Card] = []
    others: list[Attempt | Undone] = [*transcript.attempts, *transcript.undone]
    for one in together(transcript.exchanges, others):
        if isinstance(one, Attempt):
            found.append(making.attempt(one))
        else:
            found.append(making.undone(one, model) if isinstance(one, Undone) else making.exchange(one, model))
    if transcript.summaries:
        found = [making.with_summaries(card, transcript.summaries) for card in found]
    marked = marks(transcript, showing.links)
    if marked:
        found = [replace(card, snapshots=marked.get(card.number or card.id, ())) for card in found]
    return _divided(found, transcript, showing) if transcript.stems else found


def _divided(found: Sequence[Card], transcript: Transcript, showing: Showing) -> list[Card]:
    """Return the cards of a fork with its dividers. Failed prompts after what it shares are its own."""
    begun = dividers(transcript, showing.links)
    last = transcript.stems[-1].last
    divided: list[Card] = []
    for card in found:
        after_shared = bool(divided) and divided[-1].number == last and not card.undone
        number = last + 1 if after_shared else card.number
        divided.append(replace(card, divider=begun.pop(number, None)) if number else card)
    if divided and divided[-1].number == last == transcript.total:
        divided[-1] = replace(divided[-1], ends=begun.get(last + 1))
    return divided


class _Cards:
    """Makes the cards of one page."""

    def __init__(self, showing: Showing) -> None:
        self._showing, self._links, self._reference = showing, showing.links, showing.reference

    def with_summaries(self, card: Card, summaries: Sequence[Summary]) -> Card:
        """Return a card with the summaries that end at it, and the newest one if it begins at it."""
        ended = tuple(
            self._folded(one, self._showing.markdown(one.text)) for one in summaries if one.last == card.number
        )
        newest = summaries[-1]
        begun = self._folded(newest) if newest.first == card.number else None
        return replace(card, folded=ended, folds=begun)

    def _folded(self, one: Summary, html: str = "") -> Folded:
        by = f"made by {one_line(one.model, 60)}" if one.model else "written by a person"
        url = f"{self._links.page(self._reference, one.last)}#summary-{one.id}"
        return Folded(one.first, one.last, url, f"{by} on {day(one.made_utc)}", html)

    def undone(self, undone: Undone, usual_model: str) -> Card:
        """Return the card of an exchange that was undone."""
        card = self.exchange(undone.exchange, usual_model)
        return replace(
            card,
            old_anchor=f"undone-{undone.id}",
            number=None,
            undone=f"undone on {day(undone.undone_utc)}" if undone.undone_utc else "undone",
            judged=None,
        )

    def exchange(self, exchange: Exchange, usual_model: str) -> Card:
        """Return the card of an exchange."""
        blocks: list[Block] = []
        for place, call in enumerate(exchange.calls):
            if place == 0 and call.tools:
                blocks.append(_folded("tools", "Tools offered", ", ".join(call.tools), plain("\n".join(call.tools))))
            for message in call.messages:
                blocks.extend(self._message(message, exchange.number))
            if call.cut:
                blocks.append(Block("cut", plain(f"The server cut this request. {call.cut}")))
        if exchange.recalls:
            numbers = ", ".join(_found(exchange.recalls))
            tokens = sum(recall.tokens for recall in exchange.recalls)
            many = counted(len(exchange.recalls), "excerpt")
            links = " ".join(dict.fromkeys(map(self._recall, exchange.recalls)))
            blocks.append(
                _folded("recalled", "Recalled for this prompt", f"{many}, {tokens:,} tokens: {numbers}", links)
            )
        if exchange.judged.note:
            why = f"Why it was {one_line(exchange.judged.words, 40)}"
            blocks.append(_folded("rated", why, one_line(exchange.judged.note, 100), plain(exchange.judged.note)))
        return Card(
            anchor=card_id(exchange.id),
            old_anchor=str(exchange.number),
            url=self._links.exchange(self._reference, exchange.id),
            number=exchange.number,
            utc=exchange.calls[0].datetime_utc,
            facts=_facts(exchange, usual_model),
            blocks=tuple(blocks),
            pinned=exchange.pinned,
            pause=span(exchange.pause) if exchange.pause is not None and exchange.pause >= _PAUSE else "",
            start=_start(exchange),
            rows=tuple(
                (call.id, self._links.row("responses" if call.older else "turns", call.id)) for call in exchange.calls
            ),
            label=one_line(exchange.judged.label, 100),
            rated=one_line(exchange.judged.words, 40),
            judged=exchange.judged,
        )

    def _message(self, message: Said, number: int) -> list[Block]:
        blocks: list[Block] = []
        for piece in message.pieces:
            blocks.extend(self._piece(piece, message.role, number))
        return blocks

    def _piece(self, piece: Piece, role: str, number: int) -> list[Block]:
        blocks: list[Block] = []
        if piece.kind == "text" and role == "user":
            blocks.append(Block("you", self._showing.text(piece.text, number)))
        elif piece.kind == "text" and role == "system":
            blocks.append(
                _folded("system", "System prompt", one_line(piece.text, 80), self._showing.text(piece.text, number))
            )
        elif piece.kind == "text":
            blocks.append(Block("reply", self._showing.markdown(piece.text, number)))
        elif piece.kind == "reasoning":
            said = f"{_size(piece.text)}" if piece.text else "withheld by the provider"
            blocks.append(_folded("reasoning", "Reasoning", said, self._showing.markdown(piece.text, number)))
        elif piece.kind == "tool_call":
            detail = one_line(piece.text, 100)
            blocks.append(
                _folded("tool", f"Tool call {one_line(piece.name, 80)}", detail, self._showing.code(piece.text, number))
            )
        elif piece.kind == "tool_result":
            title = f"Result of {one_line(piece.name, 80)}" if piece.name else "Tool result"
            detail = one_line(piece.text, 100) or "empty"
            blocks.append(_folded("tool", title, detail, self._showing.code(piece.text, number)))
        elif piece.kind in ("fragment", "excerpt"):
            blocks.append(self._borrowed(piece, number))
        elif piece.kind == "other":
            blocks.append(_folded("other", one_line(piece.name, 80), "", self._showing.code(piece.text, number)))
        files = "".join(self._showing.file(held) for held in piece.attachments)
        if files:
            blocks.append(Block("files", files))
        return blocks

    def _borrowed(self, piece: Piece, number: int) -> Block:
        """Return a block for a fragment that was given with a prompt, or for an excerpt that was recalled for it."""
        text = self._showing.text(piece.text, number)
        if piece.kind == "excerpt":
            return _folded("recalled", f"Recalled from {one_line(piece.name.rpartition('/')[2], 80)}", "", text)
        return _folded("fragment", "Fragment", f"{one_line(piece.name, 100)}, {_size(piece.text)}", text)

    def _recall(self, recall: Recall) -> str:
        """Return a link to the exchange that an excerpt is from, or its number if that session can't be seen."""
        here = recall.session if recall.thread_id else self._reference
        label = escape(_origin(recall))
        return (
            f'<a href="{escape(self._links.exchange(here, recall.turn_id or recall.number))}">{label}</a>'
            if here
            else label
        )

    def attempt(self, attempt: Attempt) -> Card:
        """Return the card of a prompt that got no complete answer."""
        blocks = [Block("you", self._showing.text(attempt.prompt))]
        for one in attempt.given:
            if one.text is None:
                blocks.append(Block("files", f"<p>{escape(one_line(one.words, 200))}</p>"))
            else:
                blocks.append(_folded("fragment", one_line(one.words, 160), "", self._showing.text(one.text)))
        if attempt.partial:
            blocks.append(Block("reply", self._showing.markdown(attempt.partial)))
        blocks.append(Block("failed", plain(attempt.error)))
        what = f"{'interrupted' if attempt.error == 'interrupted' else 'failed'} prompt"
        if not attempt.answered_by:
            what = "prompt in progress" if attempt.in_progress else f"{what}, not answered"
        facts = [one_line(attempt.model, 60), what]
        if attempt.duration_ms is not None:
            facts.insert(1, span(attempt.duration_ms / 1000))
        return Card(
            anchor=card_id(attempt.id),
            old_anchor=f"attempt-{attempt.id}",
            url=self._links.exchange(self._reference, attempt.id),
            number=None,
            utc=attempt.datetime_utc,
            facts=tuple(facts),
            blocks=tuple(blocks),
            answered=attempt.answered_number,
            rows=((attempt.id, self._links.row("memory_attempts", attempt.id)),),
        )


def _origin(recall: Recall) -> str:
    """Return the exchange that an excerpt is from: `#3`, or `#3 of “play”`."""
    if recall.thread_id is None:
        return f"#{recall.number}"
    return f"#{recall.number} of {f'“{recall.session}”' if recall.session else 'another session'}"


def _found(recalls: Iterable[Recall]) -> Iterator[str]:
    """Yield each exchange that excerpts are from, once, with the words that found them: `#3 (harbour)`."""
    found: dict[str, dict[str, None]] = {}
    for recall in recalls:
        found.setdefault(_origin(recall), {}).update(dict.fromkeys(recall.words))
    for origin, words in found.items():
        yield f"{origin} ({', '.join(words)})" if words else origin


def _folded(kind: str, summary: str, detail: str, html: str) -> Block:
    return Block(kind, html, summary, detail)


def _facts(exchange: Exchange, usual_model: str) -> tuple[str, ...]:
    facts: list[str] = []
    models = list(dict.fromkeys(call.model for call in exchange.calls))
    if models != [usual_model]:
        facts.append(one_line(", ".join(models), 80))
    if exchange.duration_ms:
        facts.append(span(exchange.duration_ms / 1000))
    if exchange.input_tokens is not None or exchange.output_tokens is not None:
        facts.append(f"{exchange.input_tokens or 0:,} → {exchange.output_tokens or 0:,} tokens")
    if exchange.cost is not None:
        facts.append(small_dollars(exchange.cost))
    return tuple(facts)


def _start(exchange: Exchange) -> str:
    start = exchange.start
    if start is None or start.first_sent is None:
        return ""
    reason = f" ({visible(start.reason)})" if start.reason else ""
    if start.first_sent >= exchange.number:
        left = "no earlier exchange is sent whole"
    else:
        left = f"exchanges before #{start.first_sent:,} are no longer sent"
    return f"From here on, {left}{reason}. They stay in the log."


def _size(text: str) -> str:
    return counted(len(text), "character")
