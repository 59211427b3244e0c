"""Writing into our full-text index: the passages of turns as rows, with their words, in batches."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..model.frozen import dataclass
from ..rules.passages import entries, split
from ..rules.tokens import base
from . import beside
from .beside import BETWEEN, FRAGMENT, BesideText, joined
from .log import Log
from .schema import statement
from .undone import undone_in

RULES = 3
"""The version of `passages.split`, `passages.entries` and `beside`. Threads indexed by others are indexed again.

1: words as FTS5's porter and unicode61 see them. 2: the words of `rules.terms`. 3: fragments and text attachments too;
a thread of rules 2 only lacks some of these, so it is completed.
"""

LEAST_RULES = 2
"""Threads that were indexed by these rules, or by later ones, can be searched."""

_BATCH = 500
"""The most turns indexed in one transaction, so that other writers do not wait for long."""

_FRAGMENTS = 20
"""The most texts that went with prompts which are indexed in one transaction, unless one prompt had more."""

OF_FRAGMENTS = "f"
"""The word that passages of texts which went with prompts have in the index besides the number of their thread."""


@dataclass(frozen=True)
class Thread:
    """The index entry of a thread."""

    number: int
    turns: int
    passages: int
    rules: int = RULES


def scope_words(number: int, side: int) -> str:
    """Return the words of the column `thread` of the index for a passage."""
    return f"{number} {OF_FRAGMENTS}" if side == FRAGMENT else str(number)


def batches(turn_ids: Sequence[str], there: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    """Yield turns in batches that are indexed in one transaction each. `there` are the keys of what went with them."""
    batch: list[str] = []
    held = 0
    for turn_id in turn_ids:
        batch.append(turn_id)
        held += len(there.get(turn_id, ()))
        if len(batch) == _BATCH or held >= _FRAGMENTS:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


def passages_of(
    turn_id: str, texts: Sequence[str], pieces: Sequence[BesideText] = (), fresh: Sequence[str] = ()
) -> Iterator[dict[str, Any]]:
    """Yield the passages of a turn's texts as rows; a turn without any text has one empty passage.

    `pieces` are the texts that went with its prompt, `fresh` the keys of those to index.
    """
    empty = True
    for side, text in enumerate(texts[:FRAGMENT]):
        weight = base(text) if text else 0.0
        spans = split(text, weight=weight)
        for part, (start, end) in enumerate(spans):
            empty = False
            passage = text[start:end]
            words, parts = entries(text, start, end)
            yield {
                "turn_id": turn_id,
                "side": side,
                "part": part,
                "start": start,
                "end": end,
                "weight": base(passage) if len(spans) > 1 else weight,
                "message_weight": weight,
                "text": words,
                "parts": parts,
            }
    for row in passages_beside_of(turn_id, pieces, fresh):
        empty = False
        yield row
    if empty:
        nothing = dict.fromkeys(("side", "part", "start", "end", "weight", "message_weight"), 0)
        yield {"turn_id": turn_id, "text": "", "parts": "", **nothing}


def passages_beside_of(turn_id: str, pieces: Sequence[BesideText], fresh: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield the passages of those texts that went with a prompt whose keys are `fresh`, each text once.

    They are long and about many things, so each passage is a message of its own for ranking.
    """
    whole, wanted = joined(pieces), set(fresh)
    begin = part = 0
    for piece in pieces:
        if piece.key in wanted:
            wanted.remove(piece.key)
            for start, end in split(piece.text):
                weight = base(piece.text[start:end])
                words, parts = entries(whole, begin + start, begin + end)
                yield {
                    "turn_id": turn_id,
                    "side": FRAGMENT,
                    "part": part,
                    "start": begin + start,
                    "end": begin + end,
                    "weight": weight,
                    "message_weight": weight,
                    "text": words,
                    "parts": parts,
                }
                part += 1
        begin += len(piece.text) + len(BETWEEN)


def entry(log: Log, thread_id: str) -> Thread | None:
    """Return the index entry of a thread, if it was made by today's rules or can be completed by them."""
    row = log.row(
        "select number, turns, passages, rules from memory_index"
        " where thread_id = :id and rules between :least and :rules",
        {"id": thread_id, "least": LEAST_RULES, "rules": RULES},
    )
    return Thread(**row) if row else None


def unknown(log: Log, turn_ids: list[str], thread: Thread) -> list[str]:
    """Return which of these turns of a thread are not in the index."""
    rows = log.rows(
        "select value as id from json_each(:ids) where not exists"
        " (select 1 from memory_passages where turn_id = value and thread = :number) order by value",
        {"ids": json.dumps(turn_ids), "number": thread.number},
    )
    return [row["id"] for row in rows]


class IndexWriting:
    """Writing into the index. Each method belongs inside `log.writing()`."""

    def __init__(self, log: Log, texts: Callable[[Sequence[str]], Mapping[str, tuple[str, ...]]]) -> None:
        """Take the log, and what reads the texts of turns."""
        self._log, self._texts = log, texts

    def add(self, thread_id: str, turn_ids: list[str], there: Mapping[str, Sequence[str]]) -> None:
        """Index turns. Skip those that another process has indexed since; replace those indexed by other rules.

        `there` are the keys of what went with their prompts.
        """
        thread = self.joined(thread_id)
        missing = unknown(self._log, turn_ids, thread)
        texts = self._texts(missing)
        fresh, pieces = self._beside(thread_id, thread, missing, there)
        made = {
            turn_id: list(passages_of(turn_id, texts[turn_id], pieces.get(turn_id, ()), fresh.get(turn_id, ())))
            for turn_id in sorted(texts)
        }
        self._count(thread, len(texts), self._store(thread, made, self._kept(thread, made)))

    def complete(
        self, thread_id: str, known: Thread, turn_ids: Sequence[str], there: Mapping[str, Sequence[str]]
    ) -> None:
        """Index what went with the prompts of turns that were indexed without."""
        lacking = beside.lacking(self._log, known.number, {id_: there[id_] for id_ in turn_ids})
        fresh, texts = self._beside(thread_id, known, lacking, there)
        made = {id_: list(passages_beside_of(id_, texts[id_], keys)) for id_, keys in fresh.items()}
        self._count(known, 0, self._store(known, made))

    def mark_completed(self, thread: Thread) -> None:
        """Record that a thread is indexed by today's rules."""
        self._log.run(
            "update memory_index set rules = :rules where number = :number", {"rules": RULES, "number": thread.number}
        )

    def set_count(self, thread_id: str, turns: int) -> None:
        """Record how many turns of a thread are indexed: all that it has."""
        self._log.run(
            "update memory_index set turns = :turns where number = :number",
            {"turns": turns, "number": self.joined(thread_id).number},
        )

    def _beside(
        self, thread_id: str, thread: Thread, turn_ids: Sequence[str], there: Mapping[str, Sequence[str]]
    ) -> tuple[dict[str, list[str]], dict[str, list[BesideText]]]:
        """Return the keys of texts that went with turns and that the thread's index lacks, and all texts of such turns.

        A text that went with several turns is indexed with the first that is not undone.
        """
        wanted = {key for turn_id in turn_ids for key in there.get(turn_id, ())}
        if not wanted:
            return {}, {}
        known = {*beside.indexed_before(self._log, thread_id, thread.number, wanted)}
        undone = undone_in(self._log, thread_id)
        fresh: dict[str, list[str]] = {}
        for turn_id in sorted(turn_ids):
            new = [key for key in dict.fromkeys(there.get(turn_id, ())) if key not in known]
            known.update(new if turn_id not in undone else ())
            if new:
                fresh[turn_id] = new
        return fresh, beside.went_with(self._log, fresh)

    def _store(
        self,
        thread: Thread,
        made: Mapping[str, Sequence[Mapping[str, Any]]],
        kept: Mapping[str, Sequence[int]] | None = None,
    ) -> int:
        """Store the passages of turns, and their words; return their number. `kept` are ids that they have already."""
        kept = kept or {}
        id_ = int(self._log.value("select max(seq) from sqlite_sequence where name = 'memory_passages'") or 0)
        rows: list[dict[str, Any]] = []
        for turn_id, passages in made.items():
            ids = kept.get(turn_id) or range(id_ + 1, id_ + 1 + len(passages))
            id_ += 0 if turn_id in kept else len(passages)
            rows += [
                {**row, "id": number, "thread": thread.number, "scope": scope_words(thread.number, row["side"])}
                for row, number in zip(passages, ids, strict=True)
            ]
        self._log.many(
            'insert into memory_passages (id, thread, turn_id, side, part, "start", "end", weight, message_weight)'
            " values (:id, :thread, :turn_id, :side, :part, :start, :end, :weight, :message_weight)",
            (row for row in rows if row["turn_id"] not in kept),
        )
        self._log.many(
            "insert into memory_words (rowid, thread, text, parts) values (:id, :scope, :text, :parts)",
            ({name: row[name] for name in ("id", "scope", "text", "parts")} for row in rows if row["text"]),
        )
        return len(rows)

    def _count(self, thread: Thread, turns: int, passages: int) -> None:
        self._log.run(
            "update memory_index set turns = turns + :turns, passages = passages + :passages where number = :number",
            {"turns": turns, "passages": passages, "number": thread.number},
        )

    def _kept(self, thread: Thread, made: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, list[int]]:
        """Return the ids of passages that other rules made alike, by turn: their vectors stay. Remove others."""
        there: dict[str, list[dict[str, Any]]] = defaultdict(list)
        asked = {"ids": json.dumps(list(made)), "thread": thread.number}
        for row in self._log.rows(statement("other_passages"), asked):
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
            self._log.run("delete from memory_passages where id in (select value from json_each(:ids))", gone)
            self._log.run("delete from memory_vectors where passage_id in (select value from json_each(:ids))", gone)
        self._log.run(
            "update memory_passages set thread = :thread where turn_id in (select value from json_each(:ids))",
            {"ids": json.dumps(list(kept)), "thread": thread.number},
        )
        return kept

    def joined(self, thread_id: str) -> Thread:
        """Return the index entry of a thread, adding a new one if needed.

        A thread that was indexed by other rules gets another number, so its old words are never found again. Its
        vectors are of the same passages, unless `_kept` finds that they have changed.
        """
        known = entry(self._log, thread_id)
        if known is not None:
            return known
        number = int(self._log.value("select coalesce(max(number), 0) + 1 from memory_index"))
        self._log.run(
            "update memory_vectors set thread = :number"
            " where thread = (select number from memory_index where thread_id = :id)",
            {"number": number, "id": thread_id},
        )
        self._log.run(
            "insert or replace into memory_index (number, thread_id, turns, passages, rules)"
            " values (:number, :id, 0, 0, :rules)",
            {"number": number, "id": thread_id, "rules": RULES},
        )
        return Thread(number, 0, 0)
