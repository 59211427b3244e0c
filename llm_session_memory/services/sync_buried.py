"""Tombstones that only one side has: which conversations they concern, and sending them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from ..model.remotes import Digest, Document, Machine, Remote, Stamp, Value, Writing
from ..rules.syncing import by_place, in_portions
from ..rules.ulids import is_imported
from ..store import documents
from ..store import sync_scope as store
from ..store.log import Log


def parts(tombstone: Document) -> tuple[str, str]:
    """Return what a tombstone is for (`turn`, `thread`, `content` or `restored`), and its id."""
    kind, _, id_ = tombstone.key.partition(" ")
    return kind, id_


def ids(tombstones: Iterable[Document], kind: str) -> list[str]:
    """Return the ids of the tombstones of a kind."""
    return [id_ for one, id_ in map(parts, tombstones) if one == kind]


def of_log(log: Log, sealed: Collection[str]) -> list[Document]:
    """Return the tombstones of a log that are sent: not those of sealed sessions, which may come back.

    All tombstones of one deletion have the same time, to the microsecond.
    """
    found = [*documents.tombstones(log)]
    kept = {f"thread {one}" for one in sealed}
    times = {_time(one) for one in found if one.key in kept}
    return [one for one in found if _time(one) not in times]


def lasting(log: Log, sealed: Collection[str]) -> list[Document]:
    """Return the tombstones that decide about exchanges which come later, so that they count when both sides have them.

    A conversation that was deleted and continued elsewhere goes when its last exchange does, and texts that somebody
    restored go only by their ids.
    """
    return [one for one in of_log(log, sealed) if parts(one)[0] in ("thread", "restored")]


def _time(tombstone: Document) -> Value:
    return tombstone.rows["memory_tombstones"][0]["deleted_utc"]


def concerned_there(remote: Remote, tombstones: Collection[Document]) -> tuple[set[str], set[str]]:
    """Return the conversations on a remote that have something that was deleted, and the keys of these tombstones."""
    threads: set[str] = set()
    keys: set[str] = set()
    for some in in_portions(ids(tombstones, "turn")):
        found = remote.threads_with(some)
        threads.update(found.values())
        keys.update(f"turn {one}" for one in found)
    for some in in_portions(ids(tombstones, "thread")):
        there = {one.thread_id for one in remote.stamps(some)}
        threads |= there
        keys.update(f"thread {one}" for one in there)
    return threads, keys


def concerned_here(log: Log, here: Collection[str], tombstones: Collection[Document]) -> tuple[set[str], set[str]]:
    """Return the conversations of a log that have something that was deleted elsewhere, and the keys of its tombstones.

    Those of imported texts are not among them: each machine has these under ids of its own, and no fork elsewhere
    knows them.
    """
    found = store.threads_of(log, ids(tombstones, "turn"))
    whole = {*ids(tombstones, "thread")}.intersection(here)
    return {*found.values(), *whole}, {*(f"turn {one}" for one in found), *(f"thread {one}" for one in whole)}


def lives_on(log: Log, remote: Remote, tombstones: Collection[Document], held: Collection[str]) -> list[str]:
    """Return the calls of deleted conversations on a remote that live on here in a fork that is held back.

    The deletion left them no tombstones, since the fork still has them. But it never goes, so nothing else tells the
    remote that they went with their conversation.
    """
    threads = ids(tombstones, "thread") if held else ()
    there = [one.key for some in in_portions(threads) for one in remote.stamps(some) if one.kind != "thread"]
    return [turn for turn, thread_id in store.threads_of(log, there).items() if thread_id in held]


def relevant(tombstones: Iterable[Document], threads: Collection[str], turns: Collection[str]) -> list[Document]:
    """Return the tombstones that may be about some conversations and their calls."""
    imported = any(is_imported(one) for one in threads)
    meant = {"turn": turns, "thread": threads}
    return [
        one
        for one in tombstones
        for kind, id_ in [parts(one)]
        if (imported if kind in ("content", "restored") else id_ in meant.get(kind, ()))
    ]


def send(remote: Remote, writing: Writing, machine: Machine, tombstones: Sequence[Document]) -> int:
    """Send tombstones within a transaction, with the digests of their buckets. Return how many are new there."""
    buckets = {one.bucket for one in tombstones}
    there = {one.key: one for one in remote.tombstones(buckets)} if buckets else {}
    new = [replace(one, machine=machine.name, person=machine.person) for one in tombstones if one.key not in there]
    if new:
        writing.put(new)
        writing.set_digests(digests((*there.values(), *new)))
    return len(new)


def digests(tombstones: Iterable[Document]) -> dict[tuple[str, str], Digest | None]:
    """Return the digests of all tombstones of some buckets."""
    stamps: Iterator[Stamp] = (Stamp("", one.kind, one.key, one.bucket, one.stamp) for one in tombstones)
    return {**by_place(stamps)}
