"""The rows about conversations that go into their documents, as a remote has them: with shared names and persons."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from functools import cached_property
from typing import Any

from ..model.remotes import Value
from ..rules import names
from ..rules.portable import number
from .document_tables import NUMBERED, OPEN_ATTEMPT, ORDER, OWNED, STAMPED, WHOLE, Row, stamp_of_row
from .log import Log

_IN = "in (select value from json_each(:threads))"

_JOINS = {
    "threads": "select s.id as owner, {columns} from threads s",
    "conversations": "select s.id as owner, {columns} from conversations s",
    "memory_projects": "select o.thread_id as owner, {columns}"
    " from memory_sessions o join memory_projects s on s.name_key = o.project",
    "memory_groups": "select o.thread_id as owner, {columns}"
    " from memory_group_members o join memory_groups s on s.name_key = o.name_key",
    "memory_votes": "select t.thread_id as owner, {columns} from memory_votes s join turns t on t.id = s.a_turn_id"
    " union all select t.conversation_id, {columns} from memory_votes s join responses t on t.id = s.a_turn_id"
    " where t.id not in (select id from turns)",
    "memory_attempts": "select s.thread_id as owner, {columns} from memory_attempts s"
    " where substr(s.request_json, 1, length(:open)) <> :open",
    "memory_ratings": "select s.thread_id as owner, {columns}, :person as person from memory_ratings s"
    " union all select s.thread_id, {columns}, s.person from memory_other_ratings s where s.person <> :person",
    "memory_changes": "select s.thread_id as owner, {columns} from memory_changes s where s.thread_id <> ''"
    " union all select o.thread_id, {columns} from memory_sessions o"
    " join memory_changes s on s.kind = 'project' and s.thread_id = '' and s.key = o.project"
    " union all select o.thread_id, {columns} from (select thread_id, name_key from memory_group_members union"
    " select thread_id, key from memory_changes where kind = 'member') o"
    " join memory_changes s on s.kind = 'group' and s.thread_id = '' and s.key = o.name_key"
    " union all select t.thread_id, {columns} from memory_changes s"
    " join turns t on t.id = substr(s.key, 1, instr(s.key, ' ') - 1) where s.kind = 'vote'"
    " union all select t.conversation_id, {columns} from memory_changes s"
    " join responses t on t.id = substr(s.key, 1, instr(s.key, ' ') - 1)"
    " where s.kind = 'vote' and t.id not in (select id from turns)",
}
"""How rows are found if they don't have `thread_id`, or if some of them are never sent."""

_PLAIN = "select s.thread_id as owner, {columns} from {table} s"

_BESIDE = {"memory_ratings": "memory_other_ratings"}
"""Tables whose rows are read with those of another one."""

_IDS = {
    "threads": "select id from threads",
    "conversations": "select id from conversations",
    "memory_sessions": "select thread_id as id from memory_sessions",
}
"""The ids of conversations, with or without calls."""

_SHARED_NAME = "coalesce((select n.name from memory_shared_names n where n.thread_id = s.thread_id), s.name)"


class Threads:
    """The conversations of a log, for one person, whose ratings are those in memory_ratings."""

    def __init__(self, log: Log, person: str) -> None:
        self._log = log
        self._person = person

    @cached_property
    def _tables(self) -> dict[str, list[str]]:
        """The tables that the log has rows in, with the columns that are read, in a fixed order.

        Most have none: to ask each of them, for each portion of conversations, takes longer than to read the others.
        """
        found = self._log.columns_of([*OWNED["thread"], *_BESIDE.values()])
        asked = (f"select '{table}' where exists (select 1 from {table})" for table in found if found[table])  # noqa: S608  constants
        filled = {table for (table,) in self._log.tuples(" union all ".join(asked))} if any(found.values()) else set()
        return {table: sorted(found[table]) for table in OWNED["thread"] if {table, _BESIDE.get(table)} & filled}

    def ids(self, threads: Collection[str] | None = None) -> list[str]:
        """Return the conversations of the log, or which of some are there, in the order of their ids."""
        which = "" if threads is None else f" where id {_IN}"
        every = " union ".join(sql for table, sql in _IDS.items() if table in self._tables)
        sql = f"select id from ({every}){which} order by id"  # noqa: S608  constants
        return [one for (one,) in self._log.tuples(sql, self._given(threads))] if every else []

    def stamps(self, threads: Collection[str] | None) -> Iterator[tuple[str, int]]:
        """Yield a conversation and what one row about it contributes to its stamp."""
        for table, every in self._tables.items():
            columns = every if table in WHOLE else [name for name in STAMPED.get(table, ()) if name != "person"]
            for owner, row in self._rows(table, threads, columns) if columns else ():
                yield owner, stamp_of_row(owner, table, row)

    def rows(self, threads: Collection[str]) -> dict[str, dict[str, list[Row]]]:
        """Return the rows about some conversations by table, in their order, with portable numbers."""
        found: dict[str, dict[str, list[Row]]] = {one: {} for one in threads}
        for table, columns in self._tables.items():
            by: defaultdict[str, list[Row]] = defaultdict(list)
            for owner, row in self._rows(table, threads, columns):
                if table in NUMBERED:
                    row["id"] = number_of_row(table, row)
                by[owner].append(row)
            for owner, some in by.items():
                if owner in found:
                    found[owner][table] = ordered(table, some)
        return found

    def _rows(self, table: str, threads: Collection[str] | None, columns: list[str]) -> Iterator[tuple[str, Row]]:
        """Yield rows of a table with their conversations, each once."""
        named = {"name": f"{_SHARED_NAME} as name"} if table == "memory_sessions" else {}
        listed = ", ".join(named.get(name, f's."{name}"') for name in columns)
        sql = _JOINS.get(table, _PLAIN).format(columns=listed, table=table)
        which = "" if threads is None else f" where owner {_IN}"
        if table == "memory_ratings":
            columns = [*columns, "person"]
        for owner, *values in self._log.stream(f"select distinct * from ({sql}){which}", self._given(threads)):  # noqa: S608  constants
            row: Row = dict(zip(columns, values, strict=True))
            if table == "memory_sessions":
                row["name_key"] = names.key(str(row["name"]))
            if table == "memory_changes" and not self._with_person(row):
                continue
            yield owner, row

    def _with_person(self, change: Row) -> bool:
        """Write into the change of one's own rating whose it is, as in those of others. Return whether it counts."""
        if change["kind"] == "other rating":
            return not change["key"].endswith(f" {self._person}")
        if change["kind"] == "rating":
            change.update(kind="other rating", key=f"{change['key']} {self._person}")
        return True

    def _given(self, threads: Collection[str] | None) -> dict[str, str]:
        return {
            "person": self._person,
            "open": OPEN_ATTEMPT,
            **({} if threads is None else {"threads": json.dumps([*threads])}),
        }


def number_of_row(table: str, row: Row) -> int:
    """Return the portable number of a row of a numbered table."""
    return number(table, *(row[name] for name in NUMBERED[table]))


def ordered(table: str, rows: Sequence[Row]) -> list[Row]:
    """Return the rows of one document in their order, each once, even if it is there twice."""
    if len(rows) < 2 or table not in ORDER:  # noqa: PLR2004  nothing to order
        return [*rows]

    def place(row: Row) -> tuple[tuple[bool, Any], ...]:
        return tuple((row[name] is not None, row[name]) for name in ORDER[table])

    everything = sorted(rows, key=lambda row: json.dumps([*map(_shown, row.values())]))
    kept = {place(row): row for row in reversed(everything)}
    return [kept[one] for one in sorted(kept)]


def _shown(value: Value) -> str | int | float | None:
    return value.hex() if isinstance(value, bytes) else value
