"""Our full-text index: catching up with the log, and looking up words.

Texts are indexed in passages without storing a copy: the text of a passage is read from llm's own tables.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..model import SIDES
from ..rules.passages import reach, term
from . import beside, history
from .beside import Beside
from .forks import lineage, unnamed_parents
from .index_rows import OF_FRAGMENTS, batches, passages_beside_of, passages_of, scope_words
from .log import Log
from .numbering import Numbering
from .schema import statement
from .undone import undone_in

RULES = 3
"""The version of `passages.split`, `passages.entries` and `beside`. Threads indexed by others are indexed again.

1: words as FTS5's porter and unicode61 see them. 2: the words of `rules.terms`. 3: fragments and text attachments too;
a thread of rules 2 only lacks some of these, so it is completed.
"""

LEAST_RULES = 2
"""Threads that were indexed by these rules, or by later ones, can be searched."""

_LATE = 64
"""A turn that was logged late is looked for among this many newest turns (ids are ordered by the start of a call)."""


@dataclass(frozen=True)
class _Thread:
    """The index entry of a thread."""

    number: int
    turns: int
    passages: int
    rules: int = RULES


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
        known = self._thread(thread_id)
        if known is not None and known.turns == turns.turn_count and known.rules == RULES:
            return 0
        turn_ids = [id_ for exchanges in (turns, turns.undone) for ids in exchanges for id_ in ids]
        return self._catch_up(thread_id, turn_ids, known, seconds)

    def catch_up_own(self, thread_id: str, seconds: float | None) -> int:
        """Index the turns that were logged in a thread, and nothing that it shares. Return how many were missing."""
        known = self._thread(thread_id)
        if self.is_current(thread_id, known):
            return 0
        return self._catch_up(thread_id, history.own_turns(self.log, thread_id), known, seconds)

    def is_current(self, thread_id: str, known: _Thread | None = None) -> bool:
        """Return whether all turns that were logged in a thread are indexed. `known` saves a query."""
        known = known or self._thread(thread_id)
        return known is not None and known.rules == RULES and known.turns == history.own_count(self.log, thread_id)

    def _catch_up(self, thread_id: str, turn_ids: list[str], known: _Thread | None, seconds: float | None) -> int:
        missing = sorted(turn_ids) if known is None else self._missing(sorted(turn_ids), known)
        there = beside.keys(self.log, missing)
        began, done = time.monotonic(), 0
        for batch in batches(missing, there):
            if done and seconds is not None and time.monotonic() - began > seconds:
                return done
            with self.log.writing():
                self._add(thread_id, batch, there)
            done += len(batch)
        if known is not None and known.rules < RULES:
            completed = self._complete(thread_id, known, turn_ids, seconds)
            if completed is None:
                return done
            done += completed
        with self.log.writing():
            self._keep(self._joined(thread_id), len(turn_ids))
        return done

    def _complete(self, thread_id: str, known: _Thread, turn_ids: list[str], seconds: float | None) -> int | None:
        """Index what went with prompts of a thread that was indexed without. Return None if time is up before the end.

        The new passages have greater ids than those of later turns.
        """
        there = beside.keys(self.log, turn_ids)
        began, done = time.monotonic(), 0
        for batch in batches(beside.lacking(self.log, known.number, there), there):
            if done and seconds is not None and time.monotonic() - began > seconds:
                return None
            with self.log.writing():
                lacking = beside.lacking(self.log, known.number, {id_: there[id_] for id_ in batch})
                fresh, texts = self._beside(thread_id, known, lacking, there)
                made = {id_: list(passages_beside_of(id_, texts[id_], keys)) for id_, keys in fresh.items()}
                self._count(known, 0, self._store(known, made))
            done += len(batch)
        with self.log.writing():
            self.log.run(
                "update memory_index set rules = :rules where number = :number",
                {"rules": RULES, "number": known.number},
            )
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

    def _missing(self, turn_ids: list[str], known: _Thread) -> list[str]:
        """Return the turns that are not indexed. Look among the newest first, where they nearly always are."""
        new = len(turn_ids) - known.turns
        newest = turn_ids[-(new + _LATE) :] if new > 0 else []
        missing = self._unknown(newest, known)
        return missing if len(missing) == new else self._unknown(turn_ids, known)

    def _unknown(self, turn_ids: list[str], thread: _Thread) -> list[str]:
        rows = self.log.rows(
            "select value as id from json_each(:ids) where not exists"
            " (select 1 from memory_passages where turn_id = value and thread = :number) order by value",
            {"ids": json.dumps(turn_ids), "number": thread.number},
        )
        return [row["id"] for row in rows]

    def _add(self, thread_id: str, turn_ids: list[str], there: Mapping[str, Sequence[str]]) -> None:
        """Index turns. Skip those that another process has indexed since; replace those indexed by other rules.

        `there` are the keys of what went with their prompts.
        """
        thread = self._joined(thread_id)
        unknown = self._unknown(turn_ids, thread)
        texts = self.turn_texts(unknown)
        fresh, pieces = self._beside(thread_id, thread, unknown, there)
        made = {
            turn_id: list(passages_of(turn_id, texts[turn_id], pieces.get(turn_id, ()), fresh.get(turn_id, ())))
            for turn_id in sorted(texts)
        }
        self._count(thread, len(texts), self._store(thread, made, self._kept(thread, made)))

    def _beside(
        self, thread_id: str, thread: _Thread, turn_ids: Sequence[str], there: Mapping[str, Sequence[str]]
    ) -> tuple[dict[str, list[str]], dict[str, list[Beside]]]:
        """Return the keys of texts that went with turns and that the thread's index lacks, and all texts of such turns.

        A text that went with several turns is indexed with the first that is not undone.
        """
        wanted = {key for turn_id in turn_ids for key in there.get(turn_id, ())}
        if not wanted:
            return {}, {}
        known = {*beside.indexed_before(self.log, thread_id, thread.number, wanted)}
        undone = undone_in(self.log, thread_id)
        fresh: dict[str, list[str]] = {}
        for turn_id in sorted(turn_ids):
            new = [key for key in dict.fromkeys(there.get(turn_id, ())) if key not in known]
            known.update(new if turn_id not in undone else ())
            if new:
                fresh[turn_id] = new
        return fresh, beside.went_with(self.log, fresh)

    def _store(
        self,
        thread: _Thread,
        made: Mapping[str, Sequence[Mapping[str, Any]]],
        kept: Mapping[str, Sequence[int]] | None = None,
    ) -> int:
        """Store the passages of turns, and their words; return their number. `kept` are ids that they have already."""
        kept = kept or {}
        id_ = int(self.log.value("select max(seq) from sqlite_sequence where name = 'memory_passages'") or 0)
        rows: list[dict[str, Any]] = []
        for turn_id, passages in made.items():
            ids = kept.get(turn_id) or range(id_ + 1, id_ + 1 + len(passages))
            id_ += 0 if turn_id in kept else len(passages)
            rows += [
                {**row, "id": number, "thread": thread.number, "scope": scope_words(thread.number, row["side"])}
                for row, number in zip(passages, ids, strict=True)
            ]
        self.log.many(
            'insert into memory_passages (id, thread, turn_id, side, part, "start", "end", weight, message_weight)'
            " values (:id, :thread, :turn_id, :side, :part, :start, :end, :weight, :message_weight)",
            (row for row in rows if row["turn_id"] not in kept),
        )
        self.log.many(
            "insert into memory_words (rowid, thread, text, parts) values (:id, :scope, :text, :parts)",
            ({name: row[name] for name in ("id", "scope", "text", "parts")} for row in rows if row["text"]),
        )
        return len(rows)

    def _count(self, thread: _Thread, turns: int, passages: int) -> None:
        self.log.run(
            "update memory_index set turns = turns + :turns, passages = passages + :passages where number = :number",
            {"turns": turns, "passages": passages, "number": thread.number},
        )

    def _kept(self, thread: _Thread, made: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, list[int]]:
        """Return the ids of passages that other rules made alike, by turn: their vectors stay. Remove others."""
        there: dict[str, list[dict[str, Any]]] = defaultdict(list)
        asked = {"ids": json.dumps(list(made)), "thread": thread.number}
        for row in self.log.rows(statement("other_passages"), asked):
            there[row["turn_id"]].append(row)
        same = ("side", "part", "start", "end")
        kept = {
            turn_id: [row["id"] for row in rows]
            for turn_id, rows in there.items()
            if not any(row["worded"] for row in rows)
            and [[row[name] for name in same] for row in rows]
            == [[row[name] for name in same] for row in made[turn_id]]
        }
        gone = {"ids": json.dumps([row["id"] for turn_id in there.keys() - kept.keys() for row in there[turn_id]])}
        if there.keys() - kept.keys():
            self.log.run("delete from memory_passages where id in (select value from json_each(:ids))", gone)
            self.log.run("delete from memory_vectors where passage_id in (select value from json_each(:ids))", gone)
        self.log.run(
            "update memory_passages set thread = :thread where turn_id in (select value from json_each(:ids))",
            {"ids": json.dumps(list(kept)), "thread": thread.number},
        )
        return kept

    def _thread(self, thread_id: str) -> _Thread | None:
        """Return the index entry of a thread, if it was made by today's rules or can be completed by them."""
        row = self.log.row(
            "select number, turns, passages, rules from memory_index"
            " where thread_id = :id and rules between :least and :rules",
            {"id": thread_id, "least": LEAST_RULES, "rules": RULES},
        )
        return _Thread(**row) if row else None

    def _joined(self, thread_id: str) -> _Thread:
        """Return the index entry of a thread, adding a new one if needed.

        A thread that was indexed by other rules gets another number, so its old words are never found again. Its
        vectors are of the same passages, unless `_kept` finds that they have changed.
        """
        known = self._thread(thread_id)
        if known is not None:
            return known
        number = int(self.log.value("select coalesce(max(number), 0) + 1 from memory_index"))
        self.log.run(
            "update memory_vectors set thread = :number"
            " where thread = (select number from memory_index where thread_id = :id)",
            {"number": number, "id": thread_id},
        )
        self.log.run(
            "insert or replace into memory_index (number, thread_id, turns, passages, rules)"
            " values (:number, :id, 0, 0, :rules)",
            {"number": number, "id": thread_id, "rules": RULES},
        )
        return _Thread(number, 0, 0)

    def number_for(self, thread_id: str) -> int:
        """Return the number of a thread in the index, which it gets now if it has none. Call it within `writing()`."""
        return self._joined(thread_id).number

    def _keep(self, thread: _Thread, turns: int) -> None:
        self.log.run(
            "update memory_index set turns = :turns where number = :number", {"turns": turns, "number": thread.number}
        )

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
        own = self._thread(thread_id)
        return (*found, Scope(own.number, own.passages, None)) if own else tuple(found)

    def _until(self, owner: str, turns: Numbering, first: int, last: int) -> list[Scope]:
        """Return the scope of the exchanges from number `first` to `last`, which a thread begins with.

        Passages have ids in the order of their turns, so the last exchanges have the greatest.
        """
        known = self._thread(owner)
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
        """Return those of some turns that are indexed."""
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
        """Return those of some passages that are not of texts that went with prompts."""
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
