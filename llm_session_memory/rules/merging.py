"""How one conversation that continued in two logs becomes one with forks, and what a session from elsewhere is called.

Pure. All that two logs know of a conversation is a tree: after its common exchanges come the branches. Where there are
several, the branch that began first keeps the thread, and each other one gets a thread of its own. “First” is the
smallest id, which is a time; what is known of it is never forgotten, even if that exchange is deleted later. The id of
a branch's thread depends on its first turn alone. So every log that has the same exchanges comes to the same threads,
whatever was merged first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from .names import LONGEST, key
from .ulids import LENGTH, text_of

_TIME = 10
"""How many characters of an id say when it was made."""


@dataclass(frozen=True)
class Branch:
    """A branch that did not keep the thread: its first exchange, and that of the branch that kept the thread."""

    turn_id: str
    kept_turn_id: str


@dataclass(frozen=True)
class Link:
    """What a branch is a fork of: a thread, and the last exchange that both have."""

    from_thread_id: str
    at_turn_id: str


@dataclass(frozen=True)
class Apart:
    """The threads of one conversation.

    `threads` has the thread of each exchange, `order` the exchanges of each thread, `branches` and `links` are those of
    the threads that branches have. Exchanges are named by their first turns. A branch without a link has no exchange in
    common with the others.
    """

    threads: Mapping[str, str]
    order: Mapping[str, Sequence[str]]
    branches: Mapping[str, Branch]
    links: Mapping[str, Link]


@dataclass(eq=False)
class _Node:
    id: str
    parent: _Node | None = None
    real: bool = False
    children: dict[str, _Node] = field(default_factory=dict)

    def before(self) -> list[_Node]:
        """Return this node and all that it comes after."""
        found: list[_Node] = []
        node: _Node | None = self
        while node is not None:
            found.append(node)
            node = node.parent
        return found

    def place(self, parent: _Node) -> None:
        if self.parent is not None:
            self.parent.children.pop(self.id, None)
        self.parent = parent
        parent.children[self.id] = self


def branch_thread(root: str, turn_id: str) -> str:
    """Return the id of the thread of a branch: beside the thread that it was set apart from, in order of ids."""
    number = int.from_bytes(hashlib.sha256(turn_id.encode("utf-8", "surrogatepass")).digest()[:10], "big")
    return root[:_TIME] + text_of(number, LENGTH - _TIME)


def apart(root: str, paths: Iterable[Sequence[str]], branches: Iterable[Branch], real: Collection[str]) -> Apart:
    """Give each exchange of a conversation its thread.

    Args:
        root: The thread that the conversation began in.
        paths: What the threads of the logs have: the exchanges from the conversation's first one on, in order.
        branches: The branches that were set apart before.
        real: The exchanges that are in a log; others are only known of.
    """
    top = _Node("")
    known: dict[str, _Node] = {}
    for path in sorted(paths, key=lambda one: (len(one), tuple(one))):
        _add(top, known, path)
    for branch in branches:
        node = known.get(branch.turn_id)
        if node is not None and branch.kept_turn_id not in known:
            known[branch.kept_turn_id] = _Node(branch.kept_turn_id)
            known[branch.kept_turn_id].place(node.parent or top)
    for id_, node in known.items():
        node.real = id_ in real
    return _threads(root, top)


def _add(top: _Node, known: dict[str, _Node], path: Sequence[str]) -> None:
    """Add a path to the tree. What a log has between two exchanges that the tree knows already is put between them."""
    here = top
    waiting: list[str] = []
    for id_ in path:
        node = known.get(id_)
        if node is None:
            waiting.append(id_)
            continue
        if waiting or node.parent is not here:
            here = _chain(known, here, waiting)
            waiting = []
            if node.parent in here.before() and node not in here.before():
                node.place(here)
        here = node
    _chain(known, here, waiting)


def _chain(known: dict[str, _Node], here: _Node, ids: Iterable[str]) -> _Node:
    for id_ in ids:
        known[id_] = _Node(id_)
        known[id_].place(here)
        here = known[id_]
    return here


def _threads(root: str, top: _Node) -> Apart:
    threads: dict[str, str] = {}
    order: dict[str, list[str]] = {root: []}
    branches: dict[str, Branch] = {}
    links: dict[str, Link] = {}
    waiting: list[tuple[_Node, str, str | None]] = [(top, root, None)]
    while waiting:
        node, thread, last = waiting.pop()
        if node.real:
            threads[node.id] = thread
            order[thread].append(node.id)
            last = node.id
        kept = min(node.children, default=None)
        for id_, child in node.children.items():
            if id_ == kept:
                continue
            its = branch_thread(root, id_)
            order[its] = []
            branches[its] = Branch(id_, str(kept))
            if last is not None:
                links[its] = Link(threads[last], last)
            waiting.append((child, its, last))
        if kept is not None:
            waiting.append((node.children[kept], thread, last))
    return Apart(threads, order, branches, links)


def from_elsewhere(name: str, host: str, taken: Container[str]) -> str:
    """Return the name of a session from another log if another session has its name: `work@HOST`, `work@HOST-2`.

    `taken` are the keys of all names (`names.key`), so that thousands of sessions need no time for each other.
    """
    place = host.replace("/", "-").strip()[: LONGEST // 2] or "other"
    number = 1
    while True:
        ending = f"@{place}" + (f"-{number}" if number > 1 else "")
        candidate = name[: LONGEST - len(ending)] + ending
        if key(candidate) not in taken:
            return candidate
        number += 1


def is_from_elsewhere(name: str, shared: str) -> bool:
    """Return whether a session may be called this here because its shared name was taken: `work`, `work@HOST`."""
    stem, at, _ = name.rpartition("@")
    return name == shared or bool(
        at and stem and (stem == shared or (len(name) == LONGEST and shared.startswith(stem)))
    )
