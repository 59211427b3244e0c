"""Store the things that people (and models) add to a conversation: notes, tags, meta, summaries; notes for all."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..model import Note, Summary
from ..rules.names import key
from .log import Log
from .schema import statement


class Notes:
    """The notes, tags, meta and summaries of a log's sessions."""

    def __init__(self, log: Log) -> None:
        self.log = log

    def _there(self) -> bool:
        """Return whether the tables exist, without creating them."""
        return bool(self.log.columns("memory_notes"))

    # -- notes ---------------------------------------------------------

    def notes(self, thread_id: str) -> list[Note]:
        """Return a session's notes, oldest first."""
        if not self._there():
            return []
        rows = self.log.rows(
            "select id, text, author, created_utc from memory_notes where thread_id = :id order by id",
            {"id": thread_id},
        )
        return [Note(**row) for row in rows]

    def sent(self, thread_id: str, *, everywhere: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the texts of the notes for all sessions (none unless `everywhere`) and of a session's own."""
        if not self.log.columns("memory_global_notes"):  # a log that has not been used recently
            return (), tuple(note.text for note in self.notes(thread_id))
        sql = (
            "select 1 as own, id, text from memory_notes where thread_id = :id"
            " union all select 0, id, text from memory_global_notes where :everywhere order by own, id"
        )
        rows = self.log.tuples(sql, {"id": thread_id, "everywhere": everywhere})
        return tuple(text for own, _, text in rows if not own), tuple(text for own, _, text in rows if own)

    def global_notes(self) -> list[Note]:
        """Return the notes for all sessions, oldest first."""
        if not self.log.columns("memory_global_notes"):
            return []
        rows = self.log.rows("select id, text, author, created_utc from memory_global_notes order by id")
        return [Note(**row) for row in rows]

    def add_global_note(self, text: str, author: str, created_utc: str) -> int:
        """Store a note for all sessions and return its id."""
        return self.log.run(
            "insert into memory_global_notes (text, author, created_utc) values (:text, :author, :created_utc)",
            {"text": text, "author": author, "created_utc": created_utc},
        )

    def delete_global_note(self, note_id: int) -> None:
        """Delete a note for all sessions."""
        self.log.run("delete from memory_global_notes where id = :id", {"id": note_id})

    def add_note(self, thread_id: str, text: str, author: str, created_utc: str) -> int:
        """Store a note and return its id."""
        return self.log.run(
            "insert into memory_notes (thread_id, text, author, created_utc)"
            " values (:thread_id, :text, :author, :created_utc)",
            {"thread_id": thread_id, "text": text, "author": author, "created_utc": created_utc},
        )

    def delete_note(self, thread_id: str, note_id: int) -> None:
        """Delete a note of a session."""
        self.log.run(
            "delete from memory_notes where thread_id = :thread_id and id = :id",
            {"thread_id": thread_id, "id": note_id},
        )

    # -- tags and meta -------------------------------------------------

    def tags(self, thread_id: str) -> list[str]:
        """Return a session's tags, in alphabetical order."""
        return self.tags_of([thread_id]).get(thread_id, [])

    def tags_of(self, thread_ids: Sequence[str]) -> dict[str, list[str]]:
        """Return the tags of the sessions that have any, in alphabetical order."""
        found: dict[str, list[str]] = {}
        for row in self._of(
            "select thread_id, tag from memory_tags where thread_id in %s order by tag_key", thread_ids
        ):
            found.setdefault(row["thread_id"], []).append(row["tag"])
        return found

    def add_tag(self, thread_id: str, tag: str) -> None:
        """Tag a session; adding the same tag again changes nothing."""
        self.log.run(
            "insert or ignore into memory_tags values (:thread_id, :tag, :key)",
            {"thread_id": thread_id, "tag": tag, "key": key(tag)},
        )

    def delete_tag(self, thread_id: str, tag: str) -> None:
        """Remove a tag."""
        self.log.run(
            "delete from memory_tags where thread_id = :thread_id and tag_key = :key",
            {"thread_id": thread_id, "key": key(tag)},
        )

    def meta(self, thread_id: str) -> dict[str, str]:
        """Return a session's meta values, by key."""
        return self.meta_of([thread_id]).get(thread_id, {})

    def meta_of(self, thread_ids: Sequence[str]) -> dict[str, dict[str, str]]:
        """Return the meta values, by key, of the sessions that have any."""
        found: dict[str, dict[str, str]] = {}
        for row in self._of(
            "select thread_id, key, value from memory_meta where thread_id in %s order by key", thread_ids
        ):
            found.setdefault(row["thread_id"], {})[row["key"]] = row["value"]
        return found

    def _of(self, sql: str, thread_ids: Sequence[str]) -> list[dict[str, Any]]:
        if not self._there():
            return []
        return self.log.rows(sql % "(select value from json_each(:ids))", {"ids": json.dumps(list(thread_ids))})

    def threads(self, tags: Collection[str], meta: Mapping[str, str | None]) -> list[str] | None:
        """Return the threads with all of these tags and values (None: any value), or None if nothing is asked for."""
        if not tags and not meta:
            return None
        if not self._there():
            return []
        rows = self.log.rows(
            statement("threads_with"),
            {"tags": json.dumps(sorted({key(tag) for tag in tags})), "meta": json.dumps(list(meta.items()))},
        )
        return [row["thread_id"] for row in rows]

    def set_meta(self, thread_id: str, values: Mapping[str, str | None]) -> None:
        """Set meta values of a session; None removes one."""
        for name, value in values.items():
            if value is None:
                sql = "delete from memory_meta where thread_id = :thread_id and key = :key"
            else:
                sql = "insert or replace into memory_meta values (:thread_id, :key, :value)"
            parameters: dict[str, Any] = {"thread_id": thread_id, "key": name}
            self.log.run(sql, parameters if value is None else parameters | {"value": value})

    # -- summaries -----------------------------------------------------

    def summaries(self, thread_id: str) -> list[Summary]:
        """Return a session's summaries, newest first; the first one is in use."""
        if not self._there():
            return []
        rows = self.log.rows("select * from memory_summaries where thread_id = :id order by id desc", {"id": thread_id})
        return [Summary(**{name: row[name] for name in row if name != "thread_id"}) for row in rows]

    def add_summary(self, thread_id: str, summary: Summary) -> int:
        """Store a summary, which is then the one in use, and return its id."""
        return self.log.run(
            "insert into memory_summaries (thread_id, text, first_turn_id, last_turn_id, exchanges, model,"
            " input_tokens, output_tokens, duration_ms, made_utc, last_number) values (:thread_id, :text,"
            " :first_turn_id, :last_turn_id, :exchanges, :model, :input_tokens, :output_tokens, :duration_ms, "
            " :made_utc, :last_number)",
            {
                "thread_id": thread_id,
                "text": summary.text,
                "first_turn_id": summary.first_turn_id,
                "last_turn_id": summary.last_turn_id,
                "exchanges": summary.exchanges,
                "model": summary.model,
                "input_tokens": summary.input_tokens,
                "output_tokens": summary.output_tokens,
                "duration_ms": summary.duration_ms,
                "made_utc": summary.made_utc,
                "last_number": summary.last_number,
            },
        )
