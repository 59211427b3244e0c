"""Questions to a folder: most are answered from its index, and the documents themselves come from its parts."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Iterator
from itertools import groupby
from typing import IO

from ...errors import RemoteFailed
from ...model.remotes import CONTENT, Digest, Document, Listed, Stamp
from ..plain_texts import packed, unpacked
from ..shapes import WrongShapeError
from . import lines
from .database import rows, statement
from .index import packed_ref

Opening = Callable[[str], IO[bytes]]
"""Opens a part by its name. Raises FileNotFoundError if it is gone."""


def digests(
    index: sqlite3.Connection, buckets: Collection[str] | None = None, *, forked: bool
) -> Iterator[tuple[str, str, Digest]]:
    """Yield all digests, or those of some buckets.

    They are as they were set or, if two machines wrote at the same time (`forked`), as the documents have them.
    """
    wanted = {packed(bucket) for bucket in buckets or ()}
    if forked:
        found = [one for one in rows(index, statement("derived")) if buckets is None or one[0] in wanted]
    else:
        given = {"all": buckets is None, "buckets": json.dumps([*wanted])}
        found = index.execute(statement("digests"), given).fetchall()
    return ((unpacked(bucket), unpacked(thread), Digest(amount, value)) for bucket, thread, amount, value in found)


def bucket_digests(index: sqlite3.Connection, *, forked: bool) -> dict[str, Digest]:
    """Return the digest of each bucket."""
    if not forked:
        return {unpacked(bucket): Digest(*digest) for bucket, *digest in rows(index, statement("buckets"))}
    whole: dict[str, Digest] = {}
    for bucket, _, (amount, value) in digests(index, forked=True):
        before = whole.get(bucket, Digest(0, 0))
        whole[bucket] = Digest(before.amount + amount, before.value ^ value)
    return whole


def stamps(index: sqlite3.Connection, threads: Collection[str]) -> Iterator[Stamp]:
    """Yield the stamps of some threads."""
    found = rows(index, statement("stamps"), {packed(thread) for thread in threads if thread})
    return (
        Stamp(unpacked(thread), kind, unpacked(key), unpacked(bucket), value)
        for thread, kind, key, bucket, value in found
    )


def threads_with(index: sqlite3.Connection, turns: Collection[str]) -> dict[str, str]:
    """Return which of these turns and responses are there, with their threads."""
    found = rows(index, statement("threads_with_calls"), {packed(turn) for turn in turns})
    return {unpacked(key): unpacked(thread) for key, thread in found}


def listed(index: sqlite3.Connection, threads: Collection[str] | None) -> Iterator[Listed]:
    """Yield conversations."""
    keys = json.dumps([packed(thread) for thread in threads or ()])
    found = index.execute(statement("listed"), {"all": threads is None, "keys": keys}).fetchall()
    for thread, about, machine, calls, last in found:
        name, project, tags = json.loads(about)
        own = (unpacked(name), unpacked(project), tuple(unpacked(tag) for tag in tags))
        yield Listed(unpacked(thread), *own, calls, unpacked(machine), unpacked(last))


def referred(index: sqlite3.Connection, refs: Collection[str]) -> set[str]:
    """Return which of these refs a document has."""
    wanted = {packed_ref(ref): ref for ref in refs}
    return {wanted[ref] for (ref,) in rows(index, statement("referred"), list(wanted))}


def tombstones(index: sqlite3.Connection, buckets: Collection[str], opening: Opening) -> list[Document]:
    """Return the tombstones of some buckets."""
    wanted = {packed(bucket) for bucket in buckets}
    return [*_read(rows(index, statement("tombstone_lines"), wanted), opening)]


def documents(index: sqlite3.Connection, kind: str, keys: Collection[str], opening: Opening) -> Iterator[Document]:
    """Yield documents: content as it is read, others only when all are read, so that they fit each other."""
    found = rows(index, statement("document_lines"), kind, {packed(key) for key in keys})
    if kind in CONTENT:
        yield from _read(found, opening)
    else:
        yield from [*_read(found, opening)]


def _read(places: list[tuple[str, int, int]], opening: Opening) -> Iterator[Document]:
    """Yield the documents at some places: name of the part, start and length, sorted."""
    for part, those in groupby(places, key=lambda place: place[0]):
        with opening(part) as file:
            for _, start, length in those:
                file.seek(start)
                yield _document(part, file.read(length))


def _document(part: str, line: bytes) -> Document:
    try:
        found, _ = lines.read(line)
    except WrongShapeError as error:
        raise _unlike(part) from error
    if not isinstance(found, Document):
        raise _unlike(part)
    return found


def _unlike(part: str) -> RemoteFailed:
    return RemoteFailed(f"The part {part} of the folder was changed.", "Restore the folder, or push to a new one.")
