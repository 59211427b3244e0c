"""Ids of threads and turns, as llm makes them: ULIDs of a time, each greater than the one before.

Imported turns get ids of the time at which they were said, so that a conversation from last year is not the newest one
for `llm logs`. Imported conversations get ids that are less than all others, so that `llm -c` goes on in none. The ids
of a session ascend whatever the clock says, because llm and SQL order turns by their ids.
"""

from __future__ import annotations

import re
import secrets
from datetime import datetime, timezone

_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
_LENGTH = 26
_RANDOM_BITS = 80
_STEP_BITS = 40
"""The next id is up to this far from the one before, so that two processes that see the same one differ."""

_IMPORTED = "0" * 10
"""The beginning of the ids of imported conversations: as a time, it is that of no conversation."""

_COUNTED = re.compile(f"(.*)-([{_DIGITS}]{{16}})", re.DOTALL)
"""An id that follows one that is not a ULID, or that no ULID can follow."""


def later(id_: str, than: str | None) -> str:
    """Return an id, or one that is greater than `than` if that is not less."""
    return id_ if than is None or id_ > than else after(than)


def after(id_: str) -> str:
    """Return an id that is greater than another, as close to it as two processes may be.

    An id that is no ULID, or one at the end of all time, is followed by itself with a counter.
    """
    step = 1 + secrets.randbits(_STEP_BITS)
    number = _number(id_.lower()) if len(id_) == _LENGTH else None
    if number is not None and number + step < 1 << _LENGTH * 5:
        return _text(number + step)
    counted = _COUNTED.fullmatch(id_)
    if counted:
        count = (_number(counted[2]) or 0) + step
        if count < 1 << 16 * 5:
            return f"{counted[1]}-{_text(count, 16)}"
    return f"{id_}-{_text(step, 16)}"


def at(moment: datetime) -> str:
    """Return the beginning of the ids of a moment: no earlier id is greater, no later one less."""
    return _text(_milliseconds(moment), 10)


def of_import(created: str) -> str:
    """Return an id for an imported conversation, which is less than those of all that were held here."""
    moment = _text(_milliseconds(datetime.fromisoformat(created)), _LENGTH - 16)
    return f"{_IMPORTED}{moment}{_text(secrets.randbits(30), 6)}"


def is_imported(thread_id: str) -> bool:
    """Return whether an id is that of an imported conversation."""
    return thread_id.startswith(_IMPORTED)


class Ulids:
    """Makes ids whose times are never after `now`, and without a time just before `newest`, an id in the log."""

    def __init__(self, now: datetime, newest: str | None = None) -> None:
        self._now = _milliseconds(now)
        before = _number(newest.lower()) if newest and len(newest) == _LENGTH else None
        self._undated = self._now if before is None else max(min((before >> _RANDOM_BITS) - 1, self._now), 1)
        self._last = 0

    def next(self, at: str) -> str:
        """Return the next id, for a moment (ISO), or for the previous moment if `at` is empty."""
        moment = min(_milliseconds(datetime.fromisoformat(at)), self._now) if at else 0
        if not self._last and not at:
            moment = self._undated
        if moment > self._last >> _RANDOM_BITS:
            self._last = (moment << _RANDOM_BITS) + secrets.randbits(_RANDOM_BITS - 1)
        else:
            self._last += 1
        return _text(self._last)


def _milliseconds(moment: datetime) -> int:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return max(int(moment.timestamp() * 1000), 1)


def _number(digits: str) -> int | None:
    number = 0
    for digit in digits:
        value = _DIGITS.find(digit)
        if value < 0:
            return None
        number = number << 5 | value
    return number


def _text(number: int, length: int = _LENGTH) -> str:
    return "".join(_DIGITS[number >> shift & 31] for shift in range((length - 1) * 5, -1, -5))
