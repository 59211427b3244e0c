"""What was deleted, as ids and hashes with the time and without any text, so that imports don't bring it back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable
from json.encoder import encode_basestring

from .log import Log

_KINDS = {
    "thread": "select id from temp.gone_threads where batch = :batch",
    "turn": "select id from temp.gone_turns where batch = :batch"
    " union select id from temp.gone_responses where batch = :batch",
    "content": "select content_hash(t.datetime_utc, s.prompt, s.response) as id from temp.gone_turns g"
    " join turns t on t.id = g.id join turn_search s on s.turn_id = g.id where g.batch = :batch"
    " union select content_hash(r.datetime_utc, r.prompt, r.response) from temp.gone_responses g"
    " join responses r on r.id = g.id where g.batch = :batch",
}


def bury(log: Log, batch: int, deleted_utc: str) -> None:
    """Leave a tombstone for everything that goes with a batch. Call it before that goes, in the same transaction."""
    register(log)
    for kind, which in _KINDS.items():
        log.run(
            "insert or ignore into memory_tombstones (kind, id, deleted_utc)"  # noqa: S608  constants
            f" select :kind, id, :now from ({which}) where id is not null",
            {"batch": batch, "now": deleted_utc, "kind": kind},
        )


def bury_calls(log: Log, calls: Iterable[str], deleted_utc: str) -> None:
    """Leave tombstones of calls that are deleted elsewhere, or that have to be, and stay in a fork of this log."""
    log.many(
        "insert or ignore into main.memory_tombstones (kind, id, deleted_utc) values ('turn', :id, :now)",
        ({"id": one, "now": deleted_utc} for one in calls),
    )


def deleted_among(log: Log, made: Log) -> list[str]:
    """Return the turns of another database whose texts were deleted from this log."""
    if not log.columns("memory_tombstones"):
        return []
    hashes = {id_ for (id_,) in log.tuples("select id from memory_tombstones where kind = 'content'")}
    return [turn_id for turn_id, hash_ in _contents(made) if hash_ in hashes] if hashes else []


def dig_up(log: Log, made: Log, restored_utc: str | None) -> None:
    """Remove the tombstones of the texts in another database, which were asked for all the same.

    Each leaves a mark that it was restored, at the time `restored_utc`: otherwise the tombstone of another log or a
    remote would delete the text again. Without a time none is left.
    """
    if not log.columns("memory_tombstones"):
        return
    hashes = [{"id": hash_, "now": restored_utc} for _, hash_ in _contents(made)]
    if restored_utc is not None:
        log.many(
            "insert or ignore into memory_tombstones (kind, id, deleted_utc)"
            " select 'restored', id, :now from memory_tombstones where kind = 'content' and id = :id",
            hashes,
        )
    log.many("delete from memory_tombstones where kind = 'content' and id = :id", hashes)


def dig_up_all(log: Log, made: Log) -> None:
    """Remove all tombstones of the conversations, calls and texts in another database, which are in the log again."""
    dig_up(log, made, None)  # those of sealed sessions are in no other log
    if log.columns("memory_tombstones"):
        sql = "delete from memory_tombstones where kind = :kind and id = :id"
        for kind, table in (
            ("thread", "threads"),
            ("thread", "conversations"),
            ("turn", "turns"),
            ("turn", "responses"),
        ):
            if made.columns(table):
                ids = made.tuples(f"select id from {table}")  # noqa: S608  constants
                log.many(sql, ({"kind": kind, "id": id_} for (id_,) in ids))


def is_buried(log: Log, kind: str, ids: Iterable[str]) -> Collection[str]:
    """Return which of these ids have a tombstone."""
    if not log.columns("memory_tombstones"):
        return ()
    rows = log.tuples(
        "select id from memory_tombstones where kind = :kind and id in (select value from json_each(:ids))",
        {"kind": kind, "ids": json.dumps(list(ids))},
    )
    return frozenset(id_ for (id_,) in rows)


def _contents(log: Log) -> list[tuple[str, str]]:
    """Return the turns of a database that have texts, with their hashes."""
    register(log)
    return [
        (turn_id, hash_)
        for turn_id, hash_ in log.tuples(
            "select t.id, content_hash(t.datetime_utc, s.prompt, s.response)"
            " from turns t join turn_search s on s.turn_id = t.id"
        )
        if hash_
    ]


def register(log: Log) -> None:
    """Let SQL call `content_hash`."""
    log.database.conn.create_function("content_hash", 3, content_hash, deterministic=True)


def content_hash(datetime_utc: str | None, prompt: str | None, reply: str | None) -> str | None:
    """Return what identifies a call by its time, to the second, and the typed prompt and reply; None without texts.

    The hash is the SHA-256 of these as JSON. The time keeps apart what is said again and again, like “Thanks”.
    """
    texts = [(text or "").strip() for text in (prompt, reply)]
    if not any(texts):
        return None
    moment = (datetime_utc or "").replace(" ", "T")[:19]
    content = f"[{','.join(map(encode_basestring, (moment, *texts)))}]"  # `json.dumps` takes twice as long
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()
