"""Passages as vectors: which have none yet, and which are nearest in meaning to a prompt."""

from __future__ import annotations

import json
import math
import sqlite3
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import nlargest
from operator import mul
from sys import byteorder
from typing import Any

from .index import Index, Scope
from .log import Log
from .schema import statement


class Vectors:
    """The vectors of one embedding model in a log, for the passages of the full-text index."""

    def __init__(self, log: Log, model: str) -> None:
        self.log = log
        self.model = model
        self.index = Index(log)

    def waiting(self, scopes: Sequence[Scope], most: int | None = None, *, fragments: bool = True) -> list[int]:
        """Return the ids of the passages of a session that have no vector yet, newest first, at most `most`.

        Those of texts that went with prompts come last, and not at all without `fragments`.
        """
        found: list[int] = []
        for scope in reversed(scopes):
            count = -1 if most is None else most - len(found)
            asked = {"thread": scope.number, "until": scope.until, "model": self.model, "count": count}
            asked["fragments"] = fragments
            found += (id_ for (id_,) in self.log.tuples(statement("unembedded"), asked))
        return found

    def texts(self, ids: Sequence[int]) -> dict[int, str]:
        """Return the texts of passages, by id, except those whose turn is gone."""
        rows = self.log.rows(
            "select * from memory_passages where id in (select value from json_each(:ids))", {"ids": json.dumps(ids)}
        )
        return {id_: text for id_, text in self.index.texts(rows).items() if text}

    def add(self, vectors: Mapping[int, bytes]) -> None:
        """Store the vectors of passages: little-endian 32-bit floats."""
        with self.log.writing():
            self.log.many(
                "insert or replace into memory_vectors (model, thread, passage_id, vector)"
                " select :model, thread, id, :vector from memory_passages where id = :id",
                ({"model": self.model, "id": id_, "vector": vector} for id_, vector in vectors.items()),
            )

    def nearest(self, scopes: Sequence[Scope], vector: bytes, count: int) -> dict[int, float]:
        """Return the passages of a session nearest to a vector, with their cosine similarities, nearest first.

        sqlite-vec does the work if this Python's SQLite can load it, otherwise Python.
        """
        find = self._found if searchable(self.log) else self._compared
        found = [one for scope in scopes for one in find(scope, vector, count)]
        return {id_: similarity for similarity, id_ in nlargest(count, found)}

    def _found(self, scope: Scope, vector: bytes, count: int) -> Iterator[tuple[float, int]]:
        for row in self.log.rows(
            statement("nearest"), {**self._asked(scope, vector), "vector": vector, "count": count}
        ):
            if row["similarity"] is not None:
                yield row["similarity"], row["passage_id"]

    def _compared(self, scope: Scope, vector: bytes, count: int) -> list[tuple[float, int]]:
        rows = self.log.rows(
            "select passage_id, vector from memory_vectors where model = :model and thread = :thread"
            " and length(vector) = :length and (:until is null or passage_id <= :until)",
            self._asked(scope, vector),
        )
        asked = _unpacked(vector)
        return nlargest(count, ((sum(map(mul, asked, _unpacked(row["vector"]))), row["passage_id"]) for row in rows))

    def _asked(self, scope: Scope, vector: bytes) -> dict[str, Any]:
        return {"model": self.model, "thread": scope.number, "length": len(vector), "until": scope.until}


def searchable(log: Log) -> bool:
    """Load sqlite-vec into a log's connection if needed, and return whether it is available."""
    connection: Any = log.database.conn
    try:
        connection.execute("select vec_version()")
    except sqlite3.OperationalError:
        pass
    else:
        return True
    try:
        import sqlite_vec

        connection.enable_load_extension(True)  # noqa: FBT003  SQLite's own signature
        sqlite_vec.load(connection)
        connection.enable_load_extension(False)  # noqa: FBT003
    except (ImportError, AttributeError, sqlite3.Error):  # not built for this platform, or SQLite without extensions
        return False
    return True


def packed(vectors: Iterable[Iterable[float]]) -> list[bytes]:
    """Return vectors as they are stored: of length 1, so that the product of two is their cosine similarity."""
    found = []
    for vector in vectors:
        values = array("f", vector)
        length = math.sqrt(sum(map(mul, values, values))) or 1.0
        values = array("f", (value / length for value in values))
        if byteorder == "big":
            values.byteswap()
        found.append(values.tobytes())
    return found


def _unpacked(vector: bytes) -> array[float]:
    values = array("f", vector)
    if byteorder == "big":
        values.byteswap()
    return values
