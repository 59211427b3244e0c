"""Families of forks: what a session was forked from, and the sessions that were forked from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .numbering import numbering
from .source import Source, ids


@dataclass(frozen=True)
class Relative:
    """A session, or an unnamed conversation, that another was forked from or that was forked from another.

    `number` is that of the last exchange that both have, as the session that is asked about counts. It is None if that
    session no longer has the exchange.
    """

    thread_id: str
    name: str | None
    first_words: str
    number: int | None

    @property
    def reference(self) -> str:
        """The last part of its URL: the name, or the id of a conversation without a name."""
        return self.name or self.thread_id

    @property
    def title(self) -> str:
        """The title on the page."""
        return self.name or self.first_words or self.thread_id


@dataclass(frozen=True)
class Family:
    """The session that a session was forked from, if any, and those that were forked from it, oldest first."""

    parent: Relative | None = None
    forks: tuple[Relative, ...] = ()


def family(source: Source, thread_id: str) -> Family:
    """Return the parent and the forks of a thread."""
    sql = "select thread_id, at_turn_id from memory_forks where from_thread_id = :id order by forked_utc, thread_id"
    forks = {row["thread_id"]: row["at_turn_id"] for row in source.query(sql, id=thread_id)}
    numbers = numbering(source, thread_id) if forks else None
    known = _named(source, forks)
    return Family(
        parents(source, [thread_id]).get(thread_id),
        tuple(Relative(one, *known[one], numbers.number_of(at) if numbers else None) for one, at in forks.items()),
    )


def parents(source: Source, thread_ids: Iterable[str]) -> dict[str, Relative]:
    """Return the parents of those of these threads that are forks."""
    sql = (
        "select thread_id, from_thread_id from memory_forks where thread_id in (select value from json_each(:ids))"
        " order by thread_id"
    )
    found = {row["thread_id"]: row["from_thread_id"] for row in source.query(sql, ids=ids(thread_ids))}
    known = _named(source, found.values())
    return {one: Relative(of, *known[of], numbering(source, one).shared or None) for one, of in found.items()}


def _named(source: Source, thread_ids: Iterable[str]) -> dict[str, tuple[str | None, str]]:
    """Return the name of each thread, or None, and the first words of its conversation."""
    rows = source.rows("titles", ids=ids(thread_ids))
    return {row["thread_id"]: (row["name"], row["first_words"] or "") for row in rows}
