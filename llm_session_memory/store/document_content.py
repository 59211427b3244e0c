"""What several conversations of a log may share (messages, fragments, tools and so on), as documents of a remote."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from ..model.remotes import Document, Value
from ..rules.portable import number
from .document_tables import OWNED, Row
from .document_threads import ordered
from .log import Log
from .staging import Renumbered

Numbers = Mapping[int, tuple[str, int]]
"""The document and the portable number of what a log has numbered."""

_AT_ONCE = 5_000
"""How many ids one statement is given."""


class Content:
    """Reads content as documents, each once. Numbers of the log are looked up as portable ones."""

    def __init__(self, log: Log, machine: str, person: str) -> None:
        self._log = log
        self._machine, self._person = machine, person
        self._columns: dict[str, list[str]] = {}
        self._sent: set[str] = set()
        self.fragments: dict[int, tuple[str, int]] = {}
        """The document and the portable number of each fragment, by the log's number; likewise the next two."""
        self.tools: dict[int, tuple[str, int]] = {}
        self.instances: dict[int, tuple[str, int]] = {}
        self._numbers: dict[int, int] = {}
        self._ids: dict[str, int] = {}
        self._there: set[str] = set()
        self.ref_of: dict[Value, str] = {}
        """The documents of fragments, tools and instances by their portable numbers."""

    def columns(self, table: str) -> list[str]:
        """Return the columns of a table, in a fixed order. It is empty if the log has no such table."""
        if not self._columns:
            found = self._log.columns_of({table for tables in OWNED.values() for table in tables})
            self._columns = {table: sorted(columns) for table, columns in found.items()}
        return self._columns[table]

    def rows(self, table: str, column: str, ids: Iterable[Value]) -> dict[Any, list[Row]]:
        """Return the rows of a table by one of its columns, in the order of the log."""
        found: defaultdict[Any, list[Row]] = defaultdict(list)
        columns = self.columns(table)
        wanted = [*ids] if columns else []
        place = columns.index(column) if columns else 0
        order = " order by id" if "id" in columns and column != "id" else ""
        listed = ", ".join(f'"{name}"' for name in columns)
        sql = f"select {listed} from {table} where {column} in (select value from json_each(:ids)){order}"  # noqa: S608  constants
        for start in range(0, len(wanted), _AT_ONCE):
            for values in self._log.stream(sql, {"ids": json.dumps(wanted[start : start + _AT_ONCE])}):
                found[values[place]].append(dict(zip(columns, values, strict=True)))
        return found

    def portable(self, rows: Iterable[Row], column: str, known: Numbers, *, blank: bool = False) -> list[Row]:
        """Return rows with portable numbers in a column.

        A row that names something that is not in the log is left out, or with `blank` names nothing.
        """
        kept = []
        for row in rows:
            value = row[column]
            if value in known:
                kept.append({**row, column: known[value][1]})
            elif value is None or blank:
                kept.append({**row, column: None})
        return kept

    def find(self, fragments: Collection[Any], tools: Collection[Any] = (), instances: Collection[Any] = ()) -> None:
        """Look up the portable numbers of fragments, tools and instances."""
        new = [one for one in {*fragments} if one is not None and one not in self.fragments]
        if new:
            sql = "select id, hash from fragments where id in (select value from json_each(:ids)) and hash is not null"
            for id_, hash_ in self._log.tuples(sql, {"ids": json.dumps(new)}):
                self._numbers[id_] = number("fragment", hash_)
                self.fragments[id_] = (f"fragment {hash_}", self._numbers[id_])
                self.ref_of[self._numbers[id_]] = f"fragment {hash_}"
        for id_, rows in self.rows("tools", "id", {*tools} - self.tools.keys() - {None}).items():
            if rows[0]["hash"] is not None:
                self.tools[id_] = (f"tool {rows[0]['hash']}", number("tool", rows[0]["hash"]))
                self._remember(id_, *self.tools[id_])
        for id_, rows in self.rows("tool_instances", "id", {*instances} - self.instances.keys() - {None}).items():
            made = number("instance", *(rows[0][name] for name in ("plugin", "name", "arguments")))
            self.instances[id_] = (f"instance {made:016x}", made)
            self._remember(id_, *self.instances[id_])

    def _remember(self, id_: int, ref: str, portable: int) -> None:
        self._ids[ref] = id_
        self.ref_of[portable] = ref

    def there(self, kind: str, ids: Iterable[Value]) -> list[str]:
        """Return which of these schemas or attachments are in the log, by their names, in order."""
        wanted = [one for one in dict.fromkeys(ids) if one is not None]
        unknown = [one for one in wanted if _ref(kind, one) not in self._there]
        table = f"{kind}s"
        if unknown and self.columns(table):
            sql = f"select id from {table} where id in (select value from json_each(:ids))"  # noqa: S608  constants
            self._there.update(f"{kind} {id_}" for (id_,) in self._log.tuples(sql, {"ids": json.dumps(unknown)}))
        return [_ref(kind, one) for one in wanted if _ref(kind, one) in self._there]

    def documents(self, refs: Iterable[str]) -> Iterator[Document]:
        """Yield these documents of content unless they were yielded before; no messages."""
        new = [ref for ref in dict.fromkeys(refs) if ref not in self._sent]
        self._sent.update(new)
        for kind, table in (("schema", "schemas"), ("attachment", "attachments"), ("fragment", "fragments")):
            for key in [ref.partition(" ")[2] for ref in new if ref.startswith(f"{kind} ")]:
                column = "hash" if kind == "fragment" else "id"
                for row in self.rows(table, column, [key]).get(key, [])[:1]:  # one by one: they may be large
                    if kind == "fragment":
                        row["id"] = number("fragment", key)
                    yield self._document(kind, key, {table: [row]})
        for kind, table, known in (("tool", "tools", self.tools), ("instance", "tool_instances", self.instances)):
            ids = {ref: self._ids[ref] for ref in new if ref.startswith(f"{kind} ")}
            found = self.rows(table, "id", ids.values())
            for ref, id_ in ids.items():
                row = {**found[id_][0], "id": known[id_][1]}
                yield self._document(kind, ref.partition(" ")[2], {table: [row]})

    # -- messages ------------------------------------------------------

    def messages(self, starts: Iterable[str | None], known: Collection[str]) -> dict[str, Row]:
        """Return some messages and those that they come after, but nothing before those that are `known`."""
        found: dict[str, Row] = {}
        new = {one for one in starts if one is not None and one not in known}
        while new:
            rows = self.rows("messages", "hash", sorted(new))
            found.update((hash_, some[0]) for hash_, some in rows.items())
            parents = {str(some[0]["parent_hash"]) for some in rows.values() if some[0]["parent_hash"] is not None}
            new = {one for one in parents if one not in found and one not in known}
        return found

    def message_documents(self, messages: Iterable[Row]) -> Iterator[Document]:
        """Yield the documents of messages that were not yet yielded, and before them those that they need."""
        once = {f"message {row['hash']}": row for row in messages}
        new = [row for ref, row in once.items() if ref not in self._sent]
        self._sent.update(once)
        hashes = [row["hash"] for row in new]
        parts = self.rows("parts", "message_hash", hashes)
        numbers = {part["id"]: part for some in parts.values() for part in some}
        held = {table: self.rows(table, "part_id", [*numbers]) for table in ("part_attachments", "part_fragments")}
        used = [row["fragment_id"] for some in held["part_fragments"].values() for row in some]
        self.find([*used, *(one for part in numbers.values() for one in _named(part))])
        renumbered = Renumbered(self._numbers)
        made = [self._message(row, parts.get(row["hash"], ()), held, renumbered) for row in new]
        yield from self.documents(ref for one in made for ref in one.refs)
        yield from made

    def _message(
        self, message: Row, parts: Iterable[Row], held: Mapping[str, Mapping[Any, list[Row]]], renumbered: Renumbered
    ) -> Document:
        rows: dict[str, list[Row]] = {"messages": [message], "parts": [], "part_attachments": [], "part_fragments": []}
        refs: list[str] = []
        for part in ordered("parts", [*parts]):
            id_ = number("part", message["hash"], part["position"])
            fragments = self.portable(held["part_fragments"].get(part["id"], ()), "fragment_id", self.fragments)
            attachments = held["part_attachments"].get(part["id"], [])
            rows["part_fragments"] += ordered("part_fragments", [{**row, "part_id": id_} for row in fragments])
            rows["part_attachments"] += ordered("part_attachments", [{**row, "part_id": id_} for row in attachments])
            used = [row["fragment_id"] for row in held["part_fragments"].get(part["id"], ())]
            refs += self.there("attachment", [row["attachment_id"] for row in attachments])
            refs += (self.fragments[one][0] for one in (*used, *_named(part)) if one in self.fragments)
            rows["parts"].append({**part, "id": id_, "payload": renumbered(part["payload"])})
        kept = {table: some for table, some in rows.items() if some}
        return self._document("message", str(message["hash"]), kept, tuple(dict.fromkeys(refs)))

    def _document(self, kind: str, key: str, rows: Mapping[str, list[Row]], refs: tuple[str, ...] = ()) -> Document:
        return Document(kind, key, rows, refs=refs, machine=self._machine, person=self._person)


def _ref(kind: str, id_: Value) -> str:
    return f"{kind} {id_!s}"


def _named(part: Row) -> list[int]:
    """Return the fragments that the payload of a part names."""
    payload = part["payload"]
    if not isinstance(payload, str) or '"text_ref"' not in payload:
        return []
    try:
        pieces = json.loads(payload).get("text_ref") or ()
        return [piece["fragment"] for piece in pieces if isinstance(piece.get("fragment"), int)]
    except (ValueError, AttributeError, TypeError):
        return []
