"""The use cases around ratings and bookmarks of exchanges.

Methods of `memory.Memory`, in a room of their own. Nothing of this is ever sent to a model.
"""

from __future__ import annotations

from ..errors import SessionError
from ..model import Bookmark, Rating
from ..rules.limits import checked_label, checked_rating
from ..store import Ratings
from .desk import OpenLog


class Rated(OpenLog):
    """What Memory knows of ratings and bookmarks."""

    def ratings(self, name: str) -> dict[str, Rating]:
        """Return a session's ratings, by the first turn of the exchange."""
        return Ratings(self.log).ratings(self.session(name).thread_id)

    def rate(self, name: str, number: int, mark: str, note: str = "") -> Rating:
        """Rate an exchange up, down, or 1 to 5; instead of what was said of it before. Raises SessionError."""
        session, kept = self.session(name), checked_rating(mark, note, self.timestamp())
        turn_id = self.exchange_id(session, number)
        self.prepare()
        with self.writing():
            Ratings(self.log).rate(session.thread_id, turn_id, kept)
        return kept

    def keep_rating(self, thread_id: str, turn_id: str, rating: Rating | None) -> None:
        """Give an exchange a rating that was checked, or with None take its rating away; within `writing()`."""
        if rating is None:
            Ratings(self.log).unrate(thread_id, turn_id)
        else:
            Ratings(self.log).rate(thread_id, turn_id, rating)

    def unrate(self, name: str, number: int) -> Rating:
        """Take a rating away; return it. Raises SessionError where the exchange has none."""
        session = self.session(name)
        turn_id, found = self.exchange_id(session, number), Ratings(self.log).ratings(session.thread_id)
        if turn_id not in found:
            message = f"Exchange #{number} of “{session.name}” has no rating."
            raise SessionError(message, f"To rate it: {self.command('rate', session.name, str(number), 'up')}")
        with self.writing():
            Ratings(self.log).unrate(session.thread_id, turn_id)
        return found[turn_id]

    def bookmarks(self, name: str) -> dict[str, Bookmark]:
        """Return a session's bookmarks, by the first turn of the exchange."""
        return Ratings(self.log).bookmarks(self.session(name).thread_id)

    def bookmark(self, name: str, number: int, label: str) -> Bookmark:
        """Give an exchange a label, instead of the one that it had. Raises SessionError."""
        session, kept = self.session(name), Bookmark(checked_label(label), self.timestamp())
        turn_id = self.exchange_id(session, number)
        self.prepare()
        with self.writing():
            Ratings(self.log).bookmark(session.thread_id, turn_id, kept)
        return kept

    def unbookmark(self, name: str, number: int) -> Bookmark:
        """Take a label away; return it. Raises SessionError where the exchange has none."""
        session = self.session(name)
        turn_id, found = self.exchange_id(session, number), Ratings(self.log).bookmarks(session.thread_id)
        if turn_id not in found:
            message = f"Exchange #{number} of “{session.name}” has no bookmark."
            raise SessionError(message, f"See them with: {self.command('bookmark', session.name)}")
        with self.writing():
            Ratings(self.log).unbookmark(session.thread_id, turn_id)
        return found[turn_id]
