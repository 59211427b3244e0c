"""What an open write changed so far: kept here until it ends, and laid over what the server answers."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping

from ...model.remotes import Digest
from ..about import CALLS
from ..plain_texts import packed
from .cells import COLLECTIONS, Bson
from .journal import Steps


class Changes:
    """Documents that were put, and ids that were removed, by kind; and digests by their ids."""

    def __init__(self) -> None:
        self._put: dict[str, dict[str, Bson]] = {}
        self._removed: dict[str, set[str]] = {}
        self.digests: dict[str, tuple[str, str, Digest | None]] = {}
        self._there: list[str] = []

    def put(self, kind: str, whole: Bson, *, replaces: bool) -> None:
        """Add a document, or replace the one on the server."""
        self._put.setdefault(kind, {})[whole["_id"]] = whole
        if replaces:
            self._there.append(f"{kind} {whole['_id']}")

    def remove(self, kind: str, keys: Collection[str]) -> None:
        """Remove documents."""
        ids = {packed(key) for key in keys}
        for one in ids:
            self._put.get(kind, {}).pop(one, None)
        self._removed.setdefault(kind, set()).update(ids)
        self._there.extend(f"{kind} {one}" for one in ids)

    def set_digest(self, bucket: str, thread: str, digest: Digest | None) -> None:
        """Set the digest of a thread in a bucket, or remove it."""
        self.digests[json.dumps([packed(bucket), packed(thread)])] = (bucket, thread, digest)

    def hidden(self, kind: str) -> set[str]:
        """Return the ids of a kind for which the server's answer no longer holds."""
        return {*self._put.get(kind, ()), *self._removed.get(kind, ())}

    def hides_calls(self) -> bool:
        """Return whether any call was put or removed."""
        return any(self.hidden(kind) for kind in CALLS)

    def with_value(self, kind: str, field: str, values: Collection[str]) -> Iterator[Bson]:
        """Yield documents that were put, by the value of a field."""
        return iter([one for one in self._put.get(kind, {}).values() if one.get(field) in values])

    def every(self, kind: str) -> list[Bson]:
        """Return all documents of a kind that were put."""
        return [*self._put.get(kind, {}).values()]

    def threads(self) -> set[str]:
        """Return the threads of the calls that were put."""
        return {str(one["thread_id"]) for kind in CALLS for one in self._put.get(kind, {}).values()}

    def refs(self) -> Iterator[str]:
        """Yield all refs of documents that were put."""
        return (ref for those in self._put.values() for one in those.values() for ref in one["refs"])

    def buckets(self, before: Mapping[str, Digest], old: Mapping[str, Digest]) -> dict[str, Digest | None]:
        """Return the digests of the buckets that change: those before, without the old ones and with the new ones."""
        amounts: dict[str, list[int]] = {}
        for id_, (bucket, _, digest) in self.digests.items():
            name = packed(bucket)
            whole = amounts.setdefault(name, [*before.get(name, Digest(0, 0))])
            for sign, one in ((-1, old.get(id_)), (1, digest)):
                if one is not None:
                    whole[0] += sign * one.amount
                    whole[1] ^= one.value
        return {name: Digest(*whole) if whole[0] else None for name, whole in amounts.items()}

    def steps(self, buckets: Mapping[str, Digest | None], generation: int) -> Steps:
        """Return what has to be done on the server."""
        from bson import Int64

        steps = Steps(unchunked=self._there)
        for kind in COLLECTIONS:
            if put := self._put.get(kind):
                steps.puts[COLLECTIONS[kind]] = [*put.values()]
            if removed := self._removed.get(kind, set()) - set(put or ()):
                steps.removes[COLLECTIONS[kind]] = sorted(removed)
        for id_, (bucket, thread, digest) in self.digests.items():
            more = {"bucket": packed(bucket), "thread_id": packed(thread)}
            _digest_step(steps, "digests", id_, digest, more | {"generation": Int64(generation)})
        for bucket, digest in buckets.items():
            _digest_step(steps, "buckets", bucket, digest, {"generation": Int64(generation)})
        return steps


def _digest_step(steps: Steps, into: str, id_: str, digest: Digest | None, more: Bson) -> None:
    from bson import Int64

    if digest is None:
        steps.removes.setdefault(into, []).append(id_)
    else:
        values = {"amount": Int64(digest.amount), "value": Int64(digest.value)}
        steps.puts.setdefault(into, []).append({"_id": id_, **more, **values})
