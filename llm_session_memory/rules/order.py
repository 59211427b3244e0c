"""The order of exchanges and failed prompts. Pure.

Ids are times. Exchanges are in the order in which they were logged, so if a clock went back, their ids don't ascend.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Protocol, TypeVar


class _WithId(Protocol):
    @property
    def id(self) -> str: ...


_Exchange = TypeVar("_Exchange", bound=_WithId)
_Attempt = TypeVar("_Attempt", bound=_WithId)


def floors(ids: Sequence[str]) -> list[str]:
    """Return, for each id, the least of it and all later ones; these always ascend."""
    return [*accumulate(reversed(ids), min)][::-1]


def place(floors_: Sequence[str], id_: str) -> int:
    """Return how many exchanges come before an attempt: it comes after the last one that has a smaller id."""
    return bisect_left(floors_, id_)


def together(exchanges: Sequence[_Exchange], attempts: Iterable[_Attempt]) -> list[_Exchange | _Attempt]:
    """Return exchanges, given in their order, with the attempts among them."""
    bounds = floors([exchange.id for exchange in exchanges])
    keyed: list[tuple[tuple[int, str], _Exchange | _Attempt]] = [
        ((number, ""), exchange) for number, exchange in enumerate(exchanges, 1)
    ]
    keyed += [((place(bounds, attempt.id), attempt.id), attempt) for attempt in attempts]
    return [one for _, one in sorted(keyed, key=lambda pair: pair[0])]
