"""Ask a remote more than for its documents. Only a PostgreSQL server can be asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from ..errors import SessionError
from ..model.remotes import RemoteSettings
from ..rules.addresses import POSTGRES, kind_of
from .opening import address_of, discreet
from .postgres.server import Server


@contextmanager
def asking(settings: RemoteSettings) -> Iterator[Server]:
    """Open a connection to a PostgreSQL remote, for `postgres.asking` and `postgres.searching`.

    Raises:
        SessionError: The remote is of another kind, or its key is missing.
        RemoteFailed: The server can't be reached, or refuses something. No message has a secret.
    """
    if kind_of(settings.address) != POSTGRES:
        message = f"Remote “{settings.name}” only keeps conversations. Queries and searches need a PostgreSQL server."
        raise SessionError(message, f"Pull them, and ask your log: llm sessions pull {settings.name}")
    address = address_of(settings).address
    with discreet(address), closing(Server(address, settings.schema)) as server:
        yield server
