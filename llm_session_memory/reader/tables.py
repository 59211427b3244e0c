"""The tables of a log, and statements that work even if some tables are missing.

Logs differ by the version of llm, by whether our llm plugin ever wrote to them, and by the visitor's permissions. A
missing or locked table counts as empty: a statement that reads it gets an empty common table expression of that name.
A column that an older llm did not have counts as null, in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from ..store.schema import statement as of_the_store

TODAYS = ("threads", "turns", "messages", "parts")
"""The tables that every conversation of today's llm needs."""

OLDER = ("conversations", "responses")
"""The tables that every conversation of llm up to 0.31 needs. Today's llm keeps them, but no longer adds to them."""

COLUMNS: dict[str, str] = {
    "threads": "id name tip_message_hash forked_from datetime_utc",
    "turns": "rowid id thread_id parent_message_hash tip_message_hash model resolved_model options_json schema_id"
    " input_tokens output_tokens token_details duration_ms datetime_utc response_json",
    "messages": "hash parent_hash role provider_metadata",
    "parts": "id message_hash position type tool_name text payload",
    "turn_search": "rowid id turn_id prompt response",
    "turn_search_fts": "rowid rank prompt response turn_search_fts",
    "turn_fragments": "turn_id fragment_id order kind",
    "turn_tools": "rowid turn_id tool_id instance_id",
    "tool_instances": "id plugin name arguments",
    "tool_instantiations": "rowid turn_id tool_call_id instance_id",
    "conversations": "id name model",
    "responses": "rowid id model prompt system prompt_json options_json response response_json conversation_id"
    " duration_ms datetime_utc input_tokens output_tokens token_details schema_id resolved_model reasoning",
    "responses_fts": "rowid rank prompt response responses_fts",
    "fragments": "id hash content datetime_utc source",
    "prompt_fragments": "response_id fragment_id order",
    "system_fragments": "response_id fragment_id order",
    "attachments": "id type path url content",
    "part_attachments": "part_id attachment_id order",
    "prompt_attachments": "response_id attachment_id order",
    "schemas": "id content",
    "tools": "id hash name description input_schema plugin",
    "tool_responses": "rowid tool_id response_id",
    "tool_calls": "id response_id tool_id name arguments tool_call_id",
    "tool_results": "id response_id tool_id name output tool_call_id instance_id exception",
    "tool_results_attachments": "tool_result_id attachment_id order",
    "memory_sessions": "thread_id name name_key created_utc model system options_json max_context_tokens memory"
    " project template archived_utc budget_usd private global_notes recall_from",
    "memory_blocks": "id thread_id start_turn_id start_number pinned_json policy budget window window_source front clip"
    " oversized reason began_utc",
    "memory_contexts": "rowid turn_id thread_id block_id exchange_turn_id number after_turn_id base estimate cut",
    "memory_pins": "thread_id turn_id pinned_utc",
    "memory_attempts": "id thread_id model prompt error partial datetime_utc duration_ms request_json answered_by",
    "memory_originals": "turn_id messages_json",
    "memory_notes": "id thread_id text author created_utc",
    "memory_global_notes": "id text author created_utc",
    "memory_tags": "thread_id tag tag_key",
    "memory_meta": "thread_id key value",
    "memory_summaries": "id thread_id text first_turn_id last_turn_id exchanges model input_tokens output_tokens"
    " duration_ms made_utc last_number",
    "memory_index": "number thread_id turns passages rules",
    "memory_words": "rowid rank thread text parts memory_words",
    "memory_passages": "id thread turn_id side part start end weight message_weight",
    "memory_recalls": "turn_id rank passage_id number side score tokens words_json thread_id",
    "memory_ratings": "thread_id turn_id mark note rated_utc",
    "memory_other_ratings": "thread_id turn_id person mark note rated_utc",
    "memory_bookmarks": "thread_id turn_id label created_utc",
    "memory_projects": "name_key name created_utc model system options_json max_context_tokens memory budget_usd"
    " retention_days auto_title title_model",
    "memory_forks": "thread_id from_thread_id at_turn_id forked_utc",
    "memory_undone": "thread_id turn_id undone_utc",
    "memory_snapshots": "id thread_id label label_key turn_id state_json made_utc",
    "memory_titles": "thread_id title author input_tokens output_tokens duration_ms spent_usd made_utc",
    "memory_origins": "thread_id source key file imported_utc",
    "memory_jobs": "id name name_key kind state reason thread_id settings_json definition inputs_json max_cost_usd"
    " spent_usd created_utc ended_utc",
    "memory_job_items": "job_id position key id kind model input_json needs_json state tries error thread_id turn_id"
    " output_json input_tokens output_tokens duration_ms cost_usd owner lease_utc not_before_utc started_utc ended_utc",
    "memory_groups": "name_key name created_utc",
    "memory_group_members": "name_key thread_id added_utc",
    "memory_votes": "a_turn_id b_turn_id better blind voted_utc",
    "memory_tombstones": "kind id deleted_utc",
    "memory_changed": "turn_id changed_utc",
}
"""The tables and columns that statements may read."""

VIEWS: dict[str, frozenset[str]] = {
    "memory_session_list": frozenset({"memory_sessions", "memory_attempts", "turns"}),
    "memory_changing": frozenset({"memory_changes"}),
}
"""The views that our llm plugin adds to a log, with the tables that each shows rows of."""

_SQL = Path(__file__).parent / "sql"

OF_THE_STORE = frozenset({"chain", "parts", "turn_messages", "turns_of_thread", "request_answers"})
"""Statements of the store that the reader runs too, so that both read turns and messages in the same way."""

_WITH = re.compile(r"\s*with(\s+recursive)?\b", re.IGNORECASE)
_COMMENT = re.compile(r"--[^\n]*\n?")


def present(connection: Any) -> frozenset[str]:
    """Return the names of a database's tables, and `TABLE without COLUMN` for each of COLUMNS that one lacks.

    The columns follow from the statements that made the tables, so they are looked up once for each schema: Datasette
    0.65 asks for every query of a page, and 50 pragmas took most of its time.
    """
    rows = connection.execute("select name, sql from sqlite_master where type in ('table', 'view')")
    schema = tuple((row[0], row[1]) for row in rows)
    found = _SCHEMAS.get(schema)
    if found is None:
        if len(_SCHEMAS) >= _MOST_SCHEMAS:
            _SCHEMAS.clear()
        found = _SCHEMAS[schema] = _with_lacks(connection, frozenset(name for name, _ in schema))
    return found


_SCHEMAS: dict[tuple[tuple[str, str | None], ...], frozenset[str]] = {}
"""What `present` found, by the names of all tables and views and the statements that made them."""

_MOST_SCHEMAS = 20


def _with_lacks(connection: Any, names: frozenset[str]) -> frozenset[str]:
    return names | {
        _lack(table, column)
        for table in names & COLUMNS.keys()
        for column in _asked_for(table) - _columns(connection, table)
    }


def lacks(tables: Collection[str]) -> frozenset[str]:
    """Return which columns are missing, of what `present` returned."""
    return frozenset(name for name in tables if _LACK in name)


_LACK = " without "


def _lack(table: str, column: str) -> str:
    return f"{table}{_LACK}{column}"


def _columns(connection: Any, table: str) -> frozenset[str]:
    return frozenset(row[0] for row in connection.execute("select name from pragma_table_info(?)", (table,)))


@cache
def _asked_for(table: str) -> frozenset[str]:
    """Return the columns of a table that a schema can lack: not SQLite's own hidden ones."""
    return frozenset(COLUMNS[table].split()) - {"rowid", "rank", table}


def is_log(tables: Collection[str]) -> bool:
    """Return whether a database with these tables is a log of llm, of either generation."""
    return all(table in tables for table in TODAYS) or all(table in tables for table in OLDER)


def core(tables: Collection[str]) -> tuple[str, ...]:
    """Return the tables needed to show a conversation: the visitor must be allowed to see all of them."""
    return tuple(table for table in (*TODAYS, *OLDER) if table in tables)


@cache
def statement(name: str, tables: frozenset[str]) -> str:
    """Return the statement in the file `name`, for a log that has these tables."""
    text = of_the_store(name) if name in OF_THE_STORE else (_SQL / f"{name}.sql").read_text("utf-8")
    return completed(text, tables)


def completed(sql: str, tables: Collection[str], narrowed: Mapping[str, str] | None = None) -> str:
    """Return a statement with each table that it reads as this log has it, or as empty if it is missing.

    `narrowed` are expressions that stand for some of the tables already.
    """
    expressions = {table: _rows(table, tables) for table in tables_read(sql)} | dict(narrowed or {})
    return beginning(sql, [f"{table} as {rows}" for table, rows in expressions.items() if rows])


def whole(table: str, tables: Collection[str]) -> str:
    """Return what to select a table's rows from, with all of its COLUMNS: those that it lacks are null."""
    return _rows(table, tables) or f"main.{table}"


def _rows(table: str, tables: Collection[str]) -> str:
    """Return an expression for a table that is missing or lacks columns, else nothing."""
    if table not in tables:
        return f"(select {_nulls(COLUMNS[table].split())} where 0)"
    missing = sorted(column for column in _asked_for(table) if _lack(table, column) in tables)
    if not missing:
        return ""
    rowid = "rowid, " if "rowid" in COLUMNS[table].split() else ""
    return f"(select {rowid}*, {_nulls(missing)} from main.{table})"  # noqa: S608  names of COLUMNS


def beginning(sql: str, expressions: Collection[str]) -> str:
    """Return a statement with these common table expressions put before its own."""
    if not expressions:
        return sql
    first = ",\n".join(expressions)
    head = sql[: len(sql) - len(_without_leading_comments(sql))]
    body = sql[len(head) :]
    match = _WITH.match(body)
    if match:
        return f"{head}{match.group().strip()}\n{first},\n{body[match.end() :].lstrip()}"
    return f"{head}with\n{first}\n{body}"


@lru_cache(maxsize=1_000)
def tables_read(sql: str) -> tuple[str, ...]:
    """Return the known tables that a statement reads."""
    bare = re.sub(r"'[^']*'", "''", _COMMENT.sub("\n", sql))
    words = set(re.findall(r"(?:\bfrom|\bjoin|,)\s+([a-z_]+)\b(?!\s*\()", bare, re.IGNORECASE))
    return tuple(table for table in COLUMNS if table in words)


def _nulls(columns: Iterable[str]) -> str:
    return ", ".join(f'null as "{column}"' for column in columns)


def _without_leading_comments(sql: str) -> str:
    rest = sql.lstrip()
    while rest.startswith("--"):
        rest = rest.partition("\n")[2].lstrip()
    return rest
