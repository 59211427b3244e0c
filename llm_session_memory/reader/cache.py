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

_ROOM = 150_000
"""What all answers together may weigh, in rows: about 60 MB."""

_PART = 3
"""An answer weighs at most this part of the room: a very large one must not push out all others."""


class Cache:
    """Answers by key, each with the version of what it was made from. The least used make room for new ones."""

    def __init__(self, room: int) -> None:
        """Keep answers that together weigh no more than `room`."""
        self._room, self._heaviest = room, room // _PART
        self.weight = 0
        """What all answers weigh that are kept now."""
        self._answers: OrderedDict[Hashable, tuple[Hashable, Any, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(
        self,
        key: Hashable,
        version: Callable[[], Hashable | None],
        make: Callable[[], T],
        weight: Callable[[T], int | None] = lambda _: 1,
    ) -> T:
        """Return the answer that was made of this version, or make it.

        `version` is asked before and after an answer is made: only if it is the same, and not None, the answer is kept.
        `weight` returns how many rows an answer is like; None: it is not kept.
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
        """Return the version and the answer that are kept under a key, or None."""
        with self._lock:
            found = self._answers.get(key)
            if found is None:
                return None
            self._answers.move_to_end(key)
            return found[:2]

    def put(self, key: Hashable, version: Hashable, answer: Any, weight: int) -> None:
        """Keep an answer, in the place of what was kept under its key."""
        weight = min(weight, self._heaviest)
        with self._lock:
            self.weight += weight - (self._answers.pop(key)[2] if key in self._answers else 0)
            self._answers[key] = (version, answer, weight)
            while self.weight > self._room:
                self.weight -= self._answers.popitem(last=False)[1][2]

    def clear(self) -> None:
        """Forget all answers."""
        with self._lock:
            self._answers.clear()
            self.weight = 0


CACHE = Cache(_ROOM)
"""Everything that is kept between two pages, of all logs that this process reads."""


def kept(source: Source, what: Hashable, make: Callable[[], T], weigh: Callable[[T], int | None] = lambda _: 1) -> T:
    """Return an answer that was made since the log was last written to, or make it.

    `what` tells it from all other answers about this log. `weigh` says how many rows it has; None: not to be kept.
    """
    return CACHE.get((source.log, source.tables, what), source.version, make, weigh)


# -- versions of files ------------------------------------------------------------


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
_watching = threading.Lock()


def version_of(path: str | Path | None, *, mutable: bool = True) -> Hashable | None:
    """Return what tells a file from itself before and after any writing; None where that can't be told."""
    if path is None:
        return None
    try:
        status = Path(path).stat()
        if not mutable:  # whoever started Datasette so says that nobody writes, and nothing may be opened beside it
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
