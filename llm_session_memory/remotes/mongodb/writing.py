"""One write to a MongoDB server: its changes are collected, put into the journal, made to count, and applied."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from itertools import islice

from ...model.remotes import CONTENT, Digest, Document
from ..shapes import WrongShapeError
from . import cells, journal
from .cells import CHUNK, Bson
from .changes import Changes
from .questions import Questions
from .sentences import in_sentences
from .server import Server
from .state import DatabaseState

_GROUP = 200


class MongoWriting:
    """An open transaction."""

    def __init__(self, server: Server, token: str, generation: int) -> None:
        self._server, self._token, self._generation = server, token, generation
        self._changes = Changes()
        self._chunks = 0
        self.questions = Questions(server, self._changes)

    def put(self, documents: Iterable[Document]) -> None:
        """Add or replace documents."""
        coming = iter(documents)
        while group := [*islice(coming, _GROUP)]:
            with in_sentences(self._server.uri):
                self._put(group)

    def _put(self, group: list[Document]) -> None:
        there: dict[str, tuple[str, str]] = {}
        for kind in {document.kind for document in group}:
            keys = {document.key for document in group if document.kind == kind}
            there |= {f"{kind} {key}": sender for key, sender in self.questions.existing(kind, keys).items()}
        for document in group:
            old = there.get(document.ref)
            if old and document.kind in CONTENT:
                continue
            machine, person = old or ("", "")
            sent = replace(document, machine=machine or document.machine, person=person or document.person)
            there[sent.ref] = (sent.machine, sent.person)
            self._changes.put(sent.kind, self._written(sent), replaces=old is not None)

    def _written(self, document: Document) -> Bson:
        """Return a document as BSON. The rows of a large one are put into chunks, which don't count before it does."""
        import bson

        whole = cells.written(document, self._generation)
        try:
            rows = bson.encode({"rows": whole["rows"]})
        except OverflowError as error:
            raise WrongShapeError("it has more than 2 GB") from error
        if len(rows) < CHUNK:
            return whole
        of, ids = f"{document.kind} {whole['_id']}", []
        for start in range(0, len(rows), CHUNK):
            ids.append(f"{self._token}-{self._chunks:08}")
            self._chunks += 1
            piece = {"_id": ids[-1], "of": of, "token": self._token, "data": rows[start : start + CHUNK]}
            self._server["chunks"].insert_one(piece)
        del whole["rows"]
        return whole | {"chunks": ids}

    def remove(self, kind: str, keys: Collection[str]) -> None:
        """Remove documents."""
        with in_sentences(self._server.uri):
            self._changes.remove(kind, self.questions.existing(kind, keys))

    def referred(self, refs: Collection[str]) -> set[str]:
        """Return which of these refs a document has."""
        with in_sentences(self._server.uri):
            return self.questions.referred(refs)

    def set_digests(self, digests: Mapping[tuple[str, str], Digest | None]) -> None:
        """Set digests."""
        for (bucket, thread), digest in digests.items():
            self._changes.set_digest(bucket, thread, digest)

    def commit(self, state: DatabaseState) -> None:
        """Make all of it count, and apply it."""
        steps = self._changes.steps(self.questions.changed_buckets(), self._generation)
        if steps:
            journal.keep(self._server, steps, self._token)
            state.count(self._token, self._generation)
            finish(self._server, state, steps, self._token, self._generation)


def finish(server: Server, state: DatabaseState, steps: journal.Steps, token: str, generation: int) -> None:
    """Apply a write that counts, and forget its journal."""
    journal.apply(server, steps, token, generation)
    state.applied(token)
    journal.forget(server, token, chunks=False)
