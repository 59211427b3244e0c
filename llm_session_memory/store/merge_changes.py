"""Changes and ratings of the other log, put into temporary tables as this log would have them.

Each log has its own person's ratings in memory_ratings, and those of others in memory_other_ratings. If the two logs
are of different persons, the ratings of the one are ratings of somebody else in the other. If one of them names no
person, they are of the same one.
"""

from __future__ import annotations

from .deletion import statements
from .log import Log

COLUMNS = "kind, thread_id, key, changed_utc, removed, machine, person"
"""The columns of memory_changes."""


def prepare(log: Log) -> None:
    """Fill the temporary tables from the attached log `other`.

    `merge_theirs` gets its changes, `merge_own_ratings` and `merge_other_ratings` its ratings, and `merge_news` those
    changes that are newer than this log's, or that it lacks.
    """
    mine = log.value("select person from main.memory_machine")
    theirs = log.value("select person from other.memory_machine")
    given = {"mine": mine, "theirs": theirs, "same": mine is None or theirs is None or mine == theirs}
    for sql in statements("merge_changes"):
        log.run(sql, {name: value for name, value in given.items() if f":{name}" in sql})


def put(log: Log) -> None:
    """Put the newer changes into this log."""
    log.run(f"insert or replace into main.memory_changes ({COLUMNS}) select {COLUMNS} from temp.merge_news")  # noqa: S608  constants
