"""Messages of a chain with their parts as llm stores them, to compare, blank and hash them again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..model import Message
from ..rules.fences import without_excerpts
from ..rules.llm_hash import message_hash
from .log import Log

DELETED = "[deleted]"
"""Replaces a text that was deleted, in the requests that were sent with it."""


@dataclass(frozen=True)
class StoredPart:
    """A row of llm's parts: `text` or `payload` holds its text, the latter with references to fragments."""

    type: str
    text: str | None
    payload: Mapping[str, Any]
    tool_name: str | None

    @property
    def pieces(self) -> list[dict[str, Any]]:
        """The literals and references to fragments that make up its text."""
        found = self.payload.get("text_ref")
        return found if isinstance(found, list) else []

    @property
    def fragments(self) -> list[int]:
        """The fragments that it refers to."""
        return [piece["fragment"] for piece in self.pieces if "fragment" in piece]

    @property
    def attachments(self) -> list[str]:
        """The ids of its attachments."""
        one, several = self.payload.get("attachment"), self.payload.get("attachments")
        return [held["id"] for held in ([one] if one else several or [])]


@dataclass(frozen=True)
class Stored:
    """A message as llm stores it."""

    hash: str
    parent: str | None
    role: str
    provider_metadata: str | None
    parts: tuple[StoredPart, ...]


class Messages:
    """The messages of a log; `fragments` and attachments are read when they are needed."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self._fragments: dict[int, str] = {}
        self._attachments: dict[str, dict[str, Any]] = {}

    def read(self, rows: Collection[Mapping[str, Any]]) -> dict[str, Stored]:
        """Return messages with their parts, by hash, given as rows of llm's messages."""
        parts: dict[str, list[StoredPart]] = {}
        hashes = [row["hash"] for row in rows]
        for start in range(0, len(hashes), 1_000):
            sql = (
                "select message_hash, type, text, payload, tool_name from parts"
                " where message_hash in (select value from json_each(:hashes)) order by message_hash, position"
            )
            for hash_, type_, text, payload, tool in self.log.tuples(
                sql, {"hashes": json.dumps(hashes[start : start + 1_000])}
            ):
                parts.setdefault(hash_, []).append(
                    StoredPart(type_, text, json.loads(payload) if payload else {}, tool)
                )
        return {
            row["hash"]: Stored(
                row["hash"],
                row["parent_hash"],
                row["role"],
                row["provider_metadata"],
                tuple(parts.get(row["hash"], ())),
            )
            for row in rows
        }

    def text(self, part: StoredPart) -> str:
        """Return the text of a part in full; that of a tool result is its output."""
        if part.pieces:
            return "".join(
                piece["literal"] if "literal" in piece else self.fragment(piece["fragment"]) for piece in part.pieces
            )
        if part.text is not None:
            return part.text
        return str(part.payload.get("text") or part.payload.get("output") or "")

    def said(self, message: Stored) -> str:
        """Return what a message says, without excerpts and reasoning: the same for each copy of it."""
        found = []
        for part in message.parts:
            if part.type == "tool_call":
                found.append(json.dumps([part.tool_name, part.payload.get("arguments")], sort_keys=True))
            elif part.type != "reasoning":
                text = self.text(part)
                found.append(without_excerpts(text) if message.role == "user" else text)
                found += part.attachments
        return "\n".join(found).strip()

    def fragment(self, id_: int) -> str:
        """Return the content of a fragment, empty if it is gone."""
        if id_ not in self._fragments:
            found = self.log.value("select content from fragments where id = :id", {"id": id_})
            self._fragments[id_] = found or ""
        return self._fragments[id_]

    def hash(self, message: Stored, parent: str | None) -> str:
        """Return the hash that llm gives to a message that comes after `parent`."""
        metadata = json.loads(message.provider_metadata) if message.provider_metadata else None
        return message_hash(message.role, [self._wire(part) for part in message.parts], metadata, parent)

    def _wire(self, part: StoredPart) -> dict[str, Any]:
        found = {**part.payload, "type": part.type}
        if found.pop("text_ref", None) is not None:
            found["text"] = self.text(part)
        elif part.text is not None:
            found["text"] = part.text
        if part.payload.get("attachment"):
            found["attachment"] = self._attachment(part.attachments[0])
        elif part.payload.get("attachments"):
            found["attachments"] = [self._attachment(id_) for id_ in part.attachments]
        return found

    def _attachment(self, id_: str) -> dict[str, Any]:
        """Return an attachment as llm hashes it: what its bytes are now, and its type."""
        if id_ not in self._attachments:
            row = self.log.row("select * from attachments where id = :id", {"id": id_}) or {}
            if row.get("content"):
                content = hashlib.sha256(row["content"]).hexdigest()
            elif row.get("path"):
                try:
                    content = hashlib.sha256(Path(row["path"]).read_bytes()).hexdigest()
                except OSError:
                    content = f"missing:{row['path']}"
            else:
                content = hashlib.sha256(json.dumps({"url": row.get("url")}).encode()).hexdigest()
            self._attachments[id_] = {"id": content, "type": row.get("type")}
        return self._attachments[id_]

    def add(self, message: Stored) -> None:
        """Store a message, unless it is there."""
        known = self.log.value("select 1 from messages where hash = :hash", {"hash": message.hash})
        if known:
            return
        self.log.run(
            "insert into messages (hash, parent_hash, role, provider_metadata)"
            " values (:hash, :parent, :role, :metadata)",
            {
                "hash": message.hash,
                "parent": message.parent,
                "role": message.role,
                "metadata": message.provider_metadata,
            },
        )
        for position, part in enumerate(message.parts):
            id_ = self.log.run(
                "insert into parts (message_hash, position, type, tool_name, text, payload)"
                " values (:hash, :position, :type, :tool_name, :text, :payload)",
                {
                    "hash": message.hash,
                    "position": position,
                    "type": part.type,
                    "tool_name": part.tool_name,
                    "text": part.text,
                    "payload": json.dumps(part.payload) if part.payload else None,
                },
            )
            for table, column, held in (
                ("part_fragments", "fragment_id", part.fragments),
                ("part_attachments", "attachment_id", part.attachments),
            ):
                self.log.many(
                    f'insert into {table} (part_id, {column}, "order") values (:part, :id, :order)',  # noqa: S608
                    ({"part": id_, "id": one, "order": order} for order, one in enumerate(held)),
                )


def as_stored(message: Message) -> Stored:
    """Return a message that is not stored, such as one of an older llm, as far as `Messages.said` looks at it."""
    parts = []
    for part in message.parts:
        payload = {**part.data, "attachments": [{"id": one.id} for one in part.attachments]}
        tool = part.data.get("name") if part.type == "tool_call" else None
        parts.append(StoredPart(part.type, part.data.get("text"), payload, tool))
    return Stored("", None, message.role, None, tuple(parts))


def blanked(message: Stored) -> Stored:
    """Return a message without anything that it said, but with its calls of tools and their results, blank."""
    parts = []
    for part in message.parts:
        kept = {name: part.payload[name] for name in _KEPT if name in part.payload}
        if part.type == "tool_call":
            parts.append(StoredPart(part.type, None, {**kept, "arguments": {}}, part.tool_name))
        elif part.type == "tool_result":
            parts.append(StoredPart(part.type, None, {**kept, "output": DELETED}, part.tool_name))
        elif part.type != "reasoning" and not any(one.type == "text" for one in parts):
            parts.append(StoredPart("text", DELETED, {}, None))
    return Stored(
        message.hash, message.parent, message.role, None, tuple(parts) or (StoredPart("text", DELETED, {}, None),)
    )


_KEPT = ("name", "tool_call_id", "server_executed")


def without_fragments(part: StoredPart, gone: Mapping[int, int | None]) -> StoredPart:
    """Return a part with some of the fragments in it replaced by others, or blanked if there is none (None)."""
    if not any(id_ in gone for id_ in part.fragments):
        return part
    pieces: list[dict[str, Any]] = []
    for piece in part.pieces:
        if piece.get("fragment") not in gone:
            pieces.append(piece)
            continue
        new = gone[piece["fragment"]]
        pieces.append({"literal": f"{DELETED}\n"} if new is None else {"fragment": new})
    return StoredPart(part.type, part.text, {**part.payload, "text_ref": pieces}, part.tool_name)


def without_text(part: StoredPart, text: str) -> StoredPart:
    """Return a part with a text in it blanked."""
    payload = dict(part.payload)
    if part.pieces:
        payload["text_ref"] = [
            {"literal": piece["literal"].replace(text, DELETED)} if "literal" in piece else piece
            for piece in part.pieces
        ]
    return StoredPart(part.type, part.text.replace(text, DELETED) if part.text else part.text, payload, part.tool_name)
