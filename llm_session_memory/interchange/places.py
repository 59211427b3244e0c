"""A compact map from exchange numbers in the file to the ids of the new turns: a file may have a million.

Pure.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left

from ..rules.records import Place

_LENGTH = 26
"""The number of characters in a ULID."""


class Places:
    """The ids of turns, by exchange. Exchanges are added in the order of their numbers, which may have gaps."""

    def __init__(self) -> None:
        self._ids = bytearray()
        self._numbers = array("Q")
        self._starts = array("Q")

    def add(self, number: int, turn_id: str) -> None:
        """Add a turn to the exchange with that number, which is the latest one or a new one."""
        if not self._numbers or self._numbers[-1] != number:
            self._numbers.append(number)
            self._starts.append(len(self._ids))
        self._ids += turn_id.encode("ascii")

    def of(self, number: int) -> tuple[str, ...]:
        """Return the turns of an exchange; an empty tuple if there is no such exchange."""
        index = bisect_left(self._numbers, number)
        if index == len(self._numbers) or self._numbers[index] != number:
            return ()
        end = self._starts[index + 1] if index + 1 < len(self._starts) else len(self._ids)
        return tuple(
            self._ids[start : start + _LENGTH].decode("ascii") for start in range(self._starts[index], end, _LENGTH)
        )

    def first(self, number: int) -> str | None:
        """Return the first turn of an exchange, or None."""
        return next(iter(self.of(number)), None)

    def turn(self, place: Place | None) -> str | None:
        """Return the turn at a place, or None."""
        turns = self.of(place[0]) if place else ()
        if not place or not place[1]:
            return turns[-1] if turns else None
        return turns[place[1] - 1] if place[1] <= len(turns) else None
