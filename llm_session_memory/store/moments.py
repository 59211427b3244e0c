"""Which passages of a session were said at a time. Read only for prompts that name one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone

from ..rules.dates import zoned
from ..rules.ulids import at
from .beside import FRAGMENT
from .index import Index
from .numbering import Numbering

_CLOCKS = timedelta(days=1)
"""The id and the time of a turn may be this far apart, because clocks differ."""

Span = tuple[datetime, datetime]
"""From a moment up to another one, in UTC."""


def said(index: Index, turns: Numbering, spans: Iterable[Span], most: int) -> list[int]:
    """Return the ids of the passages of a session that were said in one of these spans, newest first in each.

    A turn's id is about the time of its call, so only those near a span are read. If more than `most` turns or passages
    are in a span, return those of the newest.
    """
    found: list[int] = []
    for start, end in spans:
        low, high = at(start - _CLOCKS), at(end + _CLOCKS)
        near = [id_ for ids in turns if low <= ids[0] < high for id_ in ids][-most:]
        dates = index.dates(near)
        within = [id_ for id_ in near if start <= _moment(dates.get(id_, "")) < end]
        found += sorted((row["id"] for row in index.passages(within) if row["side"] != FRAGMENT), reverse=True)[:most]
    return list(dict.fromkeys(found))


def _moment(utc: str) -> datetime:
    """Return a time of the log, or the earliest of all if it has none."""
    try:
        moment = datetime.fromisoformat(zoned(utc))
    except ValueError:
        return datetime.min.replace(tzinfo=timezone.utc)
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
