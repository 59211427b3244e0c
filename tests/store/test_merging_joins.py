"""What two logs know of a fork or branch is joined: in whichever order logs are merged, all end with the same rows."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from itertools import permutations
from pathlib import Path

import pytest

from tests.world.laws import PROFILE
from tests.world.machines import EVERYTHING, Machine, Place


def rows(machine: Machine, sql: str) -> list[tuple[object, ...]]:
    """Return what a log has."""
    with closing(sqlite3.connect(machine.path)) as connection:
        return connection.execute(sql).fetchall()


def write(machine: Machine, sql: str) -> None:
    """Change a log behind its back."""
    with closing(sqlite3.connect(machine.path)) as connection, connection:
        connection.execute(sql)


@pytest.fixture(name="place")
def _place(tmp_path: Path) -> Place:
    """Return a remote."""
    return Place(tmp_path)


@pytest.fixture(name="desk")
def _desk(place: Place) -> Machine:
    """Return a machine."""
    return place.machine("desk")


@pytest.fixture(name="laptop")
def _laptop(place: Place) -> Machine:
    """Return another machine."""
    return place.machine("laptop")


def sync(*machines: Machine) -> None:
    """Let some machines sync, one after the other."""
    for one in machines:
        one.sync(EVERYTHING)


def test_of_what_logs_know_of_a_branch_the_smallest_exchange_stays(place: Place) -> None:
    machines = [place.machine(f"m{one}") for one in range(3)]
    thread_id = machines[0].new("work", "Hello")
    for number, one in enumerate(machines):
        one.sync(EVERYTHING)
        write(one, f"insert into memory_branches values ('{thread_id}', '{thread_id}', 'x', 'kept {number}')")
    before = place.kept()
    orders = [*permutations(range(3))]
    for order in orders if PROFILE == "ci" else (orders[0], orders[3], orders[5]):
        place.begin_with(before)
        sync(*(machines[number] for number in (*order, *order)))
        found = [rows(one, "select kept_turn_id from memory_branches") for one in machines]
        assert found == [[("kept 0",)]] * 3, order


def test_a_fork_that_two_logs_link_otherwise_begins_at_an_exchange_that_is_there(
    desk: Machine, laptop: Machine
) -> None:
    desk.new("work", "One", "Two")
    desk.fork("work", 2, "Three")
    sync(desk, laptop)
    (first, second) = desk.turns("work")
    write(laptop, f"update memory_forks set at_turn_id = '{first}'")
    write(desk, "update memory_forks set at_turn_id = '0 gone'")
    sync(laptop, desk, laptop)
    assert [rows(one, "select at_turn_id from memory_forks") for one in (desk, laptop)] == [[(first,)]] * 2
    assert second in desk.turns("work")


def test_a_fork_of_what_another_machine_deleted_is_no_damage(desk: Machine, laptop: Machine) -> None:
    desk.new("work", "One")
    sync(desk, laptop)
    desk.fork("work", 1, "Two")
    laptop.delete("work")
    sync(desk, laptop, desk, laptop)
    assert (desk.wrong(), laptop.wrong()) == ([], [])


def test_what_names_an_exchange_that_others_deleted_does_not_differ_for_ever(desk: Machine, laptop: Machine) -> None:
    desk.new("work", "One")
    sync(desk, laptop)
    laptop.fork("work", 1, "Two")
    desk.delete("work", 1)
    laptop.change("work-2", "vote", 1, "")
    sync(desk, laptop, desk, laptop)
    before = laptop.remote.calls["writing"]
    laptop.push(EVERYTHING)
    assert laptop.remote.calls["writing"] == before


def test_what_somebody_imported_again_stays_whoever_deleted_it(desk: Machine, laptop: Machine, place: Place) -> None:
    desk.imported("old", 0)
    sync(desk, laptop)
    laptop.delete("old")
    sync(laptop, desk)
    desk.imported("old", 0)
    assert desk.names() == []
    desk.imported("old", 0, restore_deleted=True)
    newcomer = place.machine("newcomer")
    sync(desk, laptop, desk, newcomer)
    assert [one.prompts("old") for one in (desk, laptop, newcomer)] == [["imported 0 0", "imported 0 1"]] * 3
    laptop.delete("old")
    sync(laptop, desk, newcomer)
    assert [one.names() for one in (desk, laptop, newcomer)] == [[]] * 3


def test_a_push_alone_knows_what_others_restored(desk: Machine, laptop: Machine, place: Place) -> None:
    """A machine that has not pulled since sends its own import of a text that was deleted and restored elsewhere."""
    desk.imported("old", 0)
    laptop.imported("again", 0)
    sync(desk)
    desk.delete("old")
    sync(desk)
    desk.imported("old", 0, restore_deleted=True)
    sync(desk)
    laptop.push(EVERYTHING)
    newcomer = place.machine("newcomer")
    newcomer.pull(EVERYTHING)
    assert newcomer.prompts("again") == newcomer.prompts("old") == ["imported 0 0", "imported 0 1"]


def test_a_text_that_was_deleted_goes_from_a_machine_that_imported_it_before_it_knew(
    desk: Machine, laptop: Machine, place: Place
) -> None:
    desk.imported("old", 0)
    laptop.imported("again", 0)
    laptop.fork("again", 2, "In a fork")
    sync(desk)
    desk.delete("old")
    newcomer = place.machine("newcomer")
    sync(desk, laptop, desk, newcomer)
    assert laptop.prompts("again-2") == ["imported 0 0", "imported 0 1", "In a fork"], "it keeps what it shares"
    assert newcomer.prompts("again-2") == ["In a fork"]
    assert desk.stamps(but=()) == newcomer.stamps(but=())


def test_a_deleted_session_goes_though_a_private_fork_has_its_exchanges(
    desk: Machine, laptop: Machine, place: Place
) -> None:
    desk.new("work", "Said once")
    sync(desk, laptop)
    laptop.fork("work", 1, "Hushed")
    laptop.set_private("work-2", private=True)
    laptop.delete("work")
    sync(laptop, desk)
    assert desk.names() == []
    assert "Said once" not in place.server.texts()
    assert laptop.prompts("work-2") == ["Said once", "Hushed"]
    laptop.set_private("work-2", private=False)
    sync(laptop, desk)
    assert desk.prompts("work-2") == ["Hushed"], "what was deleted doesn't come back"
    assert laptop.prompts("work-2") == ["Said once", "Hushed"]


def test_a_deleted_session_that_went_on_goes_with_its_last_exchange(
    desk: Machine, laptop: Machine, place: Place
) -> None:
    """Both machines deleted it; one of them first heard that the other one had continued it."""
    desk.new("work", "Hello")
    sync(desk, laptop)
    laptop.go_on("work", "More")
    laptop.push()
    desk.delete("work")
    laptop.delete("work")
    sync(desk, laptop, desk, newcomer := place.machine("newcomer"))
    assert [one.names() for one in (desk, laptop, newcomer)] == [[]] * 3
    assert place.server.keys("thread") == set()


def test_a_deleted_session_that_went_on_goes_when_its_last_exchange_is_deleted(
    desk: Machine, laptop: Machine, place: Place
) -> None:
    desk.new("work", "Hello")
    sync(desk, laptop)
    desk.go_on("work", "More")
    laptop.delete("work")
    sync(laptop, desk, laptop)
    assert desk.prompts("work") == laptop.prompts("work") == ["More"]
    desk.delete("work", 1)
    sync(desk, laptop, desk, newcomer := place.machine("newcomer"))
    assert [one.names() for one in (desk, laptop, newcomer)] == [[]] * 3


def test_who_deletes_a_restored_text_again_deletes_only_that_import(
    desk: Machine, laptop: Machine, place: Place
) -> None:
    desk.imported("old", 0)
    desk.delete("old")
    desk.imported("old", 0, restore_deleted=True)
    sync(desk)
    desk.delete("old")
    laptop.imported("again", 0)
    laptop.push(EVERYTHING)
    desk.push(EVERYTHING)
    newcomer = place.machine("newcomer")
    newcomer.pull(EVERYTHING)
    assert newcomer.prompts("again") == ["imported 0 0", "imported 0 1"]
