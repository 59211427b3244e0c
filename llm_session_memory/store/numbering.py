"""A thread's exchanges in order, each as the ids of its turns: what their numbers rest on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import overload


class Numbering(Sequence[tuple[str, ...]]):
    """The turn ids of each exchange, oldest first. Number N stands at N - 1.

    Kept as one list of first turns and a few lists of those that follow: with a tuple for each of 10,000 exchanges,
    Python's garbage collector would begin to look through all of llm while a prompt waits (40 ms of 600).
    """

    def __init__(self, turns: Iterable[tuple[str, str | None]]) -> None:
        """Take turn ids in order, each with None where the turn begins an exchange.

        Else with the first turn of the exchange that it belongs to; one that is not known stands for the newest.
        """
        self._numbers: dict[str, int] = {}
        self._following: dict[str, list[str]] = {}
        newest = ""
        for turn_id, continues in turns:
            if continues is None or not newest:
                newest = turn_id
                self._numbers[turn_id] = len(self._numbers) + 1
            else:
                head = continues if continues in self._numbers else newest
                self._following.setdefault(head, []).append(turn_id)
        self.first = list(self._numbers)
        """The first turn of each exchange, which is the exchange's id."""
        self._heads: dict[str, str] = {}  # of turns that follow, made when first asked for

    def __len__(self) -> int:
        return len(self.first)

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        return map(self._whole, self.first)

    @overload
    def __getitem__(self, index: int) -> tuple[str, ...]: ...
    @overload
    def __getitem__(self, index: slice) -> list[tuple[str, ...]]: ...
    def __getitem__(self, index: int | slice) -> tuple[str, ...] | list[tuple[str, ...]]:
        if isinstance(index, slice):
            return [self._whole(first) for first in self.first[index]]
        return self._whole(self.first[index])

    def turns(self, number: int) -> tuple[str, ...]:
        """Return the turn ids of the exchange with a number."""
        return self._whole(self.first[number - 1])

    def numbers(self) -> Mapping[str, int]:
        """Return each exchange's number by its id, which is the id of its first turn."""
        return self._numbers

    @property
    def turn_count(self) -> int:
        """How many turns all exchanges have together."""
        return len(self.first) + sum(map(len, self._following.values()))

    def until(self, number: int) -> Numbering:
        """Return the numbering as if only exchanges before this number existed."""
        earlier = Numbering(())
        earlier._numbers = dict(list(self._numbers.items())[: max(number, 1) - 1])
        earlier.first = list(earlier._numbers)
        earlier._following = self._following
        return earlier

    def number_of(self, turn_id: str | None) -> int | None:
        """Return the number of the exchange that a turn belongs to; None for no turn, or one of another thread."""
        if turn_id is None:
            return None
        number = self._numbers.get(turn_id)
        if number is None:
            if not self._heads:
                self._heads = {id_: head for head, ids in self._following.items() for id_ in ids}
            number = self._numbers.get(self._heads.get(turn_id, ""))
        return number

    def _whole(self, first: str) -> tuple[str, ...]:
        following = self._following.get(first)
        return (first, *following) if following else (first,)
