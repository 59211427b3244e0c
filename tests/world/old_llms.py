"""Logs as older llms left them that were never migrated: the tables of each version, and one conversation.

Written down from `.schema` of logs that these versions made; 0.25 and 0.26 follow llm's list of migrations. An llm
between two of them has the tables of the older one.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

THREAD = "01m8fwxa6xe3836bmtj7y3gn1n"
FIRST, SECOND = "01m8fwxa73s09cg5630442ksx3", "01m8fwxa77qs1qhzf88kjah1b2"

_CONVERSATIONS = """
create table _llm_migrations (name text primary key, applied_at text);
create table conversations (id text primary key, name text, model text);
create table responses (
    id text primary key, model text, prompt text, system text, prompt_json text, options_json text, response text,
    response_json text, conversation_id text references conversations (id), duration_ms integer, datetime_utc text);
"""
_INDEX = """
create virtual table "responses_fts" using fts5 (prompt, response, content="responses");
create trigger responses_ai after insert on responses begin
    insert into responses_fts (rowid, prompt, response) values (new.rowid, new.prompt, new.response);
end;
"""
_ATTACHMENTS = """
create table attachments (id text primary key, type text, path text, url text, content blob);
create table prompt_attachments (
    response_id text references responses (id), attachment_id text references attachments (id), "order" integer,
    primary key (response_id, attachment_id));
"""
_TOKENS = """
alter table responses add column input_tokens integer;
alter table responses add column output_tokens integer;
alter table responses add column token_details text;
"""
_SCHEMAS_FRAGMENTS = """
create table schemas (id text primary key, content text);
alter table responses add column schema_id text references schemas (id);
create table fragments (id integer primary key, hash text, content text, datetime_utc text, source text);
create table fragment_aliases (alias text primary key, fragment_id integer references fragments (id));
create table prompt_fragments (
    response_id text references responses (id), fragment_id integer references fragments (id), "order" integer,
    primary key (response_id, fragment_id, "order"));
create table system_fragments (
    response_id text references responses (id), fragment_id integer references fragments (id), "order" integer,
    primary key (response_id, fragment_id, "order"));
"""
_TOOLS = """
create table tools (id integer primary key, hash text, name text, description text, input_schema text);
create table tool_responses (
    tool_id integer references tools (id), response_id text references responses (id),
    primary key (tool_id, response_id));
create table tool_calls (
    id integer primary key, response_id text references responses (id), tool_id integer references tools (id),
    name text, arguments text, tool_call_id text);
create table tool_results (
    id integer primary key, response_id text references responses (id), tool_id integer references tools (id),
    name text, output text, tool_call_id text);
"""
_TOOL_INSTANCES = """
alter table responses add column resolved_model text;
alter table tools add column plugin text;
create table tool_instances (id integer primary key, plugin text, name text, arguments text);
alter table tool_results add column instance_id integer references tool_instances (id);
alter table tool_results add column exception text;
create table tool_results_attachments (
    tool_result_id integer references tool_results (id), attachment_id text references attachments (id),
    "order" integer, primary key (tool_result_id, attachment_id));
"""

_0_5 = (_CONVERSATIONS,)
_0_11 = (*_0_5, _INDEX)
_0_18 = (*_0_11, _ATTACHMENTS)
_0_19 = (*_0_18, _TOKENS)
_0_25 = (*_0_19, _SCHEMAS_FRAGMENTS)
_0_26 = (*_0_25, _TOOLS)
_0_31 = (*_0_26, _TOOL_INSTANCES)

OLD_LLMS: dict[str, tuple[str, ...]] = {
    "0.5": _0_5,
    "0.11": _0_11,
    "0.18": _0_18,
    "0.19.1": _0_19,
    "0.25": _0_25,
    "0.26": _0_26,
    "0.31": _0_31,
}
"""The statements that make each version's tables."""

_APPLIED = {
    _CONVERSATIONS: "m001_initial m002_id_primary_key m003_chat_id_foreign_key m004_column_order m004_drop_provider"
    " m005_debug m006_new_logs_table m007_finish_logs_table m008_reply_to_id_foreign_key m008_fix_column_order_in_logs"
    " m009_delete_logs_table_if_empty m010_create_new_log_tables",
    _INDEX: "m011_fts_for_responses",
    _ATTACHMENTS: "m012_attachments_tables",
    _TOKENS: "m013_usage",
    _SCHEMAS_FRAGMENTS: "m014_schemas m015_fragments_tables m016_fragments_table_pks",
    _TOOLS: "m017_tools_tables",
    _TOOL_INSTANCES: "m017_tools_plugin m018_tool_instances m019_resolved_model m020_tool_results_attachments"
    " m021_tool_results_exception",
}
"""The migrations of llm that each stretch stands for."""


def write_old_log(path: Path, version: str) -> None:
    """Write a log of an old llm with one conversation of two exchanges."""
    path.parent.mkdir(parents=True, exist_ok=True)
    log = sqlite3.connect(path)
    for statements in OLD_LLMS[version]:
        log.executescript(statements)
        log.executemany(
            "insert into _llm_migrations values (?, '')", [(name,) for name in _APPLIED[statements].split()]
        )
    log.execute("insert into conversations values (?, 'We build a bridge in Lisbon.', 'gpt-4o-mini')", [THREAD])
    said = {FIRST: ("We build a bridge in Lisbon.", "Noted."), SECOND: ("When is the deadline?", "On 4 May.")}
    for minute, (id_, (prompt, reply)) in enumerate(said.items()):
        log.execute(
            "insert into responses (id, model, prompt, system, options_json, response, conversation_id, duration_ms,"
            " datetime_utc) values (?, 'gpt-4o-mini', ?, 'Be brief.', '{}', ?, ?, 900, ?)",
            [id_, prompt, reply, THREAD, f"2024-11-01T08:0{minute}:00.000000"],
        )
    log.commit()
    log.close()
