"""The messages of a request, oldest first: the chain that llm logged, from its root down to its tip.

A message is stored under a hash of its content and of all messages before it, so the chain above a tip never changes.
Long chains are cached: each one begins with the previous exchange's request, and the next exchange's begins with it.
"""

from __future__ import annotations

from dataclasses import dataclass

from .cache import CACHE
from .sent import Message
from .source import Source

_LONG = 500
"""The fewest messages of a chain that is worth caching."""

_MOST = 3
"""The most chains cached per log: a chain of 20,000 messages takes about 6 MB."""


@dataclass(frozen=True)
class _Chain:
    messages: tuple[Message, ...]
    places: dict[str, int]

    @property
    def tip(self) -> str:
        return self.messages[-1].hash


def chain(source: Source, tip: str | None) -> tuple[Message, ...]:
    """Return the messages of the chain that ends at a hash, oldest first, each with its length."""
    key = (source.log, source.tables, "chains")
    near = _kept(key)
    for one in near:
        if tip in one.places:
            return one.messages[: one.places[tip] + 1]
    last = near[0] if near else None
    found = _read(source, tip, last)
    if len(found) >= _LONG:
        made = _Chain(found, {message.hash: place for place, message in enumerate(found)})
        others = [
            one for one in _kept(key) if one.tip not in made.places
        ]  # the new chain begins with the ones left out
        chains = (made, *others)[:_MOST]
        CACHE.put(key, None, chains, sum(len(one.messages) for one in chains))
    return found


def _kept(key: tuple[str, frozenset[str], str]) -> tuple[_Chain, ...]:
    """Return the cached chains of a log, newest first. They need no version, because a chain never changes."""
    found = CACHE.peek(key)
    return () if found is None else found[1]


def _read(source: Source, tip: str | None, known: _Chain | None) -> tuple[Message, ...]:
    """Read a chain from its tip up to the end of a known chain, and put the two together."""
    until = known.tip if known else None
    found = tuple(map(Message._make, source.tuples("chain_sizes", tip=tip, known=until)))
    if known is not None and found and found[0].hash == until:
        return known.messages + found[1:]
    return found
