"""Logs in WAL mode that nobody can write: a file on a read-only disk, or in another user's folder.

SQLite reads a log in WAL mode only if it can create files beside it. `immutable` makes it read the log alone, which is
right while the write-ahead log is empty.
"""

from __future__ import annotations

import os
from pathlib import Path

_HEADER = 20
_WAL = b"\x02\x02"
"""Bytes 18 and 19 of a database in WAL mode (https://www.sqlite.org/fileformat.html)."""


def is_wal(path: Path) -> bool:
    """Return whether a file is a database in WAL mode; False if it can't be read."""
    try:
        with path.open("rb") as file:
            return file.read(_HEADER)[18:] == _WAL
    except OSError:
        return False


def in_writable_folder(path: Path) -> bool:
    """Return whether files can be created beside a log."""
    return os.access(path.resolve().parent, os.W_OK)


def address(path: Path) -> str | None:
    """Return the address (a SQLite URI) that reads a frozen log; None if the log can be opened as usual."""
    real = path.resolve()
    if in_writable_folder(path) or not is_wal(real) or _has_more(real):
        return None
    return f"{real.as_uri()}?mode=ro&immutable=1"


def _has_more(path: Path) -> bool:
    """Return whether the write-ahead log has entries, which are not in the file yet."""
    beside = path.with_name(f"{path.name}-wal")
    try:
        return beside.stat().st_size > 0
    except OSError:
        return False
