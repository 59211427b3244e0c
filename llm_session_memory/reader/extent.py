"""The size of a log and its newest time, without reading all of it."""

from __future__ import annotations

from .source import Source


def calls_logged(source: Source) -> int:
    """Return the number of logged model calls, from both generations of llm."""
    found: int = source.value("select (select count(*) from turns) + (select count(*) from responses)")
    return found


def newest_utc(source: Source) -> str | None:
    """Return the newest time among the calls logged last, or None if the log is empty."""
    newest = source.value(
        "select max(datetime_utc) from ("
        "select * from (select datetime_utc from turns order by rowid desc limit 1000) union all "
        "select * from (select datetime_utc from responses order by rowid desc limit 1000))"
    )
    return None if newest is None else str(newest)
