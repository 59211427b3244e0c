"""The end of a write: its parts reach the disk, and a record makes them count.

Every 200 records, the next one contains all of them, so that their files can go: it lists all parts that count.
"""

from __future__ import annotations

import json
import socket
import sqlite3
import time
from contextlib import suppress

from ...errors import RemoteFailed
from . import records
from .database import rows
from .disk import RECORDS, Disk
from .index import Index
from .lines import At
from .locking import Lock
from .parts import Parts
from .records import Added, Removed, WriteRecord
from .writing import FolderWriting

MOST_RECORDS = 200


def commit(disk: Disk, index: Index, parts: Parts, writing: FolderWriting, lock: Lock) -> None:
    """Make a write count, if it wrote anything. Raises RemoteFailed if the lock was lost before."""
    writing.compact()
    index.connection.execute("delete from touched")
    heads = index.heads()
    if not writing.changed and len(heads) < 2:  # noqa: PLR2004  # one head: nothing to join
        index.connection.execute("rollback")
        return
    record = _record(index, parts, writing, heads)
    if not lock.is_ours():
        raise RemoteFailed(
            f"The folder {disk.where} was not written to: another machine took the lock over, "
            "because this one was asleep.",
            "Try again.",
        )
    disk.write(f"{RECORDS}/{record.name}", records.written(record))
    with suppress(sqlite3.Error):  # it counts already; an index that is behind follows
        _follow(index, record)
    parts.remove_dropped()
    for name in record.replaces:
        disk.remove(f"{RECORDS}/{name}")


def counts(disk: Disk, at: At) -> bool:
    """Return whether a write counts already, or may: only if its record is certainly not there, it doesn't."""
    try:
        return (disk.folder / RECORDS / WriteRecord(*at).name).stat() is not None
    except FileNotFoundError:
        return False
    except OSError:
        return True


def _record(index: Index, parts: Parts, writing: FolderWriting, heads: list[str]) -> WriteRecord:
    number, token = writing.at
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    adds, drops, removed = [*parts.finish()], parts.dropped, [*writing.removed.values()]
    before = [name for (name,) in rows(index.connection, "select name from records where not replaced")]
    if len(before) < MOST_RECORDS:
        return WriteRecord(number, token, socket.gethostname(), now, tuple(heads), tuple(adds), drops, tuple(removed))
    every = rows(index.connection, "select name, size, sha256 from parts where added and dropped is null order by name")
    drops = dict(rows(index.connection, "select name, dropped from parts where dropped is not null"))
    removed = [Removed(*row) for row in rows(index.connection, "select kind, key, number, token, day from removed")]
    whole = (tuple(Added(*row) for row in every), drops, tuple(removed), tuple(before))
    return WriteRecord(number, token, socket.gethostname(), now, tuple(heads), *whole)


def _follow(index: Index, record: WriteRecord) -> None:
    """Let the index have the record, and end its transaction."""
    index.connection.executemany(
        "update records set replaced = 1 where name = ?", [(name,) for name in record.replaces]
    )
    index.connection.execute("insert into records values (?, ?, 0)", (record.name, json.dumps(record.after)))
    if record.replaces:
        index.forget(record.time[:10])
    index.connection.execute("commit")
