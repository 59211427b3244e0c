"""Read and store what a file has besides the conversation: tags, facts, notes, title, summaries, ratings, bookmarks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from ..errors import SessionError
from ..model import Bookmark, Note, Summary, Title
from ..rules.limits import LONGEST_NOTE, checked_key, checked_label, checked_rating, checked_tag
from ..rules.records import BOOKMARK, NOTE, RATING, SUMMARY, TITLE
from ..rules.titles import checked_title
from ..store import Log, Notes, titles
from ..store.ratings import Ratings
from .fields import Fields
from .lines import FileRefused


@dataclass(frozen=True)
class BesideRecord:
    """The part of it that is in the header. `summaries` are oldest first, with the first and last exchange covered."""

    tags: tuple[str, ...]
    meta: Mapping[str, str]
    notes: tuple[Note, ...]
    summaries: tuple[tuple[int, int, Summary], ...]
    title: Title | None = None


def read(header: Fields) -> BesideRecord:
    """Return the tags, facts, notes and summaries of a header. Raises FileRefused."""
    meta = header.inner("meta")
    try:
        tags = tuple(map(checked_tag, header.texts("tags")))
        values = {checked_key(key): meta.needed_text(key) for key in meta.value} if meta else {}
    except SessionError as error:
        if isinstance(error, FileRefused):
            raise
        raise FileRefused(f"{header.place}: {error}") from error
    return BesideRecord(
        tags=tags,
        meta=values,
        notes=tuple(map(note_of, header.each("notes", "note", NOTE))),
        summaries=tuple(map(summary_of, header.each("summaries", "summary", SUMMARY))),
        title=_title(inner) if (inner := header.inner("title", TITLE)) else None,
    )


def _title(fields: Fields) -> Title:
    try:
        text = checked_title(fields.needed_text("text"))
    except FileRefused:
        raise
    except SessionError as error:
        raise FileRefused(f"{fields.place}: {error}") from error
    return Title(
        text=text,
        author=fields.text("author") or "you",
        made_utc=fields.time("made_utc"),
        input_tokens=fields.whole("input_tokens"),
        output_tokens=fields.whole("output_tokens"),
        duration_ms=fields.whole("duration_ms"),
        spent_usd=fields.number("spent_usd"),
    )


def note_of(fields: Fields) -> Note:
    """Return a note. Raises FileRefused."""
    text = fields.needed_text("text")
    if not 0 < len(text) <= LONGEST_NOTE:
        raise FileRefused(f"{fields.place} has {len(text):,} characters; a note can have 1 to {LONGEST_NOTE:,}.")
    return Note(0, text, fields.text("author") or "you", fields.time("created_utc"))


def summary_of(fields: Fields) -> tuple[int, int, Summary]:
    """Return a summary, with the first and the last exchange that it covers. Raises FileRefused."""
    made = Summary(
        id=0,
        text=fields.needed_text("text"),
        first_turn_id="",
        last_turn_id="",
        exchanges=fields.whole("exchanges") or 0,
        model=fields.text("model"),
        input_tokens=fields.whole("input_tokens"),
        output_tokens=fields.whole("output_tokens"),
        duration_ms=fields.whole("duration_ms"),
        made_utc=fields.time("made_utc"),
    )
    return fields.whole("first") or 0, fields.whole("last") or 0, made


def keep(log: Log, thread_id: str, what: BesideRecord, first_turn: Callable[[int], str | None]) -> None:
    """Store the header's part. `first_turn` returns an exchange's id. A summary of missing exchanges is left out."""
    kept = Notes(log)
    for tag in what.tags:
        kept.add_tag(thread_id, tag)
    kept.set_meta(thread_id, what.meta)
    for note in what.notes:
        kept.add_note(thread_id, note.text, note.author, note.created_utc)
    if what.title is not None:
        titles.put(log, thread_id, what.title)
    for first, last, summary in what.summaries:
        start, end = first_turn(first), first_turn(last)
        if start and end:
            kept.add_summary(thread_id, replace(summary, first_turn_id=start, last_turn_id=end))


def keep_judged(log: Log, thread_id: str, turn_id: str, fields: Fields, now: str) -> None:
    """Store the rating and the bookmark of an exchange's line. Raises FileRefused."""
    rating, bookmark = fields.inner("rating", RATING), fields.inner("bookmark", BOOKMARK)
    try:
        if rating:
            kept = checked_rating(
                rating.needed_text("mark"), rating.text("note") or "", rating.time("rated_utc") or now
            )
            Ratings(log).rate(thread_id, turn_id, kept)
        if bookmark:
            label = checked_label(bookmark.needed_text("label"))
            Ratings(log).bookmark(thread_id, turn_id, Bookmark(label, bookmark.time("created_utc") or now))
    except SessionError as error:
        if isinstance(error, FileRefused):
            raise
        raise FileRefused(f"{fields.place}: {error}") from error
