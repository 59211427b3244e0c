"""What is exported of a session, read a few exchanges at a time, however long it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ..errors import SessionError
from ..model import Attachment, Attempt, Exchange, Message, Session
from ..store import held, history
from .records import Place

if TYPE_CHECKING:
    from ..memory import Memory

_CHUNK = 20
"""Exchanges read at a time."""


class Gathering:
    """A session as it was when the export began: its exchanges by number, attempts in their places, pins.

    What others add meanwhile is not in it; what they delete makes it fail.
    """

    def __init__(self, memory: Memory, name: str) -> None:
        self.session: Session = memory.sessions.get(name)
        self.log = memory.desk.log
        thread_id = self.session.thread_id
        self.turns = history.exchange_turns(self.log, thread_id)
        self.numbers = self.turns.numbers()
        self.attempts: list[Attempt] = memory.record.attempts(name)
        self.beside = memory.notes.beside(name)
        self.pins: Mapping[str, str] = held.pins(self.log, thread_id)
        self.ratings, self.bookmarks = memory.ratings.of(name), memory.ratings.bookmarks(name)

    @property
    def total(self) -> int:
        """How many exchanges there are."""
        return len(self.turns)

    def entries(self) -> Iterator[Exchange | Attempt]:
        """Yield exchanges and attempts, in order; attachments without their bytes."""
        waiting = list(reversed(self.attempts))
        for start in range(0, self.total, _CHUNK):
            numbered = list(enumerate(self.turns[start : start + _CHUNK], start + 1))
            found = history.exchanges(self.log, numbered, with_content=False)
            if len(found) < len(numbered):
                message = f"Session “{self.session.name}” was changed while it was read."
                raise SessionError(message, "Try again.")
            for exchange in found:
                while waiting and waiting[-1].id < exchange.id:
                    yield waiting.pop()
                yield exchange
        yield from reversed(waiting)

    def places(self) -> dict[str, Place]:
        """Return each turn's place, by its id."""
        return {
            turn_id: (number, 0 if turn_id == turn_ids[-1] else within)
            for number, turn_ids in enumerate(self.turns, 1)
            for within, turn_id in enumerate(turn_ids, 1)
        }

    def with_bytes(self, message: Message) -> Message:
        """Return a message with its attachments' bytes."""
        if not any(part.attachments for part in message.parts):
            return message
        parts = tuple(replace(part, attachments=tuple(map(self.filled, part.attachments))) for part in message.parts)
        return replace(message, parts=parts)

    def filled(self, attachment: Attachment) -> Attachment:
        """Return an attachment with its bytes: llm keeps only the path of an attached file, which may have changed."""
        if attachment.content is None:
            attachment = held.attachment(self.log, attachment.id) or attachment
        return attachment if attachment.content or attachment.path is None else held.with_file(attachment)
