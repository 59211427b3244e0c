"""A copy of a log that only this process sees, to look through while others keep writing to the log.

Whoever reads a log for long keeps others from writing to it, unless it is in WAL mode, and llm gives up after five
seconds. So the log is copied in steps of some milliseconds (see copying), and only the copy is read.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from ..errors import LogUnusable
from ..rules.sizes import in_words
from .copying import Progress, copy
from .log import Log

_PREFIX = "llm-copy-"


@contextmanager
def private_copy(log: Log, connections: int, progress: Progress | None = None) -> Iterator[list[sqlite3.Connection]]:
    """Copy a log, and give connections to the copy, each for one thread. SQLite's errors are raised as they are.

    Nobody but the owner can read the copy. On POSIX it has no name once it is made, so that it is gone even after
    `kill -9`; a copy that was not finished is removed by the next one. Raises LogUnusable if there is no room for it.
    """
    folder = temporary_folder()
    with ExitStack() as stack:
        target = stack.enter_context(private_folder()) / "copy.db"
        _check_room(log.path, folder)
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        try:
            copy(log, target, progress)
        except OSError as error:
            message = f"The log can't be copied to {folder}: {error.strerror or error}."
            raise LogUnusable(message, "Choose another folder with SQLITE_TMPDIR.") from error
        opened = [sqlite3.connect(target, isolation_level=None, check_same_thread=False) for _ in range(connections)]
        for one in opened:
            stack.callback(one.close)
            one.execute("pragma journal_mode = memory").fetchone()
        if os.name == "posix":
            with suppress(OSError):
                target.unlink()
                target.parent.rmdir()
        yield opened


@contextmanager
def private_folder() -> Iterator[Path]:
    """Make a folder for large temporary files that only this user can read, and remove it at the end.

    Those of processes that were killed are removed too. Raises LogUnusable if it can't be made.
    """
    folder = temporary_folder()
    _remove_those_of_the_dead(folder)
    try:
        made = tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-", dir=folder, ignore_cleanup_errors=True)
    except OSError as error:
        message = f"The folder {folder} can't be written: {error.strerror or error}."
        raise LogUnusable(message, "Choose another folder with SQLITE_TMPDIR.") from error
    with made as name:
        yield Path(name)


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
        message = f"Not enough space for a copy of the log in {folder}."
        message += f" It needs {in_words(size)}, and {in_words(free)} are free."
        raise LogUnusable(message, "Free some space, or choose another folder with SQLITE_TMPDIR.")


def _remove_those_of_the_dead(folder: Path) -> None:
    """Remove the copies of processes that were killed while they copied."""
    if os.name != "posix":
        return
    for left in folder.glob(f"{_PREFIX}*-*"):
        process = left.name.removeprefix(_PREFIX).partition("-")[0]
        if not process.isdigit() or left.is_symlink():
            continue
        try:
            os.kill(int(process), 0)
        except ProcessLookupError:
            shutil.rmtree(left, ignore_errors=True)
        except (OSError, OverflowError):
            continue
