"""One write to a folder: new parts under temporary names, and last a record that makes them count.

Deletions are real: a part with a line that no longer counts is written again without it, in the same write, and the old
part is removed once the record is there. Only digests, which hold no text, wait until half of a part is out of date.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from ...model.remotes import CONTENT, Digest, Document
from ..about import CALLS
from ..plain_texts import packed, unpacked
from . import lines, questions
from .database import rows, statement
from .index import Index, digest_key
from .lines import At, DigestLine
from .parts import Parts
from .records import Removed


class FolderWriting:
    """An open transaction on a folder. Its index has an open transaction of its own, in which all of it counts."""

    def __init__(self, index: Index, parts: Parts, at: At, day: str) -> None:
        self._index, self._parts, self.at, self._day = index, parts, at, day
        self._sql: sqlite3.Connection = index.connection
        self.removed: dict[tuple[str, str], Removed] = {}

    def heal(self) -> None:
        """Set the digests right after two machines wrote at the same time: each knew only its own documents."""
        if self._index.forked:
            right, stored = (
                {(bucket, thread): digest for bucket, thread, digest in questions.digests(self._sql, forked=forked)}
                for forked in (True, False)
            )
            self.set_digests({where: right.get(where) for where in {**right, **stored}})

    def put(self, documents: Iterable[Document]) -> None:
        """Add or replace documents."""
        for document in documents:
            where = (document.kind, packed(document.key))
            old = rows(self._sql, "select machine, person from lines where wins and kind = ? and key = ?", *where)
            if old and document.kind in CONTENT:
                continue
            self._lose([where])
            machine, person = (unpacked(text) for text in old[0]) if old else ("", "")
            sent = replace(document, machine=machine or document.machine, person=person or document.person)
            self._add(_class_of(document.kind), lines.of_document(sent, self.at), sent)

    def remove(self, kind: str, keys: Collection[str]) -> None:
        """Remove documents."""
        sql = "select key from lines where wins and kind = ? and key in (select value from json_each(?))"
        self._remove(kind, [key for (key,) in rows(self._sql, sql, kind, {packed(key) for key in keys})])

    def referred(self, refs: Collection[str]) -> set[str]:
        """Return which of these refs a document has."""
        return questions.referred(self._sql, refs)

    def set_digests(self, digests: Mapping[tuple[str, str], Digest | None]) -> None:
        """Set digests."""
        for (bucket, thread), digest in digests.items():
            key = digest_key(bucket, thread)
            if digest is None:
                self._remove("digest", self._there(key))
            elif self._differs(key, digest):
                self._lose([("digest", key)])
                line = DigestLine(bucket, thread, digest)
                self._add("digests", lines.of_digest(line, self.at), line)

    def _there(self, key: str) -> list[str]:
        return [key] if rows(self._sql, "select 1 from lines where wins and kind = 'digest' and key = ?", key) else []

    def _differs(self, key: str, digest: Digest) -> bool:
        sql = "select place, stamp from lines where wins and kind = 'digest' and key = ?"
        return rows(self._sql, sql, key) != [(digest.amount, digest.value)]

    def _add(self, into: str, line: bytes, found: Document | DigestLine) -> None:
        part, start = self._parts.append(into, line)
        self._index.add_line(part, start, len(line), found, self.at, wins=True)

    def _remove(self, kind: str, keys: list[str]) -> None:
        self._lose((kind, key) for key in keys)
        for key in keys:
            one = Removed(kind, key, *self.at, self._day)
            self.removed[kind, key] = one
            self._index.mark_removed(one)

    def _lose(self, keys: Iterable[tuple[str, str]]) -> None:
        self._sql.executemany("update lines set wins = 0 where wins and kind = ? and key = ?", keys)

    def compact(self) -> None:
        """Write parts again if they have lines that no longer count, or if they are many and small."""
        outdated = [part for (part,) in rows(self._sql, statement("outdated"), self._parts.opened)]
        for part in {*outdated, *self._small()}:
            self._rewrite(part)

    def _small(self) -> Iterator[int]:
        for (parts,) in rows(self._sql, statement("small"), self._parts.SMALL, self._parts.MANY):
            yield from json.loads(parts)

    def _rewrite(self, part: int) -> None:
        kept = rows(self._sql, "select id, start, length from lines where part = ? and wins order by start", part)
        if kept:
            with self._parts.open_number(part) as old:
                for line, start, length in kept:
                    old.seek(start)
                    into, at = self._parts.append(self._parts.class_of(part), old.read(length), besides=part)
                    self._sql.execute("update lines set part = ?, start = ? where id = ?", (into, at, line))
        self._parts.drop(part)

    @property
    def changed(self) -> bool:
        """Return whether there is anything to record."""
        return bool(self._parts.written or self._parts.dropped or self.removed)


def _class_of(kind: str) -> str:
    if kind in CALLS:
        return "calls"
    return {"thread": "threads", "tombstone": "graves"}.get(kind, "content")
