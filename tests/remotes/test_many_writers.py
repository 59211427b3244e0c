"""Several machines that push and pull at once: nothing is lost, nothing is there twice, and all end equal."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from llm_session_memory.remotes.postgres.remote import PostgresRemote
from tests.world.laws import PROFILE
from tests.world.machines import EVERYTHING, Machine, Place
from tests.world.postgres_server import Postgres

MACHINES, ROUNDS = (5 if PROFILE == "ci" else 3), 2
COMMON = "01k00000000000000000000000"
"""A conversation that all machines go on with."""


def machine(folder: Path, address: str, number: int) -> Machine:
    """Return a machine that keeps its conversations on a server. No two have the same minutes."""
    place = Place(folder)
    place._minutes = 10_000 * (number + 1)
    one = place.machine(f"machine{number}", f"person{number}")
    one.remote = PostgresRemote(address)
    return one


def work(folder: Path, address: str, number: int, rounds: int) -> None:
    """Log exchanges in a session of its own and in one that all have, and sync, again and again."""
    one = machine(folder, address, number)
    with closing(one.remote):
        for count in range(rounds):
            prompt = f"{count} of {number}"
            if count:
                one.go_on(f"session{number}", f"Own {prompt}")
            else:
                one.new(f"session{number}", f"Own {prompt}")
            one.say(COMMON, f"Common {prompt}")
            one.note(f"session{number}", f"Note {prompt}")
            one.sync(EVERYTHING)


@pytest.mark.slow
def test_machines_that_push_and_pull_at_once_lose_nothing_and_end_equal(
    postgres: Postgres, forking: None, tmp_path: Path
) -> None:
    address = postgres.address(postgres.database())
    context = multiprocessing.get_context("forkserver")
    processes = [context.Process(target=work, args=(tmp_path, address, one, ROUNDS)) for one in range(MACHINES)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * MACHINES
    machines = [machine(tmp_path, address, one) for one in range(MACHINES)]
    for _ in range(2):
        for one in machines:
            one.sync(EVERYTHING)
    first, *others = [one.contents() for one in machines]
    assert all(one == first for one in others)
    said = Counter(prompt for _, prompt, _ in first["turn_search"])
    places = [(count, one) for one in range(MACHINES) for count in range(ROUNDS)]
    assert said == {f"{what} {count} of {one}": 1 for what in ("Own", "Common") for count, one in places}
    notes = sorted(text for _, text in first["memory_notes"])
    assert notes == sorted(f"Note {count} of {one}" for count, one in places)
    for one in machines:
        status = one.status(EVERYTHING)
        assert (status.standings, status.conflicts) == ((), 0)
        one.remote.close()
