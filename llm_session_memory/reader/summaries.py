"""Reading the summaries that stand for earlier exchanges of a session."""

from __future__ import annotations

from .numbering import numbering
from .sent import Summary
from .source import Source


def summaries(source: Source, thread_id: str) -> tuple[Summary, ...]:
    """Return a session's summaries, oldest first; of those for the same exchanges the newest."""
    sql = "select * from memory_summaries where thread_id = :thread_id order by id"
    rows = source.query(sql, thread_id=thread_id)
    if not rows:
        return ()
    numbers = numbering(source, thread_id)
    found: dict[tuple[int, int], Summary] = {}
    for row in rows:
        first, last = numbers.number(row["first_turn_id"]), numbers.number(row["last_turn_id"])
        if first is not None and last is not None:
            made = Summary(row["id"], first, last, row["model"], row["made_utc"] or "", row["text"] or "")
            found.pop((first, last), None)
            found[first, last] = made
    return tuple(found.values())
