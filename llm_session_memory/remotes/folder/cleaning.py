"""What others left behind: files of writes that were killed, and old parts that could not be removed at the time."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator

from .database import rows
from .disk import PARTS, RECORDS, TEMPORARY, Disk
from .index import Index
from .records import NAME, PART

WEEK = 7 * 24 * 3600


def clean(disk: Disk, index: Index, dead: Collection[str]) -> None:
    """Remove files that do not count. The lock must be held, and the index must follow the folder.

    A file that no record ever named may be on its way from another machine, in a folder that a program synchronises. So
    it is removed only if its write was killed, as the lock that was taken over says, or after a week.
    """
    parts = {name: bool(counts) for name, counts in rows(index.connection, "select name, added from parts")}
    replaced = {name for (name,) in rows(index.connection, "select name from records where replaced")}
    for name in [*_files(disk)]:
        part = name.removeprefix(f"{PARTS}/")
        if parts.get(part):
            continue
        outdated = part in parts or name.removeprefix(f"{RECORDS}/") in replaced
        if outdated or any(token and token in name for token in dead) or _is_old(disk, name):
            disk.remove(name)


def _files(disk: Disk) -> Iterator[str]:
    """Yield the files that may have to go: parts, temporary files, and records."""
    yield from (name for name in disk.names() if name.startswith(TEMPORARY))
    yield from (f"{RECORDS}/{name}" for name in disk.names(RECORDS) if name.startswith(TEMPORARY))
    yield from (f"{RECORDS}/{name}" for name in disk.names(RECORDS) if NAME.fullmatch(name))
    for month in disk.names(PARTS):
        if not (disk.folder / PARTS / month).is_dir():
            continue
        for name in disk.names(PARTS, month):
            if name.startswith(TEMPORARY) or PART.fullmatch(f"{month}/{name}"):
                yield f"{PARTS}/{month}/{name}"


def _is_old(disk: Disk, name: str) -> bool:
    if NAME.fullmatch(name.removeprefix(f"{RECORDS}/")):
        return False
    try:
        return time.time() - (disk.folder / name).lstat().st_mtime > WEEK
    except OSError:
        return False
