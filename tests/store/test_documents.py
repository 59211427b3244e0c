"""A log as documents of a remote: the same on every machine, and the same again when they are read back."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given

from llm_session_memory.llm_seam.tables import migrated
from llm_session_memory.memory import Memory
from llm_session_memory.model.remotes import Document, Stamp
from llm_session_memory.services.desk import Desk
from llm_session_memory.services.merging import Merging
from llm_session_memory.store import Log, documents
from tests.services.test_merging import DONE, GONE, Step, contents, differences, machines, steps
from tests.world.everything import write_family, write_world
from tests.world.laws import tried
from tests.world.logs import LogBuilder, Said
from tests.world.old_llms import OLD_LLMS, write_old_log

ANN = "ann"


@contextmanager
def opened(path: Path) -> Iterator[Memory]:
    """Open a log with today's tables."""
    with Memory(path) as memory:
        migrated(memory.desk.log)
        memory.desk.prepare()
        yield memory


def threads_of(log: Log) -> list[str]:
    """Return all conversations of a log."""
    return sorted({one.thread_id for one in documents.stamps(log)})


def read(log: Log, person: str = ANN) -> dict[str, Document]:
    """Return all documents of a log, by kind and key."""
    found = [*documents.documents(log, threads_of(log), machine="laptop", person=person)]
    assert len({one.ref for one in found}) == len(found)
    return {one.ref: one for one in found}


@contextmanager
def filled(like: Log, some: dict[str, Document], *, person: str = ANN, **names: str) -> Iterator[Log]:
    """Make a log of documents."""
    with documents.empty_log(like) as log:
        documents.fill(log, some.values(), names=names, person=person)
        yield log


def long_talk(path: Path) -> None:
    """Write a conversation that is read in several portions, and a fork of it."""
    with LogBuilder(path) as log:
        first, second = log.thread(), log.thread()
        log.turns(first, *(Said(f"prompt {number}") for number in range(12)), block=5)
        log.forked(second, first, 1)
        log.turns(second, Said("otherwise"))


def old_log(version: str) -> Callable[[Path], None]:
    """Return what writes a log of an old llm."""
    return lambda path: write_old_log(path, version)


LOGS: dict[str, Callable[[Path], object]] = {
    "world": write_world,
    "family": write_family,
    "long": long_talk,
    **{version: old_log(version) for version in OLD_LLMS},
}


@pytest.fixture(name="log", params=LOGS)
def _log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Log]:
    LOGS[request.param](tmp_path / "logs.db")
    with opened(tmp_path / "logs.db") as memory:
        yield memory.desk.log


def holds(log: Log) -> None:
    """Check that the documents of a log are the same again, and that their stamps are those of `stamps`."""
    made = read(log)
    stamps = {*documents.stamps(log, person=ANN)}
    assert stamps == {
        Stamp(one.thread_id, one.kind, one.key, one.bucket, one.stamp) for one in made.values() if one.stamp
    }
    seen: set[str] = set()
    for one in made.values():
        assert {ref for ref in one.refs if ref not in seen} == set()
        seen.add(one.ref)
    with filled(log, made) as again:
        assert read(again) == made
        assert {*documents.stamps(again, person=ANN)} == stamps


def test_documents_are_the_same_again_in_a_log_made_of_them(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever numbers the other log gives, and however much is read at a time."""
    monkeypatch.setattr("llm_session_memory.store.document_reading._MOST", 4)
    holds(log)


def test_calls_keep_their_order_whatever_the_order_of_their_columns(tmp_path: Path) -> None:
    """A remote may give columns in an order of its own, and one that was written by an older version fewer of them."""
    long_talk(tmp_path / "logs.db")
    with opened(tmp_path / "logs.db") as memory:
        made = read(memory.desk.log)
        turns = [one for one in made.values() if one.kind == "turn"]
        for number, one in enumerate(turns):
            (row,) = one.rows["turns"]
            columns = sorted(row, reverse=number % 2 == 0)
            kept = {name: row[name] for name in columns if number % 3 or row[name] is not None}
            made[one.ref] = replace(one, rows={**one.rows, "turns": [kept]})
        with filled(memory.desk.log, made) as log:
            by_place = "select id from turns where thread_id = :id order by rowid"
            for thread_id in threads_of(memory.desk.log):
                assert log.tuples(by_place, {"id": thread_id}) == memory.desk.log.tuples(by_place, {"id": thread_id})


@given(steps(*DONE, *GONE, most=12))
@tried(100, few=6)
def test_what_a_person_did_is_the_same_again(done: list[Any]) -> None:
    """Notes, ratings, forks, votes, groups and deletions, in any order."""
    with machines(done, []) as made, opened(made[0].path) as memory:
        holds(memory.desk.log)


def test_calls_of_no_conversation_stay_at_home(tmp_path: Path) -> None:
    """A damaged log may have them. They have no stamps either, so that the log and the remote are the same."""
    write_world(tmp_path / "logs.db")
    with opened(tmp_path / "logs.db") as memory:
        log = memory.desk.log
        made = read(log)
        lost = next(one.key for one in made.values() if one.kind == "thread" and "memory_sessions" not in one.rows)
        log.run("delete from threads where id = :id", {"id": lost})
        log.run("delete from conversations where id = :id", {"id": lost})
        log.run("insert into turn_fragments values ((select min(id) from turns), 99, 0, 'prompt')")
        assert {one.thread_id for one in documents.stamps(log)} == {one.thread_id for one in made.values()} - {lost, ""}
        holds(log)


def everything(log: Log) -> dict[str, Document]:
    """Return all documents of a log with its tombstones."""
    return {**read(log), **{one.ref: one for one in documents.tombstones(log)}}


def without_times(some: dict[str, Document]) -> dict[str, object]:
    """Return what is compared of logs that were merged: not when things were deleted, and nothing that stays apart."""
    return {
        ref: (one.stamp, one.refs, one.place, one.thread_id) if one.kind in ("thread", "tombstone") else one
        for ref, one in some.items()
    }


def groups_that_stay(path: Path) -> set[str]:
    """Return the groups of a log that no document carries, because no session is or was in them."""
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute(
            "select name_key from memory_groups union select key from memory_changes where kind = 'group'"
            " except select name_key from memory_group_members except select key from memory_changes"
            " where kind = 'member'"
        )
        return {name for (name,) in found}


def without_groups(path: Path, names: set[str]) -> dict[str, list[tuple[Any, ...]]]:
    """Return what is in a log, but nothing about some groups."""
    place = {"memory_groups": 0, "memory_group_members": 0}
    found = {
        table: [row for row in rows if table not in place or row[place[table]] not in names]
        for table, rows in contents(path).items()
    }
    found["memory_changes"] = [
        row for row in found["memory_changes"] if row[0] not in ("group", "member") or row[2] not in names
    ]
    return found


STEPS = steps(*DONE, *GONE, most=5)


@given(steps(*DONE, most=5), STEPS, STEPS)
@example([Step("say", 0, 0)], [Step("say", 0, 0)], [Step("group", 0, 0), Step("delete session", 0, 0)])
@tried(100, few=3)
def test_documents_of_a_log_merge_as_the_log_does(before: list[Any], mine: list[Any], yours: list[Any]) -> None:
    """Into a log, and into a temporary log that is made of documents too: as for a pull, and for a push.

    Only a group without sessions stays at home, as such a project does. A merge of two logs takes it.
    """
    with machines(before, mine, yours) as (a, b):
        stay = groups_that_stay(b.path)
        through = a.copy("through")
        with opened(a.path) as memory:
            here = everything(memory.desk.log)
        with opened(b.path) as memory:
            there = everything(memory.desk.log)
        a.merge(b, host="laptop")
        with opened(through.path) as memory, filled(memory.desk.log, there) as theirs:
            Merging(memory.desk).merge_open(theirs, host="laptop")
            with filled(memory.desk.log, here) as base, filled(memory.desk.log, there) as again:
                Merging(Desk(base)).merge_open(again, host="laptop")
                pushed = everything(base)
        assert differences(without_groups(a.path, stay), without_groups(through.path, stay)) == {}
        with opened(a.path) as memory:
            assert without_times(pushed) == without_times(everything(memory.desk.log))


def test_a_log_made_of_documents_merges_as_the_log_itself(log: Log, tmp_path: Path) -> None:
    """An empty log has the same sessions, calls and texts afterwards."""
    empty = tmp_path / "empty.db"
    with LogBuilder(empty):
        pass
    with opened(empty) as mine:
        with filled(log, read(log)) as theirs:
            Merging(mine.desk).merge_open(theirs, host="laptop")
        assert read(mine.desk.log) == read(log)
    before, after = contents(log.path), contents(empty)
    before.pop("memory_changes", None)
    after.pop("memory_changes", None)
    assert differences(before, after) == {}
