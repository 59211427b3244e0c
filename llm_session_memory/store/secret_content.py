"""Secrets in what llm stores once and shares: fragments and attachments, which are named by hashes of their texts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ..rules.secrets import Redactor
from .log import Log
from .secret_texts import as_text

_FRAGMENTS = ("part_fragments", "turn_fragments", "prompt_fragments", "system_fragments", "fragment_aliases")
_ATTACHMENTS = ("part_attachments", "prompt_attachments", "tool_results_attachments")
_TURNS = {
    "fragment": (
        ("turn_fragments", "turn_id"),
        ("prompt_fragments", "response_id"),
        ("system_fragments", "response_id"),
    ),
    "attachment": (("prompt_attachments", "response_id"),),
}


def messages_with(log: Log, what: str, ids: Collection[Any]) -> set[str]:
    """Return the messages with these fragments or attachments."""
    if not ids:
        return set()
    sql = (
        f"select distinct p.message_hash from part_{what}s h join parts p on p.id = h.part_id"  # noqa: S608  constants
        f" where h.{what}_id in (select value from json_each(:ids))"
    )
    return {hash_ for (hash_,) in log.tuples(sql, {"ids": json.dumps([*ids])})}


def turns_with(log: Log, ids: Collection[Any], what: str) -> set[str]:
    """Return the turns of either generation that were given these fragments or, of the older one, attachments."""
    found: set[str] = set()
    for table, column in _TURNS[what]:
        if ids and log.columns(table):
            sql = f"select {column} from {table} where {what}_id in (select value from json_each(:ids))"  # noqa: S608
            found.update(id_ for (id_,) in log.tuples(sql, {"ids": json.dumps([*ids])}))
    return found


def change_fragments(log: Log, redactor: Redactor, ids: Iterable[int]) -> dict[int, int]:
    """Replace secrets in fragments, and return those that became equal to another one, with that one's number."""
    same: dict[int, int] = {}
    for id_ in ids:
        row = log.row("select content, source from fragments where id = :id", {"id": id_})
        if row is None:
            continue
        content, source = redactor.text(row["content"] or ""), row["source"] and redactor.text(row["source"])
        hash_ = hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()
        other = log.value("select id from fragments where hash = :hash and id <> :id", {"hash": hash_, "id": id_})
        if other is not None:
            same[id_] = int(other)
            _refer(log, _FRAGMENTS, "fragment_id", id_, other)
            log.run("delete from fragments where id = :id", {"id": id_})
        else:
            sql = "update fragments set content = :content, source = :source, hash = :hash where id = :id"
            log.run(sql, {"content": content, "source": source, "hash": hash_, "id": id_})
    return same


def change_attachments(log: Log, redactor: Redactor, ids: Iterable[str]) -> dict[str, str]:
    """Replace secrets in attachments that are texts, and in addresses; return the new id of each."""
    moved: dict[str, str] = {}
    for id_ in ids:
        row = log.row("select type, path, url, content from attachments where id = :id", {"id": id_})
        if row is None:
            continue
        content, url = row["content"], row["url"] and redactor.text(row["url"])
        if content:
            text = redactor.text(as_text(content)).encode()
            content = text if text and isinstance(content, bytes) else content
            new = hashlib.sha256(content).hexdigest()
        elif row["path"]:
            new = id_  # of what the file has
        else:
            new = hashlib.sha256(json.dumps({"url": url}).encode()).hexdigest()
        moved[id_] = new
        log.run("delete from attachments where id = :id", {"id": id_})
        log.run(
            "insert or ignore into attachments (id, type, path, url, content)"
            " values (:id, :type, :path, :url, :content)",
            {**row, "id": new, "url": url, "content": content},
        )
        _refer(log, _ATTACHMENTS, "attachment_id", id_, new)
    return moved


def _refer(log: Log, tables: Iterable[str], column: str, old: Any, new: Any) -> None:
    for table in tables:
        if log.columns(table):
            sql = f"update or replace {table} set {column} = :new where {column} = :old"  # noqa: S608  constants
            log.run(sql, {"old": old, "new": new})


def renumbered(
    payload: Mapping[str, Any], fragments: Mapping[int, int], attachments: Mapping[str, str]
) -> Mapping[str, Any]:
    """Return the payload of a part with the new numbers of fragments and ids of attachments; itself if none changed."""
    found = dict(payload)
    pieces = found.get("text_ref")
    if fragments and isinstance(pieces, list):
        found["text_ref"] = [
            {**one, "fragment": fragments.get(one["fragment"], one["fragment"])} if "fragment" in one else one
            for one in pieces
        ]
    if attachments and found.get("attachment"):
        found["attachment"] = _held(found["attachment"], attachments)
    if attachments and found.get("attachments"):
        found["attachments"] = [_held(one, attachments) for one in found["attachments"]]
    return payload if found == payload else found


def _held(one: Mapping[str, Any], attachments: Mapping[str, str]) -> dict[str, Any]:
    return {**one, "id": attachments.get(one["id"], one["id"])}


def remove_message(log: Log, hash_: str) -> None:
    """Delete a message in whose place there is an equal one."""
    ids = "select id from parts where message_hash = :hash"
    for table in ("part_fragments", "part_attachments"):
        log.run(f"delete from {table} where part_id in ({ids})", {"hash": hash_})  # noqa: S608  constants
    log.run("delete from parts where message_hash = :hash", {"hash": hash_})
    log.run("delete from messages where hash = :hash", {"hash": hash_})
