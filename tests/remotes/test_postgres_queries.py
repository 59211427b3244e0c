"""The rule of canned queries on a PostgreSQL remote: they give the rows that a log with the same rows gives."""

from __future__ import annotations

import math
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from llm_session_memory.errors import RemoteFailed, SessionError
from llm_session_memory.insight.catalogue import Query, catalogue
from llm_session_memory.insight.run import run
from llm_session_memory.remotes.postgres import asking
from llm_session_memory.remotes.postgres.asking import columns_and_rows, for_psql
from llm_session_memory.remotes.postgres.kept import TABLES
from llm_session_memory.remotes.postgres.remote import PostgresRemote
from llm_session_memory.remotes.postgres.server import SQL, Server
from llm_session_memory.store.schema import migrations
from tests.remotes.copied import copy_log
from tests.world import postgres_server
from tests.world.at_random import write_at_random
from tests.world.everything import write_family, write_world
from tests.world.laws import PROFILE
from tests.world.many import write_many

STORE = SQL.parents[2] / "store" / "sql"

WORDS = {"q": "pier", "session": "draft", "exchange": "1", "days": "9999", "group": "Piers", "fragment": "notes.txt"}
MORE = {
    "q": "days",
    "session": "WORK ",
    "exchange": "3",
    "fragment": "abc",
    "model": "gpt-4o-mini",
    "least": "2",
    "most": "10",
    "day": "2026-09-01",
    "mark": "up",
    "tool": "tide",
}
LOGS: dict[str, tuple[Callable[[Path], object], dict[str, str]]] = {
    "many": (write_many, WORDS),
    "world": (write_world, MORE),
    "family": (write_family, {}),
    "random": (partial(write_at_random, seed=1), {**WORDS, "session": "s1", "days": "9"}),
    "random, filtered": (partial(write_at_random, seed=2), {**MORE, "session": "s2"}),
}
"""Logs, and what queries are given there."""

AT_RANDOM = ("random", "random, filtered")

AT_HOME = {
    *("index_state", "items_asked_again", "job_costs", "job_errors", "job_items", "job_pace", "job_tries", "jobs"),
    *("run_inputs", "run_steps", "slowest_items", "step_retries", "stuck_items", "workflow_runs", "workflow_steps"),
}
"""Queries about what stays on each machine."""

OTHERWISE = {"search", "search_a_month", "search_by_session", "rows_by_table"}
"""Queries whose words PostgreSQL finds in its own way, or that count what a remote doesn't have."""


@pytest.fixture(name="server", scope="module")
def _server() -> Iterator[Server]:
    """A remote without rows."""
    here = postgres_server.shared()
    with closing(PostgresRemote(here.address(here.prepared()))) as remote:
        yield remote.server


@pytest.fixture(name="log", scope="module", params=LOGS)
def _log(
    request: pytest.FixtureRequest, server: Server, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, str]]:
    """A log whose rows the remote has too, and what queries are given."""
    path = tmp_path_factory.mktemp("log") / "logs.db"
    write, given = LOGS[request.param]
    write(path)
    copy_log(path, server)
    return path, given


def test_every_query_gives_the_same_rows_on_a_remote(
    log: tuple[Path, dict[str, str]], server: Server, request: pytest.FixtureRequest
) -> None:
    """Columns, values and their order are the same. An ordinary run asks each query on one of the logs at random."""
    path, given = log
    differing: dict[str, str] = {}
    queries = [*catalogue().values()]
    if PROFILE != "ci" and (name := request.node.callspec.params["log"]) in AT_RANDOM:
        queries = queries[AT_RANDOM.index(name) :: len(AT_RANDOM)]
    for query in queries:
        if query.short_name not in AT_HOME | OTHERWISE:
            asked = {name: given[name] for name, _ in query.parameters if name in given}
            here, there = run(path, query, asked), columns_and_rows(server, query, asked)
            if not same(here, there):
                differing[query.short_name] = f"{here}\n{there}"
    assert differing == {}


def test_what_stays_on_each_machine_can_not_be_asked(server: Server) -> None:
    """The remote says that it doesn't have what such a query reads, and no other query is refused."""
    refused = {query.short_name for query in catalogue().values() if not set(query.tables) <= {*TABLES}}
    assert refused - OTHERWISE == AT_HOME
    for name in sorted(AT_HOME):
        with pytest.raises(RemoteFailed, match="reads data that stays on each machine"):
            columns_and_rows(server, named(name), {})


def same(here: tuple[list[str], list[tuple[Any, ...]]], there: tuple[list[str], list[tuple[Any, ...]]]) -> bool:
    """Return whether columns and rows are equal; sums of decimals may differ where nobody sees it."""
    return here[0] == there[0] and len(here[1]) == len(there[1]) and all(
        math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-9)
        if isinstance(one, int | float) and isinstance(other, int | float)
        else one == other
        for row, its in zip(here[1], there[1], strict=True)
        for one, other in zip(row, its, strict=True)
    )  # fmt: skip


def test_views_show_what_a_log_shows(log: tuple[Path, dict[str, str]], server: Server) -> None:
    """The views for reading by hand have the same columns and rows in SQLite, and sessions are listed as in a log."""
    made = (SQL / "011_views.sql").read_text("utf-8").replace("SCHEMA.", "")
    with closing(sqlite3.connect(log[0])) as connection:
        migrations().apply(Database(connection))
        connection.execute("drop view memory_session_list")
        connection.executescript(made)
        for view in ("calls", "exchanges", "sessions", "memory_session_list"):
            cursor = connection.execute(f"select * from {view}")
            here = [name for name, *_ in cursor.description], sorted(map(list, cursor), key=repr)
            columns, found = server.answer(f"select * from SCHEMA.{view}")
            assert (columns, sorted(([*map(plain, row)] for row in found), key=repr)) == here


def test_the_list_of_sessions_is_defined_as_in_logs() -> None:
    """The view that logs have too shows the same there; only its order is left to who reads it."""
    ours = (SQL / "011_views.sql").read_text("utf-8").partition("create view SCHEMA.memory_session_list as")[2]
    logs = (STORE / "001_sessions.sql").read_text("utf-8").partition("view if not exists memory_session_list as")[2]
    assert ours.replace("SCHEMA.", "").strip(" ;\n") == logs.partition("\norder by")[0].strip()


def plain(value: Any) -> Any:
    """Return a sum, which PostgreSQL keeps exact however large it is, as a whole number."""
    return int(value) if isinstance(value, Decimal) else value


# -- one log is enough for the rest ------------------------------------


@pytest.fixture(name="many", scope="module")
def _many(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log whose rows the remote has from now on."""
    path = tmp_path_factory.mktemp("many") / "logs.db"
    write_many(path)
    copy_log(path, server)
    return path


def test_a_query_on_a_remote_can_be_limited_to_a_project(many: Path, server: Server) -> None:
    """A project limits each query as in a log, and what can't be limited says so."""
    asked = {"exchange": "1", "session": "draft", "days": "9999", "group": "piers"}
    differing = []
    for query in catalogue().values():
        given = {name: asked[name] for name, _ in query.parameters if name in asked}
        if query.short_name in AT_HOME:
            continue
        if query.whole:
            with pytest.raises(SessionError, match="can't be limited to a project"):
                columns_and_rows(server, query, given, "bridge")
        elif not same(run(many, query, given, "bridge"), columns_and_rows(server, query, given, "bridge")):
            differing.append(query.short_name)
    assert differing == []


def test_full_text_searches_find_the_same_calls(many: Path, server: Server) -> None:
    """Words, phrases and beginnings find what SQLite's index finds; only the rank is another figure."""
    for text in (
        "rain",
        "still rains",
        '"long book"',
        "no such word",
        "pier nowhere",
        "",
        '"',
        "tide's",
        "a & b | !c:*",
    ):
        for name in ("search", "search_a_month", "search_by_session"):
            query = named(name)
            here, there = run(many, query, {"q": text}), columns_and_rows(server, query, {"q": text})
            assert here[0] == there[0]
            skip = 1 if name == "search" else 0
            assert sorted((row[skip:] for row in here[1]), key=repr) == sorted(
                (row[skip:] for row in there[1]), key=repr
            ), (name, text)


def test_jobs_are_left_out_of_the_counts_of_tables(many: Path, server: Server) -> None:
    """What a remote has is counted."""
    columns, rows = run(many, named("rows_by_table"), {})
    assert columns_and_rows(server, named("rows_by_table"), {}) == (columns, rows[:-1])


@pytest.mark.parametrize("text", ["'; drop table turns; -- %s %(days)s %%", "\x1b[2J \0 \ud800", "9" * 400])
def test_parameters_are_never_part_of_a_query(many: Path, server: Server, text: str) -> None:
    """Whatever is given is a value, which finds nothing here and breaks nothing."""
    del many
    for query in catalogue().values():
        if query.short_name not in AT_HOME and query.parameters:
            columns_and_rows(server, query, dict.fromkeys([name for name, _ in query.parameters], text))
    assert server.rows("select count(*) > 0 from SCHEMA.turns")[0][0]


def test_a_query_changes_nothing(many: Path, server: Server) -> None:
    """A query runs in a transaction that may only read, and leaves nothing behind in the session."""
    del many
    deleting = "with gone as (delete from turns returning id) select count(*) from gone"
    writes = replace(named("tokens_by_model"), sql=deleting)
    with pytest.raises(RemoteFailed, match="is read-only"):
        columns_and_rows(server, writes, {})
    columns_and_rows(server, named("cost_by_model"), {})
    columns_and_rows(server, named("cost_by_model"), {})
    assert server.rows("select to_regclass('pg_temp.session_prices'), current_setting('transaction_read_only')") == [
        (None, "off")
    ]


def test_a_query_that_takes_too_long_is_ended(many: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A remote's rows may be such that a query never ends: it is ended after a while, and says so."""
    del many
    monkeypatch.setattr(asking, "SECONDS", 0.05)
    endless = "with recursive n (i) as (select 1 union all select 1 from n) select count(*) from n"
    with pytest.raises(RemoteFailed, match="took longer than") as raised:
        columns_and_rows(server, replace(named("tokens_by_model"), sql=endless), {})
    assert "fewer days" in (raised.value.hint or "")


def test_a_query_can_be_run_in_psql(many: Path, server: Server) -> None:
    """The text that is printed runs as it stands, once psql has put in its parameters."""
    del many
    with server.transaction():
        server.run("set local search_path = SCHEMA")
        for query in catalogue().values():
            if query.short_name not in AT_HOME:
                said = re.sub(r":'([a-z_]+)'", "'5'", for_psql(query, None)[-1].removesuffix(";"))
                server.answer(said.replace("%", "%%"))


def test_a_place_without_tables_says_so() -> None:
    """Nothing can be asked of an empty database."""
    here = postgres_server.shared()
    with closing(PostgresRemote(here.address(here.database()))) as remote, pytest.raises(RemoteFailed, match="nothing"):
        columns_and_rows(remote.server, named("tokens_by_model"), {})


def named(name: str) -> Query:
    """Return the query of a name."""
    return catalogue()[f"sessions_{name}"]
