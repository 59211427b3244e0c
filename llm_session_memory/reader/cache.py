"""A cache of answers, each valid until somebody writes to its log.

SQLite reports every write, in every journal mode and by any process: `pragma data_version` of a connection changes when
another connection has written. One extra connection per file does nothing but ask for it. If the version is unknown (a
database in memory, a file that is being written right now), nothing is cached.
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
"""The most files that are watched at once: the ones used last."""

_ROOM = 150_000
"""The most that all answers may weigh together, in rows: about 60 MB."""

_PART = 3
"""One answer counts as at most 1/3 of the capacity, so that a very large one does not push out all others."""


class Cache:
    """Answers by key, each with the version of the data behind it. The least recently used are dropped first."""

    def __init__(self, room: int) -> None:
        """Create a cache whose answers together weigh `room` at most."""
        self._room, self._heaviest = room, room // _PART
        self.weight = 0
        """The total weight of all cached answers."""
        self._answers: OrderedDict[Hashable, tuple[Hashable, Any, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(
        self,
        key: Hashable,
        version: Callable[[], Hashable | None],
        make: Callable[[], T],
        weight: Callable[[T], int | None] = lambda _: 1,
    ) -> T:
        """Return the cached answer if its version is current, or make a new one.

        Args:
            key: identifies the answer.
            version: returns the current version of the data, or None if unknown. It is called before and after `make`,
                and the answer is cached only if both agree.
            make: makes the answer.
            weight: returns the weight of an answer in rows, or None if it must not be cached.
        """
        asked = version()
        if asked is None:
            return make()
        found = self.peek(key)
        if found is not None and found[0] == asked:
            answer: T = found[1]
            return answer
        made = make()
        weighed = weight(made)
        if weighed is not None and version() == asked:
            self.put(key, asked, made, weighed)
        return made

    def peek(self, key: Hashable) -> tuple[Hashable, Any] | None:
        """Return the version and the answer cached under a key, or None."""
        with self._lock:
            found = self._answers.get(key)
            if found is None:
                return None
            self._answers.move_to_end(key)
            return found[:2]

    def put(self, key: Hashable, version: Hashable, answer: Any, weight: int) -> None:
        """Cache an answer, replacing any earlier one under its key."""
        weight = min(weight, self._heaviest)
        with self._lock:
            self.weight += weight - (self._answers.pop(key)[2] if key in self._answers else 0)
            self._answers[key] = (version, answer, weight)
            while self.weight > self._room:
                self.weight -= self._answers.popitem(last=False)[1][2]

    def clear(self) -> None:
        """Drop all answers."""
        with self._lock:
            self._answers.clear()
            self.weight = 0


CACHE = Cache(_ROOM)
"""The one cache of this process, for all logs that it reads."""


def kept(source: Source, what: Hashable, make: Callable[[], T], weigh: Callable[[T], int | None] = lambda _: 1) -> T:
    """Return a cached answer if nobody has written to the log since, or make a new one.

    Args:
        source: the log that the answer is about.
        what: identifies the answer among all answers about this log.
        make: makes the answer.
        weigh: returns the answer's weight in rows, or None if it must not be cached.
    """
    return CACHE.get((source.log, source.tables, what), source.version, make, weigh)


# -- versions of files ------------------------------------------------------------


class _Watch:
    """A connection that reports the version of one file."""

    _opened = itertools.count()

    def __init__(self, path: str, identity: tuple[int, int]) -> None:
        self.identity, self._number = identity, next(self._opened)
        self._connection = sqlite3.connect(
            f"{Path(path).resolve().as_uri()}?mode=ro", uri=True, timeout=0, check_same_thread=False
        )

    def version(self) -> tuple[int, int]:
        """Return a value that changes with every write to the file.

        Raises:
            sqlite3.Error: the file cannot be read now.
        """
        ((version,),) = self._connection.execute("pragma data_version").fetchall()
        return self._number, version

    def close(self) -> None:
        self._connection.close()


_watches: OrderedDict[str, _Watch] = OrderedDict()
_watching = threading.Lock()


def version_of(path: str | Path | None, *, mutable: bool = True) -> Hashable | None:
    """Return a value that changes with every write to a file, or None if that can't be known."""
    if path is None:
        return None
    try:
        status = Path(path).stat()
        # Datasette was started with the promise that nobody writes, and no other connection may be opened.
        if not mutable:
            return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size
        with _watching:
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
