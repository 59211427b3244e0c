"""Our full-text index while secrets are replaced: the same passages, with other words and at other places."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ..rules.passages import query_words
from ..rules.secrets import Redactor
from ..rules.tokens import base
from .beside import FRAGMENT
from .deletion_words import unword, words_of
from .index import Index
from .log import Log

_CHUNK = 200
"""How many turns' texts are read at a time."""

_SHORT = 6
"""Shorter words of a secret may be words of the prompt as well."""


class Indexed:
    """The passages of turns with secrets. Make it before the texts change, and call `put_back` afterwards."""

    def __init__(self, log: Log, redactor: Redactor, turn_ids: Iterable[str]) -> None:
        """Take the words of such passages out of the index, and find out where the passages will be."""
        self._log, self._redactor = log, redactor
        self._moved: list[dict[str, Any]] = []
        self._changed: list[dict[str, Any]] = []
        every = list(turn_ids)
        if log.columns("memory_passages"):
            for start in range(0, len(every), _CHUNK):
                self._take(every[start : start + _CHUNK])
        if self._changed:
            self._forget_vectors()

    def _take(self, turn_ids: Sequence[str]) -> None:
        sql = (
            'select id, thread, turn_id, side, "start", "end" from memory_passages'
            " where turn_id in (select value from json_each(:ids)) order by turn_id, id"
        )
        by_turn: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in self._log.rows(sql, {"ids": json.dumps(turn_ids)}):
            by_turn[row["turn_id"]].append(row)
        with_beside = [one for one, rows in by_turn.items() if any(row["side"] == FRAGMENT for row in rows)]
        texts = Index(self._log).turn_texts(list(by_turn), fragments_of=with_beside)
        taken: list[dict[str, Any]] = []
        for turn_id, rows in by_turn.items():
            for side, text in enumerate(texts.get(turn_id, ())):
                spans = self._redactor.spans(text)
                mine = [row for row in rows if row["side"] == side] if spans else []
                taken += mine
                self._moved += [{**row, **_moved(row, spans)} for row in mine]
                self._changed += [row for row in mine if any(s < row["end"] and row["start"] < e for s, e, _ in spans)]
        unword(self._log, list(words_of(self._log, taken)))

    def _forget_vectors(self) -> None:
        """Delete the vectors of passages that change; they are rebuilt with the next prompts."""
        for (model,) in self._log.tuples("select distinct model from memory_vectors"):
            sql = "delete from memory_vectors where model = :model and thread = :thread and passage_id = :id"
            self._log.many(sql, ({"model": model, "thread": row["thread"], "id": row["id"]} for row in self._changed))

    def put_back(self) -> None:
        """Store where the passages are now, and their words."""
        for start in range(0, len(self._moved), _CHUNK):
            rows = self._moved[start : start + _CHUNK]
            with_beside = {row["turn_id"] for row in rows if row["side"] == FRAGMENT}
            texts = Index(self._log).turn_texts(list({row["turn_id"] for row in rows}), fragments_of=with_beside)
            self._log.many(
                'update memory_passages set "start" = :start, "end" = :end, weight = :weight where id = :id',
                (
                    {**{name: row[name] for name in ("id", "start", "end")}, "weight": base(_text(row, texts))}
                    for row in rows
                ),
            )
            self._log.many(
                "insert into memory_words (rowid, thread, text, parts) values (:id, :scope, :words, :parts)",
                ({name: row[name] for name in ("id", "scope", "words", "parts")} for row in words_of(self._log, rows)),
            )


def _text(row: Mapping[str, Any], texts: Mapping[str, Sequence[str]]) -> str:
    text: str = texts[row["turn_id"]][row["side"]]
    return text[row["start"] : row["end"]]


def _moved(row: Mapping[str, Any], spans: Sequence[tuple[int, int, int]]) -> dict[str, int]:
    """Return where a passage is when secrets have been replaced; one that is cut by a passage's end goes with both."""
    start, end = row["start"], row["end"]
    moved_start, moved_end = start, end
    for begin, stop, length in spans:
        grown = length - (stop - begin)
        if stop <= start:
            moved_start += grown
        elif begin < start:
            moved_start += begin - start
        if stop <= end:
            moved_end += grown
        elif begin < end:
            moved_end += begin + length - end
    return {"start": moved_start, "end": moved_end}


def without_words(log: Log, values: Iterable[str], turn_ids: Collection[str]) -> None:
    """Forget the words of secrets by which excerpts were found for some prompts."""
    if not log.columns("memory_recalls"):
        return
    words = {word for value in values for word in query_words(value) if len(word) >= _SHORT}
    sql = (
        "select turn_id, rank, words_json from memory_recalls where turn_id in (select value from json_each(:ids))"
        " order by turn_id, rank"
    )
    for row in log.rows(sql, {"ids": json.dumps([*turn_ids])}):
        kept = [word for word in json.loads(row["words_json"]) if word not in words]
        sql = "update memory_recalls set words_json = :kept where turn_id = :turn_id and rank = :rank"
        log.run(sql, {"turn_id": row["turn_id"], "rank": row["rank"], "kept": json.dumps(kept)})
