"""Find the sessions that someone may have meant by a name or an id that doesn't exist."""

from __future__ import annotations

from ..rules import names
from .entries import Line
from .source import Source
from .threads import lines

_NAMES = 5_000
"""Among this many of the newest names, similar ones are looked for."""

_SHORTEST = 6
"""The fewest characters of an id that was cut off."""


def alike(source: Source, wanted: str, most: int = 5) -> tuple[Line, ...]:
    """Return sessions whose names are similar, and conversations whose ids begin with `wanted`."""
    sql = "select name, thread_id from memory_sessions order by created_utc desc limit :most"
    named = {row["name"]: row["thread_id"] for row in source.query(sql, most=_NAMES)}
    found = [str(named[name]) for name in names.alike(wanted, named, most)]
    if len(wanted) >= _SHORTEST and wanted.isascii() and wanted.isalnum():
        sql = (
            "select id from threads where id >= :begin and id < :begin || '~'"
            " union select id from conversations where id >= :begin and id < :begin || '~' limit :most"
        )
        found += [str(row["id"]) for row in source.query(sql, begin=wanted.lower(), most=most)]
    return lines(source, list(dict.fromkeys(found))[:most])
