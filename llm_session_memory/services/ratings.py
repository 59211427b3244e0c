"""The use cases around ratings and bookmarks of exchanges. Nothing of this is ever sent to a model."""

from __future__ import annotations

from .. import store
from ..errors import SessionError
from ..model import Bookmark, Rating
from ..rules.limits import checked_label, checked_rating
from .desk import Desk


class Ratings:
    """What a person thinks of the exchanges of a log, and the labels that they have."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._table = store.Ratings(desk.log)

    def of(self, name: str) -> dict[str, Rating]:
        """Return a session's ratings, by the first turn of the exchange."""
        return self._table.ratings(self._desk.session(name).thread_id)

    def rate(self, name: str, number: int, mark: str, note: str = "") -> Rating:
        """Rate an exchange up, down, or 1 to 5; instead of what was said of it before. Raises SessionError."""
        session, kept = self._desk.session(name), checked_rating(mark, note, self._desk.timestamp())
        turn_id = self._desk.exchange_id(session, number)
        self._desk.prepare()
        with self._desk.writing():
            self._table.rate(session.thread_id, turn_id, kept)
        return kept

    def keep(self, thread_id: str, turn_id: str, rating: Rating | None) -> None:
        """Give an exchange a rating that was checked, or with None take its rating away; within `writing()`."""
        if rating is None:
            self._table.unrate(thread_id, turn_id)
        else:
            self._table.rate(thread_id, turn_id, rating)

    def unrate(self, name: str, number: int) -> Rating:
        """Take a rating away; return it. Raises SessionError where the exchange has none."""
        session = self._desk.session(name)
        turn_id, found = self._desk.exchange_id(session, number), self._table.ratings(session.thread_id)
        if turn_id not in found:
            message = f"Exchange #{number} of “{session.name}” has no rating."
            raise SessionError(message, f"To rate it: {self._desk.command('rate', session.name, str(number), 'up')}")
        with self._desk.writing():
            self._table.unrate(session.thread_id, turn_id)
        return found[turn_id]

    def bookmarks(self, name: str) -> dict[str, Bookmark]:
        """Return a session's bookmarks, by the first turn of the exchange."""
        return self._table.bookmarks(self._desk.session(name).thread_id)

    def bookmark(self, name: str, number: int, label: str) -> Bookmark:
        """Give an exchange a label, instead of the one that it had. Raises SessionError."""
        session, kept = self._desk.session(name), Bookmark(checked_label(label), self._desk.timestamp())
        turn_id = self._desk.exchange_id(session, number)
        self._desk.prepare()
        with self._desk.writing():
            self._table.bookmark(session.thread_id, turn_id, kept)
        return kept

    def unbookmark(self, name: str, number: int) -> Bookmark:
        """Take a label away; return it. Raises SessionError where the exchange has none."""
        session = self._desk.session(name)
        turn_id, found = self._desk.exchange_id(session, number), self._table.bookmarks(session.thread_id)
        if turn_id not in found:
            message = f"Exchange #{number} of “{session.name}” has no bookmark."
            raise SessionError(message, f"See them with: {self._desk.command('bookmark', session.name)}")
        with self._desk.writing():
            self._table.unbookmark(session.thread_id, turn_id)
        return found[turn_id]
