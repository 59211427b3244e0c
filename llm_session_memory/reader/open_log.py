"""Open a log by its path, read-only, for the command line; for the pages, Datasette opens it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..store.frozen import address
from ..store.log import WAIT_SECONDS, log_errors
from .cache import version_of
from .functions import register, register_escape
from .source import Source
from .tables import present


@contextmanager
def opened(path: Path) -> Iterator[Source]:
    """Open a log for reading, with our SQL functions.

    Raises:
        LogUnusable: the log can't be opened, or reading it fails later.
    """
    with log_errors(path):
        where = address(path) or f"{path.resolve().as_uri()}?mode=ro"
        connection = sqlite3.connect(where, uri=True, timeout=WAIT_SECONDS)
        try:
            connection.text_factory = lambda raw: str(raw, "utf-8", "replace")
            register(connection)
            register_escape(connection)
            yield Source(connection, present(connection), str(path), lambda: version_of(path))
        finally:
            connection.close()
