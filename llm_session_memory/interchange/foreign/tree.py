"""Conversations that are trees, because prompts were edited and replies made again: their branches, one after another.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence


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


class Branches:
    """Which branch has which exchanges, given by keys that say all that came before them."""

    def __init__(self) -> None:
        self._owners: dict[str, int] = {}
        self._count = 0

    def add(self, keys: Sequence[str]) -> tuple[int, int | None, int] | None:
        """Add a branch with these exchanges, and return its number from 0, the branch that it forks off, and where.

        Where is how many exchanges it shares with that one. None: it has nothing that no earlier branch has.
        """
        shared = next((place for place, key in enumerate(keys) if key not in self._owners), len(keys))
        if shared == len(keys):
            return None
        number, self._count = self._count, self._count + 1
        origin = self._owners[keys[shared - 1]] if shared else None
        for key in keys[shared:]:
            self._owners[key] = number
        return number, origin, shared
