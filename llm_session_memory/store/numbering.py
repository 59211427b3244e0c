"""A thread's exchanges in order, each as the ids of its turns: the basis of their numbers.

Turns are in the order in which they were logged. Their ids are times, and a clock can go back; once an exchange has a
number, what is logged later must not change it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from heapq import merge
from itertools import islice
from typing import Any, overload

from ..rules import order

Pair = tuple[str, "str | None"]
"""A turn's id, and the first turn of the exchange that it belongs to (see Numbering)."""

_TOGETHER = 500
"""How many turns are held while their messages are looked up; see Numbering for why not all."""


Inherited = tuple[str, int]
"""A thread that a fork has exchanges of, and the number of the last of them in the fork."""


class Numbering(Sequence[tuple[str, ...]]):
    """The turn ids of each exchange, oldest first. Exchange number N is at index N - 1.

    It is stored as one list of first turns and a few lists of later turns. With a tuple for each of 10,000 exchanges,
    Python's garbage collector would scan all of llm's objects while a prompt waits (40 ms of 600).
    """

    def __init__(self, turns: Iterable[Pair]) -> None:
        """Number turns, given in order as pairs of id and None if the turn begins an exchange.

        Otherwise the second item is the first turn of the exchange that it belongs to; an unknown one means the newest
        exchange.
        """
        self._numbers: dict[str, int] = {}
        self._following: dict[str, list[str]] = {}
        self._late: dict[str, int] = {}  # exchanges that had begun when a turn of an earlier one was logged
        head, last, others, greatest = "", "", "", ""
        for turn_id, continues in turns:
            if continues is None or not head:
                head, others = turn_id, last
                self._numbers[turn_id] = len(self._numbers) + 1
            elif continues in self._numbers and continues != head:
                self._following.setdefault(continues, []).append(turn_id)
                self._late[turn_id] = len(self._numbers)
                others = turn_id
            else:
                self._following.setdefault(head, []).append(turn_id)
            last = turn_id
            greatest = max(greatest, turn_id)
        self.first = list(self._numbers)
        """The first turn of each exchange, which is the exchange's id."""
        self.newest = last or None
        """The turn that was logged last."""
        self.others = others or None
        """The turn that was logged last outside the newest exchange."""
        self.greatest = greatest or None
        """The greatest id, undone turns included. It is that of another turn than the newest if a clock went back."""
        self.undone: tuple[tuple[str, ...], ...] = ()
        """The turn ids of the exchanges that were left out because they were undone, oldest first."""
        self.inherited: tuple[Inherited, ...] = ()
        """The threads whose exchanges come before a fork's own, oldest first."""
        self.undone_after: tuple[int, ...] = ()
        """How many of the other exchanges come before each of those."""
        self._heads: dict[str, str] = {}  # of turns that are not the first; made on first use
        self._floors: list[str] = []  # for attempts (see rules.order); made on first use

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
        """Return the turn ids of the exchange with this number."""
        return self._whole(self.first[number - 1])

    def numbers(self) -> Mapping[str, int]:
        """The number of each exchange, by its id (the id of its first turn)."""
        return self._numbers

    @property
    def turn_count(self) -> int:
        """The number of turns in all exchanges, undone ones included."""
        return len(self.first) + sum(map(len, self._following.values())) + sum(map(len, self.undone))

    @property
    def shared(self) -> int:
        """The number of exchanges that a fork has from other threads; its own come after them."""
        return self.inherited[-1][1] if self.inherited else 0

    def every(self) -> list[str]:
        """Return the first turns of all exchanges in order, undone ones included."""
        found = [*self.first]
        for ids, after, place in zip(self.undone, self.undone_after, range(len(self.undone)), strict=True):
            found.insert(after + place, ids[0])
        return found

    def until(self, number: int) -> Numbering:
        """Return the numbering as if only the exchanges before this number existed."""
        earlier = Numbering(())
        earlier._numbers = dict(list(self._numbers.items())[: max(number, 1) - 1])
        earlier.first = list(earlier._numbers)
        earlier._following = self._following
        earlier.newest = earlier[-1][-1] if earlier else None
        earlier.greatest = self.greatest
        earlier.inherited = tuple((thread_id, min(last, len(earlier))) for thread_id, last in self.inherited)
        earlier.undone, earlier.undone_after = self.undone, self.undone_after
        return earlier

    def number_of(self, turn_id: str | None) -> int | None:
        """Return the number of the exchange that a turn belongs to, or None for no turn or a turn of another thread."""
        if turn_id is None:
            return None
        number = self._numbers.get(turn_id)
        if number is None:
            if not self._heads:
                self._heads = {id_: head for head, ids in self._following.items() for id_ in ids}
            number = self._numbers.get(self._heads.get(turn_id, ""))
        return number

    def around(self, numbers: Iterable[int], reach: int = 1) -> list[str]:
        """Return the turns of exchanges and of those up to `reach` before and after each, given their numbers."""
        wanted = {near for number in numbers for near in range(number - reach, number + reach + 1)}
        return [id_ for number in sorted(wanted) if 1 <= number <= len(self) for id_ in self[number - 1]]

    def begun(self, turn_id: str | None) -> int | None:
        """Return how many exchanges had begun when a turn was logged, or None for no turn or one of another thread."""
        late = self._late.get(turn_id or "")
        return self.number_of(turn_id) if late is None else late

    def place(self, id_: str) -> int:
        """Return how many exchanges come before an attempt."""
        if not self._floors:
            self._floors = order.floors(self.first)
        return order.place(self._floors, id_)

    def _whole(self, first: str) -> tuple[str, ...]:
        following = self._following.get(first)
        return (first, *following) if following else (first,)


def without(turns: Iterable[Pair], undone: Collection[str]) -> Numbering:
    """Number the turns of a thread without the exchanges that were undone, given by their first turns."""
    if not undone:
        return Numbering(turns)
    pairs = [*turns]
    every = Numbering(pairs)
    left_out = tuple(ids for ids in every if ids[0] in undone)
    gone = {id_ for ids in left_out for id_ in ids}
    found = Numbering(pair for pair in pairs if pair[0] not in gone)
    found.greatest, found.undone = every.greatest, left_out
    found.undone_after = tuple(every.numbers()[ids[0]] - 1 - place for place, ids in enumerate(left_out))
    return found


def paired(
    turns: Iterable[tuple[Any, ...]],
    look_up: Callable[[list[str]], Iterable[tuple[Any, ...]]],
    known: dict[str, str | None],
) -> Iterator[Pair]:
    """Yield turns, given as rows of turns_of_thread, as pairs.

    `look_up` returns rows of request_answers for messages, given by hash. A message never changes, because its hash
    names it, so what was looked up is added to `known`, and not looked up again.
    """
    left = iter(turns)
    while some := [*islice(left, _TOGETHER)]:
        new = [parent for _, _, parent in some if parent is not None and parent not in known]
        if new:
            known.update(look_up(new))
        yield from ((id_, continues if parent is None else known.get(parent)) for id_, continues, parent in some)


def with_older(older: Iterable[Pair], turns: Iterable[Pair]) -> Iterator[Pair]:
    """Yield the turns of a thread among the responses that an older llm logged in it, in order.

    A response comes before the first turn with a greater id, and the turns keep their own order.
    """
    return merge(older, turns, key=lambda turn: turn[0])
