"""A connection to a PostgreSQL server, with a schema of ours in it. All that is run there is run here."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from ...errors import RemoteFailed
from ...rules.addresses import parted
from ...rules.safe_text import one_line
from . import sentences

if TYPE_CHECKING:
    import psycopg

Values: TypeAlias = "Sequence[Any] | Mapping[str, Any] | None"

DEFAULT_SCHEMA = "llm_sessions"
"""The schema that our tables are in if no other one is given."""

CONNECT_SECONDS = 15

IDLE_SECONDS = 20
"""After a pause of this length, a connection is tried before it is used."""

SQL = Path(__file__).parent / "sql"
"""The folder of our SQL."""

_NAME_BYTES = 63
_DEFAULTS = {
    "application_name": "llm-session-memory",
    "connect_timeout": str(CONNECT_SECONDS),
    "keepalives_idle": "30",  # seconds: a network that went away is noticed
    "keepalives_interval": "10",
    "keepalives_count": "3",
}


@cache
def statement(name: str) -> str:
    """Return the SQL in a file of the folder sql, with SCHEMA for the schema's name."""
    return (SQL / f"{name}.sql").read_text("utf-8")


class Server:
    """A connection to one database of a server. It is opened when it is first needed.

    In all SQL that is given to it, the word SCHEMA stands for the quoted name of the schema.
    """

    def __init__(self, address: str, schema: str | None = None) -> None:
        """Remember an address, as libpq understands it.

        Raises RemoteFailed if psycopg is missing, or if the address or the name of the schema can't be understood.
        """
        self.schema = schema or DEFAULT_SCHEMA
        if not self.schema.isprintable() or len(self.schema.encode("utf-8", "replace")) > _NAME_BYTES:
            raise RemoteFailed(
                "PostgreSQL can't have a schema with that name.", f"Use up to {_NAME_BYTES} printable bytes."
            )
        self._parameters = _parameters(address)
        self._quoted = '"' + self.schema.replace('"', '""') + '"'
        self._connection: psycopg.Connection[Any] | None = None
        self._within = False
        self._used = 0.0
        self.site = f"{one_line(parted(address).address)} ({one_line(self.schema)})"
        """Where it is, for people, without a password."""

    @property
    def connection(self) -> psycopg.Connection[Any]:
        """The open connection. A lost one is opened again, except within a transaction. Raises RemoteFailed."""
        if self._connection is None or (not self._within and not self._still_open(self._connection)):
            import psycopg

            with self.sentences():
                # Servers behind a pool, such as pgbouncer, lose prepared statements.
                self._connection = psycopg.connect(**self._parameters, autocommit=True, prepare_threshold=None)
        self._used = time.monotonic()
        return self._connection

    def _still_open(self, connection: psycopg.Connection[Any]) -> bool:
        """Return whether a connection is open. After a pause it is asked: servers and networks end idle ones."""
        import psycopg

        if not connection.closed and time.monotonic() - self._used > IDLE_SECONDS:
            with suppress(psycopg.Error):
                connection.execute("select 1")
        return not connection.closed

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.close()

    # -- running -------------------------------------------------------

    def sql(self, text: str) -> str:
        """Return SQL with the name of the schema in it."""
        return re.sub(r"\bSCHEMA\b", lambda _: self._quoted, text)

    def rows(self, text: str, values: Values = None) -> list[tuple[Any, ...]]:
        """Run a query and return all rows. `values` are for %s or %(name)s."""
        with self.sentences():
            return self.connection.execute(self._ready(text), values or ()).fetchall()

    def answer(self, text: str, values: Values = None) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Run a query and return the names of its columns, and all rows."""
        with self.sentences():
            cursor = self.connection.execute(self._ready(text), values or ())
            return [column.name for column in cursor.description or ()], cursor.fetchall()

    def run(self, text: str, values: Values = None) -> int:
        """Run a statement and return how many rows it changed."""
        with self.sentences():
            return self.connection.execute(self._ready(text), values or ()).rowcount

    def script(self, text: str) -> None:
        """Run several statements without values, all or none."""
        with self.transaction(), self.sentences():
            self.connection.execute(self.sql(text).encode())

    def _ready(self, text: str) -> bytes:
        return re.sub(r"\bSCHEMA\b", lambda _: self._quoted.replace("%", "%%"), text).encode()

    @contextmanager
    def transaction(self, *, snapshot: bool = False) -> Iterator[None]:
        """Keep all of a block or nothing. With `snapshot`, all its queries see the same moment, and it only reads."""
        if self._within:
            yield
            return
        with self.sentences(), self.connection.transaction():
            self._within = True
            try:
                if snapshot:
                    self.connection.execute("set transaction isolation level repeatable read, read only")
                yield
            finally:
                self._within = False

    @contextmanager
    def sentences(self) -> Iterator[None]:
        """Raise what psycopg raises in a block as RemoteFailed, with a plain sentence."""
        import psycopg

        try:
            yield
        except psycopg.Error as error:
            raise sentences.failed(error, self.site) from error

    @property
    def version(self) -> int:
        """PostgreSQL's own number of its version, such as 150018."""
        with self.sentences():
            return self.connection.info.server_version

    @property
    def number(self) -> int:
        """A number that stands for this schema, in PostgreSQL's advisory locks. It has 63 bits."""
        import hashlib

        return int.from_bytes(hashlib.sha256(f"llm-session-memory {self.schema}".encode()).digest()[:8], "big") >> 1


def _parameters(address: str) -> dict[str, Any]:
    """Return libpq's parameters for an address. Its own messages about a wrong one may show the password."""
    try:
        from psycopg import Error, conninfo
    except ImportError as error:
        message = "PostgreSQL needs the package psycopg, which is not installed."
        raise RemoteFailed(message, "Install it with: llm install 'llm-session-memory[postgres]'") from error
    given: dict[str, Any] = {}
    with suppress(Error, UnicodeError, ValueError):
        given = conninfo.conninfo_to_dict(address)
    if not given or "@" in str(given.get("host", "")):
        hint = (
            "Write it like postgresql://you@server:5432/database?sslmode=verify-full, with options of libpq only. In a "
            "password, write @ as %40, / as %2F and % as %25."
        )
        raise RemoteFailed("The address of the PostgreSQL server can't be understood.", hint)
    return {**_DEFAULTS, **given, "client_encoding": "utf8"}
