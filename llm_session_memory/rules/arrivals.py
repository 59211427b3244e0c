"""Ids of conversations that come from other tools: the same wherever and whenever a file is imported.

A turn's id is a ULID: 10 digits of its time, a mark of 14 digits, and 2 digits that count copies. The mark is a hash of
the tool, the conversation, the exchange and the turn's place in it, so it says whether a log has the turn already, even
if the time in the id had to be moved to keep the ids of a conversation ascending.

Pure.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime

from .ulids import LENGTH, milliseconds, number_of, of_import, text_of

_TIME, _MARK, _COPIES = 10, 14, 2
_BITS_OF_THREAD = 30


def digest(value: object) -> int:
    """Return the SHA-256 of a JSON value as a number; the order of keys makes no difference."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, default=str)
    return int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")


def mark(source: str, conversation: str, exchange: str, turn: int) -> str:
    """Return the mark of a turn, given by the keys of its conversation and exchange and its place, from 0."""
    return text_of(digest(["turn", source, conversation, exchange, turn]) >> 256 - _MARK * 5, _MARK)


def mark_in(turn_id: str) -> str:
    """Return the mark in the id of a turn; a turn that was not imported has one that is nobody's."""
    return turn_id[_TIME : _TIME + _MARK] if len(turn_id) == LENGTH else turn_id


def thread_id(source: str, conversation: str, nth: int, created: str) -> str:
    """Return the id of a conversation's thread: of its first line (0), or of one that branches off it (1, 2, ...).

    `created` is when it began (ISO), or empty.
    """
    hashed = digest(["thread", source, conversation, nth])
    if created:
        return of_import(created, hashed >> 256 - _BITS_OF_THREAD)
    return "0" * _TIME + text_of(hashed >> 256 - 80, LENGTH - _TIME)


class TurnIds:
    """Makes the ids of the turns of one conversation, each greater than the one before."""

    def __init__(self, now: datetime, begun: str = "", last: str = "") -> None:
        """Begin after the id `last`. A turn without a time has that of the one before it, at first `begun` (ISO)."""
        self._now = milliseconds(now)
        self._last = last
        self._moment = (number_of(last[:_TIME]) or 0) if last else 0
        if begun:
            self._moment = max(self._moment, self._of(begun))

    def _of(self, moment: str) -> int:
        return min(milliseconds(datetime.fromisoformat(moment)), self._now)

    def next(self, at: str, turn_mark: str, copy: int = 0) -> str:
        """Return the id of the next turn, which was said at a time (ISO, or empty). `copy` counts its copies from 0."""
        self._moment = max(self._moment, self._of(at) if at else 0, 1)
        rest = turn_mark + text_of(copy, _COPIES)
        made = text_of(self._moment, _TIME) + rest
        if made <= self._last:
            self._moment += 1
            made = text_of(self._moment, _TIME) + rest
        self._last = made
        return made
