"""Merging when one log is large: it is looked up in, and its numbers leave room for those of the other one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from llm_session_memory.llm_seam.tables import migrated
from llm_session_memory.memory import Memory
from llm_session_memory.model import Target
from llm_session_memory.store import history
from tests.services.test_merging import Machine, contents, differences, machines, thread_of
from tests.world.everything import with_blocks, write_world
from tests.world.logs import Call, LogBuilder, Said

LARGE = (1 << 62) - 1


@pytest.fixture(name="two")
def _two() -> Iterator[list[Machine]]:
    with machines((), (), ()) as made:
        yield made


def bury_many(machine: Machine) -> None:
    """Add tombstones of much that neither log has."""
    with closing(sqlite3.connect(machine.path)) as log:
        rows = [(kind, f"{kind} {number}") for kind in ("turn", "thread", "content") for number in range(50)]
        log.executemany("insert into memory_tombstones values (?, ?, '2026')", rows)
        log.commit()


@pytest.mark.parametrize("which", ["mine", "yours", "neither"])
def test_what_was_deleted_goes_however_much_was(two: list[Machine], which: str) -> None:
    """Whether the deleted calls are looked up among the others, or the others among the deleted ones."""
    a, b = two
    for machine in two:
        with Memory(machine.path) as memory:
            migrated(memory.desk.log)
            memory.desk.prepare()
    if which != "neither":
        bury_many(a if which == "mine" else b)
    work, play = thread_of(a, "work"), thread_of(a, "play")
    a.say(work, "mine")
    with Memory(a.path) as memory:
        memory.deletion.delete([Target(play)])
        first = history.exchange_turns(memory.desk.log, work)[0][0]
    with Memory(b.path) as memory:
        memory.deletion.delete([Target(work, (first,))])
    a0 = a.copy("a0")
    assert a.merge(b).deleted == 1
    assert b.merge(a0).deleted == 1
    assert differences(contents(a.path), contents(b.path)) == {}
    assert [row[1] for row in contents(a.path)["turns"]] == [work]


def with_large_numbers(path: Path) -> None:
    """Let a log have numbers that leave no room for sums of two."""
    with closing(sqlite3.connect(path)) as log:
        log.execute("update memory_blocks set id = :large - id", {"large": LARGE})
        log.execute("update memory_contexts set block_id = :large - block_id", {"large": LARGE})
        log.execute("update tool_results set id = :large - id", {"large": LARGE})
        log.execute("update tool_results_attachments set tool_result_id = :large - tool_result_id", {"large": LARGE})
        log.commit()


def test_numbers_of_62_bits_in_both_logs_leave_room(tmp_path: Path) -> None:
    """Blocks and results of the other log get the numbers after those of this one, and stay with their calls."""
    paths = [tmp_path / "mine.db", tmp_path / "yours.db"]
    world = write_world(paths[0])
    with_blocks(paths[0], world.work, 2)
    with LogBuilder(paths[1]) as builder:
        builder._given = 5_000  # other ids
        thread_id = builder.thread()
        builder.responses(thread_id, Said("Dig.", calls=(Call("dig", {}, "sand"), Call("dig", {}, "clay"))))
    for path in paths:
        with Memory(path) as memory:
            migrated(memory.desk.log)
            memory.desk.prepare()
        with_large_numbers(path)
    with Memory(paths[1]) as memory:
        memory.merging.merge(paths[0], migrated)
        log = memory.desk.log
        contexts = log.tuples(
            "select c.turn_id, b.reason from memory_contexts c join memory_blocks b on b.id = c.block_id"
        )
        assert sorted(contexts) == [
            (turn_id, "the first prompt" if place < 2 else "the budget was full")
            for place, turn_id in enumerate(world.work.turns)
        ]
        results = log.tuples("select typeof(id), output from tool_results order by id")
        assert results == [("integer", output) for output in ("clay", "sand", "found")]
