"""What people keep beside a conversation, in and out: tags, facts (meta), notes, summaries.

The one place where an export and an import deal with these; exporting and importing call it for the header.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..errors import SessionError
from ..model import Note, Summary
from ..rules.limits import LONGEST_NOTE, checked_key, checked_tag
from ..store import Kept, Log
from .fields import Fields
from .lines import FileRefused


@dataclass(frozen=True)
class BesideRecord:
    """What a header says of it; `summaries`, oldest first, each with the first and last exchange that it covers."""

    tags: tuple[str, ...]
    meta: Mapping[str, str]
    notes: tuple[Note, ...]
    summaries: tuple[tuple[int, int, Summary], ...]


def gathered(log: Log, thread_id: str, numbers: Mapping[str, int]) -> dict[str, Any]:
    """Return what a header says of it; `numbers` are those of the exchanges, by their first turn."""
    if not log.columns("memory_notes"):
        return {}
    kept = Kept(log)
    return {
        "tags": kept.tags(thread_id),
        "meta": kept.meta(thread_id),
        "notes": [
            {"text": note.text, "author": note.author, "created_utc": note.created_utc}
            for note in kept.notes(thread_id)
        ],
        "summaries": [
            {
                "text": one.text,
                "first": numbers[one.first_turn_id],
                "last": numbers[one.last_turn_id],
                "exchanges": one.exchanges,
                "model": one.model,
                "input_tokens": one.input_tokens,
                "output_tokens": one.output_tokens,
                "duration_ms": one.duration_ms,
                "made_utc": one.made_utc,
            }
            for one in reversed(kept.summaries(thread_id))
            if one.first_turn_id in numbers and one.last_turn_id in numbers
        ],
    }


def read(header: Fields) -> BesideRecord:
    """Return what a header says of it. Raises FileRefused."""
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
        notes=tuple(map(_note, header.each("notes", "note"))),
        summaries=tuple(map(_summary, header.each("summaries", "summary"))),
    )


def _note(fields: Fields) -> Note:
    text = fields.needed_text("text")
    if not 0 < len(text) <= LONGEST_NOTE:
        raise FileRefused(f"{fields.place} has {len(text):,} characters; a note has 1 to {LONGEST_NOTE:,}.")
    return Note(0, text, fields.text("author") or "you", fields.time("created_utc"))


def _summary(fields: Fields) -> tuple[int, int, Summary]:
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
    """Write it all; `first_turn` gives an exchange's id by its number. A summary of exchanges not there is left out."""
    kept = Kept(log)
    for tag in what.tags:
        kept.add_tag(thread_id, tag)
    kept.set_meta(thread_id, what.meta)
    for note in what.notes:
        kept.add_note(thread_id, note.text, note.author, note.created_utc)
    for first, last, summary in what.summaries:
        start, end = first_turn(first), first_turn(last)
        if start and end:
            kept.add_summary(thread_id, replace(summary, first_turn_id=start, last_turn_id=end))
