"""Make the words of the full-text index again, for the passages that it has, which keep their ids."""

from __future__ import annotations

from ..rules.passages import entries
from .beside import FRAGMENT
from .index import Index
from .index_writing import scope_words
from .log import Log

_BATCH = 500
"""How many passages are read at a time."""


def remake_words(log: Log) -> int:
    """Rebuild the words of all passages, and return their number. Call it inside `log.writing()`.

    Passages of no conversation, and those whose turn is gone, are deleted.
    """
    index = Index(log)
    log.run("insert into memory_words (memory_words) values ('delete-all')")
    log.run("delete from memory_passages where thread not in (select number from memory_index)")
    last = done = 0
    sql = "select * from memory_passages where id > :last order by id limit :most"
    while rows := log.rows(sql, {"last": last, "most": _BATCH}):
        with_files = {row["turn_id"] for row in rows if row["side"] == FRAGMENT}
        texts = index.turn_texts([*{row["turn_id"] for row in rows}], fragments_of=with_files)
        gone = [row["id"] for row in rows if row["turn_id"] not in texts]
        log.many("delete from memory_passages where id = :id", ({"id": id_} for id_ in gone))
        for row in rows:
            if row["turn_id"] not in texts:
                continue
            words, parts = entries(texts[row["turn_id"]][row["side"]], row["start"], row["end"])
            if words:
                log.run(
                    "insert into memory_words (rowid, thread, text, parts) values (:id, :scope, :text, :parts)",
                    {
                        "id": row["id"],
                        "scope": scope_words(row["thread"], row["side"]),
                        "text": words,
                        "parts": parts,
                    },
                )
            done += 1
        last = rows[-1]["id"]
    counted = "select thread, count(*), count(distinct turn_id) from memory_passages group by thread"
    log.run("update memory_index set passages = 0, turns = 0")
    log.many(
        "update memory_index set passages = :passages, turns = :turns where number = :number",
        [{"number": number, "passages": passages, "turns": turns} for number, passages, turns in log.tuples(counted)],
    )
    return done
