"""Ratings and bookmarks, in and out: each is part of its exchange's line."""

from __future__ import annotations

from typing import Any

from ..errors import SessionError
from ..model import Bookmark, Rating
from ..rules.limits import checked_label, checked_rating
from ..store import Log, Ratings
from .fields import Fields
from .lines import FileRefused


def record(rating: Rating | None, bookmark: Bookmark | None) -> dict[str, Any]:
    """Return what an exchange's line says of it."""
    said: dict[str, Any] = {}
    if rating:
        note = {"note": rating.note} if rating.note else {}
        said["rating"] = {"mark": rating.mark, **note, "rated_utc": rating.rated_utc}
    if bookmark:
        said["bookmark"] = {"label": bookmark.label, "created_utc": bookmark.created_utc}
    return said


def keep(log: Log, thread_id: str, turn_id: str, fields: Fields, now: str) -> None:
    """Write what an exchange's line says of it. Raises FileRefused."""
    rating, bookmark = fields.inner("rating"), fields.inner("bookmark")
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
