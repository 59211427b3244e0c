"""Questions to a database. Within a write, `Changes` has what the server doesn't have yet."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ...model.remotes import CONTENT, Digest, Document, Listed, Stamp
from ..about import CALLS
from ..plain_texts import packed, unpacked
from ..shapes import WrongShapeError, integer, sequence, text
from . import cells
from .cells import COLLECTIONS, Bson
from .changes import Changes
from .journal import groups
from .server import Server

_OWNED = ("thread", *CALLS)


class Questions:
    """Questions to a database, with the changes of an open write if there are any."""

    def __init__(self, server: Server, changes: Changes | None = None) -> None:
        self._server, self._changes = server, changes or Changes()

    def _found(self, kind: str, where: Bson, only: Collection[str] | None = None) -> Iterator[Bson]:
        """Yield what the server has of a kind, without what the write changed."""
        hidden = self._changes.hidden(kind)
        projection = dict.fromkeys(only, 1) if only is not None else None
        for found in self._server[COLLECTIONS[kind]].find(where, projection):
            if text(found.get("_id")) not in hidden:
                yield found

    def _all(
        self, kind: str, field: str, values: Collection[str], only: Collection[str] | None = None
    ) -> Iterator[Bson]:
        """Yield documents of a kind by the value of a field, with those of the write."""
        wanted = {packed(value) for value in values}
        for some in groups(wanted):
            yield from self._found(kind, {field: {"$in": some}}, only)
        yield from self._changes.with_value(kind, field, wanted)

    def buckets(self) -> dict[str, Digest]:
        """Return the digest of each bucket."""
        found = {each["_id"]: _digest(each) for each in self._server["buckets"].find()}
        whole = {**found, **self._changes.buckets(found, self._old_digests())}
        return {unpacked(bucket): digest for bucket, digest in whole.items() if digest is not None}

    def _old_digests(self) -> dict[str, Digest]:
        """Return the digests that the write replaces, as the server has them."""
        found: dict[str, Digest] = {}
        for some in groups(self._changes.digests):
            found |= {each["_id"]: _digest(each) for each in self._server["digests"].find({"_id": {"$in": some}})}
        return found

    def changed_buckets(self) -> dict[str, Digest | None]:
        """Return the buckets whose digest the write changes; None if nothing is left in one."""
        names = {packed(bucket) for bucket, _, _ in self._changes.digests.values()}
        found: dict[str, Digest] = {}
        for some in groups(names):
            found |= {each["_id"]: _digest(each) for each in self._server["buckets"].find({"_id": {"$in": some}})}
        return self._changes.buckets(found, self._old_digests())

    def digests(self, buckets: Collection[str]) -> Iterator[tuple[str, str, Digest]]:
        """Yield the digests of some buckets."""
        for some in groups({packed(bucket) for bucket in buckets}):
            for found in self._server["digests"].find({"bucket": {"$in": some}}):
                if found["_id"] not in self._changes.digests:
                    yield _text(found.get("bucket")), _text(found.get("thread_id")), _digest(found)
        for bucket, thread, digest in self._changes.digests.values():
            if digest is not None and bucket in buckets:
                yield bucket, thread, digest

    def stamps(self, threads: Collection[str]) -> Iterator[Stamp]:
        """Yield the stamps of some threads."""
        for kind in _OWNED:
            for found in self._all(kind, "thread_id", threads, ("thread_id", "bucket", "stamp")):
                thread, key, bucket = (_text(found.get(name)) for name in ("thread_id", "_id", "bucket"))
                yield Stamp(thread, kind, key, bucket, integer(found.get("stamp")))

    def tombstones(self, buckets: Collection[str]) -> Iterator[Document]:
        """Yield the tombstones of some buckets."""
        return (self._document("tombstone", found) for found in self._all("tombstone", "bucket", buckets))

    def documents(self, kind: str, keys: Collection[str]) -> Iterator[Document]:
        """Yield documents. Content that is removed at the same time is not there."""
        for found in self._all(kind, "_id", keys):
            if (document := self._document_or_none(kind, found)) is not None:
                yield document

    def _document_or_none(self, kind: str, found: Bson) -> Document | None:
        try:
            return self._document(kind, found)
        except _GoneError:
            if kind in CONTENT:
                return None
            raise

    def _document(self, kind: str, found: Bson) -> Document:
        return cells.read(kind, found, self._chunks)

    def _chunks(self, ids: list[str]) -> bytes:
        pieces = []
        for one in ids:
            piece = self._server["chunks"].find_one({"_id": one})
            if piece is None or not isinstance(piece.get("data"), bytes):
                raise _GoneError(one)
            pieces.append(piece["data"])
        return b"".join(pieces)

    def threads_with(self, turns: Collection[str]) -> dict[str, str]:
        """Return which of these turns and responses are there, with their threads."""
        return {
            _text(found["_id"]): _text(found.get("thread_id"))
            for kind in reversed(CALLS)
            for found in self._all(kind, "_id", turns, ("thread_id",))
        }

    def listed(self, threads: Collection[str] | None) -> Iterator[Listed]:
        """Yield conversations, each with its calls."""
        only = ("name", "project", "tags", "machine")
        if threads is None:
            found = [*self._found("thread", {}, only), *self._changes.every("thread")]
        else:
            found = [*self._all("thread", "_id", threads, only)]
        counts = self._counts({_text(each["_id"]) for each in found} if threads is not None else None)
        for each in found:
            name, project, machine = (_text(each.get(field, "")) for field in ("name", "project", "machine"))
            tags = tuple(_text(tag) for tag in sequence(each.get("tags", ())))
            calls, last = counts.get(each["_id"], (0, ""))
            yield Listed(_text(each["_id"]), name, project, tags, calls, machine, unpacked(last))

    def _counts(self, threads: Collection[str] | None) -> dict[str, tuple[int, str]]:
        """Return how many calls some threads have, or all of them, and when the last was."""
        counts: dict[str, tuple[int, str]] = {}
        changed = self._changes.threads()
        for kind in CALLS:
            wanted = [None] if threads is None else groups({packed(thread) for thread in threads})
            for some in wanted:
                for found in self._server[COLLECTIONS[kind]].aggregate(_counting(some)):
                    _add(counts, str(found["_id"]), found["calls"], found["last"])
        if changed or self._changes.hides_calls():
            counts = self._counted_one_by_one(threads, counts)
        return counts

    def _counted_one_by_one(
        self, threads: Collection[str] | None, counts: dict[str, tuple[int, str]]
    ) -> dict[str, tuple[int, str]]:
        """Count again the calls of the threads that the write changes."""
        touched = {*self._changes.threads(), *self._hidden_threads()}
        if threads is not None:
            touched &= {packed(thread) for thread in threads}
        again = {thread: count for thread, count in counts.items() if thread not in touched}
        for kind in CALLS:
            for found in self._all(kind, "thread_id", [unpacked(one) for one in touched], ("thread_id", "at")):
                _add(again, str(found.get("thread_id")), 1, found.get("at"))
        return again

    def _hidden_threads(self) -> Iterator[str]:
        """Yield the threads, as the server has them, of the calls that the write changes."""
        for kind in CALLS:
            for some in groups(self._changes.hidden(kind)):
                for found in self._server[COLLECTIONS[kind]].find({"_id": {"$in": some}}, {"thread_id": 1}):
                    yield str(found.get("thread_id"))

    def referred(self, refs: Collection[str]) -> set[str]:
        """Return which of these refs a document has."""
        wanted = {packed(ref): ref for ref in refs}
        needed = set(self._changes.refs()) & set(wanted)
        for collection, hidden in ((COLLECTIONS[kind], self._changes.hidden(kind)) for kind in COLLECTIONS):
            for some in groups(set(wanted) - needed):
                needed |= self._referred(collection, set(some), hidden)
        return {wanted[ref] for ref in needed}

    def _referred(self, collection: str, refs: set[str], hidden: Collection[str]) -> set[str]:
        """Return which of these refs the documents of a collection have, without reading all of those documents."""
        needed: set[str] = set()
        while left := refs - needed:
            where: Bson = {"refs": {"$in": sorted(left)}}
            if hidden:
                where["_id"] = {"$nin": sorted(hidden)}
            rows = [*self._server[collection].find(where, {"refs": 1}).limit(_AT_ONCE)]
            needed |= left & {ref for row in rows for ref in row["refs"]}
            if len(rows) < _AT_ONCE:
                break
        return needed

    def existing(self, kind: str, keys: Collection[str]) -> dict[str, tuple[str, str]]:
        """Return which of these documents are there, with their machine and person."""
        found = self._all(kind, "_id", keys, ("machine", "person"))
        return {_text(one["_id"]): (_text(one.get("machine")), _text(one.get("person"))) for one in found}


_AT_ONCE = 500


class _GoneError(WrongShapeError):
    """A chunk is missing: its document was replaced or removed since it was found."""


def _counting(threads: list[str] | None) -> list[Mapping[str, Any]]:
    match = [] if threads is None else [{"$match": {"thread_id": {"$in": threads}}}]
    return [*match, {"$group": {"_id": "$thread_id", "calls": {"$sum": 1}, "last": {"$max": "$at"}}}]


def _add(counts: dict[str, tuple[int, str]], thread: str, calls: Any, last: object) -> None:
    amount, latest = counts.get(thread, (0, ""))
    counts[thread] = (amount + int(calls), max(latest, last if isinstance(last, str) else ""))


def _digest(found: Bson) -> Digest:
    return Digest(integer(found.get("amount")), integer(found.get("value")))


def _text(found: object) -> str:
    return unpacked(text(found))
