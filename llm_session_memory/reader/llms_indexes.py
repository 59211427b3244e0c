"""Llm's own full-text indexes, of both generations: they hold texts that our index doesn't, and find whole words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from ..rules import names
from ..rules.dates import day_after
from ..store.index_writing import LEAST_RULES
from .among import Among, of_sessions
from .entries import MARK, MARKS, RATED, UNMARK, Filters, Hit
from .held import elsewhere, in_no_history, line_of
from .numbering import turns_of
from .older import older_log
from .source import Source, ids

Order = Literal["best", "newest"]

MOST_RANKED = 20_000
"""The most matches that are ranked; if there are more, the newest ones. Ranking 500,000 would take seconds."""

INDEXES = ("turn_search_fts", "responses_fts")
"""llm's own indexes: today's, and the one of an older llm."""

_STATEMENTS = (("search_today", "search_today_filtered"), ("search_older", "search_older_filtered"))
"""The statements for each index: one without filters and one with filters."""

_END = 2**62

Key = tuple[float, int, int]
"""Score (0 if newest first), generation (0 today's, 1 older), and the negated row in that generation's index."""


@dataclass(frozen=True)
class LlmsIndexes:
    """A search in llm's own indexes: the FTS5 query, its filters and order, and if what ours has is left out."""

    source: Source
    asked: str
    filters: Filters
    thread_id: str | None
    order: Order
    indexed: bool

    def matches(self, generation: int, most: int) -> list[Key]:
        """Return the keys of at most `most` matches in one generation's index, newest first."""
        if INDEXES[generation] not in self.source.tables:
            return []
        given: dict[str, Any] = {"match": self.asked, "ranked": self.order == "best", "below": _END, "most": most}
        filtered = self.filters != Filters(text=self.filters.text)
        narrowed = self.indexed or self.thread_id is not None or filtered or self.turns is not None
        if narrowed:
            given |= self.narrowed | self._rows(generation)
        name = _STATEMENTS[generation][narrowed]
        return [(row[1] or 0.0, generation, -row[0]) for row in self.source.tuples(name, **given)]

    @cached_property
    def line(self) -> tuple[str, ...]:
        """The thread that is searched and those it was forked from, oldest first; nothing if all are searched."""
        return line_of(self.source, self.thread_id)

    @cached_property
    def narrowed(self) -> dict[str, Any]:
        """The parameters of the filters."""
        filters, among = self.filters, of_sessions(self.source, self.filters)
        fork = len(self.line) > 1
        if fork:  # its exchanges are in several threads, and only its own has its tags and its project
            among = Among(frozenset(self.line) if among.has(self.line[-1]) else frozenset())
        return {
            "thread_id": None if fork else self.thread_id,
            "line": ids(self.line) if self.line else None,
            "model": filters.model,
            "tag": names.key(filters.tag) if filters.tag and not fork else None,
            "since": filters.since,
            "until": day_after(filters.until),
            "named": filters.named and not fork,
            "turns": None if self.turns is None else ids(self.turns),
            "among": filters.rated in RATED and filters.rated != "none",
            "indexed": self.indexed,
            **among.parameters(),
            "rules": LEAST_RULES,
        }

    def _rows(self, generation: int) -> dict[str, int]:
        low, high = self._span(generation)
        return {"above": low, "below": high + 1}

    @cached_property
    def turns(self) -> list[str] | None:
        """The turns of exchanges with the wanted rating. Without such a filter, those to leave out, or None if none.

        What is in no history, or not in that of the session that is searched, is left out and, if exchanges without a
        rating are wanted, what has one.
        """
        asked = self.filters.rated
        undone: list[str] = []
        if asked not in RATED or asked == "none":
            undone = in_no_history(self.source) if self.thread_id is None else elsewhere(self.source, self.thread_id)
        if asked not in RATED:
            return undone or None
        sql = "select thread_id, turn_id from memory_ratings where mark in (select value from json_each(:marks))"
        exchanges: dict[str, list[str]] = {}
        for row in self.source.query(sql, marks=ids(RATED[asked] or MARKS)):
            if self.thread_id in (None, row["thread_id"]):
                exchanges.setdefault(row["thread_id"], []).append(row["turn_id"])
        return turns_of(self.source, exchanges) + undone

    def _span(self, generation: int) -> tuple[int, int]:
        """Return the first and last row of the thread's texts in an index."""
        if self.thread_id is None or len(self.line) > 1:
            return 0, _END
        if generation == 1:
            older = older_log(self.source).get(self.thread_id)
            return (older.first_row, older.last_row) if older else (0, -1)
        found = self.source.first("search_span", thread_id=self.thread_id) or {}
        return (found["first_row"], found["last_row"]) if found.get("first_row") is not None else (0, -1)

    def hit(self, key: Key) -> tuple[str, Hit] | None:
        """Return a match's thread and the match, or None if the other index holds it as well."""
        name = ("hit_today", "hit_older")[key[1]]
        row = self.source.first(name, match=self.asked, row=-key[2], mark=MARK, unmark=UNMARK)
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
