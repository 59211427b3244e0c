"""Families of forks: what a session was forked from, and the sessions that were forked from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ..store.numbering import Numbering
from .entries import Family, FamilyBranch, Relative
from .numbering import lineage, numbering
from .openings import openings
from .source import Source, ids

_LARGEST = 60
"""The most sessions of a tree."""


def family(source: Source, thread_id: str) -> Family:
    """Return the parent and the forks of a thread."""
    sql = "select thread_id, at_turn_id from memory_forks where from_thread_id = :id order by forked_utc, thread_id"
    forks = {row["thread_id"]: row["at_turn_id"] for row in source.query(sql, id=thread_id)}
    numbers = numbering(source, thread_id) if forks else None
    known = called(source, forks)
    return Family(
        parents(source, [thread_id]).get(thread_id),
        tuple(replace(known[one], number=numbers.number_of(at) if numbers else None) for one, at in forks.items()),
    )


def tree(source: Source, thread_id: str, near: Family) -> tuple[FamilyBranch, ...]:
    """Return a session's whole family, each before its own forks, if it has more members than those nearest to it."""
    if near == Family():
        return ()
    found = _below(source, lineage(source, thread_id)[0][0])
    return found if len(found) > 1 + len(near.forks) + (near.parent is not None) else ()


def _below(source: Source, root: str) -> tuple[FamilyBranch, ...]:
    """Return a session, its forks, their forks and so on, each before its own forks."""
    forks: dict[str, list[str]] = {}
    for row in source.rows("family", root=root, most=_LARGEST):
        forks.setdefault(row["from_thread_id"], []).append(row["thread_id"])
    depths: dict[str, int] = {}
    waiting = [(root, 0)]
    while waiting:
        one, depth = waiting.pop()
        if one not in depths:  # a damaged log may go in circles
            depths[one] = depth
            waiting += [(fork, depth + 1) for fork in reversed(forks.get(one, []))]
    known = called(source, depths)
    last = shared(source, depths)
    return tuple(
        FamilyBranch(depth, replace(known[one], number=last.get(one) or None)) for one, depth in depths.items()
    )


def number_in_parent(source: Source, numbers: Numbering, parent: Relative | None) -> int | None:
    """Return the number in a fork's parent of the last exchange that both have, or None if it was undone there."""
    if parent is None or not numbers.shared:
        return None
    return numbering(source, parent.thread_id).number_of(numbers.first[numbers.shared - 1])


def parents(source: Source, thread_ids: Iterable[str]) -> dict[str, Relative]:
    """Return the parents of the forks among these threads."""
    sql = (
        "select thread_id, from_thread_id from memory_forks where thread_id in (select value from json_each(:ids))"
        " order by thread_id"
    )
    found = {row["thread_id"]: row["from_thread_id"] for row in source.query(sql, ids=ids(thread_ids))}
    known = called(source, found.values())
    last = shared(source, found)
    return {one: replace(known[of], number=last[one] or None) for one, of in found.items()}


def shared(source: Source, forks: Iterable[str]) -> dict[str, int]:
    """Return how many exchanges each fork shares.

    It is the number of the last of them in the parent, which is known without numbering every fork, unless one of the
    two has undone something.
    """
    wanted = list(forks)
    known: dict[str, Numbering] = {}
    found: dict[str, int] = {}
    for row in source.rows("shared", ids=ids(wanted)):
        parent, number = row["from_thread_id"], None
        if not row["undone"]:
            if parent not in known:
                known[parent] = numbering(source, parent)
            number = known[parent].number_of(row["at_turn_id"])
        found[row["thread_id"]] = numbering(source, row["thread_id"]).shared if number is None else number
    return found


def lengths(source: Source, own: Mapping[str, int]) -> dict[str, int]:
    """Return how many exchanges the forks among some threads have, by the number of each one's own."""
    undone = {row["thread_id"] for row in source.rows("shared", ids=ids(own)) if row["undone"]}
    return {
        fork: len(numbering(source, fork)) if fork in undone else number + own[fork]
        for fork, number in shared(source, own).items()
    }


def called(source: Source, thread_ids: Iterable[str]) -> dict[str, Relative]:
    """Return what each thread is called."""
    rows = {row["thread_id"]: row for row in source.rows("titles", ids=ids(thread_ids))}
    first = openings(source, [id_ for id_, row in rows.items() if not row["name"] and not row["title"]])
    return {
        id_: Relative(id_, row["name"], row["first_words"] or "", title=row["title"] or "", opening=first.get(id_, ""))
        for id_, row in rows.items()
    }
