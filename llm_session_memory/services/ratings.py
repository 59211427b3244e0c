"""Use cases for ratings and bookmarks of exchanges. They are never sent to a model."""

from __future__ import annotations

from ..errors import SessionError
from ..model import Bookmark, Opinion, Rating
from ..rules.limits import checked_label, checked_rating
from ..store import ratings
from .desk import Desk


class Ratings:
    """The ratings and bookmarks of a log's exchanges."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._table = ratings.Ratings(desk.log)

    def of(self, name: str) -> dict[str, Rating]:
        """Return a session's ratings by the exchange's first turn."""
        return self._table.ratings(self._desk.session(name).thread_id)

    def opinions(self, name: str) -> dict[str, tuple[Opinion, ...]]:
        """Return what other people think of a session's exchanges, by the exchange's first turn."""
        return self._table.opinions(self._desk.session(name).thread_id)

    def rate(self, name: str, number: int, mark: str, note: str = "") -> Rating:
        """Rate an exchange up, down, or 1 to 5, replacing any earlier rating. Raises SessionError."""
        session, kept = self._desk.session(name), checked_rating(mark, note, self._desk.timestamp())
        turn_id = self._desk.exchange_id(session, number)
        self._desk.prepare()
        with self._desk.writing():
            self._table.rate(session.thread_id, turn_id, kept)
        return kept

    def keep(self, thread_id: str, turn_id: str, rating: Rating | None) -> None:
        """Store a checked rating for an exchange, or remove its rating if None. Call it within `writing()`."""
        if rating is None:
            self._table.unrate(thread_id, turn_id)
        else:
            self._table.rate(thread_id, turn_id, rating)

    def unrate(self, name: str, number: int) -> Rating:
        """Remove a rating and return it. Raises SessionError if the exchange has none."""
        session = self._desk.session(name)
        turn_id, found = self._desk.exchange_id(session, number), self._table.ratings(session.thread_id)
        if turn_id not in found:
            message = f"Exchange #{number} of “{session.name}” has no rating."
            raise SessionError(message, f"Rate it with: {self._desk.command('rate', session.name, str(number), 'up')}")
        with self._desk.writing():
            self._table.unrate(session.thread_id, turn_id)
        return found[turn_id]

    def bookmarks(self, name: str) -> dict[str, Bookmark]:
        """Return a session's bookmarks by the exchange's first turn."""
        return self._table.bookmarks(self._desk.session(name).thread_id)

    def bookmark(self, name: str, number: int, label: str) -> Bookmark:
        """Bookmark an exchange with a label, replacing any earlier bookmark. Raises SessionError."""
        session, kept = self._desk.session(name), Bookmark(checked_label(label), self._desk.timestamp())
        turn_id = self._desk.exchange_id(session, number)
        self._desk.prepare()
        with self._desk.writing():
            self._table.bookmark(session.thread_id, turn_id, kept)
        return kept

    def unbookmark(self, name: str, number: int) -> Bookmark:
        """Remove a bookmark and return it. Raises SessionError if the exchange has none."""
        session = self._desk.session(name)
        turn_id, found = self._desk.exchange_id(session, number), self._table.bookmarks(session.thread_id)
        if turn_id not in found:
            message = f"Exchange #{number} of “{session.name}” has no bookmark."
            raise SessionError(message, f"List bookmarks with: {self._desk.command('bookmark', session.name)}")
        with self._desk.writing():
            self._table.unbookmark(session.thread_id, turn_id)
        return found[turn_id]
