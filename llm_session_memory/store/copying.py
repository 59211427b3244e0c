"""A consistent copy of a log while other programs use it.

SQLite's backup interface copies a mebibyte at a time and lets writers in between
(https://www.sqlite.org/backup.html). In WAL mode it reads one snapshot, which holds up nobody. Otherwise it starts
over whenever another program writes, so it would never end for a large log that is written to every second. Then
`_Catching` takes over: it compares the file with the copy, several times faster than copying, until nobody has written
for one round.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from time import monotonic

from ..errors import LogUnusable
from .log import Log

Progress = Callable[[int, int], object]
"""Called with the bytes that are done, and the bytes in all."""

STEP = 1 << 20
"""How many bytes are read while nobody can write to the log: 10 ms on a slow disk, which nobody notices."""

PART = 4 << 20
"""How many bytes are compared while nobody can write. They are in memory already, so that it takes 2 ms."""

_SYNCED = 8 << 20
"""How many bytes of the copy may wait for its disk. A writer's own commit can have to wait until they are written."""

WAIT_SECONDS = 60
"""How long to wait for a log that another program has locked."""

SHORT_HOLD = 0.03
"""For how many seconds the log may be locked at once, if it is written to again and again."""

LONGEST_HOLD = 1.5
"""For how many seconds it may be locked in the end. Plain llm gives up after 5."""

PATIENCE = 20.0
"""How many seconds to wait for one round without a write, before the log is locked for longer than `SHORT_HOLD`."""

GIVE_UP = 300.0
"""After how many seconds without such a round to give up."""


_WAITING = (5, 6)
"""SQLite's codes for a step that did nothing, because another program writes: SQLITE_BUSY and SQLITE_LOCKED."""


class _WrittenTo(Exception):
    """Another program has written to the log, so that the backup interface starts over."""


class _TurnedWal(Exception):
    """Another program has put the log into WAL mode, so that the file alone is not the log."""


def copy(log: Log, target: Path, progress: Progress | None = None) -> None:
    """Copy a log into an empty file, page by page, as it is at one moment. Writers wait for a few milliseconds at most.

    The copy isn't checked, and is in rollback-journal mode, so that it is one file. If the log is too large to be
    compared within `PATIENCE` between two writes, writers wait once, for `LONGEST_HOLD` seconds at most.

    Raises:
        LogUnusable: The log is locked or can't be read, or is written to too often.
        OSError: The copy can't be written.
    """
    connection = log.database.conn
    said = progress or (lambda _done, _total: None)
    with log.sentences(), log.patience(WAIT_SECONDS):
        if log.value("pragma journal_mode") == "wal":
            with _reading(connection):
                _in_steps(connection, target, said, again=True)
        else:
            try:
                _in_steps(connection, target, said, again=sys.platform == "win32")  # its locks forbid reading the file
            except _WrittenTo:
                try:
                    _Catching(log, target, said).run()
                except _TurnedWal:
                    os.truncate(target, 0)
                    copy(log, target, progress)
        _alone(target)


def check(path: Path, *, thorough: bool = False) -> str:
    """Return what is wrong with a database in SQLite's words, or "" if it is whole. Reads the whole file.

    A thorough check also compares indexes with their tables, and takes about five times as long.
    """
    pragma = "integrity_check" if thorough else "quick_check"
    connection = sqlite3.connect(path)
    try:
        found = connection.execute(f"pragma {pragma}(1)").fetchone()[0]
    except sqlite3.Error as error:
        return str(error)
    finally:
        connection.close()
    return "" if found == "ok" else str(found).strip()


def _in_steps(connection: sqlite3.Connection, target: Path, progress: Progress, *, again: bool) -> None:
    """Copy with SQLite's backup interface. Raises _WrittenTo if it starts over, unless `again`."""
    size = connection.execute("pragma page_size").fetchone()[0]
    copy_ = sqlite3.connect(target, isolation_level=None)
    steps = _Steps(target, size, progress, again=again)
    try:
        copy_.execute("pragma journal_mode = off")  # nobody needs half a copy
        copy_.execute("pragma synchronous = off")
        connection.backup(copy_, pages=max(1, STEP // size), progress=steps, sleep=0.02)
    except sqlite3.OperationalError as error:
        if "full" in str(error):  # only the copy grows
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
        raise
    finally:
        with suppress(sqlite3.Error):
            copy_.close()
        steps.close()


class _Steps:
    """Watches the backup interface: is called after each step, when the log is not locked."""

    def __init__(self, target: Path, page: int, progress: Progress, *, again: bool) -> None:
        self._file = FileIO(target, "rb+")
        self._page, self._progress, self._again = page, progress, again
        self._left: int | None = None
        self._synced = 0
        self._moved = monotonic()

    def __call__(self, status: int, left: int, total: int) -> None:
        if status in _WAITING:
            if monotonic() - self._moved > WAIT_SECONDS:
                raise sqlite3.OperationalError("database is locked")
            return
        self._moved = monotonic()
        if self._left is not None and left >= self._left > 0 and not self._again:
            raise _WrittenTo
        self._left = left
        done = (total - left) * self._page
        if abs(done - self._synced) > _SYNCED:
            os.fsync(self._file.fileno())
            self._synced = done
        self._progress(done, total * self._page)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class _Catching:
    """Makes a copy equal to a log: reads a part while the log is locked, writes it if it differs when it is not.

    The parts follow each other round the file until all of them were read since the last write.
    """

    def __init__(self, log: Log, target: Path, progress: Progress) -> None:
        self._log, self._target, self._progress = log, target, progress
        self._connection = log.database.conn
        self._source = _opened(log.path)
        self._here, self._there = bytearray(PART), bytearray(PART)
        self._version: int | None = None
        self._size = self._offset = self._equal = self._unsynced = 0

    def run(self) -> None:
        """Compare until both are equal. Raises LogUnusable."""
        began = monotonic()
        with _reading(self._connection):
            self._look()
        with FileIO(self._target, "rb+") as target:
            while self._equal < self._size:
                round_began, left = monotonic(), self._size
                while left > 0 and self._equal < self._size:
                    left -= self._part(target)
                now = monotonic()
                hold = SHORT_HOLD if now - began < PATIENCE else LONGEST_HOLD
                if self._equal < self._size and now - round_began < hold:
                    with _reading(self._connection):
                        while self._equal < self._size:
                            self._part(target)
                elif now - began > GIVE_UP:
                    raise self._too_busy()
            target.truncate(self._size)

    def _part(self, target: FileIO) -> int:
        """Compare the next part, and return how many bytes it has. What differs is written when nobody has to wait."""
        with _reading(self._connection):
            self._look()
            length = min(PART, self._size - self._offset)
            self._source.seek(self._offset)
            here = _read(self._source, self._here, length)
        if len(here) < length:
            raise sqlite3.OperationalError("disk I/O error")
        target.seek(self._offset)
        if _read(target, self._there, length) != here:
            target.seek(self._offset)
            target.write(here)
            self._unsynced += length
            if self._unsynced > _SYNCED:
                os.fsync(target.fileno())
                self._unsynced = 0
        self._offset += length
        self._equal += length
        self._progress(self._equal, self._size)
        return length

    def _look(self) -> None:
        """Start over if the log was written to."""
        version = self._connection.execute("pragma data_version").fetchone()[0]
        if version != self._version:
            if self._connection.execute("pragma journal_mode").fetchone()[0] == "wal":
                raise _TurnedWal
            self._version, self._equal = version, 0
            self._size = self._bytes()
        if self._offset >= self._size:
            self._offset = 0

    def _bytes(self) -> int:
        pages, page = (self._connection.execute(f"pragma {name}").fetchone()[0] for name in ("page_count", "page_size"))
        return int(pages) * int(page)

    def _too_busy(self) -> LogUnusable:
        minutes = round(GIVE_UP / 60)
        return LogUnusable(
            f"Other programs write to {self._log.path} so often that {minutes} minutes were not enough to copy it.",
            "Stop them for a moment and try again, or turn on WAL mode, in which nobody has to wait: "
            "llm sessions maintenance --wal on",
        )


@contextmanager
def _reading(connection: sqlite3.Connection) -> Iterator[None]:
    """Hold one snapshot of the log. Unless it is in WAL mode, nobody can write meanwhile. May be nested."""
    if connection.in_transaction:
        yield
        return
    connection.execute("begin")
    try:
        connection.execute("select 1 from sqlite_master limit 1").fetchone()
        yield
    finally:
        connection.execute("rollback")


_files: dict[tuple[int, int], FileIO] = {}
"""Files that were opened beside SQLite, by device and inode."""


def _opened(path: Path) -> FileIO:
    """Return a log's file for reading, which stays open: closing it would release all locks of this process on it.

    See “POSIX advisory locks canceled by a separate thread doing close()”, https://www.sqlite.org/howtocorrupt.html.
    """
    found = path.stat()
    key = found.st_dev, found.st_ino
    if key not in _files:
        _files[key] = FileIO(path)
    return _files[key]


def _read(file: FileIO, into: bytearray, length: int) -> bytearray:
    """Return the next bytes of a file: `into` itself if it is filled, which is much faster than a new object."""
    with memoryview(into) as whole:
        read = file.readinto(whole[:length])
    return into if read == len(into) else into[:read]


def _alone(target: Path) -> None:
    """Put a copy of a log in WAL mode into rollback-journal mode, in which it has no files beside it."""
    connection = sqlite3.connect(target)
    try:
        connection.execute("pragma journal_mode = delete")
    finally:
        connection.close()
