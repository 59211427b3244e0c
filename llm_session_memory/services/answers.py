"""The answers of a job's items, in the order of the items, for lists and files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from ..model import Exchange
from ..model.frozen import dataclass
from ..model.jobs import Item
from ..store import history
from .desk import Desk

_PAGE = 200
"""How many answers are read at a time."""


@dataclass(frozen=True)
class JobAnswer:
    """An item and its answer. `reply` is None if it has none: it isn't done, or its answer was deleted."""

    item: Item
    reply: str | None = None
    datetime_utc: str = ""


def answers(desk: Desk, items: Iterable[Item], *, several_calls: bool = False) -> Iterator[JobAnswer]:
    """Yield the answer of each item; a page of them is held in memory.

    `several_calls`: an answer may have several calls, because models were offered tools.
    """
    waiting = iter(items)
    while page := [*islice(waiting, _PAGE)]:
        found = _exchanges(desk, page, several_calls=several_calls)
        for item in page:
            exchange = found.get(item.turn_id or "")
            yield JobAnswer(item, exchange.reply, exchange.turns[0].datetime_utc) if exchange else JobAnswer(item)


def _exchanges(desk: Desk, page: Iterable[Item], *, several_calls: bool) -> dict[str, Exchange]:
    wanted: dict[str, tuple[str, ...]] = {one.turn_id: (one.turn_id,) for one in page if one.turn_id}
    if several_calls:
        for thread_id in {one.thread_id for one in page if one.thread_id}:
            for ids in history.every_exchange(desk.log, thread_id):
                if ids[0] in wanted:
                    wanted[ids[0]] = tuple(ids)
    return {one.id: one for one in history.exchanges(desk.log, enumerate(wanted.values(), 1), with_content=False)}
