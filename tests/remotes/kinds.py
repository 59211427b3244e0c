"""The kinds of remotes that the contract is held against: each gives new, empty places to open."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TypeAlias

from llm_session_memory.model.remotes import Remote
from llm_session_memory.remotes.folder import FolderRemote
from llm_session_memory.remotes.mongodb import MongoRemote
from llm_session_memory.remotes.postgres.remote import PostgresRemote
from tests.world import postgres_server
from tests.world.mongodb_server import mongodb_server

Opener: TypeAlias = Callable[[], Remote]
"""Opens one place; each call is another connection, as from another machine."""

Kind: TypeAlias = Callable[[], Opener]
"""Makes a new, empty place and prepares it."""

KINDS: dict[str, Callable[[Path], AbstractContextManager[Kind]]] = {}
"""By name. Whoever builds another kind adds it here: a function that starts its server, if it has one, once a run."""


@contextmanager
def postgres(folder: Path) -> Iterator[Kind]:
    """Databases of a server."""
    server = postgres_server.shared()
    yield lambda: partial(PostgresRemote, server.address(server.prepared()))


KINDS["postgres"] = postgres


@contextmanager
def folders(folder: Path) -> Iterator[Kind]:
    """Folders. Each machine has an index of its own."""
    numbers = itertools.count()

    def new() -> Opener:
        place = folder / f"place-{next(numbers)}"
        with closing(FolderRemote(place)) as remote:
            remote.prepare()
        return partial(FolderRemote, place)

    yield new


KINDS["folder"] = folders


@contextmanager
def mongodb(folder: Path) -> Iterator[Kind]:
    """Databases of a server that speaks MongoDB's protocol."""
    numbers = itertools.count()
    with mongodb_server() as address:

        def new() -> Opener:
            place = f"{address}/place{next(numbers)}"
            with closing(MongoRemote(place)) as remote:
                remote.prepare()
            return partial(MongoRemote, place)

        yield new


KINDS["mongodb"] = mongodb
