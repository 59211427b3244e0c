"""The tables on a PostgreSQL remote: made and brought up to date by the files sql/NNN_NAME.sql, in their order."""

from __future__ import annotations

import re
from pathlib import Path

from ...errors import RemoteFailed
from .kept import stored
from .server import SQL, Server

_FILE = re.compile(r"(\d{3})_\w+\.sql")

LOCK_MILLISECONDS = 60_000
"""How long to wait for someone else who makes the tables or writes."""

OLDEST = 130000
"""The oldest PostgreSQL that this works with, as it numbers itself."""

_INVOKER = 150000
"""From this version on, a view can be told to show only what its reader may see."""


def files() -> dict[int, Path]:
    """Return the files by their numbers, in order."""
    found = {int(match[1]): path for path in SQL.iterdir() if (match := _FILE.fullmatch(path.name))}
    return dict(sorted(found.items()))


def version(server: Server) -> int:
    """Return the number of the newest file that was run there; 0 if there are no tables yet."""
    there = server.rows("select to_regclass(%s) is not null", [server.sql("SCHEMA.remote_version")])
    if not there[0][0]:
        return 0
    return int(server.rows("select coalesce(max(version), 0) from SCHEMA.remote_version")[0][0])


def check(server: Server, found: int) -> None:
    """Raise RemoteFailed if a version of the tables is not the one that this program knows."""
    newest = max(files())
    if found > newest:
        message = f"{server.site} was made by a newer version of llm-session-memory."
        raise RemoteFailed(message, "Update it: llm install -U llm-session-memory")
    if found == 0:
        raise RemoteFailed(
            f"There is nothing at {server.site} yet.", "Send conversations there: llm sessions push NAME"
        )
    if found < newest:
        message = f"The tables at {server.site} are from an older version of llm-session-memory."
        raise RemoteFailed(message, "Bring them up to date, with a role that may do so: llm sessions push")


def prepare(server: Server) -> None:
    """Make the schema and its tables, or bring them up to date. If they are up to date, this needs no rights.

    Raises RemoteFailed.
    """
    if server.version < OLDEST:
        raise RemoteFailed(f"The PostgreSQL at {server.site} is too old.", "PostgreSQL 13 or newer is needed.")
    if server.rows("show server_encoding") != [("UTF8",)]:
        message = f"The database {server.site} can't hold every text, because its encoding is not UTF-8."
        raise RemoteFailed(message, "Create another one: createdb -E UTF8 -T template0 NAME")
    found = version(server)
    if found == max(files()):
        return
    if found > max(files()):
        check(server, found)
    with server.transaction():
        lock(server)
        found = version(server)  # someone else may have made them in the meantime
        if not server.rows("select 1 from pg_catalog.pg_namespace where nspname = %s", [server.schema]):
            server.run("create schema SCHEMA")
        for number, path in files().items():
            if number > found:
                server.script(path.read_text("utf-8"))
                server.run("insert into SCHEMA.remote_version (version) values (%s)", [number])
        _guard_views(server)


def lock(server: Server) -> None:
    """Wait until nobody else writes to this schema, and keep them from it until the transaction ends."""
    server.run("select set_config('lock_timeout', %s, true)", [str(LOCK_MILLISECONDS)])
    server.run("select pg_advisory_xact_lock(%s)", [server.number])
    server.run("select set_config('lock_timeout', '0', true)")


def _guard_views(server: Server) -> None:
    """Let views show only the rows that their reader may see. PostgreSQL 13 and 14 can't: see docs/team.sql."""
    if server.version >= _INVOKER:
        views = server.rows("select viewname from pg_catalog.pg_views where schemaname = %s", [server.schema])
        for (name,) in views:
            quoted = name.replace('"', '""')
            server.run(f'alter view SCHEMA."{quoted}" set (security_invoker = true)')


def columns(server: Server, tables: list[str]) -> dict[str, dict[str, str]]:
    """Return the columns of tables of a log, with their types, as they are on the remote."""
    found: dict[str, dict[str, str]] = {table: {} for table in tables}
    names = {stored(table): table for table in tables}
    sql = """
        select c.relname, a.attname, format_type(a.atttypid, null)
        from pg_catalog.pg_attribute a
        join pg_catalog.pg_class c on c.oid = a.attrelid
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where n.nspname = %s and c.relname = any(%s) and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
        order by c.relname, a.attnum
    """
    for relation, name, type_ in server.rows(sql, [server.schema, [*names]]):
        if not name.startswith("remote_"):
            found[names[relation]][name] = type_
    return found
