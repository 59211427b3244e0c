"""Turn exchanges into cards for the templates: figures in words, and messages as safe HTML. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape

from llm_session_memory.reader.figures import small_dollars
from llm_session_memory.reader.files.markup import plain
from llm_session_memory.reader.sent import Summary
from llm_session_memory.reader.values import Attempt, Exchange, Judged, RecalledPassage, Transcript, Undone
from llm_session_memory.rules.order import together
from llm_session_memory.rules.safe_text import one_line, visible
from llm_session_memory.rules.words import counted

from ..web.links import card_id
from .commands import command
from .points import Divider, SnapshotMark, dividers, marks
from .showing import Showing
from .speech import Speech, SpeechBlock, SpeechPart
from .words import compact, day, long_pause, pause, span

_EXCERPTS = 60
_OPINION = 300
"""The most excerpts of a prompt that are shown."""


@dataclass(frozen=True)
class Fact:
    """A fact in the line above an exchange, and what it says in full if one points at it."""

    words: str
    title: str = ""


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
    facts: tuple[Fact, ...]
    parts: tuple[SpeechPart, ...]
    heading: str = ""
    """What it is, if it has no number."""
    pinned: bool = False
    pause: Fact | None = None
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
    others: tuple[str, ...] = ()
    """What other people think of it, a line each."""
    again: str = ""
    """The command that sends it again, if it is the prompt that this command would send."""
    undone: str = ""
    """If it was undone: that it was, and when."""
    divider: Divider | None = None
    """The part of a fork's history that begins with it."""
    ends: Divider | None = None
    """The part of a fork's history that begins after it and has nothing yet."""
    snapshots: tuple[SnapshotMark, ...] = ()
    """The snapshots that were taken after it."""
    url: str = ""
    """Its address that lasts."""
    old_anchor: str = ""
    """The place that older addresses lead to."""

    @property
    def id(self) -> str:
        """The id of its first call."""
        return self.rows[0][0] if self.rows else ""


def cards(transcript: Transcript, showing: Showing, database: str = "") -> list[Card]:
    """Return exchanges with the attempts among them, and with what was undone if that was asked for.

    Args:
        transcript: a page of a transcript.
        showing: renders its texts.
        database: the path of the log that commands name, or nothing if llm uses it anyway.
    """
    making = _Cards(showing, database, long_pause(exchange.pause for exchange in transcript.exchanges))
    found: list[Card] = []
    others: list[Attempt | Undone] = [*transcript.attempts, *transcript.undone]
    for one in together(transcript.exchanges, others):
        if isinstance(one, Attempt):
            found.append(making.attempt(one))
        else:
            found.append(making.undone(one) if isinstance(one, Undone) else making.exchange(one))
    if transcript.summaries:
        found = [making.with_summaries(card, transcript.summaries) for card in found]
    marked = marks(transcript, showing.links, database)
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

    def __init__(self, showing: Showing, database: str, long: float) -> None:
        self._showing, self._links, self._reference = showing, showing.links, showing.reference
        self._database, self._long_pause = database, long
        self._tools: tuple[str, ...] | None = None
        """The tools of the exchange above, or None at the beginning of the page."""

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

    def undone(self, undone: Undone) -> Card:
        """Return the card of an exchange that was undone."""
        card = self.exchange(undone.exchange)
        return replace(
            card,
            old_anchor=f"undone-{undone.id}",
            number=None,
            heading="Undone exchange",
            undone=f"undone on {day(undone.undone_utc)}" if undone.undone_utc else "undone",
            judged=None,
        )

    def exchange(self, exchange: Exchange) -> Card:
        """Return the card of an exchange."""
        first = exchange.calls[0]
        before = self._offered(first.tools)
        parts = Speech(self._showing, exchange.number).of_exchange(exchange, before, self._recalled(exchange))
        if exchange.judged.note:
            why = f"Why it was {one_line(exchange.judged.words, 40)}"
            note = SpeechBlock("rated", plain(exchange.judged.note), why, one_line(exchange.judged.note, 100))
            parts = (*parts, SpeechPart("between", (note,)))
        return Card(
            anchor=card_id(exchange.id),
            old_anchor=str(exchange.number),
            url=self._links.exchange(self._reference, exchange.id),
            number=exchange.number,
            utc=first.datetime_utc,
            facts=_facts(exchange),
            parts=parts,
            pinned=exchange.pinned,
            pause=self._pause(exchange.pause),
            start=_start(exchange),
            rows=tuple(
                (call.id, self._links.row("responses" if call.older else "turns", call.id)) for call in exchange.calls
            ),
            label=one_line(exchange.judged.label, 100),
            rated=one_line(exchange.judged.words, 40),
            judged=exchange.judged,
            others=tuple(one_line(one.words, _OPINION) for one in exchange.judged.others),
        )

    def _pause(self, seconds: float | None) -> Fact | None:
        """Return the time that passed before an exchange, if it was long."""
        if seconds is None or seconds < self._long_pause:
            return None
        return Fact(f"{pause(seconds)} later", span(seconds))

    def _offered(self, tools: tuple[str, ...]) -> list[SpeechBlock]:
        """Return the tools of an exchange if they are not those of the exchange above."""
        above, self._tools = self._tools, tools
        if tools == (above or ()):
            return []
        if not tools:
            return [SpeechBlock("", '<p class="sv-sub">From here on, no tools are offered.</p>')]
        title = "Tools offered" if above is None else "Tools offered from here on"
        return [SpeechBlock("tools", plain("\n".join(tools)), title, one_line(", ".join(tools), 200))]

    def _recalled(self, exchange: Exchange) -> list[SpeechBlock]:
        """Return the fold with what was recalled for an exchange: links to where it is from, and the excerpts."""
        said = (piece for call in exchange.calls for one in call.messages for piece in one.pieces)
        excerpts = [piece for piece in said if piece.kind == "excerpt"][:_EXCERPTS]
        recalls = exchange.recalls
        if not recalls and not excerpts:
            return []
        detail = counted(len(recalls) or len(excerpts), "excerpt")
        if recalls:
            detail += f", {sum(recall.tokens for recall in recalls):,} tokens"
        origins = _found(recalls) if recalls else dict.fromkeys(one.name.rpartition("/")[2] for one in excerpts)
        links = " ".join(dict.fromkeys(map(self._recall, recalls[:_EXCERPTS])))
        html = (f"<p>{links}</p>" if links else "") + "".join(
            self._showing.text(one.text, exchange.number) for one in excerpts
        )
        detail = f"{detail}: {one_line(', '.join(origins), 300)}"
        return [SpeechBlock("recalled", html, "Recalled for this prompt", detail)]

    def _recall(self, recall: RecalledPassage) -> str:
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
        if attempt.in_progress:
            heading, end = "Prompt in progress", SpeechBlock("", '<p class="sv-sub">In progress</p>')
        elif attempt.error == "interrupted":
            heading, end = "Interrupted prompt", SpeechBlock("failed", "<b>Interrupted</b>")
        else:
            heading, end = "Failed prompt", SpeechBlock("failed", f"<b>Failed:</b> {plain(attempt.error)}")
        took = () if attempt.duration_ms is None else (Fact(span(attempt.duration_ms / 1000)),)
        return Card(
            anchor=card_id(attempt.id),
            old_anchor=f"attempt-{attempt.id}",
            url=self._links.exchange(self._reference, attempt.id),
            number=None,
            utc=attempt.datetime_utc,
            facts=took if attempt.answered_by else (*took, Fact("not answered")),
            parts=Speech(self._showing).of_attempt(attempt, end),
            heading=heading,
            answered=attempt.answered_number,
            again=command("retry", self._reference, database=self._database) if attempt.is_next else "",
            rows=((attempt.id, self._links.row("memory_attempts", attempt.id)),),
        )


def _origin(recall: RecalledPassage) -> str:
    """Return the exchange that an excerpt is from: `#3`, or `#3 of “play”`."""
    if recall.thread_id is None:
        return f"#{recall.number}"
    return f"#{recall.number} of {f'“{recall.session}”' if recall.session else 'another session'}"


def _found(recalls: Iterable[RecalledPassage]) -> Iterator[str]:
    """Yield each exchange that excerpts are from, once, with the words that found them: `#3 (harbour)`."""
    found: dict[str, dict[str, None]] = {}
    for recall in recalls:
        found.setdefault(_origin(recall), {}).update(dict.fromkeys(recall.words))
    for origin, words in found.items():
        yield f"{origin} ({', '.join(words)})" if words else origin


def _facts(exchange: Exchange) -> tuple[Fact, ...]:
    facts: list[Fact] = []
    if exchange.duration_ms:
        facts.append(Fact(span(exchange.duration_ms / 1000), "Model time"))
    if exchange.input_tokens is not None or exchange.output_tokens is not None:
        sent, got = exchange.input_tokens or 0, exchange.output_tokens or 0
        facts.append(Fact(f"{compact(sent)} → {compact(got)} tokens", f"{sent:,} tokens in, {got:,} out"))
    if exchange.cost is not None:
        facts.append(Fact(small_dollars(exchange.cost), "Cost"))
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
    kept = "Their relevant parts are still recalled." if start.recalls else "They stay in the log."
    return f"From here on, {left}{reason}. {kept}"
