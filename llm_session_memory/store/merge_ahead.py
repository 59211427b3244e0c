"""Merge llm's search rows ahead of everything else (see search_ahead.py), so that others wait less for the rest."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from . import merging, search_ahead
from .log import Log


@contextmanager
def search_rows(log: Log, other: Log, left_out: Iterable[str], *, tidy: bool) -> Iterator[None]:
    """Copy the search rows of another log's turns, all but the last portion. If the merge fails, they are removed.

    Args:
        log: The log; no transaction has begun.
        other: A copy of the other log.
        left_out: The ids of turns that the log deleted, which do not come back.
        tidy: Clean up what a killed merge left behind. All search rows of the log are read for that.

    Raises:
        LogUnusable: The log can't be written.
    """
    with search_ahead.seen_by_others(log.path) as alone:
        with log.sentences():
            if alone and tidy:
                search_ahead.clean(log, "main")
        try:
            with log.sentences(), merging.attached(log, other):
                _find(log, left_out)
                rows = log.tuples("select id, size from temp.merge_ahead order by id")
                search_ahead.copy(
                    log, rows, lambda portion: merging.copy_table(log, "turn_search", {"id": None}, _WHICH, portion)
                )
            yield
        except BaseException:
            with suppress(sqlite3.Error):
                search_ahead.clean(log, "main", " and s.turn_id in (select turn_id from temp.merge_ahead)")
            raise


_WHICH = (
    "where s.id in (select id from temp.merge_ahead where id between :first and :last)"
    " and s.turn_id not in (select turn_id from main.turn_search)"
)


def _find(log: Log, left_out: Iterable[str]) -> None:
    log.run("drop table if exists temp.merge_ahead")
    log.run("create temp table merge_ahead (id integer primary key, turn_id text not null, size integer not null)")
    log.run(
        "insert into temp.merge_ahead"
        " select s.id, s.turn_id, coalesce(length(s.prompt), 0) + coalesce(length(s.response), 0)"
        " from other.turn_search s join other.turns t on t.id = s.turn_id"
        " where s.turn_id not in (select id from main.turns)"
        " and s.turn_id not in (select turn_id from main.turn_search)"
        " and s.turn_id not in (select value from json_each(:left_out))",
        {"left_out": json.dumps([*left_out])},
    )


def drop_left_out(log: Log) -> None:
    """Delete search rows whose turn was not merged after all: an exchange of theirs was deleted from the log."""
    log.run(
        "delete from main.turn_search where turn_id in (select a.turn_id from temp.merge_ahead a"
        " left join main.turns t on t.id = a.turn_id where t.id is null)"
    )
