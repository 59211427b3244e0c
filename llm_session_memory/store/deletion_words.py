"""Removing turns from our full-text index, or giving them to another thread.

The index keeps no texts (see 004_words.sql), so SQLite must be told the words of each row that goes. They are made
again from the turns' texts, so this comes before the turns go.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..rules.passages import entries
from .beside import FRAGMENT
from .index import Index
from .index_writing import LEAST_RULES, scope_words
from .log import Log
from .schema import statement

_CHUNK = 500
"""How many turns' texts are read at a time."""

_OF_BATCH = """
select p.id, p.thread, p.turn_id, p.side, p."start", p."end" from memory_passages p where p.turn_id in (
    select id from temp.gone_turns where batch = :batch union select id from temp.gone_responses where batch = :batch
) order by p.turn_id, p.id
"""
_OF_THREAD = """
select p.id, p.thread, p.turn_id, p.side, p."start", p."end" from memory_index i
join turns t on t.thread_id = i.thread_id join memory_passages p on p.turn_id = t.id where i.thread_id = :id
"""
_MOVED = """
select p.id, p.thread, p.turn_id, p.side, p."start", p."end", m.thread_id as heir
from temp.moved_turns m join memory_passages p on p.turn_id = m.id order by p.turn_id, p.id
"""


def prepare(log: Log, thread_ids: Iterable[str]) -> None:
    """Make the words of conversations that go before the log is locked: that takes longer than to remove them."""
    log.run("delete from temp.worded")
    for thread_id in thread_ids:
        rows = log.rows(_OF_THREAD, {"id": thread_id})
        log.many(
            "insert or replace into temp.worded values (:id, :scope, :words, :parts)",
            ({name: row[name] for name in ("id", "scope", "words", "parts")} for row in words_of(log, rows)),
        )


def portions(log: Log, thread_id: str) -> Iterator[list[dict[str, Any]]]:
    """Yield the passages of a conversation, those of some turns at a time, with their words where they have any.

    Each portion is for one transaction of `take_out`. The words are made here, before the log is locked.
    """
    rows = log.rows(_OF_THREAD, {"id": thread_id})
    by_turn: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_turn[row["turn_id"]].append(row)
    turns = list(by_turn)
    for start in range(0, len(turns), _CHUNK):
        portion = [row for turn_id in turns[start : start + _CHUNK] for row in by_turn[turn_id]]
        worded = {row["id"]: row for row in words_of(log, portion)}
        yield [worded.get(row["id"], row) for row in portion]


def take_out(log: Log, portion: Sequence[Mapping[str, Any]]) -> int:
    """Take turns out of the index before they go, and return how many passages that were.

    If the turns stay after all, the index is behind and catches up.
    """
    ids = json.dumps([row["id"] for row in portion])
    sql = "select id from memory_passages where id in (select value from json_each(:ids))"
    still = {id_ for (id_,) in log.tuples(sql, {"ids": ids})}
    rows = [row for row in portion if row["id"] in still]
    unword(log, [row for row in rows if "words" in row])
    _drop(log, rows)
    _incomplete(log, [row for row in rows if row["side"] == FRAGMENT])
    return len(rows)


def remove(log: Log, batch: int) -> None:
    """Remove the passages, words and vectors of the turns that go with a batch, and correct the counts.

    A text that went with prompts is indexed with the first of them. If that goes, it is indexed again, with the next.
    """
    rows = log.rows(_OF_BATCH, {"batch": batch})
    beside = [row for row in rows if row["side"] == FRAGMENT]
    if beside:
        shared = log.rows(statement("shared_beside"), {"batch": batch})
        _remove(log, shared, whole=False)
        _incomplete(log, [*beside, *shared])
    _remove(log, rows)


def _incomplete(log: Log, rows: Iterable[Mapping[str, Any]], column: str = "thread") -> None:
    """Have the threads of passages completed the next time that they are used."""
    log.many(
        "update memory_index set rules = :least where number = :number and rules > :least",
        ({"least": LEAST_RULES, "number": number} for number in {row[column] for row in rows}),
    )


def _remove(log: Log, rows: Sequence[Mapping[str, Any]], *, whole: bool = True) -> None:
    """Remove passages: those of `whole` turns, or only some of theirs."""
    if rows:
        unword(log, _known(log, rows))
        _drop(log, rows, whole=whole)


def _drop(log: Log, rows: Sequence[Mapping[str, Any]], *, whole: bool = True) -> None:
    for model in _models(log):
        sql = "delete from memory_vectors where model = :model and thread = :thread and passage_id = :id"
        log.many(sql, ({"model": model, "thread": row["thread"], "id": row["id"]} for row in rows))
    log.many("delete from memory_passages where id = :id", rows)
    _count(log, rows, "thread", -1, whole=whole)


def move(log: Log) -> None:
    """Move the passages of turns that another thread takes over into that thread's part of the index."""
    rows = log.rows(_MOVED)
    numbers = {heir: Index(log).number_for(heir) for heir in {row["heir"] for row in rows}}
    has = {(row["turn_id"], row["thread"]) for row in rows}
    moved = []
    for row in rows:
        row["to"] = numbers[row["heir"]]
        if row["thread"] != row["to"] and (row["turn_id"], row["to"]) not in has:
            moved.append(row)
    if not moved:
        return
    worded = list(words_of(log, moved))
    unword(log, worded)
    log.many(
        "insert into memory_words (rowid, thread, text, parts) values (:id, :scope, :words, :parts)",
        (
            {
                "id": row["id"],
                "scope": scope_words(row["to"], row["side"]),
                "words": row["words"],
                "parts": row["parts"],
            }
            for row in worded
        ),
    )
    for model in _models(log):
        sql = "update memory_vectors set thread = :to where model = :model and thread = :thread and passage_id = :id"
        places = ({name: row[name] for name in ("to", "thread", "id")} for row in moved)
        log.many(sql, ({**place, "model": model} for place in places))
    log.many(
        "update memory_passages set thread = :to where id = :id", ({"to": row["to"], "id": row["id"]} for row in moved)
    )
    _count(log, moved, "thread", -1)
    _count(log, moved, "to", 1)
    _incomplete(log, moved, "to")


def unword(log: Log, worded: Iterable[Mapping[str, Any]]) -> None:
    """Take rows out of the full-text index, which must be told exactly what is in it."""
    log.many(
        "insert into memory_words (memory_words, rowid, thread, text, parts)"
        " values ('delete', :id, :scope, :words, :parts)",
        ({name: row[name] for name in ("id", "scope", "words", "parts")} for row in worded),
    )


def _known(log: Log, rows: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield passages with their words, those first whose words were made before."""
    made: set[int] = set()
    for start in range(0, len(rows), _CHUNK):
        ids = json.dumps([row["id"] for row in rows[start : start + _CHUNK]])
        sql = "select id, scope, words, parts from temp.worded where id in (select value from json_each(:ids))"
        found = log.rows(sql, {"ids": ids})
        made.update(row["id"] for row in found)
        yield from found
    yield from words_of(log, [row for row in rows if row["id"] not in made and row["end"] > row["start"]])


def words_of(log: Log, rows: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield passages with their words, except those that have none."""
    index = Index(log)
    by_turn: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        by_turn[row["turn_id"]].append(row)
    ids = list(by_turn)
    for start in range(0, len(ids), _CHUNK):
        some = ids[start : start + _CHUNK]
        beside = [id_ for id_ in some if any(row["side"] == FRAGMENT for row in by_turn[id_])]
        for turn_id, texts in index.turn_texts(some, fragments_of=beside).items():
            for row in by_turn[turn_id]:
                if row["end"] > row["start"]:
                    words, parts = entries(texts[row["side"]], row["start"], row["end"])
                    if words:
                        scope = scope_words(row["thread"], row["side"])
                        yield {**row, "scope": scope, "words": words, "parts": parts}


def _count(log: Log, rows: Iterable[Mapping[str, Any]], column: str, sign: int, *, whole: bool = True) -> None:
    """Correct how many passages of each thread are indexed and, of `whole` turns, how many turns."""
    turns: dict[int, set[str]] = defaultdict(set)
    passages: dict[int, int] = defaultdict(int)
    for row in rows:
        turns[row[column]].add(row["turn_id"])
        passages[row[column]] += 1
    log.many(
        "update memory_index set turns = max(turns + :turns, 0), passages = max(passages + :passages, 0)"
        " where number = :number",
        (
            {
                "number": number,
                "turns": sign * len(turns[number]) if whole else 0,
                "passages": sign * passages[number],
            }
            for number in turns
        ),
    )


def _models(log: Log) -> Iterator[str]:
    """Yield the models that made vectors, each found at once though the table is long."""
    model = log.value("select min(model) from memory_vectors")
    while model is not None:
        yield str(model)
        model = log.value("select min(model) from memory_vectors where model > :model", {"model": model})
