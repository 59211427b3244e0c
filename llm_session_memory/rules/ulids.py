"""Ids of threads and turns, as llm makes them: ULIDs of a time, each greater than the one before.

Imported turns get ids of the time at which they were said, so that a conversation from last year is not the newest one
for `llm logs`. Imported conversations get ids that are less than all others, so that `llm -c` continues none of
them. The ids of a session ascend whatever the clock says, because llm and SQL order turns by their ids.
"""

from __future__ import annotations

import re
import secrets
from datetime import datetime, timezone

_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
LENGTH = 26
"""The number of characters of a ULID."""
_RANDOM_BITS = 80
_STEP_BITS = 40
"""The next id is up to this far from the one before, so that two processes that see the same one differ."""

IMPORTED = "0" * 10
"""The beginning of the ids of imported conversations: as a time, it is that of no conversation."""

_COUNTED = f"(?s)(.*)-([{_DIGITS}]{{16}})"
"""An id that follows one that is not a ULID, or that no ULID can follow."""


def later(id_: str, than: str | None) -> str:
    """Return an id, or one that is greater than `than` if that is not less."""
    return id_ if than is None or id_ > than else after(than)


def after(id_: str) -> str:
    """Return an id that is greater than another, as close to it as two processes may be.

    An id that is no ULID, or one at the end of all time, is followed by itself with a counter.
    """
    step = 1 + secrets.randbits(_STEP_BITS)
    number = number_of(id_.lower()) if len(id_) == LENGTH else None
    if number is not None and number + step < 1 << LENGTH * 5:
        return text_of(number + step)
    counted = re.fullmatch(_COUNTED, id_)
    if counted:
        count = (number_of(counted[2]) or 0) + step
        if count < 1 << 16 * 5:
            return f"{counted[1]}-{text_of(count, 16)}"
    return f"{id_}-{text_of(step, 16)}"


def at(moment: datetime) -> str:
    """Return the beginning of the ids of a moment: no earlier id is greater, no later one less."""
    return text_of(milliseconds(moment), 10)


def of_import(created: str, bits: int | None = None) -> str:
    """Return an id for an imported conversation, which is less than those of all that were held here.

    It ends with 30 random bits, or with `bits`.
    """
    moment = text_of(milliseconds(datetime.fromisoformat(created)), LENGTH - 16)
    return f"{IMPORTED}{moment}{text_of(secrets.randbits(30) if bits is None else bits, 6)}"


def moment_of(id_: str) -> datetime | None:
    """Return the time that an id was made at, or None if it is not a ULID of a time."""
    number = number_of(id_.lower()) if len(id_) == LENGTH else None
    try:
        return None if number is None else datetime.fromtimestamp((number >> _RANDOM_BITS) / 1000, timezone.utc)
    except (ValueError, OverflowError, OSError):
        return None


def is_imported(thread_id: str) -> bool:
    """Return whether an id is that of an imported conversation."""
    return thread_id.startswith(IMPORTED)


class Ulids:
    """Makes ids whose times are never after `now`, and without a time just before `newest`, an id in the log."""

    def __init__(self, now: datetime, newest: str | None = None) -> None:
        self._now = milliseconds(now)
        before = number_of(newest.lower()) if newest and len(newest) == LENGTH else None
        self._undated = self._now if before is None else max(min((before >> _RANDOM_BITS) - 1, self._now), 1)
        self._last = 0

    def next(self, at: str) -> str:
        """Return the next id, for a moment (ISO), or for the previous moment if `at` is empty."""
        moment = min(milliseconds(datetime.fromisoformat(at)), self._now) if at else 0
        if not self._last and not at:
            moment = self._undated
        if moment > self._last >> _RANDOM_BITS:
            self._last = (moment << _RANDOM_BITS) + secrets.randbits(_RANDOM_BITS - 1)
        else:
            self._last += 1
        return text_of(self._last)


def milliseconds(moment: datetime) -> int:
    """Return a moment as ULIDs have it: in milliseconds since 1970, at least 1."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return max(int(moment.timestamp() * 1000), 1)


def number_of(digits: str) -> int | None:
    """Return the number that digits of a ULID stand for, or None if a character is no such digit."""
    number = 0
    for digit in digits:
        value = _DIGITS.find(digit)
        if value < 0:
            return None
        number = number << 5 | value
    return number


def text_of(number: int, length: int = LENGTH) -> str:
    """Return a number in the digits of ULIDs, its last ones if it has more."""
    return "".join(_DIGITS[number >> shift & 31] for shift in range((length - 1) * 5, -1, -5))
