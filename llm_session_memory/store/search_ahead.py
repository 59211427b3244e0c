"""Copy llm's search rows into a log ahead of their turns, in portions between which other programs can write.

What takes long when many turns come into a log is llm's search index. Nobody sees a search row whose turn isn't there,
because llm looks up each row's turn. So these rows can be copied before everything else, which then follows in one
short transaction. If that never comes, because the process was killed, the next import or merge cleans them away.

SQLite's errors are raised as they are.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from .log import Log

PORTION = 4_000_000
"""How many characters of llm's search rows are copied in one transaction: a few tenths of a second."""

PAUSE_SECONDS = 0.12
"""The pause between two portions. SQLite looks every 0.1 seconds at most whether a lock is gone, so whoever waits can
write in each pause."""

_LEFT = (
    "select s.id from {schema}.turn_search s left join {schema}.turns t on t.id = s.turn_id where t.id is null{which}"
)
_DELETE = (
    "delete from {schema}.turn_search where id in (select value from json_each(?))"
    " and turn_id not in (select id from {schema}.turns)"
)


def copy(log: Log, rows: Iterable[tuple[int, int]], portion: Callable[[Mapping[str, int]], object]) -> None:
    """Copy all rows but the last portion, with a pause after each portion.

    Args:
        log: The connection that copies.
        rows: The id and the number of characters of each row, in the order of the ids.
        portion: Copies the rows from the id `first` to the id `last`, in a transaction that has begun.
    """
    for values in _portions(rows):
        with log.locked():
            portion(values)
        time.sleep(PAUSE_SECONDS)


def _portions(rows: Iterable[tuple[int, int]]) -> list[dict[str, int]]:
    """Return the first and last id of each portion but the last."""
    found: list[dict[str, int]] = []
    first, size = 1, 0
    for id_, length in rows:
        size += length
        if size >= PORTION:
            found.append({"first": first, "last": id_})
            first, size = id_ + 1, 0
    return found


def clean(log: Log, schema: str, which: str = "") -> None:
    """Delete search rows that were copied and whose turn never came.

    Args:
        log: The connection.
        schema: What the connection calls the log.
        which: A further condition about the rows `s`.
    """
    left = [row[0] for row in log.database.conn.execute(_LEFT.format(schema=schema, which=which))]
    for start in range(0, len(left), 500):
        with log.locked():
            log.database.conn.execute(_DELETE.format(schema=schema), [json.dumps(left[start : start + 500])])
        time.sleep(PAUSE_SECONDS)


@contextmanager
def seen_by_others(path: Path) -> Iterator[bool]:
    """Give whether no other import or merge is copying into a log of this folder, and let others see this one.

    Only manners: who finds rows cleaned away by mistake copies them again at the end.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        yield True
        return
    try:
        folder = os.open(path.resolve().parent, os.O_RDONLY)
    except OSError:
        yield False
        return
    try:
        alone = True
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            alone = False
        yield alone
    finally:
        os.close(folder)
