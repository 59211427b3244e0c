"""Our full-text index: catching up with the log, and looking up words. `index_writing` is what writes into it.

Texts are indexed in passages without storing a copy: the text of a passage is read from llm's own tables.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ..model import SIDES
from ..rules.passages import reach, term
from . import beside, history
from .forks import lineage, unnamed_parents
from .index_writing import OF_FRAGMENTS, RULES, IndexWriting, Thread, batches, entry, unknown
from .log import Log
from .numbering import Numbering
from .schema import statement

_LATE = 64
"""A turn that was logged late is looked for among this many newest turns (ids are ordered by the start of a call)."""


class Scope(NamedTuple):
    """Passages in the index that belong to a session: those with a thread's number, up to the id `until` or all.

    `passages` is their number, or an estimate if they are not all of the thread's.
    """

    number: int
    passages: int
    until: int | None


class Index:
    """The index over prompts, what went with them, replies and tool results of both generations of llm's tables."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self._writing = IndexWriting(log, self.turn_texts)

    # -- catching up ---------------------------------------------------

    def catch_up(self, thread_id: str, turns: Numbering | None = None, seconds: float | None = None) -> int:
        """Index the new turns of a thread, oldest first, undone ones too. Return how many were missing.

        Those of the threads that a fork was forked from are indexed first. `turns` saves a query if they are already
        known. After about `seconds` the rest of a thread is left for the next time.
        """
        line = lineage(self.log, thread_id)
        if len(line) > 1:
            return sum(self.catch_up_own(one, seconds) for one, _ in line)
        if turns is None:
            turns = history.exchange_turns(self.log, thread_id)
        known = entry(self.log, thread_id)
        if known is not None and known.turns == turns.turn_count and known.rules == RULES:
            return 0
        turn_ids = [id_ for exchanges in (turns, turns.undone) for ids in exchanges for id_ in ids]
        return self._catch_up(thread_id, turn_ids, known, seconds)

    def catch_up_own(self, thread_id: str, seconds: float | None) -> int:
        """Index the turns that were logged in a thread, and nothing that it shares. Return how many were missing."""
        known = entry(self.log, thread_id)
        if self.is_current(thread_id, known):
            return 0
        return self._catch_up(thread_id, history.own_turns(self.log, thread_id), known, seconds)

    def is_current(self, thread_id: str, known: Thread | None = None) -> bool:
        """Return whether all turns that were logged in a thread are indexed. `known` saves a query."""
        known = known or entry(self.log, thread_id)
        return known is not None and known.rules == RULES and known.turns == history.own_count(self.log, thread_id)

    def _catch_up(self, thread_id: str, turn_ids: list[str], known: Thread | None, seconds: float | None) -> int:
        missing = sorted(turn_ids) if known is None else self._missing(sorted(turn_ids), known)
        there = beside.keys(self.log, missing)
        began, done = time.monotonic(), 0
        for batch in batches(missing, there):
            if done and seconds is not None and time.monotonic() - began > seconds:
                return done
            with self.log.writing():
                self._writing.add(thread_id, batch, there)
            done += len(batch)
        if known is not None and known.rules < RULES:
            completed = self._complete(thread_id, known, turn_ids, seconds)
            if completed is None:
                return done
            done += completed
        with self.log.writing():
            self._writing.set_count(thread_id, len(turn_ids))
        return done

    def _complete(self, thread_id: str, known: Thread, turn_ids: list[str], seconds: float | None) -> int | None:
        """Index what went with prompts of a thread that was indexed without. Return None if time is up before the end.

        The new passages have greater ids than those of later turns.
        """
        there = beside.keys(self.log, turn_ids)
        began, done = time.monotonic(), 0
        for batch in batches(beside.lacking(self.log, known.number, there), there):
            if done and seconds is not None and time.monotonic() - began > seconds:
                return None
            with self.log.writing():
                self._writing.complete(thread_id, known, batch, there)
            done += len(batch)
        with self.log.writing():
            self._writing.mark_completed(known)
        return done

    def catch_up_all(self, progress: Callable[[int, int], None] | None = None) -> int:
        """Index the new turns of all sessions, and of what they were forked from. Return their number.

        Calls `progress` with (sessions done, in all).
        """
        behind = [row["thread_id"] for row in self.log.rows(statement("behind"), {"rules": RULES})]
        if self.log.columns("responses"):
            behind += [row["thread_id"] for row in self.log.rows(statement("old_behind"), {"rules": RULES})]
        behind += [one for one in unnamed_parents(self.log) if not self.is_current(one)]
        done = 0
        for number, thread_id in enumerate(dict.fromkeys(behind), 1):
            done += self.catch_up_own(thread_id, None)
            if progress:
                progress(number, len(behind))
        return done

    def number_for(self, thread_id: str) -> int:
        """Return the number of a thread in the index, which it gets now if it has none. Call it within `writing()`."""
        return self._writing.joined(thread_id).number

    def _missing(self, turn_ids: list[str], known: Thread) -> list[str]:
        """Return the turns that are not indexed. Look among the newest first, where they nearly always are."""
        new = len(turn_ids) - known.turns
        newest = turn_ids[-(new + _LATE) :] if new > 0 else []
        missing = unknown(self.log, newest, known)
        return missing if len(missing) == new else unknown(self.log, turn_ids, known)

    # -- reading -------------------------------------------------------

    def scopes(self, thread_id: str, turns: Numbering | None = None) -> tuple[Scope, ...]:
        """Return where the passages of a session are: its own, and for a fork those that it shares; oldest first.

        `turns` saves a query if they are already known. A shared scope may hold a few passages of other turns: an
        exchange can be logged late.
        """
        if turns is None and len(lineage(self.log, thread_id)) > 1:
            turns = history.exchange_turns(self.log, thread_id)
        found: list[Scope] = []
        if turns is not None:
            first = 1
            for owner, last in turns.inherited:
                found += self._until(owner, turns, first, last)
                first = last + 1
        own = entry(self.log, thread_id)
        return (*found, Scope(own.number, own.passages, None)) if own else tuple(found)

    def _until(self, owner: str, turns: Numbering, first: int, last: int) -> list[Scope]:
        """Return the scope of the exchanges from number `first` to `last`, which a thread begins with.

        Passages have ids in the order of their turns, so the last exchanges have the greatest.
        """
        known = entry(self.log, owner)
        if known is None or last < first:
            return []
        ids = [id_ for number in range(max(first, last - _LATE + 1), last + 1) for id_ in turns.turns(number)]
        greatest = self.log.value(
            "select max(id) from memory_passages"
            " where turn_id in (select value from json_each(:ids)) and thread = :number",
            {"ids": json.dumps(ids), "number": known.number},
        )
        share = min(1.0, (last - first + 1) / max(known.turns, 1))
        return [] if greatest is None else [Scope(known.number, round(known.passages * share), greatest)]

    def size(self, scopes: Sequence[Scope]) -> int:
        """Return the number of passages of a session that have a text."""
        sql = (
            'select count(*) from memory_passages where thread = :number and "end" > "start"'
            " and (:until is null or id <= :until)"
        )
        return sum(int(self.log.value(sql, {"number": one.number, "until": one.until})) for one in scopes)

    def lookup(
        self, scopes: Sequence[Scope], words: Iterable[str], most: int, *, fragments: bool = True
    ) -> dict[str, list[int]]:
        """Return the ids of the passages of a session that contain each word, newest first.

        The words come from `passages.query_words`. If more than `most` passages contain a word, return the newest of
        them. Without `fragments`, those of texts that went with prompts are left out.
        """
        found: dict[str, list[int]] = {}
        for word in words if scopes else ():
            found[word] = []
            for scope in reversed(scopes):
                left = most - len(found[word])
                found[word] += self._found(scope, word, left, fragments=fragments) if left > 0 else ()
        return found

    def _found(self, scope: Scope, word: str, most: int, *, fragments: bool) -> list[int]:
        bound = "" if scope.until is None else " and rowid <= :until"
        sql = f"select rowid from memory_words where memory_words match :query{bound} order by rowid desc limit :most"  # noqa: S608  constants
        query = f'thread : "{scope.number}" AND {{text parts}} : ({term(word)})'
        if not fragments:
            query = f'({query}) NOT thread : "{OF_FRAGMENTS}"'
        return [id_ for (id_,) in self.log.tuples(sql, {"query": query, "until": scope.until, "most": most})]

    def ids_of(self, turn_ids: Iterable[str]) -> frozenset[int]:
        """Return the passages of turns. They don't always have the highest ids: an earlier turn may be logged late."""
        rows = self.log.rows(
            "select id from memory_passages where turn_id in (select value from json_each(:ids))",
            {"ids": json.dumps(list(turn_ids))},
        )
        return frozenset(row["id"] for row in rows)

    def known(self, turn_ids: Iterable[str]) -> frozenset[str]:
        """Return which of these turns are indexed."""
        sql = "select value from json_each(:ids) where exists (select 1 from memory_passages where turn_id = value)"
        if not self.log.columns("memory_passages"):
            return frozenset()
        return frozenset(id_ for (id_,) in self.log.tuples(sql, {"ids": json.dumps(list(turn_ids))}))

    def turns_of(self, passage_ids: Iterable[int]) -> dict[int, str]:
        """Return the turn of each passage."""
        return dict(
            self.log.tuples(
                "select id, turn_id from memory_passages where id in (select value from json_each(:ids))",
                {"ids": json.dumps(list(passage_ids))},
            )
        )

    def measures(
        self, turn_ids: Iterable[str], matched: Iterable[int] = ()
    ) -> list[tuple[int, str, int, int, int, float, float]]:
        """Return what ranking needs to know about the passages of turns, except the empty ones.

        Each is (id, turn, side, part, characters, weight, weight of the whole message); the order is undefined. Those
        of texts that went with prompts, which may be very many, are only returned if they are `matched`.
        """
        return self.log.tuples(
            'select id, turn_id, side, part, "end" - "start", weight, message_weight from memory_passages'
            ' where turn_id in (select value from json_each(:ids)) and "end" > "start"'
            " and (side <> :fragment or id in (select value from json_each(:matched)))",
            {
                "ids": json.dumps(list(turn_ids)),
                "matched": json.dumps(list(matched)),
                "fragment": beside.FRAGMENT,
            },
        )

    def rows(self, passage_ids: Iterable[int]) -> dict[int, dict[str, Any]]:
        """Return passages as rows of memory_passages, by id."""
        sql = "select * from memory_passages where id in (select value from json_each(:ids))"
        return {row["id"]: row for row in self.log.rows(sql, {"ids": json.dumps(list(passage_ids))})}

    def without_fragments(self, passage_ids: Iterable[int]) -> frozenset[int]:
        """Return which of these passages are not from texts that went with prompts."""
        return frozenset(id_ for id_, row in self.rows(passage_ids).items() if row["side"] != beside.FRAGMENT)

    def passages(self, turn_ids: Iterable[str]) -> list[dict[str, Any]]:
        """Return the passages of turns as rows of memory_passages, in order, except the empty ones."""
        return self.log.rows(
            'select * from memory_passages where turn_id in (select value from json_each(:ids)) and "end" > "start"'
            " order by turn_id, id",
            {"ids": json.dumps(list(turn_ids))},
        )

    def texts(self, passages: Iterable[Mapping[str, Any]], *, as_indexed: bool = False) -> dict[int, str]:
        """Return the texts of passages, by id, except those whose turn is gone.

        If `as_indexed`, a text goes on to where its words in the index do (see `passages.reach`).
        """
        rows = list(passages)
        beside_of = {row["turn_id"] for row in rows if row["side"] == beside.FRAGMENT}
        texts = self.turn_texts(list(dict.fromkeys(row["turn_id"] for row in rows)), fragments_of=beside_of)
        found: dict[int, str] = {}
        for row in rows:
            if row["turn_id"] in texts:
                text = texts[row["turn_id"]][row["side"]]
                found[row["id"]] = text[row["start"] : reach(text, row["end"]) if as_indexed else row["end"]]
        return found

    def dates(self, turn_ids: Iterable[str]) -> dict[str, str]:
        """Return the ISO times of turns, by id."""
        found: dict[str, str] = {}
        for table in ("turns", "responses"):
            if table == "turns" or self.log.columns(table):
                rows = self.log.rows(
                    f"select id, datetime_utc from {table} where id in (select value from json_each(:ids))",  # noqa: S608  constants
                    {"ids": json.dumps(list(turn_ids))},
                )
                found = {row["id"]: row["datetime_utc"] or "" for row in rows} | found
        return found

    def turn_texts(self, turn_ids: Sequence[str], *, fragments_of: Collection[str] = ()) -> dict[str, tuple[str, ...]]:
        """Return the texts of turns, one for each of SIDES; what went with their prompts only for `fragments_of`."""
        found: dict[str, tuple[str, ...]] = {}
        for name in ("turn_texts", "response_texts"):
            missing = [id_ for id_ in turn_ids if id_ not in found]
            if missing and (name == "turn_texts" or self.log.columns("responses")):
                for row in self.log.rows(statement(name), {"ids": json.dumps(missing)}):
                    found[row["turn_id"]] = (*(str(row[side]) for side in SIDES[: beside.FRAGMENT]), "")
        if fragments_of:
            for turn_id, texts in beside.went_with(self.log, fragments_of).items():
                if turn_id in found:
                    found[turn_id] = (*found[turn_id][: beside.FRAGMENT], beside.joined(texts))
        return found
