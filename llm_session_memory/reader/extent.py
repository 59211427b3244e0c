"""How much a log holds, and until when, without reading all of it."""

from __future__ import annotations

from .source import Source


def calls_logged(source: Source) -> int:
    """Return how many model calls were logged, by either generation of llm."""
    found: int = source.value("select (select count(*) from turns) + (select count(*) from responses)")
    return found


def newest_utc(source: Source) -> str | None:
    """Return the time of the newest of the calls that were logged last; None if there is none."""
    newest = source.value(
        "select max(datetime_utc) from ("
        "select * from (select datetime_utc from turns order by rowid desc limit 1000) union all "
        "select * from (select datetime_utc from responses order by rowid desc limit 1000))"
    )
    return None if newest is None else str(newest)
