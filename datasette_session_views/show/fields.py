"""A page of a transcript as plain values, for JSON. Pure."""

from __future__ import annotations

from typing import Any

from llm_session_memory.reader.entries import Line
from llm_session_memory.reader.values import Attempt, Exchange, Judged, Piece, Said, Transcript

from .called import schema_value


def fields(page: Transcript) -> dict[str, Any]:
    """Return a page of a transcript as plain values, with texts as in the log."""
    line, settings = page.line, page.settings
    return {
        "session": line.reference,
        "name": line.name,
        "thread_id": line.thread_id,
        "first_words": line.first_words,
        "model": line.model,
        "system": settings.system,
        "tags": list(line.tags),
        "notes": [{"text": n.text, "author": n.author, "created_utc": n.created_utc} for n in page.notes],
        "notes_for_all_sessions": [
            {"text": n.text, "author": n.author, "created_utc": n.created_utc} for n in page.everywhere
        ],
        "pins": list(page.pins),
        "title": line.title or None,
        "project": line.project,
        "template": line.template,
        "archived_utc": line.archived_utc,
        **fork_fields(line),
        "forks": [{"session": f.reference, "thread_id": f.thread_id, "after": f.number} for f in page.family.forks],
        "inherited": [{"session": s.reference, "first": s.first, "last": s.last} for s in page.stems],
        "snapshots": [
            {"label": s.label, "exchange": s.number, "undone": s.undone is not None, "made_utc": s.made_utc}
            for s in page.snapshots
        ],
        "undone_in_all": page.undone_in_all,
        "summaries": [
            {"first": s.first, "last": s.last, "model": s.model, "made_utc": s.made_utc, "text": s.text}
            for s in page.summaries
        ],
        "exchanges_in_all": page.total,
        "input_tokens": line.figures.input_tokens,
        "output_tokens": line.figures.output_tokens,
        "cost_usd": line.figures.cost.dollars,
        "undone": [
            {**exchange_fields(one.exchange), "number": None, "after": one.after, "undone_utc": one.undone_utc}
            for one in page.undone
        ],
        "exchanges": [exchange_fields(exchange) for exchange in page.exchanges],
        "attempts": [attempt_fields(attempt) for attempt in page.attempts],
    }


def progress_fields(page: Transcript) -> dict[str, Any]:
    """Return how far a session has got, as plain values: for a script that asks again and again whether it goes on."""
    return {
        "session": page.line.reference,
        "name": page.line.name,
        "thread_id": page.line.thread_id,
        "exchanges_in_all": page.total,
        "last_exchange": page.exchanges[-1].id if page.exchanges else None,
        "attempts": [{"id": one.id, "in_progress": one.in_progress} for one in page.attempts],
    }


def fork_fields(line: Line) -> dict[str, Any]:
    """Return which session a session was forked from, and after which exchange, as plain values."""
    origin = line.origin
    return {
        "forked_from": line.forked_from,
        "forked_from_session": origin and origin.reference,
        "forked_after_exchange": origin and origin.number,
    }


def exchange_fields(exchange: Exchange) -> dict[str, Any]:
    """Return an exchange as plain values."""
    return {
        "number": exchange.number,
        "id": exchange.id,
        "pinned": exchange.pinned,
        "rating": rating_fields(exchange.judged),
        "bookmark": exchange.judged.label or None,
        "cut_before": None if exchange.start is None else exchange.start.first_sent,
        "recalled": [
            {
                "number": r.number,
                "thread_id": r.thread_id,
                "session": r.session or None,
                "words": list(r.words),
                "tokens": r.tokens,
            }
            for r in exchange.recalls
        ],
        "calls": [
            {
                "id": call.id,
                "model": call.model,
                "datetime_utc": call.datetime_utc,
                "duration_ms": call.duration_ms,
                "input_tokens": call.input_tokens,
                "output_tokens": call.output_tokens,
                "cost_usd": call.cost,
                "cut": call.cut,
                "tools": list(call.tools),
                "schema": schema_value(call.schema),
                "messages": [message_fields(said) for said in call.messages],
            }
            for call in exchange.calls
        ],
    }


def rating_fields(judged: Judged) -> dict[str, str] | None:
    """Return a rating as plain values, or None if there is no rating."""
    return {"mark": judged.mark, "note": judged.note, "rated_utc": judged.rated_utc} if judged.mark else None


def message_fields(said: Said) -> dict[str, Any]:
    """Return a message as plain values."""
    return {"role": said.role, "parts": [_piece_fields(piece) for piece in said.pieces]}


def _piece_fields(piece: Piece) -> dict[str, Any]:
    found: dict[str, Any] = {"type": piece.kind, "text": piece.text}
    if piece.name:
        found["name"] = piece.name
    if piece.attachments:
        found["attachments"] = [
            {"id": held.id, "type": held.type, "path": held.path, "url": held.url, "bytes": held.size}
            for held in piece.attachments
        ]
    return found


def attempt_fields(attempt: Attempt) -> dict[str, Any]:
    """Return an attempt as plain values."""
    return {
        "id": attempt.id,
        "model": attempt.model,
        "prompt": attempt.prompt,
        "partial": attempt.partial,
        "error": attempt.error,
        "datetime_utc": attempt.datetime_utc,
        "duration_ms": attempt.duration_ms,
        "answered_by": attempt.answered_by,
        "in_progress": attempt.in_progress,
        "given": [one.fields() for one in attempt.given],
    }
