"""Read the list of sessions: named ones and unnamed conversations, from both generations of llm's tables."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge
from itertools import islice

from . import ranking
from .among import Among
from .cache import kept
from .entries import PAGE, TEXTS, Filters, Listing, Sort
from .facets import facets
from .moments import parsed_moment
from .older import older_log
from .selecting import of_model, of_tag, selected
from .source import Source, ids
from .threads import lines
from .usage import everything, models_called, usage

_LAST = "~"
"""Sorts after every id, because ids are letters and digits."""

_FEW = 100
"""Up to this many conversations are looked up at once; if there are more, the newest are walked through first."""

_WALKED = 2_000
"""How many conversations are walked through before those that filters select are looked up."""

_BASE32 = "0123456789abcdefghjkmnpqrstvwxyz"

Keyed = list[tuple[str, str]]
"""Pairs of key and conversation. The key continues the list after the conversation."""


def listing(  # noqa: PLR0913  the parts of a request
    source: Source,
    filters: Filters,
    *,
    sort: Sort = "used",
    descending: bool | None = None,
    after: str | None = None,
    count: int = PAGE,
) -> Listing:
    """Return a page of the list; `after` is the `next` key of the previous page.

    Without `descending`, names and models begin with A, and everything else with the newest or the most.
    """
    down = sort not in TEXTS if descending is None else descending
    asked = ("list", filters, sort, down, after, count)
    return kept(
        source, asked, lambda: _page(source, filters, sort, down, after, count), lambda page: len(page.lines) + 1
    )


def keys(source: Source, filters: Filters, *, sort: Sort, descending: bool, most: int) -> list[str]:
    """Return the ids of the first `most` conversations of a list, in its order."""
    reading = _Reading(source, filters)
    return [thread_id for _, thread_id in reading.sorted(sort, None, most, descending=descending)]


def _page(source: Source, filters: Filters, sort: Sort, descending: bool, after: str | None, count: int) -> Listing:  # noqa: FBT001, PLR0913  as above
    reading = _Reading(source, filters)
    keyed = reading.sorted(sort, after, count + 1, descending=descending)
    shown = keyed[:count]
    named, others = totals(source)
    archived = source.value("select count(archived_utc) from memory_sessions")
    return Listing(
        lines=lines(source, [thread_id for _, thread_id in shown]),
        next=shown[-1][0] if len(keyed) > count else None,
        named=named - archived,
        archived=archived,
        others=others,
        models=models_called(source),
        rated=bool(source.value("select 1 from memory_ratings limit 1")),
        tags=tags(source),
        projects=projects(source),
        matching=reading.chosen.count(everything(source)),
        facets=facets(source, filters, reading.beside),
    )


def tags(source: Source) -> tuple[str, ...]:
    """Return the tags of all sessions, each as it was first written."""
    found = source.query("select min(tag) as tag from memory_tags group by tag_key limit 200")
    return tuple(row["tag"] for row in found)


def totals(source: Source) -> tuple[int, int]:
    """Return the number of named sessions and the number of unnamed conversations."""
    named = source.value("select count(*) from memory_sessions")
    threads = source.value("select count(*) from threads")
    both = source.value(
        "select (select count(*) from memory_sessions s join threads t on t.id = s.thread_id)"
        " + (select count(*) from conversations c join threads t on t.id = c.id)"
    )
    return named, max(threads + len(older_log(source)) - both, 0)


class _Reading:
    """One reading of the list, with its log and what its filters select."""

    def __init__(self, source: Source, filters: Filters) -> None:
        self._source = source
        self._old = older_log(source)
        self.beside: Among = selected(source, filters)
        """What all filters but model and tag select."""
        self.chosen = self.beside
        """What all filters select."""
        if filters.model:
            self.chosen = self.chosen.narrowed(of_model(source, filters.model))
        if filters.tag:
            self.chosen = self.chosen.narrowed(of_tag(source, filters.tag))

    def sorted(self, by: Sort, after: str | None, count: int, *, descending: bool) -> Keyed:
        """Return (key, conversation) in an order."""
        if by == "used":
            return self._by_use(after, count, newest_first=descending)
        values = ranking.values(self._source, by, descending=descending)
        chosen = self.chosen.of(everything(self._source))
        wanted = {id_: value for id_, value in values.items() if id_ in chosen}
        return ranking.ranked(wanted, after, count, descending=descending)

    def _by_use(self, after: str | None, count: int, *, newest_first: bool) -> Keyed:
        """Return (key, conversation) by last use. The key is the id of the newest turn, response or attempt."""
        key = after or (_LAST if newest_first else "")
        attempted = dict(self._attempted())
        special = [(at, id_) for id_, at in attempted.items() if (at < key if newest_first else at > key)]
        there = usage(self._source).threads
        beyond = self._old.before(key) if newest_first else self._old.after(key)
        older = ((one.last_id, one.thread_id) for one in beyond if one.thread_id not in there)
        found = merge(
            sorted(((at, id_) for at, id_ in special), reverse=newest_first),
            ((at, id_) for at, id_ in self._today(key, newest_first=newest_first) if id_ not in attempted),
            ((at, id_) for at, id_ in older if id_ not in attempted),
            reverse=newest_first,
        )
        return list(islice((pair for pair in found if self.chosen.has(pair[1])), count))

    def _today(self, key: str, *, newest_first: bool) -> Iterator[tuple[str, str]]:
        """Yield (key, conversation) of today's tables: all, or if few are chosen, those."""
        only = self.chosen.only
        if only is None or len(only) > _FEW:
            walk = self._source.tuples("list_threads" if newest_first else "list_threads_up", after=key)
            if only is None:
                yield from walk
                return
            for pair in islice(walk, _WALKED):
                key = pair[0]
                yield pair
        found = self._source.tuples("list_among", only=ids(only - self.chosen.without))
        wanted = [(last, id_) for last, id_ in found if (last < key if newest_first else last > key)]
        yield from sorted(wanted, reverse=newest_first)

    def _attempted(self) -> Iterator[tuple[str, str]]:
        """Yield the sessions whose newest event is a failed attempt or their creation, each with its key."""
        for row in self._source.rows("list_attempted"):
            older = self._old.get(row["thread_id"])
            if older is None or (row["attempt_id"] or "") > older.last_id:
                yield row["thread_id"], row["attempt_id"] or f"{_as_id(row['created_utc'])}{row['thread_id']}"


def projects(source: Source) -> tuple[str, ...]:
    """Return the names of the projects, in order."""
    return tuple(row["name"] for row in source.query("select name from memory_projects order by name_key"))


def _as_id(utc: str) -> str:
    """Return the beginning of an id of that time: its milliseconds in 10 digits of base 32."""
    moment = parsed_moment(utc)
    if moment is None:
        return ""
    left, digits = max(int(moment.timestamp() * 1000), 0), ""
    for _ in range(10):
        left, digit = divmod(left, 32)
        digits = _BASE32[digit] + digits
    return digits
