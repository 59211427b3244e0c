"""What goes wrong with a PostgreSQL server is said in plain sentences without secrets, and leaves nothing half done."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

from llm_session_memory.errors import RemoteFailed
from llm_session_memory.remotes.postgres import schema, sentences, server
from llm_session_memory.remotes.postgres.remote import PostgresRemote
from tests.remotes.documents import thread, turn
from tests.world.postgres_server import Postgres
from tests.world.tls_front import own_certificate, tls_in_front

PASSWORD = "Sw0rdfish%2F%40"
PLAIN = "Sw0rdfish/@"


@pytest.fixture(name="remote")
def _remote(postgres: Postgres) -> Iterator[PostgresRemote]:
    with closing(PostgresRemote(postgres.address(postgres.prepared()))) as remote:
        yield remote


def refused(use: Callable[[], object]) -> str:
    """Return the sentence of an error, which has no secret in it."""
    with pytest.raises(RemoteFailed) as caught:
        use()
    said = str(caught.value)
    assert caught.value.hint or caught.value.outcome
    for secret in (PASSWORD, PLAIN, "Sw0rdfish"):
        assert secret not in said
    return said


# -- connecting -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        (f"postgresql://you:{PASSWORD}@127.0.0.1:1/logs", "can't be reached"),
        (f"postgresql://you:{PASSWORD}@no-such-host.invalid/logs", "There is no server of this name"),
        ("postgresql://you:Sw0rdfish@x/@127.0.0.1/logs", "can't be (read|understood)"),
        ("postgresql://you:Sw0rdfish/@127.0.0.1/logs", "can't be (read|understood)"),
        (f"postgresql://you:{PASSWORD}@127.0.0.1:Sw0rdfish/logs", "can't be understood|can't be reached"),
        (f"postgresql://you:{PASSWORD}@127.0.0.1/logs?sslmode=Sw0rdfish", "can't be understood|can't be reached"),
    ],
)
def test_an_address_without_a_server(address: str, sentence: str) -> None:
    with pytest.raises(RemoteFailed, match=sentence):
        PostgresRemote(address).condition()
    if "%" in address and address.count("Sw0rdfish") == 1:
        refused(lambda: PostgresRemote(address).condition())


def test_a_wrong_password_or_database(postgres: Postgres) -> None:
    role = postgres.role("login password 'right'")
    wrong = PostgresRemote(postgres.tcp("postgres", role, PASSWORD))
    assert "refuses the password" in refused(wrong.condition)
    assert PLAIN not in wrong.place
    missing = PostgresRemote(postgres.tcp("none", role, "right"))
    assert "no such database" in refused(missing.condition)
    nobody = PostgresRemote(f"postgresql://{role}@127.0.0.1:{postgres.port}/postgres")
    assert "asks for a password" in refused(nobody.condition)
    stranger = PostgresRemote(postgres.address("postgres", "stranger"))
    assert "does not let this role connect" in refused(stranger.condition)
    right = PostgresRemote(postgres.tcp("postgres", role, "right"))
    assert right.condition().server.startswith("PostgreSQL ")
    right.close()


def test_without_psycopg_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert "llm-session-memory[postgres]" in refused(lambda: PostgresRemote("postgresql://host/logs"))


@pytest.mark.parametrize("name", ["x" * 64, "a\0b", "a\nb"])
def test_a_name_that_no_schema_can_have(name: str) -> None:
    assert "can't have a schema with that name" in refused(lambda: PostgresRemote("postgresql://host/logs", name))


# -- TLS --------------------------------------------------------------------------


def test_tls_is_used_if_the_address_asks_for_it(postgres: Postgres, tmp_path: Path) -> None:
    role = postgres.role("login password 'right'")
    certificate, key = own_certificate(tmp_path)
    with tls_in_front(postgres.port, certificate, key) as port:
        where = f"postgresql://{role}:right@localhost:{port}/postgres?hostaddr=127.0.0.1"
        for options in ("sslmode=require", f"sslmode=verify-full&sslrootcert={certificate}"):
            with closing(PostgresRemote(f"{where}&{options}")) as remote:
                assert remote.condition().server.startswith("PostgreSQL ")
                assert remote.server.connection.pgconn.ssl_in_use
        other = own_certificate(tmp_path, "another")[0]
        assert "certificate" in refused(PostgresRemote(f"{where}&sslmode=verify-full&sslrootcert={other}").condition)


def test_tls_that_the_server_does_not_have_is_refused(postgres: Postgres) -> None:
    role = postgres.role("login password 'right'")
    remote = PostgresRemote(f"{postgres.tcp('postgres', role, 'right')}?sslmode=require")
    assert "has no TLS" in refused(remote.condition)


# -- later ------------------------------------------------------------------------


def test_a_connection_that_breaks_off_leaves_nothing_and_can_be_made_again(
    postgres: Postgres, remote: PostgresRemote
) -> None:
    def broken() -> None:
        with remote.writing() as writing:
            writing.put([thread("t")])
            pid = remote.server.rows("select pg_backend_pid()")[0][0]
            postgres.run("select pg_terminate_backend(%s, 5000)", [pid])
            writing.put([turn("t1")])

    assert "broke off" in refused(broken)
    assert list(remote.listed()) == []
    with remote.writing() as writing:
        writing.put([thread("t")])
    assert [one.thread_id for one in remote.listed()] == ["t"]


def test_a_connection_that_was_lost_during_a_pause_is_made_again(
    postgres: Postgres, remote: PostgresRemote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "IDLE_SECONDS", 0)
    for use in (remote.buckets, lambda: list(remote.documents("turn", ["t"])), remote.writing().__enter__):
        pid = remote.server.rows("select pg_backend_pid()")[0][0]
        postgres.run("select pg_terminate_backend(%s, 5000)", [pid])
        use()


def test_a_machine_that_writes_for_too_long_is_not_waited_for(
    postgres: Postgres, remote: PostgresRemote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "LOCK_MILLISECONDS", 50)
    name = remote.server.connection.info.dbname
    with closing(PostgresRemote(postgres.address(name))) as other, other.writing():

        def write() -> None:
            with remote.writing():
                pytest.fail("two write at once")

        assert "has been writing" in refused(write)
    with remote.writing():
        pass


def test_a_statement_that_the_server_cancels(remote: PostgresRemote) -> None:
    remote.server.run("set statement_timeout = 20")
    assert "took too long" in refused(lambda: remote.server.rows("select pg_sleep(5)"))


def test_a_server_that_can_only_be_read(remote: PostgresRemote) -> None:
    remote.server.run("set default_transaction_read_only = on")

    def write() -> None:
        with remote.writing() as writing:
            writing.put([thread("t")])

    assert "is read-only" in refused(write)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (errors.DiskFull, "disk of the server is full"),
        (errors.OutOfMemory, "no space or memory"),
        (errors.TooManyConnections, "too many connections"),
        (errors.SerializationFailure, "changed the same"),
        (errors.ProgramLimitExceeded, "too large"),
        (errors.AdminShutdown, "broke off"),
        (errors.CannotConnectNow, "starting or stopping"),
        (errors.ConnectionException, "broke off"),
    ],
)
def test_errors_that_no_test_can_bring_about(error: type[psycopg.Error], sentence: str) -> None:
    assert sentence in sentences.failed(error("Sw0rdfish"), "the server").message


def test_an_error_that_is_not_known_is_quoted_in_one_line(remote: PostgresRemote) -> None:
    said = refused(lambda: remote.server.run("do $$ begin raise exception E'first\\x1b[31m\\nsecond'; end $$"))
    assert "\x1b" not in said
    assert "\n" not in said
    assert "first" in said
