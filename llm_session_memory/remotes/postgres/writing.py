"""An open transaction on a PostgreSQL remote."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from ...errors import RemoteFailed
from ...model.remotes import CONTENT, Digest, Document
from ..about import CALLS
from . import rows
from .kept import KEPT, stored
from .server import Server, statement

CHUNK_DOCUMENTS = 1000
CHUNK_BYTES = 16 * 1024**2
"""How much is sent at once: documents, and bytes of text and attachments in them."""

LARGE_BYTES = 100_000
"""Arrays of values that are larger are slow, because psycopg looks at each character."""

MORE = "remote_more"
"""The table of rows of tables that this version doesn't know."""

Columns: TypeAlias = Mapping[str, Mapping[str, str]]
"""The columns of each table on the remote, with their types."""

Known: TypeAlias = Mapping[tuple[str, str], tuple[int, str]]
"""The numbers and threads of documents that are there, by their kinds and keys; the threads as they are kept."""


class PostgresWriting:
    """Documents are put, removed and counted here. See `model.remotes.Writing`."""

    def __init__(self, server: Server, columns: Columns) -> None:
        self._server = server
        self._columns = columns

    def put(self, documents: Iterable[Document]) -> None:
        """Add documents, or replace those of the same kind and key; content that is there stays as it is.

        Raises RemoteFailed if a document is not this role's to change.
        """
        for chunk in _chunks(documents):
            self._put(chunk)

    def _put(self, chunk: list[Document]) -> None:
        wanted: dict[tuple[str, str], Document] = {}
        for one in chunk:
            if one.kind not in CONTENT or (one.kind, one.key) not in wanted:
                first = wanted.get((one.kind, one.key), one)
                machine, person = first.machine or one.machine, first.person or one.person
                wanted[one.kind, one.key] = replace(one, machine=machine, person=person)
        known = self._known(wanted)
        again = [one for place, one in wanted.items() if place in known and one.kind not in CONTENT]
        new = [one for place, one in wanted.items() if place not in known]
        self._remember_threads([*again, *new])
        self._put_rows({**self._replace(again, known), **self._add(new)})
        self._count(again, new, known)

    def _known(self, wanted: Collection[tuple[str, str]]) -> Known:
        found = self._server.rows(
            "select kind, key, doc, thread_id from SCHEMA.remote_documents"
            " join unnest(%s::text[], %s::text[]) as w (kind, key) using (kind, key)",
            [[kind for kind, _ in wanted], [rows.key(key) for _, key in wanted]],
        )
        return {(kind, rows.name(key)): (number, thread_id) for kind, key, number, thread_id in found}

    def _replace(self, documents: Sequence[Document], known: Known) -> dict[int, Document]:
        """Replace documents, without their rows, and return them by their new numbers."""
        self._drop_rows({one.kind for one in documents}, [known[one.kind, one.key][0] for one in documents])
        numbered = dict(zip(self._next(len(documents)), documents, strict=True))
        if numbered:
            self._server.run(statement("put_again"), _values(numbered))
        return numbered

    def _add(self, documents: Sequence[Document]) -> dict[int, Document]:
        """Add documents, without their rows, and return them by their numbers."""
        numbered = dict(zip(self._next(len(documents)), documents, strict=True))
        if numbered and self._server.run(statement("put_new"), _values(numbered)) < len(numbered):
            for number in self._unseen(numbered):
                del numbered[number]
        return numbered

    def _next(self, amount: int) -> list[int]:
        sql = "select nextval('SCHEMA.remote_documents_doc') from generate_series(1, %s)"
        return [number for (number,) in self._server.rows(sql, [amount])] if amount else []

    def _remember_threads(self, documents: Iterable[Document]) -> None:
        """Add conversations, so that rights that depend on their projects hold for what follows."""
        shown: dict[str, tuple[str | None, ...]] = {}
        others: set[str] = set()
        for one in documents:
            if one.kind == "thread":
                shown[rows.key(one.thread_id)] = _shown(one)
            elif one.thread_id:
                others.add(rows.key(one.thread_id))
        if others:
            sql = "insert into SCHEMA.remote_threads (thread_id) select unnest(%s::text[]) on conflict do nothing"
            self._server.run(sql, [[*others]])
        if shown:
            values = [(key, *value) for key, value in shown.items()]
            self._server.run(statement("put_threads"), [list(column) for column in zip(*values, strict=True)])

    def _unseen(self, added: Mapping[int, Document]) -> set[int]:
        """Return the numbers that were not used, because the content is already there and this role can't see it."""
        sql = "select doc from SCHEMA.remote_documents where doc = any(%s)"
        unseen = {*added} - {number for (number,) in self._server.rows(sql, [[*added]])}
        for number in unseen:
            if added[number].kind not in CONTENT:
                message = f"This role may not change what is already at {self._server.site}."
                raise RemoteFailed(message, "Ask whoever runs the server for the right to that conversation's project.")
        return unseen

    def _put_rows(self, numbered: Mapping[int, Document]) -> None:
        """Add the rows of documents, a table at a time."""
        tables: dict[str, list[tuple[Any, ...]]] = {}
        more: list[tuple[Any, ...]] = []
        for number, document in numbered.items():
            for table, its in document.rows.items():
                known = self._columns[table] if table in KEPT[document.kind] and its else None
                for place, row in enumerate(its):
                    values, odd = rows.stored(row, known or {})
                    if known is None:
                        more.append((number, place, odd, rows.key(table)))
                    else:
                        tables.setdefault(table, []).append((number, place, odd, *values))
                if not its:
                    more.append((number, -1, None, rows.key(table)))
        for table, made in tables.items():
            self._insert(stored(table), self._columns[table], made)
        self._insert(MORE, {"name": "text"}, more)

    def _insert(self, table: str, columns: Mapping[str, str], made: Sequence[tuple[Any, ...]]) -> None:
        """Add rows: all small ones in one statement, which takes its values as arrays, and each large one by itself."""
        types = ("bigint", "integer", "text", *columns.values())
        names = ", ".join(f'"{name}"' for name in ("remote_doc", "remote_row", "remote_odd", *columns))
        into = f"insert into SCHEMA.{table} ({names})"
        small: list[tuple[Any, ...]] = []
        large: list[tuple[Any, ...]] = []
        for row in made:
            size = sum(len(value) for value in row if isinstance(value, str | bytes))
            (small if size <= LARGE_BYTES else large).append(row)
        if small:
            arrays = ", ".join(f"%s::{type_}[]" for type_ in types)
            sql = f"{into} select * from unnest({arrays})"  # noqa: S608  our names
            self._server.run(sql, [list(column) for column in zip(*small, strict=True)])
        for row in large:
            values = ", ".join("%b::bytea" if type_ == "bytea" else f"%s::{type_}" for type_ in types)
            self._server.run(f"{into} values ({values})", row)

    # -- removing ------------------------------------------------------

    def remove(self, kind: str, keys: Collection[str]) -> None:
        """Remove documents with their rows. Those that are not there are no error."""
        sql = "select doc, thread_id from SCHEMA.remote_documents where kind = %s and key = any(%s)"
        found = self._server.rows(sql, [kind, [rows.key(key) for key in keys]])
        numbers = [number for number, _ in found]
        threads = sorted({thread_id for _, thread_id in found if thread_id})
        self._drop_rows({kind}, numbers)
        if numbers:
            self._server.run("delete from SCHEMA.remote_documents where doc = any(%s)", [numbers])
        if threads:
            self._server.run(statement("drop_threads"), [threads])
            self._server.run(statement("count_calls"), [threads])

    def _drop_rows(self, kinds: Iterable[str], numbers: Sequence[int]) -> None:
        if numbers:
            for table in (*dict.fromkeys(stored(table) for kind in kinds for table in KEPT[kind]), MORE):
                sql = f"delete from SCHEMA.{table} where remote_doc = any(%s)"  # noqa: S608  our names
                self._server.run(sql, [numbers])

    def _count(self, again: Iterable[Document], new: Iterable[Document], known: Known) -> None:
        """Count again the calls of the conversations whose calls have changed."""
        changed = {rows.key(one.thread_id) for one in again if one.kind in CALLS}
        changed |= {known[one.kind, one.key][1] for one in again if one.kind in CALLS}
        if changed:
            self._server.run(statement("count_calls"), [sorted(changed)])
        more: dict[str, tuple[int, str]] = {}
        for one in new:
            key = rows.key(one.thread_id)
            if one.kind in CALLS and key not in changed:
                amount, last = more.get(key, (0, ""))
                more[key] = (amount + 1, max(last, *_began(one)))
        if more:
            values = [(key, *value) for key, value in sorted(more.items())]
            self._server.run(statement("add_calls"), [list(column) for column in zip(*values, strict=True)])

    # -- references and digests ----------------------------------------

    def referred(self, refs: Collection[str]) -> set[str]:
        """Return which of these refs a document still has, even one that this role doesn't see."""
        found = self._server.rows("select SCHEMA.remote_referred(%s::text[])", [[rows.key(ref) for ref in refs]])
        return {rows.name(ref) for (ref,) in found}

    def set_digests(self, digests: Mapping[tuple[str, str], Digest | None]) -> None:
        """Set or remove the digests of buckets of threads."""
        gone = [place for place, digest in digests.items() if digest is None]
        if gone:
            self._server.run(
                "delete from SCHEMA.remote_digests d using unnest(%s::text[], %s::text[]) as w (bucket, thread_id)"
                " where d.bucket = w.bucket and d.thread_id = w.thread_id",
                [[rows.key(bucket) for bucket, _ in gone], [rows.key(thread_id) for _, thread_id in gone]],
            )
        kept = [
            (rows.key(bucket), rows.key(thread_id), digest.amount, digest.value)
            for (bucket, thread_id), digest in digests.items()
            if digest is not None
        ]
        if kept:
            self._server.run(statement("set_digests"), [list(column) for column in zip(*kept, strict=True)])


def _values(numbered: Mapping[int, Document]) -> list[list[Any]]:
    """Return the columns of documents, each as a list."""
    made = [
        (
            number,
            one.kind,
            rows.key(one.key),
            rows.key(one.thread_id),
            json.dumps([rows.key(ref) for ref in one.refs]),
            one.place,
            rows.key(one.bucket),
            one.stamp,
            rows.key(one.machine),
            rows.key(one.person),
        )
        for number, one in numbered.items()
    ]
    return [list(column) for column in zip(*made, strict=True)]


def _shown(document: Document) -> tuple[str | None, ...]:
    """Return name, project, its name, and tags of a conversation, as they are kept."""

    def texts(table: str, column: str) -> list[str]:
        found = (row.get(column) for row in document.rows.get(table, ()))
        return [rows.key(one) for one in found if isinstance(one, str)]

    name, project, project_name = (
        next(iter(texts(table, column)), None)
        for table, column in (("memory_sessions", "name"), ("memory_sessions", "project"), ("memory_projects", "name"))
    )
    return name or "", project, project_name, json.dumps(sorted(texts("memory_tags", "tag")))


def _began(document: Document) -> list[str]:
    """Return when a call began, as far as its rows say so."""
    moments = [row.get("datetime_utc") for row in document.rows.get(f"{document.kind}s", ())]
    return ["", *(rows.key(moment) for moment in moments if isinstance(moment, str))]


def _chunks(documents: Iterable[Document]) -> Iterator[list[Document]]:
    """Yield documents in portions that are not too large."""
    chunk: list[Document] = []
    room = CHUNK_BYTES
    for one in documents:
        chunk.append(one)
        room -= _size(one)
        if len(chunk) >= CHUNK_DOCUMENTS or room <= 0:
            yield chunk
            chunk, room = [], CHUNK_BYTES
    if chunk:
        yield chunk


def _size(document: Document) -> int:
    return sum(
        len(value)
        for its in document.rows.values()
        for row in its
        for value in row.values()
        if isinstance(value, str | bytes)
    )
