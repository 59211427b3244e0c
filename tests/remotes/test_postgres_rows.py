"""What a log holds comes back from PostgreSQL as it was, also what PostgreSQL can't hold."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.memory import Memory
from llm_session_memory.model.remotes import KINDS, Document
from llm_session_memory.remotes.postgres import kept, rows
from llm_session_memory.remotes.postgres.remote import PostgresRemote
from llm_session_memory.store import documents as store
from tests.remotes.documents import said
from tests.world.everything import World
from tests.world.laws import tried
from tests.world.postgres_server import Postgres

TEXTS = st.text(st.characters(codec=None, categories=None), max_size=30) | st.sampled_from(
    ["\0", "a\0b", "\x01", "\ud800"]
)
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False)
VALUES = st.none() | TEXTS | NUMBERS | st.binary(max_size=30)


@pytest.fixture(name="remote", scope="module")
def _remote(postgres: Postgres) -> Iterator[PostgresRemote]:
    with closing(PostgresRemote(postgres.address(postgres.prepared()))) as remote:
        yield remote


@given(TEXTS)
def test_any_name_can_be_kept_and_read_again(name: str) -> None:
    key = rows.key(name)
    assert "\0" not in key
    key.encode()
    assert rows.name(key) == name


@given(TEXTS, TEXTS)
def test_different_names_stay_different(one: str, other: str) -> None:
    assert (rows.key(one) == rows.key(other)) == (one == other)


@st.composite
def documents(draw: st.DrawFn, remote: PostgresRemote) -> Document:
    kind = draw(st.sampled_from(KINDS))
    tables: dict[str, list[dict[str, Any]]] = {}
    for table in draw(st.lists(st.sampled_from(kept.KEPT[kind]), unique=True, max_size=3)):
        columns = st.sampled_from([*remote._columns[table], "of a newer llm"])
        tables[table] = draw(st.lists(st.dictionaries(columns, VALUES, min_size=1), min_size=1, max_size=2))
    return Document(
        kind,
        draw(TEXTS),
        tables,
        thread_id=draw(TEXTS),
        refs=tuple(draw(st.lists(TEXTS, max_size=2))),
        place=draw(st.integers(0, 2**62)),
        bucket=draw(TEXTS),
        stamp=draw(st.integers(-(2**63), 2**63 - 1)),
        machine=draw(TEXTS),
        person=draw(TEXTS),
    )


@tried(200, few=15)
@given(st.data())
def test_any_document_comes_back_as_it_was_sent(remote: PostgresRemote, data: st.DataObject) -> None:
    one = data.draw(documents(remote))
    with remote.writing() as writing:
        writing.remove(one.kind, [one.key])
        writing.put([one])
    (back,) = remote.documents(one.kind, [one.key])
    assert back == one
    assert [type(value) for value in values(back)] == [type(value) for value in values(one)]


def values(document: Document) -> list[Any]:
    """Return all values of a document's rows, by the names of their tables and columns."""
    return [row[name] for table in sorted(document.rows) for row in document.rows[table] for name in sorted(row)]


def test_all_documents_of_a_log_come_back_as_they_were_sent(
    remote: PostgresRemote, world: World, tmp_path: Path
) -> None:
    path = Path(shutil.copy(world.path, tmp_path / "logs.db"))
    with Memory(path) as memory:
        memory.desk.prepare()
        log = memory.desk.log
        threads = {one.thread_id for one in store.stamps(log)}
        sent = [*store.documents(log, threads, machine="desk", person="ann"), *store.tombstones(log)]
    assert {"thread", "turn", "response", "message", "attachment", "fragment", "tool"} <= {one.kind for one in sent}
    with remote.writing() as writing:
        writing.put(sent)
    for one in sent:
        assert [said(found) for found in remote.documents(one.kind, [one.key])] == [said(one)]
    assert remote.server.rows("select name from SCHEMA.remote_more") == []
