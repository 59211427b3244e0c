"""Read a session for a file, a few exchanges at a time, so that its length doesn't matter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

from ...errors import SessionError
from ...model import Attachment, Attempt, Beside, Exchange, Message, Session, Settings
from ...rules.json_texts import mapped
from ...rules.records import Place
from ...store import Log, Notes, Sessions, attachments, history
from ...store.families import forks, origins
from ...store.projects import name_of
from ...store.ratings import Ratings
from ...store.snapshots import labels, snapshots
from ...store.titles import titles
from .hiding import Change, hidden

_CHUNK = 20
"""The number of exchanges read at a time."""


class Gathering:
    """A session as it was when the reading began: its exchanges by number, failed attempts between them, and pins.

    It has the exchanges from `first` to `last`, or all of them; only a whole session has attempts. Exchanges added in
    the meantime are not included. If exchanges are deleted in the meantime, the reading fails.
    """

    def __init__(  # noqa: PLR0913  what a caller chooses, each on its own
        self,
        log: Log,
        thread_id: str,
        first: int | None = None,
        last: int | None = None,
        *,
        files: bool = True,
        change: Change | None = None,
    ) -> None:
        """Begin reading.

        Args:
            log: The log.
            thread_id: The conversation.
            first: The number of the first exchange in the file, None from the beginning.
            last: That of the last one.
            files: Attached files may be read of which llm stores only the path: never for a page.
            change: Changes every text, so that the file has no secrets.
        """
        self.log = log
        self._change = change
        self.files = files
        self.turns = history.exchange_turns(log, thread_id)
        self.session = self._session(thread_id)
        self.first, self.last = max(first or 1, 1), min(last or len(self.turns), len(self.turns))
        self.numbers = {id_: n for id_, n in self.turns.numbers().items() if self.first <= n <= self.last}
        whole = first is None and last is None
        self.attempts: list[Attempt] = Sessions(log).attempts.of(thread_id) if whole and self._there("attempts") else []
        kept, ratings = Notes(log), Ratings(log)
        self.titled = titles(log, [thread_id]).get(thread_id)
        title = self.titled.text if self.titled else ""
        tags, notes = tuple(kept.tags(thread_id)), tuple(kept.notes(thread_id))
        relatives = origins(log, [thread_id]).get(thread_id), forks(log, thread_id)
        self.beside = Beside(tags, kept.meta(thread_id), notes, title, name_of(log, self.session), *relatives)
        self.summaries = list(reversed(kept.summaries(thread_id)))
        self.pins: Mapping[str, str] = Sessions(log).pin_times(thread_id) if self._there("pins") else {}
        self.snapshots, self.points = labels(log, thread_id), snapshots(log, thread_id)
        self.ratings, self.bookmarks = ratings.ratings(thread_id), ratings.bookmarks(thread_id)
        if change is not None:
            self._hide(change)

    def _hide(self, change: Change) -> None:
        for name in ("session", "titled", "beside", "attempts", "summaries", "snapshots", "points"):
            setattr(self, name, hidden(getattr(self, name), change))
        self.ratings, self.bookmarks = hidden(self.ratings, change), hidden(self.bookmarks, change)

    def record(self, record: dict[str, Any]) -> dict[str, Any]:
        """Return a record for the file, of which parts were read past this object, as the file may have it."""
        return record if self._change is None else mapped(record, self._change)

    def _there(self, table: str) -> bool:
        return bool(self.log.columns(f"memory_{table}"))

    def _session(self, thread_id: str) -> Session:
        """Return the session; for an unnamed conversation, return one without a name, with its latest settings."""
        found = Sessions(self.log).session_of_thread(thread_id) if self._there("sessions") else None
        if found is not None:
            return found
        settings = history.settings_of(self.log, self.turns[-1][-1]) if self.turns else Settings()
        return Session(thread_id, "", "", settings)

    @cached_property
    def title(self) -> str:
        """The session's title: its name, llm's name for the conversation, or its id."""
        thread_id = self.session.thread_id
        sql = "select name from %s where id = :id"
        named = (
            self.log.value(sql % t, {"id": thread_id}) for t in ("threads", "conversations") if self.log.columns(t)
        )
        found = self.session.name or next(filter(None, named), None) or thread_id
        return found if self._change is None else self._change(found)

    @property
    def total(self) -> int:
        """The number of exchanges in the file."""
        return max(self.last - self.first + 1, 0)

    @property
    def shown(self) -> tuple[int, int] | None:
        """The first and the last exchange in the file, or None if it has no exchanges."""
        return (self.first, self.last) if self.total else None

    def entries(self) -> Iterator[Exchange | Attempt]:
        """Yield exchanges and attempts in order; attachments come without their bytes.

        Raises:
            SessionError: exchanges were deleted since the reading began.
        """
        waiting = list(reversed(self.attempts))
        places = {attempt.id: self.turns.place(attempt.id) for attempt in waiting}
        for start in range(self.first, self.last + 1, _CHUNK):
            end = min(start + _CHUNK - 1, self.last)
            numbered = list(enumerate(self.turns[start - 1 : end], start))
            found = history.exchanges(self.log, numbered, with_content=False)
            if len(found) < len(numbered):
                message = f"Session “{self.session.name}” changed while it was being read."
                raise SessionError(message, "Try again.")
            for exchange in found:
                while waiting and places[waiting[-1].id] < exchange.number:
                    yield waiting.pop()
                yield exchange if self._change is None else hidden(exchange, self._change)
        yield from reversed(waiting)

    @cached_property
    def places(self) -> dict[str, Place]:
        """The place of each turn, by its id."""
        return {
            turn_id: (number, 0 if turn_id == turn_ids[-1] else within)
            for number, turn_ids in enumerate(self.turns, 1)
            if self.first <= number <= self.last
            for within, turn_id in enumerate(turn_ids, 1)
        }

    def exchange_of(self, turn_id: str | None) -> int | None:
        """Return the number of the exchange with this turn, or None if it is not in the file."""
        return self.places.get(turn_id or "", (None,))[0]

    def with_bytes(self, message: Message) -> Message:
        """Return a message with its attachments' bytes."""
        if not any(part.attachments for part in message.parts):
            return message
        parts = tuple(replace(part, attachments=tuple(map(self.filled, part.attachments))) for part in message.parts)
        return replace(message, parts=parts)

    def filled(self, attachment: Attachment) -> Attachment:
        """Return an attachment with its bytes, if available: of a file, llm stores only the path."""
        if attachment.content is None:
            attachment = attachments.attachment(self.log, attachment.id) or attachment
        lost = attachment.content is None and attachment.path is not None
        filled = attachments.with_file(attachment) if self.files and lost else attachment
        return filled if self._change is None else hidden(filled, self._change)
