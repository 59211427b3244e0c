"""Rules of what a transcript's page shows beside its exchanges: models, bookmarks, neighbours."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from llm_session_memory.reader.around import Around, around
from llm_session_memory.reader.functions import register
from llm_session_memory.reader.source import Source
from llm_session_memory.reader.tables import present
from tests.world.everything import Session, World, with_rating, with_sessions, write_family, write_world
from tests.world.logs import LogBuilder, Said

Look = Callable[[str], Around]


@pytest.fixture(name="world")
def _world(tmp_path: Path) -> World:
    return write_world(tmp_path / "logs.db")


@pytest.fixture(name="look")
def _look(world: World) -> Iterator[Look]:
    """Return a function that looks around a session of the log with one of everything."""
    with closing(sqlite3.connect(world.path)) as connection:
        register(connection)
        yield lambda thread_id: around(Source(connection, present(connection), str(world.path)), thread_id)


def test_sessions_follow_one_another_by_their_last_use(world: World, look: Look) -> None:
    """Those of an older llm are among them, and whoever goes forth from a session comes back by the same way."""
    order = [world.old, world.work.thread_id, world.mixed, world.unnamed]
    found = [look(one) for one in order]
    assert [one.before and one.before.thread_id for one in found] == [None, *order[:-1]]
    assert [one.after and one.after.thread_id for one in found] == [*order[1:], None]
    assert found[0].after is not None
    assert found[0].after.heading == "work"


def test_a_failed_prompt_is_a_use(world: World, look: Look) -> None:
    """The session whose newest prompt failed after all others is the last."""
    with closing(sqlite3.connect(world.path)) as connection:
        connection.execute("update memory_attempts set id = '01zzzzzzzzzzzzzzzzzzzzzzzz'")
        connection.commit()
    newest = look(world.work.thread_id)
    assert newest.before is not None
    assert (newest.before.thread_id, newest.after) == (world.unnamed, None)
    old = look(world.old)
    assert old.after is not None
    assert old.after.thread_id == world.mixed


def test_archived_sessions_are_passed_over(tmp_path: Path) -> None:
    """They are left out of the list, too; but from an archived one, one finds back."""
    family = write_family(tmp_path / "logs.db")
    with closing(sqlite3.connect(family.path)) as connection:
        register(connection)
        source = Source(connection, present(connection), str(family.path))
        unnamed = around(source, family.threads["unnamed"])
        assert unnamed.after is not None
        assert unnamed.after.thread_id == family.threads["work"]
        attic = around(source, family.threads["attic"])
        assert attic.before is not None
        assert attic.before.thread_id == family.threads["unnamed"]


def test_every_model_that_answered_is_named(world: World, look: Look) -> None:
    """Models of both generations of llm's tables, those that answered most often first."""
    with LogBuilder(world.path) as log:
        log.turns(world.mixed, Said("And on."), model="claude-sonnet-4.5")
    assert look(world.mixed).models == ("claude-sonnet-4.5", "gpt-4o-mini")
    assert look(world.unnamed).models == ("ollama/llama3",)


def test_bookmarks_are_in_order_with_their_numbers(world: World, look: Look) -> None:
    """Those of exchanges that are no longer there are left out."""
    work = world.work
    with_rating(world.path, work.thread_id, work.turns[-1], "", label="evening")
    with_rating(world.path, work.thread_id, work.turns[0], "", label="start")
    with_rating(world.path, work.thread_id, "01gone", "", label="gone")
    assert look(work.thread_id).bookmarks == ((1, "start"), (4, "evening"))


def test_a_session_alone_has_no_neighbour(tmp_path: Path) -> None:
    """A session without exchanges, in a log without any, has nothing around it."""
    path = tmp_path / "logs.db"
    with LogBuilder(path):
        pass
    with_sessions(path, Session("01m1dzpw000000000000000001", "empty", []))
    with closing(sqlite3.connect(path)) as connection:
        register(connection)
        source = Source(connection, present(connection), str(path))
        assert around(source, "01m1dzpw000000000000000001") == Around()
