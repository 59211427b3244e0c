"""What SQLite and llm's own tables say about a log: pages, indexes, references, full-text indexes, hashes.

All of this reads a private copy (see private_copy), so it may take its time.
"""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

MOST_PROBLEMS = 100
"""How many problems SQLite looks for before it stops."""

_INDEX = re.compile(
    r"row \d+ missing from index (?P<missing>.+)|wrong # of entries in index (?P<count>.+)"
    r"|non-unique entry in index (?P<unique>.+)"
)
_ROWS = re.compile(r"(?:NULL|non-\w+|NUMERIC|TEXT) value in .+|CHECK constraint failed in .+|UNIQUE constraint.+")
_UNUSED = re.compile(r"Page \d+(?::| is) never used")

_FULL_TEXT = """
select name, sql from sqlite_master
where type = 'table' and sql like 'create virtual table%using fts5%' order by name
"""
_CONTENT = re.compile(r"content\s*=\s*(?:'([^']*)'|\"([^\"]*)\"|\[([^\]]*)\])", re.IGNORECASE)


@dataclass(frozen=True)
class Pages:
    """What SQLite's integrity check says: about pages, indexes by name, values in rows, and pages that nothing uses."""

    damaged: tuple[str, ...] = ()
    indexes: tuple[str, ...] = ()
    twice: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    unused: int = 0


def pages(db: sqlite3.Connection) -> Pages:
    """Run SQLite's integrity check."""
    damaged: list[str] = []
    values: list[str] = []
    indexes: dict[str, None] = {}
    twice: dict[str, None] = {}
    unused = 0
    for (row,) in db.execute(f"pragma integrity_check({MOST_PROBLEMS})"):
        for said in str(row).splitlines():
            found = _INDEX.search(said)
            if said == "ok" or said.startswith("*** in database"):
                continue
            if found and found["unique"]:
                twice[found["unique"]] = None
            elif found:
                indexes[found["missing"] or found["count"]] = None
            elif _UNUSED.search(said):
                unused += 1
            elif _ROWS.fullmatch(said):
                values.append(said)
            else:
                damaged.append(said)
    return Pages(tuple(damaged), tuple(indexes), tuple(twice), tuple(values), unused)


def references(db: sqlite3.Connection) -> Counter[tuple[str, str]]:
    """Return how many rows of a table refer to a row of another that is not there: counts by (table, other table)."""
    found: Counter[tuple[str, str]] = Counter()
    for table, _, parent, _ in db.execute("pragma foreign_key_check"):
        found[table, parent] += 1
    return found


def full_text(db: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    """Yield the full-text indexes that do not agree with themselves or with the table that they index, and why.

    Such a check is an insert that writes nothing, and is rolled back: to commit it would wait for those who read.
    """
    for name, sql in db.execute(_FULL_TEXT).fetchall():
        content = _CONTENT.search(sql)
        table = next(filter(None, content.groups()), "") if content else ""
        columns, values = (", rank", ", 1") if table else ("", "")
        db.execute("begin")
        try:
            db.execute(f'insert into "{name}" ("{name}"{columns}) values (\'integrity-check\'{values})')  # noqa: S608  a table that is there
        except sqlite3.Error as error:
            yield name, str(error)
        finally:
            db.execute("rollback")
