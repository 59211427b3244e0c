"""Reading the attachments of calls. Nothing here writes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..model import Attachment
from .log import Log


def attachments(log: Log, ids: Sequence[str]) -> tuple[Attachment, ...]:
    """Return attachments in the order of their ids, without their bytes."""
    sql = "select id, type, path, url, null as content from attachments where id in (select value from json_each(:ids))"
    rows = {row["id"]: row for row in log.rows(sql, {"ids": json.dumps(list(ids))})}
    return tuple(Attachment(**rows[id_]) for id_ in ids if id_ in rows)


def attachment(log: Log, id_: str) -> Attachment | None:
    """Return an attachment as it is stored, or None."""
    row = log.row("select id, type, path, url, content from attachments where id = :id", {"id": id_})
    return Attachment(**row) if row else None


def paths(log: Log) -> list[str]:
    """Return the paths of all attachments that are stored as files outside the log."""
    if not log.columns("attachments"):
        return []
    sql = "select distinct path from attachments where path is not null and content is null order by path"
    return [path for (path,) in log.tuples(sql)]


def with_file(kept: Attachment) -> Attachment:
    """Return an attachment known by its path, with the file's bytes if the file has not changed since."""
    try:
        path = Path(kept.path or "")
        content = path.read_bytes() if path.is_file() else b""  # never a pipe or a device, which could block
    except (OSError, ValueError):
        return kept
    same = not kept.id or hash_of(content) == kept.id
    return replace(kept, content=content) if content and same else kept


def hash_of(content: bytes) -> str:
    """Return the id that llm gives to an attachment with these bytes."""
    return hashlib.sha256(content).hexdigest()
