"""Removing turns from our full-text index, or giving them to another thread.

The index keeps no texts (see 004_words.sql), so SQLite must be told the words of each row that goes. They are made
again from the turns' texts, which is why this comes before the turns go.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..rules.passages import entries
from .index import Index
from .log import Log

_CHUNK = 500

_OF_BATCH = """
select p.id, p.thread, p.turn_id, p.side, p."start", p."end" from memory_passages p where p.turn_id in (
    select id from temp.gone_turns where batch = :batch union select id from temp.gone_responses where batch = :batch
) order by p.turn_id, p.id
"""


def remove(log: Log, batch: int) -> None:
    """Remove the passages, words and vectors of the turns that go with a batch, and correct the counts."""
    rows = log.rows(_OF_BATCH, {"batch": batch})
    log.many(
        "insert into memory_words (memory_words, rowid, thread, text, parts)"
        " values ('delete', :id, :thread, :words, :parts)",
        worded(log, rows),
    )
    log.many(
        "delete from memory_vectors where passage_id = :id and thread = :thread and model in"
        " (select distinct model from memory_vectors)",
        rows,
    )
    log.many("delete from memory_passages where id = :id", rows)
    threads = {row["thread"] for row in rows}
    for number in threads:
        gone = [row for row in rows if row["thread"] == number]
        log.run(
            "update memory_index set turns = turns - :turns, passages = passages - :passages where number = :number",
            {"number": number, "turns": len({row["turn_id"] for row in gone}), "passages": len(gone)},
        )


def worded(log: Log, rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield passages with their words, except those that have none."""
    index = Index(log)
    ids = list(dict.fromkeys(row["turn_id"] for row in rows))
    for start in range(0, len(ids), _CHUNK):
        texts = index.turn_texts(ids[start : start + _CHUNK])
        for row in rows:
            if row["turn_id"] in texts and row["end"] > row["start"]:
                words, parts = entries(texts[row["turn_id"]][row["side"]], row["start"], row["end"])
                if words:
                    yield {**row, "words": words, "parts": parts}
