"""Ids of threads and turns, as llm makes them: ULIDs of a time, each greater than the one before.

Imported turns get ids of the time at which they were said, so that a conversation from last year is not the newest one
for `llm logs` and `llm -c`. The ids ascend, because a session is ordered by its ids.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timezone

_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
_LENGTH = 26
_RANDOM_BITS = 80


class Ulids:
    """Makes ids whose times are never after `now`."""

    def __init__(self, now: datetime) -> None:
        self._now = _milliseconds(now)
        self._last = 0

    def next(self, at: str) -> str:
        """Return the next id, for a moment (ISO), or for the previous moment if `at` is empty."""
        moment = min(_milliseconds(datetime.fromisoformat(at)), self._now) if at else 0
        if not self._last and not at:
            moment = self._now
        if moment > self._last >> _RANDOM_BITS:
            self._last = (moment << _RANDOM_BITS) + secrets.randbits(_RANDOM_BITS - 1)
        else:
            self._last += 1
        return _text(self._last)


def _milliseconds(moment: datetime) -> int:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return max(int(moment.timestamp() * 1000), 1)


def _text(number: int) -> str:
    return "".join(_DIGITS[number >> shift & 31] for shift in range((_LENGTH - 1) * 5, -1, -5))
