"""Answers that are kept for as long as nobody writes to the log that they come from.

SQLite itself says whether a file was written to, by whomever, in every journal mode: `pragma data_version` of a
connection is another one after any other connection has written. One connection a file does nothing but ask for that.
What can't be asked (a database in memory, a file that is being written this moment) is not kept.
"""

from __future__ import annotations

import itertools
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any, TypeVar

from .source import Source

T = TypeVar("T")

_WATCHED = 16
"""Files that are watched: the last ones asked for."""

_ROOM = 50_000
"""Rows in all answers together, about 20 MB."""


class _Watch:
    """One file's version."""

    _opened = itertools.count()

    def __init__(self, path: str, identity: tuple[int, int]) -> None:
        self.identity, self._number = identity, next(self._opened)
        self._connection = sqlite3.connect(
            f"{Path(path).resolve().as_uri()}?mode=ro", uri=True, timeout=0, check_same_thread=False
        )

    def version(self) -> tuple[int, int]:
        """Return what is another after any writing. Raises sqlite3.Error."""
        ((version,),) = self._connection.execute("pragma data_version").fetchall()
        return self._number, version

    def close(self) -> None:
        self._connection.close()


_watches: OrderedDict[str, _Watch] = OrderedDict()
_answers: OrderedDict[Hashable, tuple[Hashable, Any, int]] = OrderedDict()
_lock = threading.Lock()


def version_of(path: str | Path | None, *, mutable: bool = True) -> Hashable | None:
    """Return what tells a file from itself before and after any writing; None where that can't be told."""
    if path is None:
        return None
    try:
        status = Path(path).stat()
        if not mutable:  # whoever started Datasette so says that nobody writes, and nothing may be opened beside it
            return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size
        with _lock:
            return _watch(str(path), (status.st_dev, status.st_ino)).version()
    except (OSError, sqlite3.Error):
        return None


def _watch(path: str, identity: tuple[int, int]) -> _Watch:
    watch = _watches.get(path)
    if watch is None or watch.identity != identity:
        if watch is not None:
            _watches.pop(path).close()
        watch = _watches[path] = _Watch(path, identity)
    _watches.move_to_end(path)
    while len(_watches) > _WATCHED:
        _watches.popitem(last=False)[1].close()
    return watch


def kept(source: Source, what: Hashable, make: Callable[[], T], weigh: Callable[[T], int | None] = lambda _: 1) -> T:
    """Return an answer that was made since the log was last written to, or make it.

    `what` tells it from all other answers about this log. `weigh` says how many rows it has; None: not to be kept.
    """
    version = source.version()
    if version is None:
        return make()
    key = (source.log, source.tables, what)
    with _lock:
        found = _answers.get(key)
        if found is not None and found[0] == version:
            _answers.move_to_end(key)
            answer: T = found[1]
            return answer
    made = make()
    rows = weigh(made)
    if rows is not None and source.version() == version:  # nobody wrote while it was made
        with _lock:
            _answers[key] = (version, made, rows)
            _answers.move_to_end(key)
            while sum(rows for _, _, rows in _answers.values()) > _ROOM and len(_answers) > 1:
                _answers.popitem(last=False)
    return made
