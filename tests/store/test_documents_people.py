"""What people made, as documents: names that two sessions share, ratings by several people, projects, and numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import llm
import pytest

from llm_session_memory.memory import Memory
from llm_session_memory.model.remotes import Document, Value
from llm_session_memory.services.merging import Merging
from llm_session_memory.store import Log, documents
from tests.store.test_documents import ANN, filled, opened, read
from tests.world.everything import World, with_blocks, with_rows, write_world
from tests.world.logs import Call, LogBuilder, Said

BOB = "bob"
ANA = "ana <b>"
"""Who rated an exchange of the world before."""


@pytest.fixture(name="world")
def _world(tmp_path: Path) -> World:
    return write_world(tmp_path / "logs.db")


@pytest.fixture(name="memory")
def _memory(world: World) -> Iterator[Memory]:
    with opened(world.path) as memory:
        yield memory


def names(log: Log) -> dict[str, str]:
    """Return what sessions are called, by thread."""
    return dict(log.tuples("select thread_id, name from memory_sessions"))


def called(some: dict[str, Document], thread_id: str, name: str, machine: str = "laptop") -> Document:
    """Return the document of a conversation as a session of another name, perhaps another conversation."""
    one = next(doc for doc in some.values() if doc.kind == "thread" and "memory_sessions" in doc.rows)
    row = {**one.rows["memory_sessions"][0], "name": name, "name_key": name.casefold(), "thread_id": thread_id}
    return replace(one, key=thread_id, thread_id=thread_id, rows={"memory_sessions": [row]}, refs=(), machine=machine)


def test_the_second_session_of_a_name_is_called_after_its_machine(memory: Memory) -> None:
    """And its document still has the name that it has everywhere else."""
    every = {one.ref: one for one in (called(read(memory.desk.log), id_, "work", machine="desk") for id_ in "ab")}
    with filled(memory.desk.log, every) as log:
        assert names(log) == {"a": "work", "b": "work@desk"}
        assert [one.rows["memory_sessions"][0]["name"] for one in read(log).values()] == ["work", "work"]


def test_a_session_has_the_name_that_it_has_here(memory: Memory) -> None:
    """Unless it was renamed elsewhere: then it has the new one."""
    one = called(read(memory.desk.log), "a", "work")
    for here, name in (("work@desk", "work@desk"), ("Work", "work"), ("tower", "work"), ("work", "work")):
        with filled(memory.desk.log, {"": one}, a=here) as log:
            assert names(log) == {"a": name}


def test_ratings_of_others_stay_theirs(memory: Memory, world: World) -> None:
    """The documents say whose they are, and each log has its own person's ratings as its own."""
    memory.ratings.rate("work", 1, "up", "short")
    made = read(memory.desk.log)
    with filled(memory.desk.log, made, person=BOB) as log:
        assert log.tuples("select person, mark from memory_other_ratings") == [(ANA, "4"), (ANN, "up")]
        assert not log.value("select count(*) from memory_ratings")
        theirs = read(log, BOB)[f"thread {world.work.thread_id}"].rows["memory_ratings"]
        assert [(row["person"], row["mark"]) for row in theirs] == [(ANA, "4"), (ANN, "up")]
        rated = {"thread_id": world.work.thread_id, "turn_id": world.work.turns[0], "mark": "down", "rated_utc": "2026"}
        log.run("insert into memory_ratings values (:thread_id, :turn_id, :mark, '', :rated_utc)", rated)
        both = read(log, BOB)
    ratings = both[f"thread {world.work.thread_id}"].rows["memory_ratings"]
    assert [(row["person"], row["mark"]) for row in ratings] == [(ANA, "4"), (ANN, "up"), (BOB, "down")]
    with filled(memory.desk.log, both) as log:
        assert log.tuples("select mark from memory_ratings") == [("up",)]
        assert log.tuples("select person, mark from memory_other_ratings") == [(ANA, "4"), (BOB, "down")]
        assert {one.value for one in documents.stamps(log, person=ANN)} == {
            one.stamp for one in both.values() if one.thread_id
        }


def test_a_rating_that_was_removed_is_removed_for_its_person_alone(memory: Memory, world: World) -> None:
    """The removal goes with the conversation, and says whose rating it was."""
    memory.ratings.rate("work", 1, "up", "")
    memory.ratings.unrate("work", 1)
    made = read(memory.desk.log)
    changes = made[f"thread {world.work.thread_id}"].rows["memory_changes"]
    turn_id = world.work.turns[0]
    assert [(row["kind"], row["key"], row["removed"]) for row in changes if row["removed"]] == [
        ("other rating", f"{turn_id} {ANN}", 1)
    ]
    for person, kind in ((ANN, "rating"), (BOB, "other rating")):
        with filled(memory.desk.log, made, person=person) as log:
            assert log.value("select count(*) from memory_changes where kind = :kind and removed", {"kind": kind}) == 1


def test_numbers_of_a_log_do_not_matter(memory: Memory, world: World, tmp_path: Path) -> None:
    """A log that already has other texts, tools and blocks gives other numbers, and has the same documents."""
    with_blocks(world.path, world.work, 2)
    with LogBuilder(tmp_path / "other.db") as builder:
        builder._given = 5_000  # other ids
        calls = (Call("dig", {"deep": 1}, "sand"),)
        fragments = (llm.Fragment("Sand.", "sand.txt"), llm.Fragment("Clay.", "clay.txt"))
        turns = builder.turns(builder.thread(), Said("Dig.", "Done.", calls=calls, fragments=fragments))
    made = read(memory.desk.log)
    assert made[f"thread {world.work.thread_id}"].rows["memory_blocks"]
    with opened(tmp_path / "other.db") as other:
        with filled(memory.desk.log, made) as log:
            Merging(other.desk).merge_open(log, host="x")
        parts = [one.desk.log.value("select id from parts where text = 'Sleep well.'") for one in (memory, other)]
        assert parts[0] != parts[1]
        again = read(other.desk.log)
        assert {ref: one for ref, one in again.items() if ref in made} == made
        assert set(turns) <= {one.key for ref, one in again.items() if ref not in made}


def test_the_newest_settings_of_a_project_count(memory: Memory, world: World) -> None:
    """Several conversations have the row of a project, as it was when they were sent."""
    with_rows(world.path, "memory_projects", {"name_key": "tides", "name": "Tides", "created_utc": "2026"})
    memory.desk.log.run("update memory_sessions set project = 'tides'")
    made = read(memory.desk.log)
    (work,) = [one for one in made.values() if "memory_projects" in one.rows]
    newer: dict[str, Value] = {"kind": "project", "thread_id": "", "key": "tides", "changed_utc": "2027", "removed": 0}
    row = {**work.rows["memory_projects"][0], "model": "newer"}
    other = called(made, "b", "b")
    other = replace(other, rows={**other.rows, "memory_projects": [row], "memory_changes": [newer]})
    for order in ([other], []):
        some = {str(place): one for place, one in enumerate([*order, *made.values(), *([] if order else [other])])}
        with filled(memory.desk.log, some) as log:
            assert log.tuples("select model from memory_projects") == [("newer",)]
            assert log.value("select changed_utc from memory_changes where kind = 'project'") == "2027"


def test_a_prompt_that_is_being_sent_stays_at_home(memory: Memory, world: World) -> None:
    """Only this machine knows its process. An attempt that ended goes along."""
    attempt = {"id": "x", "thread_id": world.work.thread_id, "model": "m", "prompt": "p", "error": "interrupted"}
    more = {"partial": "", "datetime_utc": "2026", "request_json": '{"process": [1, "y"]}'}
    with_rows(world.path, "memory_attempts", {**attempt, **more})
    (rows,) = [one.rows["memory_attempts"] for one in read(memory.desk.log).values() if "memory_attempts" in one.rows]
    assert [row["id"] for row in rows] == [world.work.attempts[0][0]]


def test_a_call_whose_conversation_was_read_before_it_was_sent_is_whole(memory: Memory, world: World) -> None:
    """Its block isn't known yet. A block without facts stands for it, and the call keeps its exchange."""
    with_blocks(world.path, world.work, 2)
    made = read(memory.desk.log)
    work = made[f"thread {world.work.thread_id}"]
    made[work.ref] = replace(work, rows={name: rows for name, rows in work.rows.items() if name != "memory_blocks"})
    with filled(memory.desk.log, made) as log:
        turns = [turn_id for (turn_id,) in log.tuples("select turn_id from memory_contexts order by turn_id")]
        assert turns == world.work.turns
        assert {one for (one,) in log.tuples("select reason from memory_blocks")} == {"not known"}
        assert (
            log.value("select count(*) from memory_contexts where block_id not in (select id from memory_blocks)") == 0
        )


def test_a_call_refers_to_what_earlier_ones_did_not(tmp_path: Path) -> None:
    """Each message is listed once in a conversation, and again in a fork of it."""
    with LogBuilder(tmp_path / "logs.db") as builder:
        first, second = builder.thread(), builder.thread()
        turns = builder.turns(first, Said("one"), Said("two"))
        builder.forked(second, first, 1)
        (fork,) = builder.turns(second, Said("three"))
    with opened(tmp_path / "logs.db") as memory:
        made = read(memory.desk.log)
    refs = [made[f"turn {one}"].refs for one in (*turns, fork)]
    assert list(map(len, refs)) == [2, 2, 4]
    assert set(refs[0]) < set(refs[2])
    assert not set(refs[0]) & set(refs[1])
    assert [made[f"turn {one}"].place for one in (*turns, fork)] == [1, 2, 1]


def test_only_the_conversations_that_are_asked_for_are_read(memory: Memory, world: World) -> None:
    """Their stamps too. One that isn't there has none."""
    some = [world.work.thread_id, "nowhere"]
    made = [*documents.documents(memory.desk.log, some, machine="m", person=ANN)]
    assert {one.thread_id for one in made if one.thread_id} == {world.work.thread_id}
    stamps = {one.key: one.value for one in documents.stamps(memory.desk.log, some, person=ANN)}
    assert stamps == {one.key: one.stamp for one in made if one.thread_id}
