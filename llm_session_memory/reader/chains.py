"""The messages of a request, oldest first: the chain that llm logged, from its tip up to its root.

A message stands under the hash of what it says and of what came before it, so what once was the chain above a tip stays
it. Long chains are kept: the request of the exchange before is their beginning, that of the one after begins with them.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

from .sent import Message
from .source import Source

_LONG = 500
"""Messages from which a chain is worth keeping."""

_MOST = 3
"""Chains that are kept: each of 20,000 messages is about 6 MB."""

_Key = tuple[str, frozenset[str]]


@dataclass(frozen=True)
class _Chain:
    messages: tuple[Message, ...]
    places: dict[str, int]

    @property
    def tip(self) -> str:
        return self.messages[-1].hash


_kept: OrderedDict[tuple[_Key, str], _Chain] = OrderedDict()
_lock = threading.Lock()


def chain(source: Source, tip: str | None) -> tuple[Message, ...]:
    """Return the messages of the chain that ends at a hash, oldest first, each with its length."""
    key = (source.log, source.tables)
    with _lock:
        near = [kept for (owner, _), kept in reversed(_kept.items()) if owner == key]
    for kept in near:
        if tip in kept.places:
            return kept.messages[: kept.places[tip] + 1]
    last = near[0] if near else None
    found = _read(source, tip, last)
    if len(found) >= _LONG:
        made = _Chain(found, {message.hash: place for place, message in enumerate(found)})
        with _lock:
            if last is not None and last.tip in made.places:
                _kept.pop((key, last.tip), None)  # the new one begins with all of it
            _kept[key, made.tip] = made
            while len(_kept) > _MOST:
                _kept.popitem(last=False)
    return found


def _read(source: Source, tip: str | None, known: _Chain | None) -> tuple[Message, ...]:
    """Read a chain, no further up than to where a known one ends."""
    until = known.tip if known else None
    found = tuple(map(Message._make, source.tuples("chain_sizes", tip=tip, known=until)))
    if known is not None and found and found[0].hash == until:
        return known.messages + found[1:]
    return found
