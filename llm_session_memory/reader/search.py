"""Full-text search in llm's own indexes of both generations, so it works without our llm plugin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from heapq import nsmallest
from typing import Any, Literal

from ..rules import names
from ..rules.dates import day_after
from ..rules.search_terms import match
from .entries import MARK, MARKS, PAGE, RATED, UNMARK, Filters, Found, Hit, Line, Results
from .figures import Figures
from .numbering import figures, numbering, turns_of
from .older import older_log
from .source import Source, ids

Order = Literal["best", "newest"]

_MOST = 20_000
"""The most matches that are ranked; if there are more, the newest ones. Ranking 500,000 would take seconds."""

_INDEXES = ("turn_search_fts", "responses_fts")
"""llm's own indexes: today's, and the one of an older llm."""

_STATEMENTS = (("search_today", "search_today_filtered"), ("search_older", "search_older_filtered"))
"""The statements for each index: one without filters and one with filters."""

_END = 2**62

_Key = tuple[float, int, int]
"""Score (0 if newest first), generation (0 today's, 1 older), and the negated row in that generation's index."""


@dataclass(frozen=True)
class _Search:
    """One search: the FTS5 query, its filters and order, and the key to continue from."""

    source: Source
    asked: str
    filters: Filters
    thread_id: str | None
    order: Order
    below: _Key | None

    def matches(self, generation: int) -> list[_Key]:
        """Return the keys of the matches in one generation's index, newest first, up to the limit."""
        if _INDEXES[generation] not in self.source.tables:
            return []
        ranked, below = self.order == "best", self.below
        if not ranked and below is not None and below[1] > generation:
            return []
        start = _END if ranked or below is None or below[1] != generation else -below[2]
        given: dict[str, Any] = {"match": self.asked, "ranked": ranked, "below": start}
        given["most"] = _MOST + 1 if ranked else PAGE + 1
        narrowed = self.thread_id is not None or self.filters != Filters(text=self.filters.text)
        if narrowed:
            given |= self._narrowed(generation, start)
        name = _STATEMENTS[generation][narrowed]
        return [(row[1] or 0.0, generation, -row[0]) for row in self.source.tuples(name, **given)]

    def _narrowed(self, generation: int, start: int) -> dict[str, Any]:
        filters = self.filters
        low, high = self._span(generation)
        return {
            "above": low,
            "below": min(start, high + 1),
            "thread_id": self.thread_id,
            "model": filters.model,
            "tag": names.key(filters.tag) if filters.tag else None,
            "since": filters.since,
            "until": day_after(filters.until),
            "named": filters.named,
            "turns": None if self._turns is None else ids(self._turns),
            "among": filters.rated != "none",
        }

    @cached_property
    def _turns(self) -> list[str] | None:
        """The turns of exchanges with the wanted rating (for `none`: with any rating); None without a rating filter."""
        asked = self.filters.rated
        if asked not in RATED:
            return None
        sql = "select thread_id, turn_id from memory_ratings where mark in (select value from json_each(:marks))"
        exchanges: dict[str, list[str]] = {}
        for row in self.source.query(sql, marks=ids(RATED[asked] or MARKS)):
            if self.thread_id in (None, row["thread_id"]):
                exchanges.setdefault(row["thread_id"], []).append(row["turn_id"])
        return turns_of(self.source, exchanges)

    def _span(self, generation: int) -> tuple[int, int]:
        """Return the first and last row of the thread's texts in an index."""
        if self.thread_id is None:
            return 0, _END
        if generation == 1:
            older = older_log(self.source).get(self.thread_id)
            return (older.first_row, older.last_row) if older else (0, -1)
        found = self.source.first("search_span", thread_id=self.thread_id) or {}
        return (found["first_row"], found["last_row"]) if found.get("first_row") is not None else (0, -1)


def search(
    source: Source,
    filters: Filters,
    *,
    thread_id: str | None = None,
    order: Order = "best",
    after: str | None = None,
) -> Results:
    """Return a page of matches grouped by session; `after` is the `next` key of the previous page."""
    asked = match(filters.text or "")
    if asked is None:
        return Results((), 0, None)
    below = _key(after)
    made = _Search(source, asked, filters, thread_id, order, below)
    found = [made.matches(generation) for generation in range(len(_INDEXES))]
    limited = _MOST if order == "best" and any(len(keys) > _MOST for keys in found) else None
    left = (key for keys in found for key in keys[:_MOST] if below is None or key > below)
    best = nsmallest(PAGE + 1, left)
    hits = [hit for key in best[:PAGE] if (hit := _hit(source, asked, key)) is not None]
    return Results(
        groups=_grouped(source, hits),
        hits=len(hits),
        next=_written(best[PAGE - 1]) if len(best) > PAGE else None,
        limited=limited,
    )


def _hit(source: Source, asked: str, key: _Key) -> tuple[str, Hit] | None:
    name = ("hit_today", "hit_older")[key[1]]
    given = {"match": asked, "row": -key[2], "mark": MARK, "unmark": UNMARK}
    row = source.first(name, **given)
    if row is None:
        return None
    hit = Hit(
        turn_id=row["turn_id"],
        number=None,
        model=row["model"] or "",
        datetime_utc=row["datetime_utc"] or "",
        prompt=row["prompt"] or "",
        reply=row["reply"] or "",
    )
    return str(row["thread_id"]), hit


def _grouped(source: Source, hits: Iterable[tuple[str, Hit]]) -> tuple[Found, ...]:
    """Return hits by session, in the order of each session's first hit, with the number of each hit's exchange."""
    by_thread: dict[str, list[Hit]] = {}
    for thread_id, hit in hits:
        by_thread.setdefault(thread_id, []).append(hit)
    named = {row["thread_id"]: row for row in source.rows("titles", ids=ids(by_thread))}
    groups: list[Found] = []
    for thread_id, found in by_thread.items():
        numbers = numbering(source, thread_id)
        numbered = (replace(hit, number=numbers.number_of(hit.turn_id)) for hit in found)
        groups.append(Found(_line(named[thread_id], figures(source, thread_id, numbers)), tuple(numbered)))
    return tuple(groups)


def _line(row: Mapping[str, Any], figures: Figures) -> Line:
    return Line(row["thread_id"], row["name"], row["first_words"] or "", row["model"] or "", figures)


def _written(key: _Key) -> str:
    return f"{key[0]!r},{key[1]},{-key[2]}"


def _key(written: str | None) -> _Key | None:
    try:
        score, generation, row = (written or "").split(",")
        return float(score), int(generation), -int(row)
    except ValueError:
        return None
