"""Make a session in a temporary database first, then copy it into the log in one short transaction.

To write 50,000 exchanges takes most of a minute. Nobody else could use the log meanwhile, so that minute is spent on a
temporary database, which SQLite deletes when it is closed or when the process dies. What takes long in the copy is
llm's search index. So its rows are copied first, in portions, with pauses in which other programs can write (see
search_ahead.py). Everything else follows in one transaction, whole or not at all.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ..errors import LogUnusable, NameRefused
from . import search_ahead
from .empty_tables import take_tables
from .log import Log
from .schema import statement

_FRAGMENT = "(select l.id from fragments f join log.fragments l on l.hash = f.hash where f.id = s.fragment_id)"
_INSTANCE = (
    "(select l.id from tool_instances i join log.tool_instances l on l.name is i.name and l.plugin is i.plugin"
    " and l.arguments is i.arguments where i.id = s.instance_id order by l.id limit 1)"
)
_TOOL = "(select l.id from tools t join log.tools l on l.hash = t.hash where t.id = s.tool_id)"
_PART = (
    "(select l.id from parts p join log.parts l on l.message_hash = p.message_hash and l.position = p.position"
    " where p.id = s.part_id)"
)
_NUMBER = "(select n.to_id from temp.new_numbers n where n.name = '{table}' and n.id = {id_})"
_NEW_PART = "where (select message_hash from parts where id = s.part_id) in (select hash from temp.fresh)"
_UNKNOWN = "where not exists (select 1 from log.{table} l where {same})"

_UNKNOWN_PROJECT = _UNKNOWN.format(table="memory_projects", same="l.name_key = s.name_key")
"""A project of the log stays as it is."""

_LLMS: dict[str, tuple[dict[str, str | None], str]] = {
    "schemas": ({}, _UNKNOWN.format(table="schemas", same="l.id = s.id")),
    "attachments": ({}, _UNKNOWN.format(table="attachments", same="l.id = s.id")),
    "fragments": ({"id": None}, _UNKNOWN.format(table="fragments", same="l.hash = s.hash")),
    "tools": ({"id": None}, _UNKNOWN.format(table="tools", same="l.hash = s.hash")),
    "tool_instances": (
        {"id": None},
        _UNKNOWN.format(
            table="tool_instances",
            same="l.name is s.name and l.plugin is s.plugin and l.arguments is s.arguments",
        ),
    ),
    "messages": ({}, "where s.hash in (select hash from temp.fresh)"),
    "parts": (
        {"id": None, "payload": "renumbered(s.payload)"},
        "where s.message_hash in (select hash from temp.fresh)",
    ),
    "part_attachments": ({"part_id": _PART}, _NEW_PART),
    "part_fragments": ({"part_id": _PART, "fragment_id": _FRAGMENT}, _NEW_PART),
    "threads": ({}, _UNKNOWN.format(table="threads", same="l.id = s.id")),
    "turns": ({}, ""),
    "turn_fragments": ({"fragment_id": _FRAGMENT}, ""),
    "turn_tools": (
        {
            "tool_id": _TOOL,
            "instance_id": _INSTANCE,
        },
        "",
    ),
    "tool_instantiations": ({"instance_id": _INSTANCE}, ""),
    "turn_search": ({"id": None}, _UNKNOWN.format(table="turn_search", same="l.turn_id = s.turn_id")),
}
"""llm's tables in the order in which they are copied: the columns that are not copied as they are (None: SQLite gives
the number), and which rows are copied. What llm stores once by its content stays where the log has it already."""

_OURS: dict[str, dict[str, str | None]] = {
    "memory_sessions": {},
    "memory_blocks": {"id": _NUMBER.format(table="memory_blocks", id_="s.id")},
    "memory_contexts": {"block_id": _NUMBER.format(table="memory_blocks", id_="s.block_id")},
    "memory_pins": {},
    "memory_attempts": {},
    "memory_originals": {},
    "memory_notes": {"id": None},
    "memory_tags": {},
    "memory_meta": {},
    "memory_summaries": {"id": None},
    "memory_recalls": {},
    "memory_ratings": {},
    "memory_other_ratings": {},
    "memory_shared_names": {},
    "memory_bookmarks": {},
    "memory_forks": {},
    "memory_undone": {},
    "memory_snapshots": {"id": None},
    "memory_titles": {},
    "memory_projects": {},
    "memory_changed": {},
}
"""Our tables, likewise. The index of the log is not copied: it catches up, as after each prompt."""

_OLDER: dict[str, dict[str, str | None]] = {
    "conversations": {},
    "responses": {},
    "prompt_attachments": {},
    "prompt_fragments": {"fragment_id": _FRAGMENT},
    "system_fragments": {"fragment_id": _FRAGMENT},
    "tool_responses": {"tool_id": _TOOL},
    "tool_calls": {"id": None, "tool_id": _TOOL},
    "tool_results": {
        "id": _NUMBER.format(table="tool_results", id_="s.id"),
        "tool_id": _TOOL,
        "instance_id": _INSTANCE,
    },
    "tool_results_attachments": {"tool_result_id": _NUMBER.format(table="tool_results", id_="s.tool_result_id")},
}
"""The tables of an older llm, likewise. Only a sealed session has rows in them."""

TABLES = (*_LLMS, *_OLDER)
"""llm's tables."""

WITHOUT_ROWID = frozenset(
    {"memory_recalls", "memory_undone", "memory_changed", "memory_other_ratings", "memory_shared_names"}
)
"""Those whose order is their primary key."""

NOT_COPIED = frozenset(
    {"memory_windows", "memory_index", "memory_passages", "memory_words", "memory_vectors"}
    | {"memory_tombstones", "memory_log_settings", "memory_global_notes", "memory_sealed"}
    | {"memory_branches", "memory_changes", "memory_conflicts"}
    | {"memory_jobs", "memory_job_items", "memory_groups", "memory_group_members", "memory_votes"}
    | {"memory_machine", "memory_remotes", "memory_remote_threads"}
)
"""Our tables that say nothing about one session alone."""

BY_HAND = frozenset({"memory_origins"})
"""Our tables whose rows may be in the log already."""

OURS = (*_OURS, *sorted(BY_HAND))
"""Our tables with rows about a session."""


class Staging:
    """A temporary database with the tables of a log, in which one session is made. Close it after use."""

    def __init__(self, path: Path, like: Log | None = None) -> None:
        """Make the database. It gets llm's tables as they are in the log `like`, or none at all."""
        from sqlite_utils import Database

        self.path = path
        self.log: Log = _Temporary(Database(sqlite3.connect(""), execute_plugins=False), path)
        """The temporary database. Its errors are about temporary files, not about the log."""
        self.goes_on: dict[str, int] = {}
        """The threads of the log that get more turns here or forks, with the number of turns that they have."""
        if like is not None:
            take_tables(self.log, like, _LLMS)

    def prepare(self) -> None:
        """Add our own tables, when llm's are there."""
        self.log.migrate()
        self.log.run(statement("staged_excerpts"))

    def close(self) -> None:
        """Close the temporary database, which deletes it."""
        self.log.close()

    # -- excerpts ------------------------------------------------------

    def add_excerpts(self, places: Iterable[Mapping[str, Any]]) -> None:
        """Remember where recalled excerpts are from (the columns of staged_excerpts)."""
        self.log.many(
            "insert into staged_excerpts values (:turn_id, :rank, :exchange, :turn, :side, :part, null)", places
        )

    def find_excerpts(self, turn_at: Callable[[tuple[int, int]], str | None]) -> bool:
        """Look up the turns that excerpts are from, and return whether there are any excerpts."""
        places = self.log.tuples("select distinct exchange, turn from staged_excerpts")
        self.log.many(
            "update staged_excerpts set from_turn_id = :id where exchange = :exchange and turn = :turn",
            ({"exchange": place[0], "turn": place[1], "id": turn_at(place)} for place in places),
        )
        return bool(places)

    def link_excerpts(self) -> None:
        """Link the copied excerpts to the log's index, which has caught up with their turns."""
        with self.log.locked():
            self._run(statement("link_excerpts"))

    # -- the copy ------------------------------------------------------

    def copy(self, theirs: Log) -> None:
        """Copy the session into the log, whole or not at all. Nobody else waits for longer than the last transaction.

        Raises NameRefused if the session's name has been taken in the meantime, and LogUnusable.
        """
        with theirs.sentences(), search_ahead.seen_by_others(self.path) as alone:
            self._run("attach ? as log", [str(self.path)])
            if alone:
                search_ahead.clean(self.log, "log")
            try:
                self._copy_search_rows()
                self._copy_the_rest()
            except BaseException:
                with suppress(sqlite3.Error):
                    search_ahead.clean(self.log, "log", " and s.turn_id in (select id from main.turns)")
                raise

    def _copy_search_rows(self) -> None:
        """Copy all of llm's search rows but the last portion, with a pause after each portion."""
        rows = self._run("select id, length(prompt) + length(response) from turn_search order by id")
        search_ahead.copy(
            self.log, rows, lambda portion: self._copy_table("turn_search", *_LLMS["turn_search"], portion)
        )

    def _copy_the_rest(self) -> None:
        connection = self.log.database.conn
        with self.log.locked():
            names = "select s.name from memory_sessions s join log.memory_sessions l on l.name_key = s.name_key"
            for (name,) in self._run(names):
                raise NameRefused(f"Session “{name}” already exists.", "Choose another name.")
            self._check_unchanged()
            self._run("drop table if exists temp.fresh")
            self._run("create temp table fresh (hash text primary key) without rowid")
            self._run(
                "insert into temp.fresh select hash from messages"
                " where not exists (select 1 from log.messages l where l.hash = messages.hash)"
            )
            self._find_numbers()
            for table, (changed, which) in _LLMS.items():
                if table == "parts":
                    connection.create_function("renumbered", 1, Renumbered(self._fragments()))
                self._copy_table(table, changed, which)
            self._copy_older()
            for table, changed in _OURS.items():
                which = _UNKNOWN_PROJECT if table == "memory_projects" else ""
                self._copy_table(table, changed, which)
            self._run(statement("staged_tips"), [json.dumps([*self.goes_on])])
            self._run(statement("staged_origins"))

    def _copy_older(self) -> None:
        """Copy the rows in the tables of an older llm, if there are any."""
        if not self._run("select 1 from main.sqlite_master where name = 'responses'").fetchone():
            return
        if self._run("select 1 from main.responses limit 1").fetchone():
            for table, changed in _OLDER.items():
                self._copy_table(table, changed, "")

    def _find_numbers(self) -> None:
        """Find the numbers in the log of blocks and results: those after the log's own, in the same order."""
        self._run("drop table if exists temp.new_numbers")
        self._run(
            "create temp table new_numbers"
            " (name text, id integer, to_id integer not null, primary key (name, id)) without rowid"
        )
        for table in ("memory_blocks", "tool_results"):
            if self._run("select 1 from main.sqlite_master where name = ?", [table]).fetchone():
                self._run(
                    f"insert into temp.new_numbers select '{table}', id, row_number() over (order by id) +"  # noqa: S608  constants
                    f" (select coalesce(max(id), 0) from log.{table}) from main.{table}"
                )

    def _check_unchanged(self) -> None:
        """Raise LogUnusable if what this database continues from is no longer in the log as it was."""
        count = "select count(*) from log.turns where thread_id = ?"
        changed = any(self._run(count, [id_]).fetchone()[0] != turns for id_, turns in self.goes_on.items())
        if changed or self._run("select 1 from turns s join log.turns l on l.id = s.id limit 1").fetchone():
            message = f"Conversations in {self.path} were changed by another program in the meantime."
            raise LogUnusable(message, "Import again.", "Nothing was imported.")

    def _fragments(self) -> dict[int, int]:
        """Return the log's number of each fragment that has another one here."""
        join = "select f.id, l.id from fragments f join log.fragments l on l.hash = f.hash"
        return dict(self._run(f"{join} where f.id <> l.id"))

    def _copy_table(
        self, table: str, changed: Mapping[str, str | None], which: str, values: Mapping[str, int] | None = None
    ) -> None:
        """Copy rows of a table, in their order. `values` may name the `first` and `last` id of the rows."""
        if not self._run(f"select 1 from main.{table} limit 1").fetchone():  # noqa: S608  constants
            return
        columns = [row[1] for row in self._run(f"pragma main.table_info('{table}')")]
        taken = {name: changed.get(name, f's."{name}"') for name in columns}
        taken = {name: value for name, value in taken.items() if value is not None}
        names = ", ".join(f'"{name}"' for name in taken)
        if values and "first" in values:
            which += " and s.id between :first and :last"
        order = "" if table in WITHOUT_ROWID else " order by s.rowid"
        sql = f"insert into log.{table} ({names}) select {', '.join(map(str, taken.values()))} from main.{table} s "  # noqa: S608  names of columns
        self._run(sql + which + order, values or {})

    def _run(self, sql: str, values: Any = ()) -> sqlite3.Cursor:
        return self.log.database.conn.execute(sql, values)


class _Temporary(Log):
    """A temporary database: if there is no space for it, the log is not what is full."""

    @contextmanager
    def sentences(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            message = f"The temporary database for the import could not be used: {error}."
            hint = "If the disk is full, choose a folder on another disk with SQLITE_TMPDIR."
            raise LogUnusable(message, hint, "Nothing was imported.") from error


class Renumbered:
    """Gives a part's payload the log's numbers of its fragments."""

    def __init__(self, numbers: Mapping[int, int]) -> None:
        self._numbers = numbers

    def __call__(self, payload: str | None) -> str | None:
        """Return a payload with these numbers."""
        if not self._numbers or not payload or '"text_ref"' not in payload:
            return payload
        value = json.loads(payload)
        for piece in value.get("text_ref") or ():
            if "fragment" in piece:
                piece["fragment"] = self._numbers.get(piece["fragment"], piece["fragment"])
        return json.dumps(value)
