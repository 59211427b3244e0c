"""Rules of the numbers of what a search finds."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from llm_session_memory.memory import Memory
from llm_session_memory.reader import held
from llm_session_memory.reader.entries import Filters
from llm_session_memory.reader.functions import register
from llm_session_memory.reader.held import Numberings
from llm_session_memory.reader.numbering import numbering as actual
from llm_session_memory.reader.numbering import own_turns
from llm_session_memory.reader.search import search
from llm_session_memory.reader.source import Source
from llm_session_memory.reader.tables import present
from llm_session_memory.store.numbering import Numbering
from tests.world.logs import LogBuilder, Said


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    """Make two conversations of several exchanges about the tide."""
    with LogBuilder(tmp_path / "logs.db") as log:
        for _ in range(2):
            log.turns(log.thread(), *(Said(f"tide {number}") for number in range(4)))
    return tmp_path / "logs.db"


@pytest.fixture(name="source")
def _source(path: Path) -> Iterator[Source]:
    with closing(sqlite3.connect(path)) as connection:
        register(connection)
        yield Source(connection, present(connection), str(path))


@pytest.fixture(name="read")
def _read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the threads that are numbered from now on."""
    read: list[str] = []

    def numbering(source: Source, thread_id: str) -> Numbering:
        read.append(thread_id)
        return actual(source, thread_id)

    monkeypatch.setattr(held, "numbering", numbering)
    return read


def test_a_search_numbers_each_conversation_once(source: Source, read: list[str]) -> None:
    """However many of its exchanges are found, a conversation is read once."""
    assert search(source, Filters(text="tide")).hits == 8
    assert len(read) == len(set(read)) == 2


def test_an_exchange_that_is_logged_meanwhile_has_its_number(path: Path, source: Source) -> None:
    """A conversation is read again for a turn that is newer than what is known of it."""
    thread, turn = source.query("select thread_id, min(id) as id from turns")[0].values()
    numbers = Numberings(source)
    assert numbers.holder(thread, turn) == (thread, 1)
    with LogBuilder(path) as log:
        (newer,) = log.turns(thread, Said("tide again"))
    assert numbers.holder(thread, newer) == (thread, 5)
    assert numbers.holder(thread, "of another") == (thread, None)


@pytest.mark.parametrize("undone", [(), (0,), (1, 3)])
def test_of_a_conversation_without_a_fork_only_undone_exchanges_are_elsewhere(
    path: Path, source: Source, undone: tuple[int, ...]
) -> None:
    """The turns that are not in its history are those of the exchanges that were undone, in the order of logging."""
    thread = str(source.query("select min(thread_id) as id from turns")[0]["id"])
    with Memory(path) as memory:
        memory.sessions.name_thread(thread, "work")
    turns = own_turns(source, thread)
    with closing(sqlite3.connect(path)) as db, db:
        db.executemany("insert into memory_undone values (?, ?, '')", [(thread, turns[place]) for place in undone])
    now = Source(source.connection, present(source.connection), str(path))
    assert held.elsewhere(now, thread) == [turns[place] for place in undone]
    assert set(turns) - set(held.elsewhere(now, thread)) == {id_ for ids in actual(now, thread) for id_ in ids}
