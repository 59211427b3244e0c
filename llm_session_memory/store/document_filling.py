"""Documents of a remote written into an empty log: all of them, or nothing."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..errors import LogUnusable, RemoteFailed
from ..model.remotes import CONTENT, Document
from ..rules.merging import from_elsewhere, is_from_elsewhere
from ..rules.names import key as name_key
from . import check_hashes
from .document_checks import Checks, refused
from .document_tables import NUMBERED, ORDER, Row
from .log import Log
from .schema import statement

_AT_ONCE = 2_000
"""How many rows are inserted at a time."""


def fill(log: Log, documents: Iterable[Document], *, names: Mapping[str, str], person: str) -> None:
    """Write documents into an empty log, all of them or nothing. Content that comes twice is written once.

    Args:
        log: The log, from `empty_log`.
        documents: The documents. Each ref of one of them has to be among them.
        names: What sessions are called, by thread, in the log that this one will be merged with. A name counts if it
            is that of the document, or what a session with that name is called if the name is taken (`work@HOST`).
            All other sessions have the names of their documents; of two with the same, one gets `@` and its machine.
        person: Whose ratings go to memory_ratings; those of others go to memory_other_ratings.

    Raises:
        RemoteFailed: A document isn't what it says, or a newer version wrote it. Nothing was written.
        LogUnusable: There is no space for the log.
    """
    with log.writing():
        filling = _Filling(log, names, person)
        for document in documents:
            filling.add(document)
        filling.finish()


class _Filling:
    """Rows that wait to be written, and what is known of the documents so far."""

    def __init__(self, log: Log, names: Mapping[str, str], person: str) -> None:
        self._log = log
        self._names = names
        self._person = person
        self._checks = Checks(log)
        self._rows: defaultdict[str, list[tuple[Any, ...]]] = defaultdict(list)
        self._columns: dict[str, tuple[str, ...]] = {}
        self._waiting = 0
        self._numbers: defaultdict[str, int] = defaultdict(int)
        self._there: dict[str, str] = {}
        self._needed: dict[str, Document] = {}
        self._calls: list[Document] = []
        self._threads: list[Document] = []

    def add(self, document: Document) -> None:
        """Check a document. Write it if it is content; otherwise keep it, because its rows have an order."""
        self._checks.check(document)
        if document.ref in self._there:
            if document.kind in CONTENT or document.kind == "tombstone":
                return
            raise refused(document, "it came twice")
        self._there[document.ref] = document.key
        for ref in document.refs:
            if ref not in self._there:
                self._needed.setdefault(ref, document)
        if document.kind in ("turn", "response"):
            self._calls.append(document)
        elif document.kind == "thread":
            self._threads.append(document)
        else:
            for table, rows in document.rows.items():
                self._put(table, rows)

    def finish(self) -> None:
        """Write what waits, and check how all of it fits together."""
        for ref, document in self._needed.items():
            if ref not in self._there:
                raise refused(document, f"it needs the {ref}, which is not there")
        blocks = self._about_threads()
        self._about_calls(blocks)
        self._flush()
        if self._log.columns("threads"):
            self._log.run(statement("documents_threads"))
        # triggers recorded when rows were written here
        self._log.run("delete from memory_changes")
        self._put("memory_changes", map(self._own, _newest_changes(self._threads).values()))
        self._flush()
        self._check_messages()

    def _put(self, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        for row in rows:
            columns = tuple(sorted(row))
            if self._columns.setdefault(table, columns) != columns:  # the rows of a table have an order
                self._flush()
                self._columns[table] = columns
            self._rows[table].append(tuple(row[name] for name in columns))
            self._waiting += 1
        if self._waiting >= _AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        connection = self._log.database.conn
        for table, rows in self._rows.items():
            columns = self._columns[table]
            names = ", ".join(f'"{name}"' for name in columns)
            sql = f'insert into "{table}" ({names}) values ({", ".join("?" * len(columns))})'  # noqa: S608  known columns
            try:
                with self._log.sentences():
                    connection.executemany(sql, rows)
            except LogUnusable as error:
                if isinstance(error.__cause__, (sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.DataError)):
                    message = f"The remote's rows of {table} don't fit together ({error.__cause__})."
                    raise RemoteFailed(message, outcome="Nothing was changed.") from error
                raise
        self._rows.clear()
        self._waiting = 0

    # -- calls ---------------------------------------------------------

    def _about_calls(self, blocks: Mapping[int, int]) -> None:
        """Write turns and responses in the order of their conversations. Calls of old tools get numbers in order."""
        first: dict[str, str] = {}
        for one in self._calls:
            first[one.thread_id] = min(one.key, first.get(one.thread_id, one.key))
        self._calls.sort(key=lambda one: (first[one.thread_id], one.thread_id, one.kind, one.place, one.key))
        for document in self._calls:
            for table, rows in document.rows.items():
                if table == "memory_contexts":
                    self._put(table, ({**row, "block_id": self._block(row, blocks)} for row in rows))
                elif table not in _OLD_CALLS:
                    self._put(table, rows)
            self._about_old_calls(document)

    def _about_old_calls(self, document: Document) -> None:
        """Write what an old llm kept of calls of tools and their results, which are in the order of their numbers."""
        numbers: dict[tuple[str, Any], int] = {}
        for table in ("tool_calls", "tool_results"):
            for row in document.rows.get(table, ()):
                self._numbers[table] += 1
                numbers[table, row["id"]] = self._numbers[table]
                self._put(table, [{**row, "id": self._numbers[table]}])
        for row in document.rows.get("tool_results_attachments", ()):
            number = numbers.get(("tool_results", row["tool_result_id"]))
            if number is None:
                raise refused(document, "a row of tool_results_attachments is of no result")
            self._put("tool_results_attachments", [{**row, "tool_result_id": number}])

    def _block(self, context: Mapping[str, Any], blocks: Mapping[int, int]) -> int:
        """Return the number of a context's block here.

        The document of the conversation may have been read just before the turn was sent; then nothing is known of its
        block, and a block without facts stands for it.
        """
        if context["block_id"] in blocks:
            return blocks[context["block_id"]]
        values = {"thread_id": context["thread_id"], "pinned_json": "[]", "policy": "", "budget": 0}
        more = {"window_source": "", "front": "", "oversized": 0, "reason": "not known", "began_utc": ""}
        self._put("memory_blocks", [{"id": len(blocks) + 1, **values, **more}])
        blocks[context["block_id"]] = len(blocks) + 1  # type: ignore[index]
        return blocks[context["block_id"]]

    # -- conversations -------------------------------------------------

    def _about_threads(self) -> dict[int, int]:
        """Write the rows about conversations, and return the new number of each block."""
        by: defaultdict[str, list[Row]] = defaultdict(list)
        for document in self._threads:
            for table, rows in document.rows.items():
                by[table] += map(dict, rows)
        by.pop("memory_changes", None)
        blocks: dict[int, int] = {}
        for table in NUMBERED.keys() & by.keys():
            by[table] = _in_order(table, by[table])
            if table == "memory_blocks":
                blocks = {row["id"]: place for place, row in enumerate(by[table], 1)}
            by[table] = [{**row, "id": place} for place, row in enumerate(by[table], 1)]
        for table, kind in (("memory_projects", "project"), ("memory_groups", "group")):
            by[table] = _newest(table, kind, self._threads)
        ratings = by.pop("memory_ratings", [])
        by["memory_ratings"] = [_without_person(row) for row in ratings if row["person"] == self._person]
        by["memory_other_ratings"] = [row for row in ratings if row["person"] != self._person]
        by["memory_shared_names"] = self._name(by["memory_sessions"])
        for table, rows in by.items():
            self._put(table, rows)
        return blocks

    def _name(self, sessions: Sequence[Row]) -> list[Row]:
        """Give sessions the names that they have here, and return the shared names of those with another name."""
        machines = {one.key: one.machine for one in self._threads}
        taken: set[str] = set()
        renamed: list[Row] = []
        known = [
            row for row in sessions if is_from_elsewhere(self._names.get(str(row["thread_id"]), ""), str(row["name"]))
        ]
        others = [row for row in sessions if row not in known]
        for row in known + sorted(others, key=lambda row: (str(row["created_utc"]), str(row["thread_id"]))):
            thread_id, shared = str(row["thread_id"]), str(row["name"])
            name = self._names[thread_id] if row in known else shared
            if name_key(name) in taken:
                name = from_elsewhere(shared, machines[thread_id], taken)
            taken.add(name_key(name))
            if name != shared:
                renamed.append({"thread_id": thread_id, "name": shared})
            row.update(name=name, name_key=name_key(name))
        return renamed

    def _own(self, change: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the change of an own rating as a log has it."""
        turn_id, _, person = str(change["key"]).partition(" ")
        if change["kind"] != "other rating" or person != self._person:
            return change
        return {**change, "kind": "rating", "key": turn_id}

    # -- checks --------------------------------------------------------

    def _check_messages(self) -> None:
        """Raise RemoteFailed if a text isn't what its hash says."""
        wrong = next(check_hashes.unlike_their_hashes(self._log), None)
        if wrong is not None:
            message = f"The document “{wrong}” can't be used: its content is not what its hash says."
            raise RemoteFailed(message, "Somebody changed it on the remote.", "Nothing was changed here.")
        for table, other in self._log.tuples('select "table", parent from pragma_foreign_key_check'):
            if (table, other) != _MAY_BE_GONE:
                message = f"The remote's rows of {table} refer to something that is missing."
                raise RemoteFailed(message, outcome="Nothing was changed.")


_OLD_CALLS = frozenset({"tool_calls", "tool_results", "tool_results_attachments"})

_MAY_BE_GONE = ("threads", "threads")
"""A fork outlives the conversation that it was forked from."""


def _in_order(table: str, rows: Sequence[Row]) -> list[Row]:
    """Return numbered rows in the order of their times, each once."""
    once = {row["id"]: row for row in rows}
    order = [name for name in ORDER[table] if name != "id"]
    return sorted(once.values(), key=lambda row: (*(str(row[name]) for name in order), row["id"]))


def _newest_changes(threads: Iterable[Document]) -> dict[tuple[Any, ...], Mapping[str, Any]]:
    """Return the newest change of each row, as a merge has it."""
    found: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for document in threads:
        for row in document.rows.get("memory_changes", ()):
            key = (row["kind"], row["thread_id"], row["key"])
            here = found.get(key)
            if here is None or _when(row) > _when(here):
                found[key] = row
    return found


def _when(change: Mapping[str, Any]) -> tuple[str, int]:
    return str(change["changed_utc"]), -int(change["removed"])


def _newest(table: str, kind: str, threads: Iterable[Document]) -> list[Row]:
    """Return the rows of projects or groups, each once: several conversations have them, as they were when sent."""
    found: list[tuple[str, str, Row]] = []
    for document in threads:
        changes = {row["key"]: row for row in document.rows.get("memory_changes", ()) if row["kind"] == kind}
        for row in document.rows.get(table, ()):
            at = str(changes[row["name_key"]]["changed_utc"]) if row["name_key"] in changes else ""
            found.append((at, str([*row.items()]), dict(row)))
    found.sort(key=lambda one: one[:2])
    return [*{row["name_key"]: row for _, _, row in found}.values()]


def _without_person(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "person"}
