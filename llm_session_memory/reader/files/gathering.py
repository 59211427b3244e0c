"""What a file holds of a session, read a few exchanges at a time, however long the session is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property

from ...errors import SessionError
from ...model import Attachment, Attempt, Beside, Exchange, Message, Session, Settings
from ...rules.records import Place
from ...store import Log, Notes, Ratings, Sessions, attachments, history

_CHUNK = 20
"""Exchanges read at a time."""


class Gathering:
    """A session as it was when the reading began: its exchanges by number, attempts in their places, pins.

    Exchanges from `first` to `last`, or all of them; a part of a session has no attempts. What others add meanwhile is
    not in it; what they delete makes it fail.
    """

    def __init__(
        self, log: Log, thread_id: str, first: int | None = None, last: int | None = None, *, files: bool = True
    ) -> None:
        """`files`: whether attached files are read of which llm keeps only the path; never for a visitor of a page."""
        self.log = log
        self.files = files
        self.turns = history.exchange_turns(log, thread_id)
        self.session = self._session(thread_id)
        self.first, self.last = max(first or 1, 1), min(last or len(self.turns), len(self.turns))
        self.numbers = {id_: n for id_, n in self.turns.numbers().items() if self.first <= n <= self.last}
        whole = first is None and last is None
        self.attempts: list[Attempt] = Sessions(log).attempts(thread_id) if whole and self._there("attempts") else []
        kept, ratings = Notes(log), Ratings(log)
        self.beside = Beside(tuple(kept.tags(thread_id)), kept.meta(thread_id), tuple(kept.notes(thread_id)))
        self.summaries = list(reversed(kept.summaries(thread_id)))
        self.pins: Mapping[str, str] = Sessions(log).pin_times(thread_id) if self._there("pins") else {}
        self.ratings, self.bookmarks = ratings.ratings(thread_id), ratings.bookmarks(thread_id)

    def _there(self, table: str) -> bool:
        return bool(self.log.columns(f"memory_{table}"))

    def _session(self, thread_id: str) -> Session:
        """Return the session; for a conversation that has no name, one of no name with the settings it had last."""
        found = Sessions(self.log).session_of_thread(thread_id) if self._there("sessions") else None
        if found is not None:
            return found
        settings = history.settings_of(self.log, self.turns[-1][-1]) if self.turns else Settings()
        return Session(thread_id, "", "", settings)

    @cached_property
    def title(self) -> str:
        """What the session is called: its name, what llm calls the conversation, or its id."""
        thread_id = self.session.thread_id
        sql = "select name from %s where id = :id"
        named = (
            self.log.value(sql % t, {"id": thread_id}) for t in ("threads", "conversations") if self.log.columns(t)
        )
        return self.session.name or next(filter(None, named), None) or thread_id

    @property
    def total(self) -> int:
        """How many exchanges there are in the file."""
        return max(self.last - self.first + 1, 0)

    @property
    def shown(self) -> tuple[int, int] | None:
        """The first and the last exchange, None where there is none."""
        return (self.first, self.last) if self.total else None

    def entries(self) -> Iterator[Exchange | Attempt]:
        """Yield exchanges and attempts, in order; attachments without their bytes."""
        waiting = list(reversed(self.attempts))
        for start in range(self.first, self.last + 1, _CHUNK):
            end = min(start + _CHUNK - 1, self.last)
            numbered = list(enumerate(self.turns[start - 1 : end], start))
            found = history.exchanges(self.log, numbered, with_content=False)
            if len(found) < len(numbered):
                message = f"Session “{self.session.name}” was changed while it was read."
                raise SessionError(message, "Try again.")
            for exchange in found:
                while waiting and waiting[-1].id < exchange.id:
                    yield waiting.pop()
                yield exchange
        yield from reversed(waiting)

    @cached_property
    def places(self) -> dict[str, Place]:
        """Each turn's place, by its id."""
        return {
            turn_id: (number, 0 if turn_id == turn_ids[-1] else within)
            for number, turn_ids in enumerate(self.turns, 1)
            if self.first <= number <= self.last
            for within, turn_id in enumerate(turn_ids, 1)
        }

    def exchange_of(self, turn_id: str | None) -> int | None:
        """Return the number of the exchange that a turn belongs to, if it is in the file."""
        return self.places.get(turn_id or "", (None,))[0]

    def with_bytes(self, message: Message) -> Message:
        """Return a message with its attachments' bytes."""
        if not any(part.attachments for part in message.parts):
            return message
        parts = tuple(replace(part, attachments=tuple(map(self.filled, part.attachments))) for part in message.parts)
        return replace(message, parts=parts)

    def filled(self, attachment: Attachment) -> Attachment:
        """Return an attachment with its bytes: llm keeps only the path of an attached file, which may have changed."""
        if attachment.content is None:
            attachment = attachments.attachment(self.log, attachment.id) or attachment
        lost = attachment.content is None and attachment.path is not None
        return attachments.with_file(attachment) if self.files and lost else attachment
