"""The messages of a request, oldest first: the chain that llm logged, from its tip up to its root.

A message stands under the hash of what it says and of what came before it, so what once was the chain above a tip stays
it. Long chains are kept: the request of the exchange before is their beginning, that of the one after begins with them.
"""

from __future__ import annotations

from dataclasses import dataclass

from .cache import CACHE
from .sent import Message
from .source import Source

_LONG = 500
"""Messages from which a chain is worth keeping."""

_MOST = 3
"""Chains of one log that are kept: each of 20,000 messages is about 6 MB."""


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
        others = [one for one in _kept(key) if one.tip not in made.places]  # the new one begins with all of those
        chains = (made, *others)[:_MOST]
        CACHE.put(key, None, chains, sum(len(one.messages) for one in chains))
    return found


def _kept(key: tuple[str, frozenset[str], str]) -> tuple[_Chain, ...]:
    """Return the chains that are kept of a log, the newest first. They have no version: a chain never changes."""
    found = CACHE.peek(key)
    return () if found is None else found[1]


def _read(source: Source, tip: str | None, known: _Chain | None) -> tuple[Message, ...]:
    """Read a chain, no further up than to where a known one ends."""
    until = known.tip if known else None
    found = tuple(map(Message._make, source.tuples("chain_sizes", tip=tip, known=until)))
    if known is not None and found and found[0].hash == until:
        return known.messages + found[1:]
    return found
