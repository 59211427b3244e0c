"""Conversations that are trees, because prompts were edited and replies regenerated: their branches, one after another.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple


def paths(parents: Mapping[str, str | None], current: str | None) -> Iterator[list[str]]:
    """Yield the path from the root to each leaf of a tree: first the one with `current`, then the others in order.

    `parents` has the parent of each node, in the order in which the nodes were made. A parent that is missing is none.
    """
    if not parents:
        return
    inner = {parent for parent in parents.values() if parent in parents}
    leaves = [node for node in parents if node not in inner]
    if not leaves:  # it goes in circles
        leaves = [*parents][-1:]
    first = _leaf_below(parents, current) if current in parents else leaves[-1]
    for leaf in dict.fromkeys([first, *leaves]):
        yield _path(parents, leaf)


def _leaf_below(parents: Mapping[str, str | None], node: str | None) -> str:
    """Return the leaf that the newest children of a node lead to."""
    newest = {parent: child for child, parent in parents.items() if parent is not None}
    found = node or ""
    seen = {found}
    while newest.get(found, found) not in seen:
        found = newest[found]
        seen.add(found)
    return found


def _path(parents: Mapping[str, str | None], leaf: str) -> list[str]:
    found: list[str] = []
    seen: set[str] = set()
    node: str | None = leaf
    while node is not None and node in parents and node not in seen:
        seen.add(node)
        found.append(node)
        node = parents[node]
    return found[::-1]


class TreeBranch(NamedTuple):
    """A branch: its key among all conversations, how many exchanges it shares, and what it is forked off, if anything.

    That is the key of another branch, and that of the last exchange which both have; None: they share nothing.
    """

    key: str
    shared: int
    forked: tuple[str, str | None] | None


class Branches:
    """The branches of a conversation, whose exchanges are given by keys that say all that came before them."""

    def __init__(self, conversation: str | None) -> None:
        """Take the id that the conversation's tool gave it, if any."""
        self._id = conversation
        self._owners: dict[str, int] = {}
        self._keys: list[str] = []

    def add(self, keys: Sequence[str]) -> TreeBranch | None:
        """Add a branch with these exchanges, and return it, or None if it has nothing that no earlier branch has."""
        shared = next((place for place, key in enumerate(keys) if key not in self._owners), len(keys))
        if shared == len(keys):
            return None
        number = len(self._keys)
        origin = self._owners[keys[shared - 1]] if shared else 0
        for key in keys[shared:]:
            self._owners[key] = number
        own = self._id or f"without id {keys[0]}"
        self._keys.append(f"{own} {keys[-1]}" if number else own)
        forked = (self._keys[origin], keys[shared - 1] if shared else None) if number else None
        return TreeBranch(self._keys[-1], shared, forked)
