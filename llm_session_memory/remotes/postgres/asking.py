"""Ask a PostgreSQL remote: canned queries, and the words that prompts and replies have. Nothing is changed there."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from decimal import Decimal
from functools import lru_cache
from typing import Any

from ...errors import NoSuchSession, RemoteFailed
from ...insight import dialect
from ...insight.catalogue import Query
from ...insight.charts import without_noise
from ...insight.run import limited
from ...reader.prices import is_local, steps
from ...rules import names
from ...rules.safe_text import one_line
from ...rules.search_terms import typed
from . import schema
from .kept import TABLES
from .server import DEFAULT_SCHEMA, Server, statement

SECONDS = 600.0
"""The most seconds that a query may take."""

_NAMED = {
    "session": "select 1 from SCHEMA.memory_sessions where name_key = %s limit 1",
    "project": "select 1 from SCHEMA.memory_projects where name_key = %s limit 1",
}
_SEARCHED = "q"
"""The parameter with the words of a full-text search."""


def columns_and_rows(
    server: Server, query: Query, given: Mapping[str, str], project: str | None = None
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return the columns and rows of a canned query; parameters that are not given are empty.

    `project` is the key of a project: only the conversations of its sessions count.

    Raises:
        RemoteFailed: The remote doesn't have what the query reads, or it took too long.
        SessionError: The query can't be limited to a project.
    """
    own = query.for_postgres
    missing = [table for table in query.tables if table not in TABLES]
    if missing and own is None:
        message = f"Query “{query.short_name}” reads data that stays on each machine, so no remote has it."
        raise RemoteFailed(message, f"Ask the log on that machine: llm sessions query {query.short_name}")
    if project is not None:
        check_there(server, "project", project)
    sql = limited(query, frozenset(TABLES), project).replace("%", "%%")
    values: dict[str, Any] = {name: sent(given.get(name, "")) for name, _ in query.parameters} | {"project": project}
    values |= {f"{name}_key": names.key(value or "") for name, value in values.items()}
    with reading(server):
        if own is not None:
            values[_SEARCHED] = asked(server, typed(given.get(_SEARCHED, "")))
            sql = dialect.bound(own.replace("%", "%%"), _own_parameter)
        else:
            sql = _translated(sql)
            if "session_cost(" in sql or "session_is_local(" in sql:
                _bring_prices(server, values)
        server.run("set local transaction_read_only = on")
        columns, rows = server.answer(sql, values)
    return columns, [tuple(map(_plain, row)) for row in rows]


@lru_cache(maxsize=256)
def _translated(sql: str) -> str:
    """Return a canned query for PostgreSQL. A page asks the same ones again and again, and each takes milliseconds."""
    return dialect.postgres(sql, _parameter)


def for_psql(query: Query, where: str | None) -> list[str]:
    """Return the lines that run a query in psql, in a schema. Prices are unknown there."""
    if query.for_postgres is not None:
        sql = dialect.bound(query.for_postgres, lambda name: f"websearch_to_tsquery('simple', :'{name}')")
    else:
        sql = dialect.postgres(query.sql, lambda name: f":'{name}'")
    used = sorted({*re.findall(r":'([a-z_]+)'", sql)})
    keys = [f"-- :{name} is :{name.removesuffix('_key')} in small letters" for name in used if name.endswith("_key")]
    values = [f"\\set {name} ''" for name in used]
    return [*keys, *values, f'set search_path = "{where or DEFAULT_SCHEMA}";', f"{sql};"]


def check_there(server: Server, what: str, key: str) -> None:
    """Raise NoSuchSession if this role sees no session or project (`what`) with the given name there."""
    if what == "project" and key == names.NO_PROJECT:
        return
    schema.check(server, schema.version(server))
    if not server.rows(_NAMED[what], [sent(key)]):
        message = f"{what.capitalize()} “{one_line(key)}” not found at {server.site}."
        raise NoSuchSession(message, "See what is there with: llm sessions status")


@contextmanager
def reading(server: Server) -> Iterator[None]:
    """Open a transaction that ends after a while, in which names without a schema are those of the remote.

    Raises RemoteFailed.
    """
    import psycopg

    schema.check(server, schema.version(server))
    with server.transaction():
        server.run("select set_config('statement_timeout', %s, true)", [f"{int(SECONDS * 1000)}ms"])
        server.run("set local search_path = SCHEMA, pg_temp")
        try:
            yield
        except RemoteFailed as error:
            if not isinstance(error.__cause__, psycopg.errors.QueryCanceled):
                raise
            message = f"The query took longer than {SECONDS / 60:.0f} minutes at {server.site}."
            raise RemoteFailed(message, "Ask for less: fewer days, or one project.") from error


def asked(
    server: Server, words: Collection[tuple[str, bool]], *, any_of: bool = False, longer: Collection[str] = ()
) -> str:
    """Return what finds words and phrases, in PostgreSQL's own form. It is empty if they have no letters.

    Args:
        server: The server.
        words: What was typed, each with whether it is the beginning of a word.
        any_of: Find what has some of them, not all.
        longer: Those of the words that longer words count for too.
    """
    if not words:
        return ""
    calls = (" || " if any_of else " && ").join(["SCHEMA.remote_asked(%s, %s)"] * len(words))
    values = [value for word, begins in words for value in (sent(word), begins or word in longer)]
    return str(server.rows(f"select ({calls})::text", values)[0][0])


def sent(word: str) -> str:
    """Return a word as PostgreSQL accepts texts."""
    return word.replace("\0", " ").encode("utf-8", "replace").decode()


def _parameter(name: str) -> str:
    return f"%({name})s::text"


def _own_parameter(name: str) -> str:
    return f"%({name})s::tsquery" if name == _SEARCHED else _parameter(name)


def _bring_prices(server: Server, values: Mapping[str, Any]) -> None:
    """Send the prices, which only this side knows: for each model, on each day that it was called."""
    server.script(statement("price_tables"))
    today = datetime.now(timezone.utc).date().isoformat()
    called = {(model, day or "") for model, day in server.rows(statement("priced"))}
    others = [values["model"]] if values.get("model") else []
    wanted = called | {(model, today) for model, _ in called} | {(other, day) for other in others for _, day in called}
    prices = [(model, day, *step) for model, day in sorted(wanted) for step in steps(model, day)]
    local = [(model,) for model in sorted({model for model, _ in wanted}) if is_local(model)]
    _insert(server, "session_prices", ("text", "text", "bigint", "float8", "float8"), prices)
    _insert(server, "session_local_models", ("text",), local)


def _insert(server: Server, table: str, types: Sequence[str], made: Sequence[tuple[Any, ...]]) -> None:
    if made:
        arrays = ", ".join(f"%s::{type_}[]" for type_ in types)
        server.run(
            f"insert into pg_temp.{table} select * from unnest({arrays})",  # noqa: S608  our own words
            [list(column) for column in zip(*made, strict=True)],
        )


def _plain(value: Any) -> Any:
    """Return a value as SQLite would have it: true is 1, and numbers are whole or have a point."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else without_noise(float(value))
    return without_noise(value)
