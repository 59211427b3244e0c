"""PostgreSQL as a remote: documents are read here; `writing.py` writes them."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

from ...model.remotes import Condition, Digest, Document, Listed, Stamp
from . import rows, schema
from .kept import KEPT, TABLES, stored
from .server import Server, statement
from .writing import Columns, PostgresWriting

_CHUNK = 1000
_ATTACHMENTS = 8
"""How many documents are read at once. An attachment may have many megabytes."""


class PostgresRemote:
    """A schema of a PostgreSQL database as a remote. See `model.remotes.Remote`."""

    def __init__(self, address: str, schema: str | None = None) -> None:
        """Remember an address with its password, as libpq understands it; nothing is opened yet.

        Raises RemoteFailed if psycopg is missing, or if the address can't be understood.
        """
        self.server = Server(address, schema)
        self._known: Columns | None = None

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return self.server.site

    def close(self) -> None:
        """End the connection."""
        self.server.close()

    def condition(self) -> Condition:
        """Find out whether the server answers, and what the role may do there."""
        began = time.monotonic()
        now, name = self.server.rows(
            "select extract(epoch from clock_timestamp())::float8, current_setting('server_version')"
        )[0]
        seconds = time.monotonic() - began
        version = schema.version(self.server)
        place = self.server.sql("SCHEMA")
        writable = self.server.rows(
            statement("may_write"), {"made": version > 0, "schema": self.server.schema, "place": place}
        )[0][0]
        return Condition(f"PostgreSQL {name.split()[0]}", version, bool(writable), now, seconds)

    def prepare(self) -> None:
        """Make the tables, or bring them up to date."""
        self._known = None
        schema.prepare(self.server)

    @property
    def _columns(self) -> Columns:
        """The columns of the tables there. Asked first, so that tables of another version are noticed."""
        if self._known is None:
            schema.check(self.server, schema.version(self.server))
            self._known = schema.columns(self.server, [*TABLES])
        return self._known

    # -- comparing -----------------------------------------------------

    def buckets(self) -> dict[str, Digest]:
        """Return each bucket with the digest of all that is in it."""
        found = self._rows(
            "select bucket, sum(amount)::bigint, SCHEMA.remote_xor(value) from SCHEMA.remote_digests group by bucket"
        )
        return {rows.name(bucket): Digest(amount, value) for bucket, amount, value in found}

    def digests(self, buckets: Collection[str]) -> Iterator[tuple[str, str, Digest]]:
        """Yield (bucket, thread, digest) for some buckets."""
        sql = "select bucket, thread_id, amount, value from SCHEMA.remote_digests where bucket = any(%s)"
        named = {rows.key(bucket): bucket for bucket in buckets}
        for bucket, thread_id, amount, value in self._rows(sql, [[*named]]):
            yield named[bucket], rows.name(thread_id), Digest(amount, value)

    def stamps(self, threads: Collection[str]) -> Iterator[Stamp]:
        """Yield the stamps of some threads."""
        sql = (
            "select thread_id, kind, key, bucket, stamp from SCHEMA.remote_documents"
            " where thread_id = any(%s) and thread_id <> ''"
        )
        for chunk in _portions(threads, _CHUNK):
            for thread_id, kind, key, bucket, stamp in self._rows(sql, [_keys(chunk)]):
                yield Stamp(rows.name(thread_id), kind, rows.name(key), rows.name(bucket), stamp)

    def threads_with(self, turns: Collection[str]) -> dict[str, str]:
        """Return which of these turns and responses are there, with their threads."""
        sql = "select key, thread_id from SCHEMA.remote_documents where kind in ('turn', 'response') and key = any(%s)"
        return {rows.name(key): rows.name(thread_id) for key, thread_id in self._rows(sql, [_keys(turns)])}

    def listed(self, threads: Collection[str] | None = None) -> Iterator[Listed]:
        """Yield the conversations that are there, or some of them."""
        values = {"every": threads is None, "threads": _keys(threads or ())}
        for thread_id, name, project, tags, turns, machine, last_utc in self._rows(statement("listed"), values):
            shown = (rows.name(thread_id), rows.name(name), rows.name(project), tuple(map(rows.name, tags)))
            yield Listed(*shown, turns, rows.name(machine), rows.name(last_utc))

    # -- reading -------------------------------------------------------

    def tombstones(self, buckets: Collection[str]) -> Iterator[Document]:
        """Yield the tombstones of some buckets."""
        sql = "select key from SCHEMA.remote_documents where kind = 'tombstone' and bucket = any(%s)"
        found = [rows.name(key) for (key,) in self._rows(sql, [_keys(buckets)])]
        yield from self.documents("tombstone", found)

    def documents(self, kind: str, keys: Collection[str]) -> Iterator[Document]:
        """Yield these documents if they are there, each as it was at one moment."""
        for chunk in _portions(dict.fromkeys(keys), _ATTACHMENTS if kind == "attachment" else _CHUNK):
            columns = self._columns
            with self.server.transaction(snapshot=True):
                found = self.server.rows(
                    "select doc, key, thread_id, refs, place, bucket, stamp, machine, person"
                    " from SCHEMA.remote_documents where kind = %s and key = any(%s)",
                    [kind, _keys(chunk)],
                )
                numbers = [row[0] for row in found]
                held = {table: self._held(table, columns, numbers) for table in KEPT[kind]} if numbers else {}
                more = self._more(numbers)
            for number, key, thread_id, refs, place, bucket, stamp, machine, person in found:
                yield Document(
                    kind,
                    rows.name(key),
                    {table: its[number] for table, its in held.items() if number in its} | more.get(number, {}),
                    thread_id=rows.name(thread_id),
                    refs=tuple(rows.name(ref) for ref in refs),
                    place=place,
                    bucket=rows.name(bucket),
                    stamp=stamp,
                    machine=rows.name(machine),
                    person=rows.name(person),
                )

    def _held(self, table: str, columns: Columns, numbers: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
        """Return a table's rows by the numbers of their documents."""
        names = [*columns[table]]
        listed = ", ".join(f'"{name}"' for name in ("remote_doc", "remote_odd", *names))
        sql = (
            f"select {listed} from SCHEMA.{stored(table)}"  # noqa: S608  our names
            " where remote_doc = any(%s) order by remote_doc, remote_row"
        )
        found: dict[int, list[dict[str, Any]]] = {}
        for number, odd, *values in self.server.rows(sql, [numbers]):
            found.setdefault(number, []).append(rows.restored(values, names, odd))
        return found

    def _more(self, numbers: Sequence[int]) -> dict[int, dict[str, list[dict[str, Any]]]]:
        """Return the rows of tables that the remote has no tables for, by documents and the names of their tables."""
        sql = (
            "select remote_doc, remote_row, remote_odd, name from SCHEMA.remote_more"
            " where remote_doc = any(%s) order by remote_doc, remote_row"
        )
        found: dict[int, dict[str, list[dict[str, Any]]]] = {}
        for number, place, odd, name in self.server.rows(sql, [numbers]):
            its = found.setdefault(number, {}).setdefault(rows.name(name), [])
            if place >= 0:
                its.append(rows.restored((), (), odd))
        return found

    def _rows(self, sql: str, values: Any = None) -> list[tuple[Any, ...]]:
        self._columns  # noqa: B018  checks the version
        return self.server.rows(sql, values)

    # -- writing -------------------------------------------------------

    @contextmanager
    def writing(self) -> Iterator[PostgresWriting]:
        """Begin a transaction, once nobody else is writing."""
        columns = self._columns
        with self.server.transaction():
            schema.lock(self.server)
            yield PostgresWriting(self.server, columns)


def _keys(names: Collection[str]) -> list[str]:
    return [rows.key(name) for name in names]


def _portions(items: Collection[str], size: int) -> Iterator[list[str]]:
    iterator = iter(items)
    while portion := list(islice(iterator, size)):
        yield portion
