"""Several machines that push and pull at once: nothing is lost, nothing is there twice, and all end equal."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from pathlib import Path

import pytest

from tests.world.laws import PROFILE
from tests.world.machines import EVERYTHING
from tests.world.postgres_server import Postgres
from tests.world.writers import machine, work

MACHINES, ROUNDS = (5 if PROFILE == "ci" else 3), 2


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
