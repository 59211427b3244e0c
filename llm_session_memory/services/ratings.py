"""The use cases around ratings and bookmarks of exchanges.

Methods of `memory.Memory`, in a room of their own. Nothing of this is ever sent to a model.
"""

from __future__ import annotations

from ..errors import SessionError
from ..model import MARKS, Bookmark, Rating
from ..rules.safe_text import one_line
from ..store import Ratings
from .desk import OpenLog, storable

LONGEST_REMARK = 2_000
"""Characters of a rating's note."""

LONGEST_LABEL = 100
"""Characters of a bookmark's label."""


class Rated(OpenLog):
    """What Memory knows of ratings and bookmarks."""

    def ratings(self, name: str) -> dict[str, Rating]:
        """Return a session's ratings, by the first turn of the exchange."""
        return Ratings(self.log).ratings(self.session(name).thread_id)

    def rate(self, name: str, number: int, mark: str, note: str = "") -> Rating:
        """Rate an exchange up, down, or 1 to 5; instead of what was said of it before. Raises SessionError."""
        session, kept = self.session(name), checked(mark, note, self.timestamp())
        turn_id = self.exchange_id(session, number)
        self.prepare()
        with self.writing():
            Ratings(self.log).rate(session.thread_id, turn_id, kept)
        return kept

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


def checked(mark: str, note: str, now: str) -> Rating:
    """Return a rating as it is kept, or raise SessionError saying the rule."""
    return Rating(checked_mark(mark), checked_remark(note), now)


def checked_mark(mark: str) -> str:
    """Return a mark as it is kept, or raise SessionError saying the rule."""
    kept = mark.strip().lower()
    if kept not in MARKS:
        message = f"“{one_line(mark, LONGEST_LABEL)}” can't be a rating."
        raise SessionError(message, "Rate with up, down, or 1 to 5 (5 is best).")
    return kept


def checked_remark(note: str) -> str:
    """Return a rating's note as it is kept, or raise SessionError saying the rule."""
    kept = storable(note, "The note").strip()
    if len(kept) > LONGEST_REMARK:
        message = f"The note of a rating has at most {LONGEST_REMARK:,} characters; this one has {len(kept):,}."
        raise SessionError(message, "Nothing was changed.")
    return kept


def checked_label(label: str) -> str:
    """Return a label as it is kept (one line), or raise SessionError saying the rule."""
    kept = " ".join(storable(label, "The label").split())
    if not kept or len(kept) > LONGEST_LABEL or not kept.isprintable():
        message = f"“{one_line(label, LONGEST_LABEL)}” can't be a label."
        raise SessionError(message, f"It has 1 to {LONGEST_LABEL} printable characters.")
    return kept
