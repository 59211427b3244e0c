"""A PostgreSQL remote with any number of messages, made by the server itself.

Conversations have 50 exchanges, each of one call and two messages of about 100 characters, over three years. Indexes
are made after the rows, which takes a third of the time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from llm_session_memory.remotes.postgres.remote import PostgresRemote
from llm_session_memory.remotes.postgres.server import Server

EXCHANGES = 50
"""Exchanges of each conversation."""

_TEXT = "'What came of point ' || n || '? ' || repeat('The bridge has a deadline. ', 3)"
_MONTH = "to_char(date '2023-12-01' + (t * 1096 / %(threads)s)::integer, 'YYYY-MM')"
_STEPS = {
    "messages": f"""
        insert into SCHEMA.messages (remote_doc, remote_row, hash, parent_hash, role)
        select n, 0, lpad(to_hex(n), 64, '0'),
            case when n %% {2 * EXCHANGES} > 0 then lpad(to_hex(n - 1), 64, '0') end,
            case when n %% 2 = 0 then 'user' else 'assistant' end
        from generate_series(0, %(messages)s - 1) n
    """,
    "parts": f"""
        insert into SCHEMA.parts (remote_doc, remote_row, id, message_hash, position, type, text)
        select n, 0, n, lpad(to_hex(n), 64, '0'), 0, 'text', {_TEXT}
        from generate_series(0, %(messages)s - 1) n
    """,
    "turns": f"""
        insert into SCHEMA.turns (remote_doc, remote_row, id, thread_id, parent_message_hash, tip_message_hash, model,
            options_json, input_tokens, output_tokens, duration_ms, datetime_utc)
        select %(messages)s + n, 0, '01' || lpad(to_hex(n), 24, '0'), '01t' || lpad(to_hex(t), 23, '0'),
            lpad(to_hex(2 * n), 64, '0'), lpad(to_hex(2 * n + 1), 64, '0'), 'llama3', '{{}}', 40, 30, 900,
            {_MONTH} || '-02T10:00:00+00:00'
        from generate_series(0, %(messages)s / 2 - 1) n, lateral (select n / {EXCHANGES}) as x (t)
    """,
    "turn_search": f"""
        insert into SCHEMA.turn_search (remote_doc, remote_row, id, turn_id, prompt, response)
        select %(messages)s + n, 0, n, '01' || lpad(to_hex(n), 24, '0'), {_TEXT}, {_TEXT}
        from generate_series(0, %(messages)s / 2 - 1) n
    """,
    "remote_documents": f"""
        insert into SCHEMA.remote_documents (doc, kind, key, thread_id, refs, place, bucket, stamp, machine, person)
        select n, 'message', lpad(to_hex(n), 64, '0'), '', '{{}}', 0, '', 0, 'desk', 'ann'
        from generate_series(0, %(messages)s - 1) n
        union all
        select %(messages)s + n, 'turn', '01' || lpad(to_hex(n), 24, '0'), '01t' || lpad(to_hex(t), 23, '0'),
            array['message ' || lpad(to_hex(2 * n), 64, '0'), 'message ' || lpad(to_hex(2 * n + 1), 64, '0')],
            n %% {EXCHANGES} + 1, 'm-' || {_MONTH}, n, 'desk', 'ann'
        from generate_series(0, %(messages)s / 2 - 1) n, lateral (select n / {EXCHANGES}) as x (t)
        union all
        select 2 * %(messages)s::bigint + t, 'thread', '01t' || lpad(to_hex(t), 23, '0'),
            '01t' || lpad(to_hex(t), 23, '0'), '{{}}', 0, 's-' || lpad(to_hex(t %% 256), 2, '0'), t, 'desk', 'ann'
        from generate_series(0, %(threads)s - 1) t
    """,
    "threads": """
        insert into SCHEMA.threads (remote_doc, remote_row, id)
        select 2 * %(messages)s::bigint + t, 0, '01t' || lpad(to_hex(t), 23, '0')
        from generate_series(0, %(threads)s - 1) t
    """,
    "memory_sessions": """
        insert into SCHEMA.memory_sessions (remote_doc, remote_row, thread_id, name, name_key, created_utc)
        select 2 * %(messages)s::bigint + t, 1, '01t' || lpad(to_hex(t), 23, '0'), 'session ' || t, 'session ' || t, ''
        from generate_series(0, %(threads)s - 1) t
    """,
    "remote_threads": f"""
        insert into SCHEMA.remote_threads (thread_id, name, turns, last_utc)
        select '01t' || lpad(to_hex(t), 23, '0'), 'session ' || t, {EXCHANGES}, {_MONTH} || '-02T10:00:00+00:00'
        from generate_series(0, %(threads)s - 1) t
    """,
    "remote_digests": """
        insert into SCHEMA.remote_digests (bucket, thread_id, amount, value)
        select bucket, thread_id, count(*), SCHEMA.remote_xor(stamp)
        from SCHEMA.remote_documents where thread_id <> '' group by bucket, thread_id
    """,
}


def make(remote: PostgresRemote, messages: int) -> None:
    """Make the tables and fill them."""
    remote.prepare()
    server = remote.server
    values = {"messages": messages, "threads": messages // 2 // EXCHANGES}
    server.run("set max_parallel_workers_per_gather = 0")
    server.run("set maintenance_work_mem = '1GB'")
    server.run("set work_mem = '256MB'")
    with without_indexes(server, [*_STEPS]), server.transaction():
        for table, sql in _STEPS.items():
            server.run(f"truncate SCHEMA.{table}")  # rows of a table made empty in the same transaction need no WAL
            server.run(sql, values)
    server.run(
        "select setval('SCHEMA.remote_documents_doc', (select max(doc) + 1 from SCHEMA.remote_documents))",
    )
    server.run("vacuum analyze")


@contextmanager
def without_indexes(server: Server, tables: list[str]) -> Iterator[None]:
    """Drop the indexes and keys of some tables, and make them again after the block."""
    indexes = server.rows(
        "select indexname, indexdef from pg_indexes i where schemaname = %s and tablename = any(%s)"
        " and not exists (select 1 from pg_constraint c where c.conname = i.indexname)",
        [server.schema, tables],
    )
    keys = server.rows(
        "select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint"
        " where connamespace = %s::regnamespace and conrelid::regclass::text like '%%remote_documents'"
        " and contype in ('p', 'u')",
        [server.sql("SCHEMA")],
    )
    for name, _ in indexes:
        server.run(f"drop index SCHEMA.{name}")
    for table, name, _ in keys:
        server.run(f"alter table {table} drop constraint {name}")
    yield
    for table, name, definition in keys:
        server.run(f"alter table {table} add constraint {name} {definition}")
    for _, definition in indexes:
        server.run(definition)
