"""Write a session's file while reading it: pieces of text, each with the number of exchanges that it completes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...model import Attempt
from ...rules.records import line
from ...rules.sanitizing import Sanitizer
from . import html, markdown, openai, spreadsheet
from .gathering import Gathering
from .jsonl import Known, Lines

Pieces = Iterator[tuple[str, int]]


def pieces(  # noqa: PLR0913  one parameter a choice of the caller
    gathering: Gathering,
    format_: str,
    now: str,
    known: Known | None = None,
    *,
    heading: bool = True,
    sanitizer: Sanitizer | None = None,
) -> Pieces:
    """Yield a session's file in the format jsonl, markdown, html, openai or csv; `now` is the time of writing (ISO).

    Without `heading`, CSV has no line of columns, because it goes below another session. A `sanitizer` replaces the
    texts of JSONL by their lengths.
    """
    if format_ == "jsonl":
        return _jsonl(Lines(gathering, known or Known()), now, sanitizer)
    if format_ == "openai":
        return openai.openai_pieces(gathering, known or Known())
    if format_ == "csv":
        return spreadsheet.csv_pieces(gathering, heading=heading)
    return {"markdown": _markdown, "html": _html}[format_](gathering, now)


def _jsonl(lines: Lines, now: str, sanitizer: Sanitizer | None) -> Pieces:
    def made(record: dict[str, Any]) -> str:
        record = lines.gathering.record(record)
        return line(sanitizer.record(record) if sanitizer else record)

    yield made(lines.header(now)), 0
    for entry in lines.gathering.entries():
        if isinstance(entry, Attempt):
            yield made({"attempt": lines.attempt(entry)}), 0
        else:
            yield made(lines.exchange(entry)), 1


def _markdown(gathering: Gathering, now: str) -> Pieces:
    del now
    session = gathering.session
    again = markdown.retry_command(session.name or session.thread_id)
    numbers = {id_: place[0] for id_, place in gathering.places.items()} if gathering.attempts else {}
    yield markdown.heading(session, len(gathering.turns), gathering.shown, gathering.beside, gathering.title), 0
    schema = ""
    for entry in gathering.entries():
        if isinstance(entry, Attempt):
            yield "\n\n" + markdown.attempt_block(entry, again, numbers), 0
        else:
            block = markdown.exchange_block(
                entry,
                pinned=entry.id in gathering.pins,
                rating=gathering.ratings.get(entry.id),
                bookmark=gathering.bookmarks.get(entry.id),
                snapshots=gathering.snapshots.get(entry.id, ()),
                schema_above=schema,
            )
            schema = markdown.schema_of(entry)
            yield "\n\n" + block, 1
    yield "\n", 0


def _html(gathering: Gathering, now: str) -> Pieces:
    page = html.Page(gathering.session, gathering.filled, gathering.beside)
    many = markdown.exchanges_words(len(gathering.turns), gathering.shown)
    yield page.top(gathering.title, many, now), 0
    for entry in gathering.entries():
        if isinstance(entry, Attempt):
            yield page.attempt(entry, gathering.exchange_of(entry.answered_by)), 0
        else:
            rating, bookmark = gathering.ratings.get(entry.id), gathering.bookmarks.get(entry.id)
            yield page.exchange(entry, pinned=entry.id in gathering.pins, rating=rating, bookmark=bookmark), 1
            yield "".join(map(page.snapshot, gathering.snapshots.get(entry.id, ()))), 0
    yield page.bottom(), 0
