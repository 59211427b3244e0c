"""Whether a document of a remote is what it says: another machine wrote it, and it may be an attack."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..errors import NameRefused, RemoteFailed
from ..model.remotes import KINDS, Document
from ..rules import names
from ..rules.portable import number
from ..rules.safe_text import one_line
from .document_tables import MAIN, OPEN_ATTEMPT, ORDER, OWNED
from .log import Log

_LONGEST_KEY = 1_000
_MOST_ROWS = 1_000_000
_MOST_REFS = 10_000_000
_LARGEST = 500_000_000
"""The most characters or bytes of a value. SQLite takes twice as much."""

_INTEGER = 1 << 63

_HOLDS: dict[str, type] = {
    "options_json": dict,
    "state_json": dict,
    "request_json": dict,
    "pinned_json": list,
    "messages_json": list,
    "words_json": list,
    "payload": dict,
    "provider_metadata": dict,
}
"""Columns that are read as JSON, and what is in them."""

_CHANGES_BESIDE = frozenset({"project", "group", "vote"})
"""The kinds of changes that belong to no conversation, but go with one."""

_UNCHANGED = "Nothing was changed."


class _Column(NamedTuple):
    """A column: whether each row has to have it, and whether it is never null."""

    name: str
    type: str
    needed: bool
    filled: bool


class Checks:
    """Checks documents against the tables of a log."""

    def __init__(self, log: Log) -> None:
        tables = {table for tables in OWNED.values() for table in tables}
        self._tables: dict[str, dict[str, _Column]] = {table: {} for table in tables}
        sql = (
            'select t.value, c.name, c.type, c."notnull", c.dflt_value is null, c.pk'
            " from json_each(:tables) t join pragma_table_info(t.value) c"
        )
        for table, name, type_, filled, bare, pk in log.tuples(sql, {"tables": json.dumps([*tables])}):
            needed = (filled and bare) or pk or name in {"id", *ORDER.get(table, ())}
            self._tables[table][name] = _Column(name, type_.upper(), bool(needed), bool(filled or name == "id"))

    def check(self, document: Document) -> None:
        """Raise RemoteFailed if a document can't be used."""
        if document.kind not in KINDS:
            raise newer(f"documents of the kind “{one_line(str(document.kind), 40)}”")
        self._check_frame(document)
        for table, rows in document.rows.items():
            columns = self._tables[table] if table in OWNED[document.kind] else {}
            if not columns:
                raise newer(f"a table {one_line(str(table), 60)}")
            for row in rows:
                self._check_row(document, table, columns, row)
        if document.kind != "thread" and len(document.rows.get(MAIN[document.kind], ())) != 1:
            raise refused(document, "it does not have one row for what it is about")
        _check_key(document)

    def _check_frame(self, document: Document) -> None:
        texts = (document.key, document.thread_id, document.bucket, document.machine, document.person, *document.refs)
        if not all(isinstance(text, str) and len(text) <= _LONGEST_KEY and _is_text(text) for text in texts):
            raise refused(document, "one of its names is too long, or is not text")
        if not document.key or (document.kind in ("thread", "turn", "response")) != bool(document.thread_id):
            raise refused(document, "its key or its conversation is missing")
        if len(document.refs) > _MOST_REFS or sum(map(len, document.rows.values())) > _MOST_ROWS:
            raise refused(document, "it is too large")
        if not _is_integer(document.place) or not _is_integer(document.stamp):
            raise refused(document, "its place or stamp is not a number")

    def _check_row(
        self, document: Document, table: str, columns: Mapping[str, _Column], row: Mapping[str, Any]
    ) -> None:
        known = columns
        if table == "memory_ratings":
            known = {**columns, "person": _Column("person", "TEXT", needed=True, filled=True)}
        unknown = next((name for name in row if name not in known), None)
        if unknown is not None:
            raise newer(f"a column {table}.{one_line(str(unknown), 60)}")
        for column in known.values():
            if column.needed and column.name not in row:
                raise refused(document, f"{table}.{column.name} is missing")
        for name, value in row.items():
            if not _fits(known[name], value):
                raise refused(document, f"{table}.{name} has a value of a wrong type or size")
        for name in _HOLDS.keys() & row.keys():
            if row[name] is not None and not _holds(row[name], _HOLDS[name]):
                raise refused(document, f"{table}.{name} is not the JSON that it should be")


def newer(what: str) -> RemoteFailed:
    """Return the error for something that this version doesn't know."""
    message = f"The remote has {what}, so a newer version of llm or of this plugin wrote to it."
    return RemoteFailed(message, "Update both: llm install -U llm llm-session-memory", _UNCHANGED)


def refused(document: Document, why: str) -> RemoteFailed:
    """Return the error for a document that can't be used."""
    name = one_line(f"{document.kind} {document.key}", 80)
    message = f"The document “{name}” can't be used: {why}."
    machine = one_line(str(document.machine), 40)
    hint = f"It was sent by “{machine}”. " if machine else ""
    return RemoteFailed(message, f"{hint}Check the log there with: llm sessions check", _UNCHANGED)


def _check_key(document: Document) -> None:
    """Raise RemoteFailed if rows are not about what the document is named by."""
    key = document.key
    for table, column in OWNED[document.kind].items():
        if column and any(row.get(column) != key for row in document.rows.get(table, ())):
            raise refused(document, f"a row of {table} is about something else")
    if document.kind == "thread":
        _check_thread(document)
        return
    main = document.rows[MAIN[document.kind]][0]
    if document.kind in ("turn", "response"):
        whose = main.get("thread_id" if document.kind == "turn" else "conversation_id")
        if whose != document.thread_id:
            raise refused(document, "it is a call of another conversation")
    elif document.kind == "message":
        _check_parts(document)
    elif main.get("id") != _id_of(document, main):
        raise refused(document, "its row is about something else")


def _id_of(document: Document, main: Mapping[str, Any]) -> object:
    """Return the id that a document's row has to have for its key."""
    if document.kind in ("fragment", "tool"):
        return number(document.kind, document.key)
    if document.kind == "instance":
        made = number("instance", *(main.get(name) for name in ("plugin", "name", "arguments")))
        return made if document.key == f"{made:016x}" else None
    if document.kind == "tombstone":
        kind, _, id_ = document.key.partition(" ")
        return id_ if kind == main.get("kind") else None
    return document.key


def _check_names(document: Document) -> None:
    """Raise RemoteFailed if a session or project has a name that isn't allowed here."""
    try:
        for row in document.rows.get("memory_sessions", ()):
            names.check(str(row["name"]))
        for row in document.rows.get("memory_projects", ()):
            names.check_project(str(row["name"]))
    except NameRefused as error:
        raise refused(document, "a session or project can't have the name that it has there") from error


def _check_thread(document: Document) -> None:
    _check_names(document)
    if document.thread_id != document.key:
        raise refused(document, "it is about another conversation")
    for table in ("threads", "conversations", "memory_sessions"):
        if len(document.rows.get(table, ())) > 1:
            raise refused(document, f"it has several rows of {table}")
    for row in document.rows.get("memory_changes", ()):
        if row["thread_id"] != document.key and (row["thread_id"] or row["kind"] not in _CHANGES_BESIDE):
            raise refused(document, "a change is about another conversation")
    _check_project(document)
    for row in document.rows.get("memory_attempts", ()):
        if str(row["request_json"]).startswith(OPEN_ATTEMPT):
            raise refused(document, "it has a prompt that is still being sent")


def _check_project(document: Document) -> None:
    """Raise RemoteFailed if a conversation names a project that it is not in: only others may have rights to that."""
    project = next((row.get("project") for row in document.rows.get("memory_sessions", ())), None)
    said = {row["name_key"] for row in document.rows.get("memory_projects", ())}
    said |= {row["key"] for row in document.rows.get("memory_changes", ()) if row["kind"] == "project"}
    if said - {project}:
        raise refused(document, "it is about a project that it is not in")


def _check_parts(document: Document) -> None:
    numbers = set()
    for row in document.rows.get("parts", ()):
        if row["id"] != number("part", document.key, row["position"]):
            raise refused(document, "a part has a wrong number")
        numbers.add(row["id"])
    for table in ("part_attachments", "part_fragments"):
        if any(row["part_id"] not in numbers for row in document.rows.get(table, ())):
            raise refused(document, f"a row of {table} is of no part")


def _fits(column: _Column, value: object) -> bool:
    """Return whether a value can be in a column."""
    if value is None:
        return not column.filled
    if isinstance(value, str):
        return len(value) <= _LARGEST and _is_text(value) and column.type in ("TEXT", "")
    if isinstance(value, bytes):
        return len(value) <= _LARGEST and column.type in ("BLOB", "")
    if isinstance(value, float):
        return math.isfinite(value) and column.type in ("REAL", "INTEGER", "FLOAT", "")
    return _is_integer(value) and column.type in ("INTEGER", "REAL", "FLOAT", "")


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -_INTEGER <= value < _INTEGER


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _holds(value: object, kind: type) -> bool:
    try:
        return isinstance(json.loads(str(value)), kind)
    except (ValueError, RecursionError):
        return False
