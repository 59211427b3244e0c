"""A session's transcript as plain values for programs, as `--json` prints it. Pure."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from ...model import Bookmark, Message, Note, Opinion, Rating, Relative, Settings
from .markdown import ShownTranscript


def as_fields(transcript: ShownTranscript) -> dict[str, Any]:
    """Return a transcript as plain values, with unchanged texts."""
    session = transcript.session
    return {
        "name": session.name,
        "title": transcript.beside.title or None,
        "thread_id": session.thread_id,
        **{one.name: getattr(session.settings, one.name) for one in fields(Settings)},
        "options": dict(session.settings.options),
        "budget_usd": session.budget_usd,
        "project": transcript.beside.project or None,
        "template": session.template,
        "private": session.private,
        "forked_from": relative_fields(transcript.beside.origin),
        "forks": [relative_fields(one) for one in transcript.beside.forks],
        "tags": list(transcript.beside.tags),
        "meta": dict(transcript.beside.meta),
        "notes": [note_fields(number, note) for number, note in enumerate(transcript.beside.notes, 1)],
        "notes_for_all_sessions": [
            note_fields(number, note) for number, note in enumerate(transcript.beside.everywhere, 1)
        ],
        "exchanges_in_all": transcript.total,
        "exchanges": [
            {
                "number": exchange.number,
                "id": exchange.id,
                "pinned": exchange.number in transcript.pinned,
                "rating": rating_fields(rating) if (rating := transcript.ratings.get(exchange.id)) else None,
                "bookmark": bookmark.label if (bookmark := transcript.bookmarks.get(exchange.id)) else None,
                "snapshots": [*transcript.snapshots.get(exchange.id, ())],
                "prompt": exchange.prompt,
                "reply": exchange.reply,
                "turns": [
                    {
                        "id": turn.id,
                        "model": turn.model,
                        "datetime_utc": turn.datetime_utc,
                        "duration_ms": turn.duration_ms,
                        "input_tokens": turn.input_tokens,
                        "output_tokens": turn.output_tokens,
                        "cut": turn.cut,
                        "messages": [_wire(message) for message in (*turn.input, *turn.output)],
                    }
                    for turn in exchange.turns
                ],
            }
            for exchange in transcript.exchanges
        ],
        "attempts": [
            {
                "id": attempt.id,
                "prompt": attempt.prompt,
                "partial": attempt.partial,
                "error": attempt.error,
                "model": attempt.model,
                "datetime_utc": attempt.datetime_utc,
                "answered_by": attempt.answered_by,
                "in_progress": attempt.in_progress,
            }
            for attempt in transcript.attempts
        ],
    }


def relative_fields(one: Relative | None) -> dict[str, Any] | None:
    """Return a relative of a session as plain values; `exchange` is the last one that both have."""
    return None if one is None else {"name": one.name, "thread_id": one.thread_id, "exchange": one.number}


def note_fields(number: int, note: Note) -> dict[str, Any]:
    """Return a note as plain values; `number` is its place among the session's notes."""
    return {"number": number, "text": note.text, "by": note.author, "created_utc": note.created_utc}


def _wire(message: Message) -> dict[str, Any]:
    return {
        "role": message.role,
        "parts": [
            {**part.data, **({"attachments": [a.id for a in part.attachments]} if part.attachments else {})}
            for part in message.parts
        ],
    }


def rating_fields(rating: Rating) -> dict[str, Any]:
    """Return a rating as plain values."""
    return {"mark": rating.mark, "note": rating.note, "rated_utc": rating.rated_utc}


def opinion_fields(opinion: Opinion) -> dict[str, Any]:
    """Return another person's rating as plain values."""
    return {"person": opinion.person, "mark": opinion.mark, "note": opinion.note, "rated_utc": opinion.rated_utc}


def bookmark_fields(bookmark: Bookmark) -> dict[str, Any]:
    """Return a bookmark as plain values."""
    return {"label": bookmark.label, "created_utc": bookmark.created_utc}
