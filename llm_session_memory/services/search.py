"""Search sessions: from any text to exchanges, each with the passage that matched.

Brings the index up to date, queries it, and reads the passages that it names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import groupby, islice
from typing import Any

from ..errors import LogUnusable, SessionError
from ..model import SIDES, Filters, Hit, Session
from ..rules import search_terms
from ..store import Log, history
from ..store.finder import Finder, FoundTurn, found_in
from ..store.forks import forks_of
from ..store.index import Index
from .desk import Desk
from .projects import Projects

SNIPPET_CHARACTERS = 240

_CHECKED = 200
"""How many exchanges with words so common that they may be others are checked."""

_READ_AT_ONCE = 200
"""How many turns are read at once if texts are read rather than looked up."""

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
        notice: Callable[[str], None] | None = None,
    ) -> list[Hit]:
        """Return the exchanges that match a text.

        An exchange has to contain all the words; if none does, some of them. Those with longer words that begin with
        the words come after those with the words. Phrases go in double quotes. Brings the index up to date first, which
        writes only to our own tables; a log that can't be written to is read through.

        Args:
            text: What to search for.
            session: The name of a session; None searches them all.
            filters: Which sessions and turns to search.
            count: The most exchanges to return.
            latest: Return the newest first, not the best.
            raw: Take `text` as FTS5's own syntax.
            progress: Gets the number of sessions indexed and the number in all.
            notice: Gets a sentence if the index could not be brought up to date.

        Raises:
            NoSuchSession: There is no session or no project of that name.
            SessionError: The text is not valid FTS5 syntax.
        """
        log = self._desk.log
        searched = self._desk.session(session) if session is not None else None
        thread_id = searched.thread_id if searched else None
        Projects(self._desk).check(filters)
        log.check_shape()
        query = search_terms.raw_query_of(text) if raw else search_terms.query_of(text)
        if not log.has_sessions() or not (query.exact.all_of.strip() or query.signs):
            return []
        behind = self._behind(thread_id, progress)
        finder = Finder.within(log, thread_id, filters or Filters(), latest=latest)
        found: list[FoundTurn] = []
        if not query.signs and "parts" in log.columns("memory_words"):
            found = _raw(finder, query, count) if raw else list(found_in(finder, query, count))
        if raw:
            if behind:
                raise behind
        elif behind or query.signs:
            unread = finder.turns_to_read(everything=bool(query.signs))
            if behind and unread and notice:
                notice(f"{behind.message} Calls not in the search index were searched one by one: {len(unread):,}.")
            found += _read(Index(log), unread, query, count)
            if latest:
                found.sort(key=lambda one: one.turn_id, reverse=True)
        marker = search_terms.Marker(query.words, query.signs)
        hits = _hits(Index(log), _Exchanges(log, searched), found, count, marker)
        if hits or raw or behind or query.loosest == query.loose:
            return hits
        found = finder.together(query.loosest.all_of, _CHECKED)
        return [hit for hit in _hits(Index(log), _Exchanges(log, searched), found, _CHECKED, marker) if hit.marks][
            :count
        ]

    def _behind(self, thread_id: str | None, progress: Callable[[int, int], None] | None) -> LogUnusable | None:
        """Bring the index up to date. Return why it could not be: the log is read-only, full or locked."""
        index = Index(self._desk.log)
        try:
            self._desk.log.migrate()
            if thread_id is not None:
                index.catch_up(thread_id)
            else:
                index.catch_up_all(progress)
        except LogUnusable as error:
            return error
        return None


def _read(index: Index, unread: Iterable[FoundTurn], query: search_terms.TypedQuery, count: int) -> Iterator[FoundTurn]:
    """Yield the turns whose texts hold all words and signs of a query, at most `count`, in the order that they came."""
    marker = search_terms.Marker(query.words, query.signs)
    wanted = iter(unread)
    while count > 0 and (some := list(islice(wanted, _READ_AT_ONCE))):
        texts = index.turn_texts([one.turn_id for one in some])
        for one in some:
            if count > 0 and marker.all_in(texts.get(one.turn_id, ())):
                count -= 1
                yield one


def _hits(
    index: Index, exchanges: _Exchanges, found: Iterable[FoundTurn], count: int, marker: search_terms.Marker
) -> list[Hit]:
    """Return the exchanges of the passages found, at most `count`, each once, with snippets."""
    hits: dict[str, Hit] = {}
    for one in found:
        hit = exchanges.hit(one)
        if hit is not None:
            hits.setdefault(hit.exchange_id, hit)
        if len(hits) == count:
            break
    return _with_snippets(index, list(hits.values()), exchanges.passages, marker)


def _raw(finder: Finder, query: search_terms.TypedQuery, count: int) -> list[FoundTurn]:
    try:
        return finder.together(query.exact.all_of, count)
    except LogUnusable as error:
        said = str(error.__cause__)
        if not any(words in said for words in _SYNTAX):
            raise
        message = f"The search is not valid FTS5 syntax ({said.removeprefix('fts5: ')})."
        raise SessionError(message, "To search for the words as they are, omit --raw.") from error


class _Exchanges:
    """The exchanges that turns belong to. A thread is read when it is first needed.

    If one session is searched, they are its exchanges, though it may share them with others. Otherwise they are those
    of the session in which they were logged; if it has no name or no longer has them, those of a fork.
    """

    def __init__(self, log: Log, session: Session | None) -> None:
        self.log = log
        self.session = session
        self.passages: dict[str, dict[str, Any]] = {}
        self._places: dict[str, dict[str, tuple[int, str]]] = {}
        self._forks: dict[str, list[tuple[str, str]]] = {}

    def hit(self, found: FoundTurn) -> Hit | None:
        """Return a turn's exchange as a hit without its snippet, or None if the turn is gone."""
        for thread_id, name in self._having(found):
            place = self._places_in(thread_id).get(found.turn_id)
            if place is None:
                continue
            number, exchange_id = place
            self.passages.setdefault(exchange_id, found.passage or {"turn_id": found.turn_id})
            return Hit(
                session=name,
                thread_id=thread_id,
                number=number,
                exchange_id=exchange_id,
                model=found.model,
                datetime_utc=found.datetime_utc,
                score=found.score,
                side="",
                snippet="",
                marks=(),
            )
        return None

    def _having(self, found: FoundTurn) -> Iterator[tuple[str, str]]:
        """Yield the thread and the name of the sessions that may have a turn."""
        if self.session is not None:
            yield self.session.thread_id, self.session.name
            return
        if found.session:
            yield found.thread_id, found.session
        if found.thread_id not in self._forks:
            self._forks[found.thread_id] = forks_of(self.log, found.thread_id)
        yield from self._forks[found.thread_id]

    def _places_in(self, thread_id: str) -> dict[str, tuple[int, str]]:
        if thread_id not in self._places:
            turns = history.exchange_turns(self.log, thread_id)
            self._places[thread_id] = {id_: (number, ids[0]) for number, ids in enumerate(turns, 1) for id_ in ids}
        return self._places[thread_id]


def _with_snippets(
    index: Index, hits: list[Hit], passages: Mapping[str, Mapping[str, Any]], marker: search_terms.Marker
) -> list[Hit]:
    """Return hits with a snippet of the passage that matched, or of the one with most terms if several matched."""
    chosen = {hit.exchange_id: [passages[hit.exchange_id]] for hit in hits}
    apart = {rows[0]["turn_id"]: id_ for id_, rows in chosen.items() if "id" not in rows[0]}
    for turn_id, found in groupby(index.passages(apart), key=lambda row: row["turn_id"]):
        chosen[apart[turn_id]] = list(found)
    unindexed = [row["turn_id"] for rows in chosen.values() for row in rows if "id" not in row]
    texts = index.texts((row for rows in chosen.values() for row in rows if "id" in row), as_indexed=True)
    whole = index.turn_texts(unindexed)
    snippets: list[Hit] = []
    for hit in hits:
        rows = chosen[hit.exchange_id]
        sides = [(row["side"], texts.get(row["id"], "")) for row in rows if "id" in row]
        snippets.append(with_snippet(hit, sides or list(enumerate(whole.get(rows[0]["turn_id"], ()))), marker))
    return snippets


def with_snippet(hit: Hit, sides: Iterable[tuple[int, str]], marker: search_terms.Marker) -> Hit:
    """Return a hit with a snippet of the text that holds most of what was asked for. Each text has its side."""
    best = max(sides, key=lambda text: marker.held(text[1]), default=None)
    if best is None:
        return hit
    text, marks = search_terms.snippet(best[1], marker, SNIPPET_CHARACTERS)
    return replace(hit, side=SIDES[best[0]], snippet=text, marks=tuple(marks))
