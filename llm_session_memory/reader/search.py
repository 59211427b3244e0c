"""Search for the pages: in our index, in llm's own for what ours lacks, and in the newest texts that ours lacks.

All of it works without our llm plugin. Our index is searched exactly as `llm sessions search` searches it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from heapq import merge, nsmallest
from itertools import chain
from typing import Any

from .. import model
from ..rules.dates import day_after
from ..rules.search_terms import TypedQuery, match, query_of
from ..store.finder import Finder, FoundTurn, found_in
from ..store.index_writing import LEAST_RULES
from .among import Among, of_sessions
from .entries import PAGE, Filters, Hit, Results
from .held import Numberings, line_of, unnamed_parents
from .hits import Shown, grouped
from .llms_indexes import INDEXES, MOST_RANKED, Key, LlmsIndexes, Order
from .selecting import of_tag
from .source import Source, ids
from .tables import COLUMNS

_LLMS = frozenset({"turn_search", "turn_search_fts"})
"""Tables that a visitor must be allowed to see: who may not search them does not find their texts in another way."""

_OURS = _LLMS | {"memory_words", "memory_passages", "memory_index", "memory_sessions"}

_NEWEST, _READ = 2_000, 300
"""Among this many of the newest turns, at most this many that our index lacks are read one by one."""

_Match = tuple[str, str, FoundTurn | Hit]
"""The thread and the turn of a match, and what was found: a turn whose texts are not read yet, or all that is shown."""


def search(
    source: Source,
    filters: Filters,
    *,
    thread_id: str | None = None,
    order: Order = "best",
    after: str | None = None,
) -> Results:
    """Return a page of matches grouped by session, each exchange once; `after` is the `next` key of the page before."""
    query = query_of(filters.text or "")
    if not query.words and not query.signs:
        return Results((), 0, None)
    start = int(after) if after and after.isascii() and after.isdigit() else 0
    made = _Search(source, filters, thread_id, order, query, start + PAGE + 1)
    seen: set[tuple[str, int | str]] = set()
    page: list[tuple[str, int | None, FoundTurn | Hit]] = []
    for thread, turn_id, one in made.matches():
        thread, number = made.place(thread, turn_id)  # noqa: PLW2901  a fork's, if that is where it is found
        if (thread, number or turn_id) in seen:
            continue
        seen.add((thread, number or turn_id))
        if len(seen) > start + PAGE:
            break
        if len(seen) > start:
            page.append((thread, number, one))
    hits = made.shown.hits([one for _, _, one in page])
    shown = [(thread, replace(hit, number=number)) for (thread, number, _), hit in zip(page, hits, strict=True)]
    return Results(
        groups=grouped(source, shown, {thread: made.numbers.of(thread) for thread, _ in shown}),
        hits=len(page),
        next=str(start + PAGE) if len(seen) > start + PAGE else None,
        limited=made.limited,
        llms_index=made.llms_index,
    )


@dataclass
class _Search:
    """One search for the first `wanted` exchanges. `limited` is as in Results, once the matches were taken."""

    source: Source
    filters: Filters
    thread_id: str | None
    order: Order
    query: TypedQuery
    wanted: int
    limited: int | None = None

    def matches(self) -> Iterator[_Match]:
        """Yield the matches: newest first; or those of our index, then those of llm's, each best first.

        If no exchange has all the words, those in our index that have some of them.
        """
        sources = (self._ours(), self._llms(), self._read())
        if self.order == "newest":
            found: Iterable[_Match] = merge(*sources, key=lambda one: one[1], reverse=True)
        else:
            found = chain.from_iterable(sources)
        empty = True
        for one in found:
            empty = False
            yield one
        if empty:
            yield from self._some()

    def place(self, thread_id: str, turn_id: str) -> tuple[str, int | None]:
        """Return the session that a match is shown in, and its number there: the one that is searched, or its own."""
        if self.thread_id is not None:
            return self.thread_id, self.numbers.number(self.thread_id, turn_id)
        return self.numbers.holder(thread_id, turn_id)

    @cached_property
    def numbers(self) -> Numberings:
        """The numbers of the exchanges."""
        return Numberings(self.source)

    @cached_property
    def shown(self) -> Shown:
        """What is shown of the matches."""
        return Shown(self.source, self.query)

    @cached_property
    def line(self) -> tuple[str, ...]:
        """The thread that is searched and those it was forked from, oldest first; nothing if all are searched."""
        return line_of(self.source, self.thread_id)

    @property
    def _line_given(self) -> str | None:
        return ids(self.line) if self.line else None

    @cached_property
    def among(self) -> Among:
        """The threads of the project, template and archive that the filters name."""
        return of_sessions(self.source, self.filters)

    # -- our index -----------------------------------------------------

    @cached_property
    def finder(self) -> Finder | None:
        """What searches our index, if the log has one that today's rules made and the visitor may see it."""
        tables = self.source.tables
        if not tables >= _OURS or "memory_words without parts" in tables:
            return None
        filters = model.Filters(model=self.filters.model, since=self.filters.since)
        filters = replace(filters, until=day_after(self.filters.until), rated=self.filters.rated)
        line = self.line
        threads = [*line] or None
        if self.filters.tag:
            tagged = of_tag(self.source, self.filters.tag)
            threads = [one for one in (tagged if threads is None else threads) if one in tagged]
        if self.among.only is not None:
            threads = [*filter(self.among.has, self.among.only if threads is None else threads)]
        if len(line) > 1 and threads:  # as the fork, so what it shares
            threads = [*line] if line[-1] in threads else []
        latest = self.order == "newest"
        shared = line or unnamed_parents(self.source)
        given: dict[str, Any] = {"threads": threads, "turns": self.llms.turns, "shared": shared}
        return Finder(_Readable(self.source), filters, latest=latest, **given)

    def _ours(self) -> Iterator[_Match]:
        """Yield the matches in our index that have all the words."""
        if self.finder is None or not self.query.words:
            return
        known: set[str] = set()
        count = 2 * self.wanted  # an exchange of several calls may be found more than once
        while True:
            found = list(found_in(self.finder, self.query, count, some=False))
            yield from (self._match(one) for one in found if one.turn_id not in known and self.among.has(one.thread_id))
            if self.order == "newest" or len(found) < count or known >= {one.turn_id for one in found}:
                return
            known |= {one.turn_id for one in found}
            count *= 2

    def _some(self) -> Iterator[_Match]:
        if self.finder is None or self.query.exact.any_of == self.query.exact.all_of:
            return
        found = self.finder.together(self.query.exact.any_of, self.wanted)
        yield from (self._match(one) for one in found if self.among.has(one.thread_id))

    def _match(self, found: FoundTurn) -> _Match:
        return found.thread_id, found.turn_id, found

    # -- llm's indexes -------------------------------------------------

    @cached_property
    def llms(self) -> LlmsIndexes:
        """Llm's own indexes."""
        asked = match(self.filters.text or "") or '""'
        return LlmsIndexes(self.source, asked, self.filters, self.thread_id, self.order, self.covered > 0)

    @cached_property
    def covered(self) -> int:
        """How many turns our index holds, of the thread or of all."""
        if not self.source.tables >= _OURS or "memory_words without parts" in self.source.tables:
            return 0
        sql = (
            "select coalesce(sum(turns), 0) from memory_index where rules >= :rules"
            " and (:line is null or thread_id in (select value from json_each(:line)))"
        )
        return int(self.source.value(sql, rules=LEAST_RULES, line=self._line_given))

    @cached_property
    def uncovered(self) -> int:
        """How many turns our index lacks."""
        of_threads = "where thread_id in (select value from json_each(:line))" if self.line else ""
        today = self.source.value(f"select count(*) from turns {of_threads}", line=self._line_given)  # noqa: S608  constants
        older = self.source.value(
            "select count(*) from responses r"
            " where (:line is null or r.conversation_id in (select value from json_each(:line)))"
            " and not exists (select 1 from turns t where t.id = r.id)",
            line=self._line_given,
        )
        return max(0, int(today) + int(older) - self.covered)

    @property
    def llms_index(self) -> bool:
        """Whether some texts were looked for in llm's own index only."""
        return self.uncovered > len(self._unindexed)

    def _llms(self) -> Iterator[_Match]:
        if match(self.filters.text or "") is None or not self.uncovered:
            return
        best = self.order == "best"
        most = MOST_RANKED + 1 if best else self.wanted
        found = [self.llms.matches(generation, most) for generation in range(len(INDEXES))]
        self.limited = MOST_RANKED if best and any(len(keys) > MOST_RANKED for keys in found) else None
        keys: list[Key] = nsmallest(self.wanted, (key for keys in found for key in keys[:MOST_RANKED]))
        for key in keys if best else chain.from_iterable(found):
            one = self.llms.hit(key)
            if one is not None:
                thread_id, hit = one
                yield thread_id, hit.turn_id, hit

    # -- texts that no index of ours holds -----------------------------

    @cached_property
    def _unindexed(self) -> list[dict[str, Any]]:
        """The newest turns that our index lacks; for a query of signs, which no index holds, all of the newest."""
        if not self.source.tables >= _LLMS:
            return []
        given = self.llms.narrowed | {"newest": _NEWEST, "most": _READ, "everything": 0}
        if self.query.signs:
            given |= {"most": _NEWEST, "everything": 1}
        elif not self.uncovered:
            return []
        return self.source.rows("unindexed", **given)

    def _read(self) -> Iterator[_Match]:
        texts = self.shown.texts([row["turn_id"] for row in self._unindexed])
        for row in self._unindexed:
            if self.shown.marker.all_in(texts.get(row["turn_id"], ())):
                yield self._match(_unscored(row))


class _Readable:
    """A log as the store's finder reads it."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Return all rows as dictionaries."""
        return self.source.query(sql, **dict(parameters or {}))

    def value(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """Return the first value of the first row, or None."""
        return self.source.value(sql, **dict(parameters or {}))

    def columns(self, table: str) -> frozenset[str]:
        """Return the names of a table's columns, or an empty set if there is no such table."""
        return frozenset(COLUMNS[table].split()) if table in self.source.tables else frozenset()


def _unscored(row: Mapping[str, Any]) -> FoundTurn:
    return FoundTurn(
        turn_id=row["turn_id"],
        thread_id=row["thread_id"],
        session="",
        model=row["model"] or "",
        datetime_utc=row["datetime_utc"] or "",
        score=0.0,
        passage=None,
    )
