"""Replace secrets in every row of a log that has one, and give messages the hashes that llm would give them.

A message's hash covers the one before it, so all messages after a changed one get another hash too, in every
conversation that has them. Rows keep their numbers: nothing else refers to a message by its hash.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..rules.names import key
from ..rules.secrets import Redactor, replacement
from . import secret_content
from .log import Log
from .message_parts import Messages, Stored, StoredPart
from .schema import statement
from .secret_index import Indexed, without_words
from .secret_texts import Texts, newest_rows, tables, with_needle

_CHUNK = 500

_WITH_KEYS = {
    ("memory_sessions", "name"): "name_key",
    ("memory_tags", "tag"): "tag_key",
    ("memory_snapshots", "label"): "label_key",
    ("memory_projects", "name"): "name_key",
}
"""Columns with a name, and those with the key that is made from it."""


class Rewriting:
    """One redaction, or the plan of one. `look` reads the log without locking it; call `apply` in one transaction."""

    def __init__(self, log: Log, redactor: Redactor) -> None:
        self.log, self.redactor = log, redactor
        self.messages: dict[str, str | None] = {}
        """The messages that get another hash, each with the one before it; those before come first."""
        self.turns: list[tuple[str, str, str | None, str | None]] = []
        """The turns that end at such messages: id, thread, and the two ends."""
        self._tables: list[Texts] = []
        self._rows: dict[str, dict[tuple[Any, ...], Any]] = {}
        self._newest: dict[str, int] = {}

    @property
    def rows(self) -> int:
        """How many rows have a secret."""
        return sum(map(len, self._rows.values()))

    def look(self) -> None:
        """Find the rows with a secret, and the messages and turns that change with them."""
        self._tables = tables(self.log)
        self._newest = newest_rows(self.log, self._tables)
        for texts in self._tables:
            found = with_needle(self.log, texts, self.redactor.has)
            self._rows[texts.table] = {row_key: owner for row_key, owner, _ in found}
        self._follow()

    def _look_again(self) -> None:
        """Add the rows that others have written since; ours may have changed too."""
        for texts in self._tables:
            after = 0 if texts.table.startswith("memory_") else self._newest.get(texts.table, 0)
            found = with_needle(self.log, texts, self.redactor.has, after)
            self._rows[texts.table].update({row_key: owner for row_key, owner, _ in found})
        self._follow()

    def threads(self) -> set[str]:
        """Return the conversations that change."""
        return {thread_id for _, thread_id, _, _ in self.turns}

    # -- messages ------------------------------------------------------

    def _follow(self) -> None:
        """Find the messages that change, in the order of their chains, and the turns that end there."""
        first = {*self._owners("parts"), *self._owners("messages")}
        first |= secret_content.messages_with(self.log, "fragment", self._owners("fragments"))
        first |= secret_content.messages_with(self.log, "attachment", self._owners("attachments"))
        pairs = dict(self.log.tuples(statement("secret_after"), {"hashes": json.dumps(sorted(first))}))
        after: dict[str | None, list[str]] = defaultdict(list)
        for hash_, parent in pairs.items():
            after[parent if parent in pairs else None].append(hash_)
        self.messages, left = {}, list(after[None])
        while left:
            hash_ = left.pop()
            self.messages[hash_] = pairs[hash_]
            left += after[hash_]
        sql = "select id, thread_id, parent_message_hash, tip_message_hash from turns order by rowid"
        self.turns = [row for row in self.log.tuples(sql) if row[2] in pairs or row[3] in pairs] if pairs else []

    def _owners(self, table: str) -> list[Any]:
        return list(dict.fromkeys(self._rows.get(table, {}).values()))

    def apply(self, changed_utc: str) -> None:
        """Replace the secrets. Everything that is needed was looked up, except what others wrote since."""
        self._look_again()
        touched = self._touched()
        indexed = Indexed(self.log, self.redactor, touched)
        fragments = secret_content.change_fragments(self.log, self.redactor, self._owners("fragments"))
        attachments = secret_content.change_attachments(self.log, self.redactor, self._owners("attachments"))
        moved = self._rehash(fragments, attachments)
        self._move(moved)
        for texts in self._tables:
            if texts.table not in ("parts", "messages", "fragments", "attachments"):
                self._change(texts)
        self._change_keys()
        indexed.put_back()
        without_words(self.log, self.redactor.needles, touched)
        self.log.many(
            "insert or replace into memory_changed (turn_id, changed_utc) values (:id, :at)",
            ({"id": row[0], "at": changed_utc} for row in self.turns),
        )

    def _touched(self) -> list[str]:
        """Return the turns whose texts in the index may change."""
        found = dict.fromkeys(row[0] for row in self.turns)
        for table in ("turn_search", "responses", "tool_calls", "tool_results", "memory_originals"):
            found.update(dict.fromkeys(self._owners(table)))
        found.update(dict.fromkeys(secret_content.turns_with(self.log, self._owners("fragments"), "fragment")))
        found.update(dict.fromkeys(secret_content.turns_with(self.log, self._owners("attachments"), "attachment")))
        return [id_ for id_ in found if id_]

    def _rehash(self, fragments: Mapping[int, int], attachments: Mapping[str, str]) -> dict[str, str]:
        """Give the messages their new texts and hashes, and return the new hash of each."""
        messages = Messages(self.log)
        moved: dict[str, str] = {}
        for rows in self._chains():
            for old, message in messages.read(rows).items():
                parent = moved.get(message.parent or "", message.parent)
                made = self._changed(message, fragments, attachments)
                made = replace(made, hash=messages.hash(made, parent), parent=parent)
                moved[old] = made.hash
                self._replace(message, made)
        return moved

    def _chains(self) -> Iterator[list[dict[str, Any]]]:
        """Yield rows of messages, those before first."""
        every = list(self.messages)
        for start in range(0, len(every), _CHUNK):
            some = every[start : start + _CHUNK]
            sql = (
                "select hash, parent_hash, role, provider_metadata from messages"
                " where hash in (select value from json_each(:hashes))"
            )
            rows = {row["hash"]: row for row in self.log.rows(sql, {"hashes": json.dumps(some)})}
            yield [{**rows[hash_], "parent_hash": self.messages[hash_]} for hash_ in some if hash_ in rows]

    def _changed(self, message: Stored, fragments: Mapping[int, int], attachments: Mapping[str, str]) -> Stored:
        parts = tuple(self._part(part, fragments, attachments) for part in message.parts)
        metadata = message.provider_metadata
        metadata = self.redactor.column(metadata, is_json=True) if metadata else metadata
        return replace(message, parts=parts, provider_metadata=metadata)

    def _part(self, part: StoredPart, fragments: Mapping[int, int], attachments: Mapping[str, str]) -> StoredPart:
        payload = self.redactor.value(part.payload) if self.redactor.has(json.dumps(part.payload)) else part.payload
        payload = secret_content.renumbered(payload, fragments, attachments)
        return replace(part, text=self.redactor.text(part.text) if part.text else part.text, payload=payload)

    def _replace(self, message: Stored, made: Stored) -> None:
        """Store a message in place of another one; if there is one with its hash already, that one stays."""
        old, new = {"old": message.hash, "new": made.hash}, {"new": made.hash}
        if self.log.value("select 1 from messages where hash = :new", new):
            if made.hash != message.hash:
                secret_content.remove_message(self.log, message.hash)
            return
        self.log.run(
            "update messages set hash = :new, parent_hash = :parent, provider_metadata = :metadata where hash = :old",
            {**old, "parent": made.parent, "metadata": made.provider_metadata},
        )
        self.log.run("update parts set message_hash = :new where message_hash = :old", old)
        for position, (before, part) in enumerate(zip(message.parts, made.parts, strict=True)):
            if before != part:
                self.log.run(
                    "update parts set text = :text, payload = :payload, tool_name = :tool_name"
                    " where message_hash = :new and position = :position",
                    {
                        **new,
                        "position": position,
                        "text": part.text,
                        "payload": json.dumps(part.payload) if part.payload else None,
                        "tool_name": part.tool_name,
                    },
                )

    def _move(self, moved: Mapping[str, str]) -> None:
        self.log.many(
            "update turns set parent_message_hash = :parent, tip_message_hash = :tip where id = :id",
            (
                {"id": id_, "parent": moved.get(parent or "", parent), "tip": moved.get(tip or "", tip)}
                for id_, _, parent, tip in self.turns
            ),
        )
        threads = self.log.tuples("select id, tip_message_hash from threads where tip_message_hash is not null")
        self.log.many(
            "update threads set tip_message_hash = :tip where id = :id",
            ({"id": id_, "tip": moved[tip]} for id_, tip in threads if tip in moved),
        )

    # -- other rows ----------------------------------------------------

    def _change(self, texts: Texts) -> None:
        """Replace secrets in the rows of a table that had one when it was looked at."""
        which = " and ".join(f"{name} = :{name}" for name in texts.key)
        names = ", ".join(f'"{name}"' for name, _ in texts.columns)
        for row_key in self._rows[texts.table]:
            where = dict(zip(texts.key, row_key, strict=True))
            row = self.log.row(f"select {names} from {texts.table} where {which}", where)  # noqa: S608  names
            changed = self._values(texts, row or {})
            if changed:
                sets = ", ".join(f'"{name}" = :new_{name}' for name in changed)
                values = {f"new_{name}": value for name, value in changed.items()}
                self.log.run(f"update or replace {texts.table} set {sets} where {which}", {**where, **values})  # noqa: S608

    def _change_keys(self) -> None:
        """Replace secrets in the keys by which a merge knows names: they are in lower case there."""
        keys = {key(value): key(replacement(kind)) for value, kind in self.redactor.secrets.items()}
        for table in ("memory_changes", "memory_conflicts"):
            if self.log.columns(table):
                for (old,) in self.log.tuples(f"select distinct key from {table}"):  # noqa: S608  constants
                    new = old
                    for one, instead in keys.items():
                        new = new.replace(one, instead)
                    if new != old:
                        sql = f"update or replace {table} set key = :new where key = :old"  # noqa: S608  constants
                        self.log.run(sql, {"old": old, "new": new})

    def _values(self, texts: Texts, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the columns of a row that change."""
        changed: dict[str, Any] = {}
        for name, is_json in texts.columns:
            value = row.get(name)
            if isinstance(value, str) and self.redactor.has(value):
                changed[name] = self.redactor.column(value, is_json=is_json)
                keyed = _WITH_KEYS.get((texts.table, name))
                if keyed:
                    changed[name], changed[keyed] = self._named(texts.table, keyed, changed[name])
                    self._follow_project(texts.table, key(value), changed[keyed])
        return changed

    def _named(self, table: str, column: str, name: str) -> tuple[str, str]:
        """Return a name that nothing else in the table has, and its key. A tag may be that of many sessions."""
        taken: Sequence[Any] = self.log.tuples(f"select {column} from {table}") if table != "memory_tags" else ()  # noqa: S608
        keys = {one for (one,) in taken}
        number, found = 1, name
        while key(found) in keys:
            number += 1
            found = f"{name} {number}"
        return found, key(found)

    def _follow_project(self, table: str, old: str, new: str) -> None:
        if table == "memory_projects":
            self.log.run("update memory_sessions set project = :new where project = :old", {"old": old, "new": new})
