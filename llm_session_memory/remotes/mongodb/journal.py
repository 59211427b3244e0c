"""The journal of a write, and how it is applied: the same steps as often as needed, with the same result.

A step replaces documents of one collection, or removes some, but never those of a later write: each document has the
generation of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from ..shapes import WrongShapeError, mapping, sequence, text
from .cells import COLLECTIONS, Bson
from .server import Server

_DUPLICATE = 11000
_COLLECTIONS = {*COLLECTIONS.values(), "buckets", "digests"}
_BATCH = 500
_BATCH_BYTES = 8_000_000


@dataclass
class Steps:
    """What a write does: documents to put and ids to remove, by collection, and whose old chunks go."""

    puts: dict[str, list[Bson]] = field(default_factory=dict)
    removes: dict[str, list[str]] = field(default_factory=dict)
    unchunked: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Return whether there is anything to do."""
        return bool(self.puts or self.removes)


def keep(server: Server, steps: Steps, token: str) -> None:
    """Put a write into the journal."""
    entries = ({"_id": f"{token}-{number:08}", "token": token, **entry} for number, entry in enumerate(_entries(steps)))
    for batch in batches(entries):
        server["journal"].insert_many(batch)


def kept(server: Server, token: str) -> Steps:
    """Return a write from the journal."""
    steps = Steps()
    for entry in server["journal"].find({"token": token}):
        into = entry.get("into", "digests")
        if into not in _COLLECTIONS:
            raise WrongShapeError("the journal is damaged")
        if "put" in entry:
            steps.puts.setdefault(into, []).append({**mapping(entry["put"]), "_id": text(entry["put"].get("_id"))})
        steps.removes.setdefault(into, []).extend(text(one) for one in sequence(entry.get("remove", ())))
        steps.unchunked.extend(text(one) for one in sequence(entry.get("unchunk", ())))
    return steps


def _entries(steps: Steps) -> Iterator[Bson]:
    for into, documents in steps.puts.items():
        yield from ({"into": into, "put": document} for document in documents)
    for into, ids in steps.removes.items():
        yield from ({"into": into, "remove": some} for some in groups(ids))
    yield from ({"unchunk": some} for some in groups(steps.unchunked))


def apply(server: Server, steps: Steps, token: str, generation: int) -> None:
    """Do all steps of a write. Whatever was done already, or changed by a later write, stays as it is."""
    from bson import Int64

    before = {"generation": {"$lt": Int64(generation)}}
    for into, ids in steps.removes.items():
        for some in groups(ids):
            server[into].delete_many({"_id": {"$in": some}, **before})
    for into, documents in steps.puts.items():
        for batch in batches(documents):
            _replace(server, into, batch, before)
    for some in groups(steps.unchunked):
        server["chunks"].delete_many({"of": {"$in": some}, "token": {"$ne": token}})


def _replace(server: Server, into: str, documents: list[Bson], before: Bson) -> None:
    from pymongo import ReplaceOne
    from pymongo.errors import BulkWriteError

    replacing = [ReplaceOne({"_id": one["_id"], **before}, one, upsert=True) for one in documents]
    try:
        server[into].bulk_write(replacing, ordered=False)
    except BulkWriteError as error:
        if any(one.get("code") != _DUPLICATE for one in error.details.get("writeErrors", ())):
            raise  # a duplicate is one that was put already, by this write or a later one


def forget(server: Server, token: str, *, chunks: bool) -> None:
    """Remove a write from the journal and, if it does not count, its chunks."""
    server["journal"].delete_many({"token": token})
    if chunks:
        server["chunks"].delete_many({"token": token})


def empty(server: Server) -> None:
    """Remove all that is left in the journal. The lock must be held."""
    server["journal"].delete_many({})


def groups(values: Collection[str]) -> Iterator[list[str]]:
    """Yield values in groups that fit into one request."""
    whole = [*values]
    for start in range(0, len(whole), _BATCH):
        yield whole[start : start + _BATCH]


def batches(documents: Iterable[Bson]) -> Iterator[list[Bson]]:
    """Yield documents in groups of bounded size."""
    import bson

    batch: list[Bson] = []
    size = 0
    for document in documents:
        length = len(bson.encode(document))
        if batch and (len(batch) >= _BATCH or size + length > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(document)
        size += length
    if batch:
        yield batch
