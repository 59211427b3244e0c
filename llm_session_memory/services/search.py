"""Search sessions: from any text to exchanges, each with the passage that matched.

Brings the index up to date, queries it, and reads the passages that it names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import groupby
from typing import Any

from ..errors import LogUnusable, SessionError
from ..model import SIDES, Filters, Hit
from ..rules import search_terms
from ..store import Log, history
from ..store.finder import Finder, Found
from ..store.index import Index
from .desk import Desk

SNIPPET_CHARACTERS = 240

_SYNTAX = ("fts5", "no such column", "unterminated string", "expected integer", "unknown special query")
"""Parts of SQLite's messages about a query that is not valid FTS5 syntax."""


class Search:
    """Searches a log: `search("harbour office")`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def __call__(  # noqa: PLR0913  what a person can ask for, each on its own
        self,
        text: str,
        *,
        session: str | None = None,
        filters: Filters | None = None,
        count: int = 20,
        latest: bool = False,
        raw: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ) -> list[Hit]:
        """Return the exchanges that match a text.

        An exchange has to contain all the words; if none does, some of them. Phrases go in double quotes. Brings the
        index up to date first, which writes only to our own tables.

        Args:
            text: What to search for.
            session: The name of a session; None searches them all.
            filters: Which sessions and turns to search.
            count: The most exchanges to return.
            latest: Return the newest first, not the best.
            raw: Take `text` as FTS5's own syntax.
            progress: Gets the number of sessions indexed and the number in all.

        Raises:
            NoSuchSession: There is no session of that name.
            SessionError: The text is not valid FTS5 syntax.
        """
        log = self._desk.log
        thread_id = self._desk.session(session).thread_id if session is not None else None
        log.check_shape()
        log.migrate()
        index = Index(log)
        if thread_id is not None:
            index.catch_up(thread_id)
        else:
            index.catch_up_all(progress)
        finder = Finder(log, thread_id, filters or Filters(), latest=latest)
        query = search_terms.raw_query_of(text) if raw else search_terms.query_of(text)
        found = _raw(finder, query, count) if raw else _found(finder, query, count, latest=latest)
        return _hits(index, found, count, query.terms)


def _hits(index: Index, found: Iterable[Found], count: int, terms: tuple[str, ...]) -> list[Hit]:
    """Return the exchanges of the passages found, at most `count`, each once, with snippets."""
    exchanges = _Exchanges(index.log)
    hits: dict[str, Hit] = {}
    for one in found:
        hit = exchanges.hit(one)
        if hit is not None:
            hits.setdefault(hit.exchange_id, hit)
        if len(hits) == count:
            break
    return _with_snippets(index, list(hits.values()), exchanges.passages, terms)


def _raw(finder: Finder, query: search_terms.Query, count: int) -> list[Found]:
    if not query.all_of.strip():
        return []
    try:
        return finder.together(query.all_of, count)
    except LogUnusable as error:
        said = str(error.__cause__)
        if not any(words in said for words in _SYNTAX):
            raise
        message = f"The search is not valid FTS5 syntax ({said.removeprefix('fts5: ')})."
        raise SessionError(message, "To search for the words as they are, omit --raw.") from error


def _found(finder: Finder, query: search_terms.Query, count: int, *, latest: bool) -> Iterator[Found]:
    """Yield matches with all words (in one passage, then in several; or by time), else matches with some words."""
    if not query.all_of:
        return
    together = finder.together(query.all_of, count)
    apart: list[Found] = []
    if len(query.telling) > 1 and (latest or len(together) < count):
        known = {found.turn_id for found in together}
        apart = [found for found in finder.apart(query.telling, count) if found.turn_id not in known]
    both = [*together, *apart]
    if not both and query.any_of != query.all_of:
        both = finder.together(query.any_of, count)
    yield from sorted(both, key=lambda found: found.turn_id, reverse=True) if latest else both


class _Exchanges:
    """The exchanges that turns belong to. A thread is read when it is first needed."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.passages: dict[str, dict[str, Any]] = {}
        self._places: dict[str, dict[str, tuple[int, str]]] = {}

    def hit(self, found: Found) -> Hit | None:
        """Return a turn's exchange as a hit without its snippet, or None if the turn is gone."""
        if found.thread_id not in self._places:
            turns = history.exchange_turns(self.log, found.thread_id)
            self._places[found.thread_id] = {
                id_: (number, ids[0]) for number, ids in enumerate(turns, 1) for id_ in ids
            }
        place = self._places[found.thread_id].get(found.turn_id)
        if place is None:
            return None
        number, exchange_id = place
        self.passages.setdefault(exchange_id, found.passage or {"turn_id": found.turn_id})
        return Hit(
            session=found.session,
            thread_id=found.thread_id,
            number=number,
            exchange_id=exchange_id,
            model=found.model,
            datetime_utc=found.datetime_utc,
            score=found.score,
            side="",
            snippet="",
            marks=(),
        )


def _with_snippets(
    index: Index, hits: list[Hit], passages: Mapping[str, Mapping[str, Any]], terms: tuple[str, ...]
) -> list[Hit]:
    """Return hits with a snippet of the passage that matched, or of the one with most terms if several matched."""
    chosen = {hit.exchange_id: [passages[hit.exchange_id]] for hit in hits}
    apart = {rows[0]["turn_id"]: id_ for id_, rows in chosen.items() if "id" not in rows[0]}
    for turn_id, rows in groupby(index.passages(apart), key=lambda row: row["turn_id"]):
        chosen[apart[turn_id]] = list(rows)
    texts = index.texts(row for rows in chosen.values() for row in rows if "id" in row)
    return [_with_snippet(hit, chosen[hit.exchange_id], texts, terms) for hit in hits]


def _with_snippet(
    hit: Hit, passages: Iterable[Mapping[str, Any]], texts: Mapping[int, str], terms: tuple[str, ...]
) -> Hit:
    def held(row: Mapping[str, Any]) -> int:
        return sum(1 for term in terms if search_terms.spans(texts.get(row["id"], ""), [term]))

    best = max((row for row in passages if "id" in row), key=held, default=None)
    if best is None:
        return hit
    text, marks = search_terms.snippet(texts.get(best["id"], ""), terms, SNIPPET_CHARACTERS)
    return replace(hit, side=SIDES[best["side"]], snippet=text, marks=tuple(marks))
