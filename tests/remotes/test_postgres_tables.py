"""The tables on PostgreSQL: the same columns as in a log, made once, by one program at a time, on any version."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import llm.migrations
import pytest
import sqlite_utils

from llm_session_memory.errors import RemoteFailed
from llm_session_memory.memory import Memory
from llm_session_memory.model.remotes import KINDS
from llm_session_memory.remotes.postgres import kept, schema
from llm_session_memory.remotes.postgres.remote import PostgresRemote
from llm_session_memory.remotes.postgres.server import Server
from llm_session_memory.store.staging import OURS
from llm_session_memory.store.staging import TABLES as LLMS
from tests.world import postgres_server
from tests.world.postgres_server import Postgres

TYPES = {"TEXT": "text", "INTEGER": "bigint", "REAL": "double precision", "FLOAT": "double precision", "BLOB": "bytea"}
TRAVELS_TOO = {"memory_tombstones", "memory_branches", "memory_changes", "memory_groups", "memory_group_members"}
TRAVELS_TOO |= {"memory_votes"}
MADE_AT_HOME = {"memory_shared_names", "memory_other_ratings"}  # of names and ratings that others have


def test_every_table_about_sessions_is_kept_with_one_kind_of_document() -> None:
    assert {*kept.TABLES} == {*LLMS, *OURS} - MADE_AT_HOME | TRAVELS_TOO
    assert {*kept.KEPT} == {*KINDS}


def test_the_columns_are_those_of_a_log(postgres: Postgres, home: Path, log: Path) -> None:
    """If this fails, llm or a migration of ours has a new column: add a file sql/NNN_NAME.sql that adds it there."""
    database = sqlite_utils.Database(log)
    llm.migrations.migrate(database)
    database.close()
    with Memory(log) as memory:
        memory.desk.log.migrate()
        here = {
            table: {name: TYPES[type_] for _, name, type_, *_ in memory.desk.log.tuples(f"pragma table_info({table})")}
            for table in kept.TABLES
        }
    here["memory_ratings"]["person"] = "text"  # at home, ratings by others have a table of their own
    server = Server(postgres.address(), "columns")
    schema.prepare(server)
    there = schema.columns(server, [*kept.TABLES])
    server.close()
    assert there == here


def test_each_row_that_several_documents_have_is_shown_once(postgres: Postgres) -> None:
    server = Server(postgres.address(), "shared")
    schema.prepare(server)
    for table in kept.SHARED:
        assert schema.columns(server, [table])[table]
        server.rows(f"select * from SCHEMA.{table}")
    server.close()


def test_five_programs_that_prepare_at_once_make_the_tables_once(postgres: Postgres) -> None:
    remotes = [PostgresRemote(postgres.address(), "at once") for _ in range(5)]
    with ThreadPoolExecutor(5) as threads:
        list(threads.map(PostgresRemote.prepare, remotes))
    assert remotes[0].server.rows("select version from SCHEMA.remote_version") == [(n,) for n in schema.files()]
    for remote in remotes:
        remote.close()


def test_tables_of_a_newer_version_are_left_alone(postgres: Postgres) -> None:
    remote = PostgresRemote(postgres.address(), "newer")
    remote.prepare()
    remote.server.run("insert into SCHEMA.remote_version values (900)")
    again = PostgresRemote(postgres.address(), "newer")
    for use in (again.prepare, again.buckets, lambda: list(again.documents("turn", ["t"]))):
        with pytest.raises(RemoteFailed, match="made by a newer version"):
            use()
    again.close()
    remote.close()


def test_a_remote_without_tables_says_that_there_is_nothing_yet(postgres: Postgres) -> None:
    remote = PostgresRemote(postgres.address(), "nothing")
    assert remote.condition().version == 0
    with pytest.raises(RemoteFailed, match="There is nothing at .* yet"):
        remote.buckets()
    remote.close()


def test_a_database_that_is_not_in_utf_8_is_refused(postgres: Postgres) -> None:
    name = postgres.database(like="template0", encoding="SQL_ASCII")
    remote = PostgresRemote(postgres.address(name))
    with pytest.raises(RemoteFailed, match="encoding is not UTF-8"):
        remote.prepare()
    remote.close()


def servers() -> list[Path]:
    """Return the folders of all other servers that this machine has: the package's newer one, and the system's."""
    found = [postgres_server.programs(18), *sorted(Path("/usr/lib/postgresql").glob("*/bin"))]
    return [folder for folder in found if (folder / "initdb").exists()]


@pytest.mark.slow
@pytest.mark.parametrize("folder", servers(), ids=str)
def test_other_versions_of_postgresql_serve_as_well(folder: Path) -> None:
    with postgres_server.running(folder) as server:
        remote = PostgresRemote(server.address())
        remote.prepare()
        assert remote.buckets() == {}
        assert remote.condition().version == max(schema.files())
        remote.close()
