"""Finding passages and turns of all sessions by words, in the index. Nothing here writes."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..model import MARKS, RATED, Filters
from ..rules.search_terms import Lookup, TypedQuery
from . import history, projects
from .forks import all_parents, lineage, unnamed_parents
from .index_writing import LEAST_RULES
from .log import Log
from .notes import Notes
from .ratings import Ratings
from .schema import statement
from .undone import threads_with_undone

_FIRST = 2_000
"""How many passages are examined first: the best by words alone, or the newest in the index, which is ordered by time
except for imports and for conversations named later. Only if those are not enough, all are examined, because a
common word has many."""

_FIRST_BY_TIME = 20_000

_MOST = 20_000
"""The most turns that are found."""

_FEW = 50
"""Up to this many sessions are named one by one in a query for the index."""


@dataclass(frozen=True)
class FoundTurn:
    """A turn that was found, and its session. `passage` is its best passage, if one is known.

    A higher score is better.
    """

    turn_id: str
    thread_id: str
    session: str
    model: str
    datetime_utc: str
    score: float
    passage: dict[str, Any] | None


class Readable(Protocol):
    """What a finder needs of a log: to be read."""

    def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Return all rows as dictionaries."""

    def value(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """Return the first value of the first row, or None."""

    def columns(self, table: str) -> frozenset[str]:
        """Return the names of a table's columns, or an empty set if there is no such table."""


class Finder:
    """Finds turns within some sessions: those of `threads`, or all.

    `turns` limits it to these turns if the filter is for exchanges with a rating, otherwise to all others. `shared` are
    threads without a name that are searched too, because forks have exchanges of them.
    """

    def __init__(  # noqa: PLR0913  what is searched, each on its own
        self,
        log: Readable,
        filters: Filters,
        *,
        latest: bool,
        threads: Sequence[str] | None = None,
        turns: Sequence[str] | None = None,
        shared: Sequence[str] = (),
    ) -> None:
        self.log = log
        self.filters = filters
        self.latest = latest
        self.threads = threads
        self.turns = turns
        self.shared = shared
        self.numbers: list[int] | None = None
        if threads is not None and len(threads) <= _FEW:
            rows = log.rows(
                "select number from memory_index where thread_id in (select value from json_each(:ids))",
                {"ids": json.dumps(list(threads))},
            )
            self.numbers = [row["number"] for row in rows]

    @classmethod
    def within(cls, log: Log, thread_id: str | None, filters: Filters, *, latest: bool) -> Finder:
        """Return a finder for one session, for the sessions that match the filters, or for all."""
        threads = Notes(log).threads(filters.tags, filters.meta)
        kept = projects.threads(log, filters)
        if kept is not None:
            threads = [one for one in threads if one in kept] if threads is not None else sorted(kept)
        if thread_id is not None:
            threads = [thread_id] if threads is None or thread_id in threads else []
        turns: list[str] = []
        if filters.rated is not None:
            rated = Ratings(log).rated(RATED[filters.rated] or MARKS)
            if filters.rated != "none":
                threads = [thread_id for thread_id in rated if threads is None or thread_id in threads]
            turns = _turns_of(log, rated, threads)
        line = [one for one, _ in lineage(log, thread_id)] if thread_id is not None else []
        if filters.rated in (None, "none"):
            turns += _elsewhere(log, line) if len(line) > 1 else _undone(log, threads)
        if len(line) > 1 and threads:
            threads = line
        return cls(
            log,
            filters,
            latest=latest,
            threads=threads,
            turns=turns if turns or filters.rated else None,
            shared=line if thread_id is not None else unnamed_parents(log),
        )

    def together(self, match: str, count: int) -> list[FoundTurn]:
        """Return turns in which one passage matches FTS5 syntax: `count` of them, or more."""
        if self._nowhere():
            return []
        rows: list[dict[str, Any]] = []
        for candidates in (_FIRST_BY_TIME if self.latest else _FIRST, -1):
            asked = {"match": self._scoped(match), "candidates": candidates}
            rows = self.log.rows(statement("search"), asked | self._narrowed())
            if len(rows) >= count or (rows and rows[0]["candidates"] < candidates):
                break
        return self._found(rows)

    def apart(self, expressions: Sequence[str], count: int) -> list[FoundTurn]:
        """Return at most `count` turns that contain all of several terms, in one passage or in several."""
        if self._nowhere():
            return []
        terms = [self._scoped(expression) for expression in expressions]
        sizes = {term: self._size(term) for term in terms}
        rarest = min(terms, key=lambda term: sizes[term])
        if not sizes[rarest]:
            return []
        asked = {"terms": json.dumps(terms), "rarest": rarest, "count": count}
        return self._found(self.log.rows(statement("search_apart"), self._narrowed() | asked))

    def turns_to_read(self, *, everything: bool) -> list[FoundTurn]:
        """Return the turns that the index lacks, or `everything` that may be found, newest first."""
        asked = self._narrowed() | {"everything": int(everything), "rules": LEAST_RULES}
        rows = self.log.rows(statement("search_turns"), asked)
        if self.log.columns("responses"):
            rows += self.log.rows(statement("search_responses"), asked)
            rows.sort(key=lambda row: str(row["turn_id"]), reverse=True)
        return self._found(row | {"score": 0.0} for row in rows)

    def _size(self, match: str) -> int:
        return int(
            self.log.value("select count(*) from memory_words where memory_words match :match", {"match": match})
        )

    def _nowhere(self) -> bool:
        return self.numbers == []

    def _scoped(self, match: str) -> str:
        """Return a query limited to texts and, if only a few sessions are searched, to those sessions."""
        texts = f"{{text parts}} : ({match})"
        if not self.numbers:
            return texts
        threads = " OR ".join(f'"{number}"' for number in self.numbers)
        return f"thread : ({threads}) AND {texts}"

    def _narrowed(self) -> dict[str, Any]:
        return {
            "threads": None if self.threads is None else json.dumps(list(self.threads)),
            "shared": json.dumps(list(self.shared)),
            "model": self.filters.model,
            "called": self.filters.called,
            "since": self.filters.since,
            "until": self.filters.until,
            "turns": None if self.turns is None else json.dumps(list(self.turns)),
            "among": int(self.filters.rated not in (None, "none")),
            "latest": int(self.latest),
            "count": _MOST,
        }

    def _found(self, rows: Iterable[dict[str, Any]]) -> list[FoundTurn]:
        rows = list(rows)
        old = self._old([row["turn_id"] for row in rows if row["datetime_utc"] is None])
        found = []
        for row in rows:
            if row["datetime_utc"] is None:
                if row["turn_id"] not in old:
                    continue
                row.update(old[row["turn_id"]])
            passage = {name: row[name] for name in ("id", "turn_id", "side", "start", "end")} if "id" in row else None
            found.append(
                FoundTurn(
                    turn_id=row["turn_id"],
                    thread_id=row["thread_id"],
                    session=row["name"] or "",
                    model=row["model"] or "",
                    datetime_utc=row["datetime_utc"] or "",
                    score=-row["score"],
                    passage=passage,
                )
            )
        return found

    def _old(self, turn_ids: list[str]) -> dict[str, dict[str, Any]]:
        """Return the model and time of calls that only an older llm logged and that match the filters."""
        if not turn_ids or not self.log.columns("responses"):
            return {}
        asked = {
            name: value for name, value in self._narrowed().items() if name in ("model", "called", "since", "until")
        }
        rows = self.log.rows(statement("found_old_calls"), asked | {"ids": json.dumps(turn_ids)})
        return {row["id"]: {"model": row["model"], "datetime_utc": row["datetime_utc"]} for row in rows}


def _turns_of(log: Log, rated: Mapping[str, Collection[str]], threads: Collection[str] | None) -> list[str]:
    """Return all turns of exchanges, given their first turns."""
    return [
        turn_id
        for thread_id, firsts in rated.items()
        if threads is None or thread_id in threads
        for turn_ids in history.exchange_turns(log, thread_id)
        if turn_ids[0] in firsts
        for turn_id in turn_ids
    ]


def _elsewhere(log: Log, line: Sequence[str]) -> list[str]:
    """Return the turns of a fork's lineage (oldest thread first) that are not in the fork's history."""
    within = {id_ for ids in history.exchange_turns(log, line[-1]) for id_ in ids}
    return [id_ for one in line for id_ in history.own_turns(log, one) if id_ not in within]


def _undone(log: Log, threads: Collection[str] | None) -> list[str]:
    """Return the turns that were undone, except those of threads with forks, which may still have them."""
    parents = all_parents(log)
    undone = [one for one in threads_with_undone(log) if one not in parents and (threads is None or one in threads)]
    return history.undone_turns(log, undone)


def found_in(finder: Finder, query: TypedQuery, count: int, *, some: bool = True) -> Iterator[FoundTurn]:
    """Yield matches, each turn once: first those with the words typed, then those with longer words, or all by time.

    Each has all the words (in one passage, then in several). If there is none and `some` will do, they have some of
    them.
    """
    found: dict[str, FoundTurn] = {}
    for asked in (query.loose,) if finder.latest else (query.exact, query.loose):
        for one in _with_all(finder, asked, count):
            found.setdefault(one.turn_id, one)
        if len(found) >= count:
            break
    if some and not found and query.exact.any_of != query.exact.all_of:
        found = {one.turn_id: one for one in finder.together(query.exact.any_of, count)}
    both = found.values()
    yield from sorted(both, key=lambda found: found.turn_id, reverse=True) if finder.latest else both


def _with_all(finder: Finder, asked: Lookup, count: int) -> Iterator[FoundTurn]:
    together = finder.together(asked.all_of, count)
    yield from together
    if len(asked.telling) > 1 and (finder.latest or len(together) < count):
        yield from finder.apart(asked.telling, count)
