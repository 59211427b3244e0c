"""A copy of a log that only this process sees, to look through while others go on writing to the log.

Whoever reads a log for long keeps others from writing to it, unless it is in WAL mode, and llm gives up after five
seconds. So SQLite's backup interface copies the log in steps of some milliseconds, between which others can write.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from ..errors import LogUnusable
from ..rules.sizes import in_words
from .log import WAIT_SECONDS, Log

_STEPS = (2_000, 20_000, 200_000, -1)
"""How many pages are copied at a time: more each time that somebody wrote meanwhile, because the copy then starts over.
The last is all at once, for a log that is written to all the time."""

_PAUSE_SECONDS = 0.05
"""How long to wait before a locked log is tried again."""

_BUSY = (5, 6)
"""SQLITE_BUSY and SQLITE_LOCKED."""

Progress = Callable[[int, int], None]
"""Called with the pages that are copied, and all pages."""


@contextmanager
def private_copy(log: Log, connections: int, progress: Progress | None = None) -> Iterator[list[sqlite3.Connection]]:
    """Copy a log, and give connections to the copy, each for one thread. SQLite's errors are raised as they are.

    Nobody but the owner can read the copy. On POSIX it has no name, so that it is gone even after `kill -9`. Raises
    LogUnusable if there is no room for it.
    """
    folder = temporary_folder()
    _check_room(log.path, folder)
    with ExitStack() as stack:
        temporary = tempfile.TemporaryDirectory(prefix="llm-check-", dir=folder, ignore_cleanup_errors=True)
        copy = Path(stack.enter_context(temporary)) / "copy.db"
        os.close(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        opened = [sqlite3.connect(copy, isolation_level=None, check_same_thread=False) for _ in range(connections)]
        for one in opened:
            stack.callback(one.close)
            one.execute("pragma journal_mode = memory").fetchone()
        in_wal = log.value("pragma journal_mode") == "wal"  # its copy is too at first, which needs files beside it
        if not in_wal:
            _without_name(copy)
        copy_pages(log, opened[0], progress)
        if in_wal:
            opened[0].execute("pragma journal_mode = delete").fetchone()
            opened[0].execute("pragma journal_mode = memory").fetchone()
            _without_name(copy)
        yield opened


def _without_name(copy: Path) -> None:
    """Remove a file that is open and its folder; both are gone at the end at the latest. Not all systems can."""
    if os.name == "posix":
        with suppress(OSError):
            copy.unlink()
            copy.parent.rmdir()


def copy_pages(log: Log, target: sqlite3.Connection, progress: Progress | None = None) -> None:
    """Copy a log to another database, as it is at one moment. Raises SQLite's errors: one if the log stays locked."""
    for pages in _STEPS:
        try:
            log.database.conn.backup(target, pages=pages, progress=_Watch(progress), sleep=_PAUSE_SECONDS)
        except _StartedOver:
            continue
        return


def temporary_folder() -> Path:
    """Return the folder for large temporary files: as SQLite chooses it, because /tmp is often in memory."""
    if "SQLITE_TMPDIR" in os.environ and Path(os.environ["SQLITE_TMPDIR"]).is_dir():
        return Path(os.environ["SQLITE_TMPDIR"])
    if "TMPDIR" not in os.environ and os.access("/var/tmp", os.W_OK):  # noqa: S108  nothing has a fixed name there
        return Path("/var/tmp")  # noqa: S108
    return Path(tempfile.gettempdir())


def _check_room(path: Path, folder: Path) -> None:
    size, free = path.stat().st_size, shutil.disk_usage(folder).free
    if free < size:
        message = f"There is no room for a copy of the log in {folder}."
        message += f" It needs {in_words(size)}, and {in_words(free)} are free."
        raise LogUnusable(message, "Free some space, or choose another folder with SQLITE_TMPDIR.")


class _StartedOver(Exception):
    """SQLite has begun a copy again, because somebody wrote to the log."""


class _Watch:
    """Follows a copy: it is given up if it starts over, or if the log stays locked."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._left: int | None = None
        self._since: float | None = None

    def __call__(self, status: int, left: int, total: int) -> None:
        if status in _BUSY:
            self._since = self._since or time.monotonic()
            if time.monotonic() - self._since > WAIT_SECONDS:
                raise sqlite3.OperationalError("database is locked")
            return
        self._since = None
        if self._left is not None and left > self._left:
            raise _StartedOver
        self._left = left
        if self._progress:
            self._progress(total - left, total)
