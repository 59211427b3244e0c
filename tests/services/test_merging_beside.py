"""A merge beside other programs: they write meanwhile and see nothing before all is there; a kill harms nothing."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from llm_session_memory.memory import Memory
from llm_session_memory.model import Target
from llm_session_memory.model.merging import Merged
from llm_session_memory.services.merging import Merging
from llm_session_memory.store import Log, merge_branches, merging, search_ahead
from tests.conftest import Command
from tests.services.test_merging import Machine, contents, differences, everything, machines, thread_of

ORPHANS = "select count(*) from turn_search where turn_id not in (select id from turns)"
TWICE = "select count(*) from (select turn_id from turn_search group by turn_id having count(*) > 1)"


@pytest.fixture(name="two")
def _two(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Machine]]:
    """Two machines; the second one has twelve exchanges more. Search rows are copied in portions of a few."""
    monkeypatch.setattr(search_ahead, "PORTION", 60)
    monkeypatch.setattr(search_ahead, "PAUSE_SECONDS", 0)
    with machines((), (), ()) as made:
        thread_id = thread_of(made[1], "work")
        for number in range(12):
            made[1].say(thread_id, f"zebra {number}")
        yield made


def at_each_pause(monkeypatch: pytest.MonkeyPatch, do: Callable[[], object]) -> None:
    """Do something in each pause between two portions."""

    def pause(seconds: float) -> None:
        do()

    monkeypatch.setattr("llm_session_memory.store.search_ahead.time.sleep", pause)


def value(machine: Machine, sql: str) -> int:
    """Return the first value that a query finds."""
    with closing(sqlite3.connect(machine.path)) as connection:
        return int(connection.execute(sql).fetchone()[0])


def test_others_write_meanwhile_and_see_nothing_before_all_is_there(
    two: list[Machine], llm_: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program that waits for no lock writes in each pause, and llm finds merged texts only afterwards."""
    a, b = two
    seen: list[str] = []

    def others() -> None:
        with closing(sqlite3.connect(a.path, timeout=0)) as connection:
            connection.execute("insert into fragments (hash, content) values (hex(randomblob(8)), 'x')")
            connection.commit()
        done = llm_("logs", "-q", "zebra", "-d", str(a.path))
        seen.append(done.out + done.err)

    at_each_pause(monkeypatch, others)
    a.merge(b)
    assert len(seen) > 2
    assert not [text for text in seen if "zebra" in text.replace("“zebra”", "").replace("zebra\n", "")]
    assert value(a, "select count(*) from fragments where content = 'x'") == len(seen)
    assert "zebra 7" in llm_("logs", "-q", "zebra 7", "-d", str(a.path)).ok().out
    assert "zebra 7" in llm_("sessions", "search", "zebra 7", "-d", str(a.path)).ok().out
    assert (value(a, ORPHANS), value(a, TWICE)) == (0, 0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no processes to fork")
def test_a_killed_merge_leaves_a_whole_log_and_the_next_one_completes(
    two: list[Machine], llm_: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is seen of a merge that was killed between two portions, and the next one does all of it."""
    a, b = two
    whole = a.copy("whole")
    whole.merge(b)
    before = contents(a.path)
    child = os.fork()
    if not child:
        at_each_pause(monkeypatch, lambda: os._exit(9))
        try:
            a.merge(b)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert value(a, ORPHANS) > 0
    del before["turn_search"]
    assert differences(before, contents(a.path)) == {}
    fixed = a.copy("fixed")
    assert "of turn_search have no turn" in llm_("sessions", "check", "-d", str(fixed.path)).out
    llm_("sessions", "check", "--fix", "-d", str(fixed.path)).ok()
    assert value(fixed, ORPHANS) == 0
    for command in (("sessions", "search", "zebra"), ("logs", "-q", "zebra")):
        assert "zebra 0" not in llm_(*command, "-d", str(a.path)).out
    a.merge(b)
    assert differences(contents(a.path), contents(whole.path)) == {}
    assert a.merge(b) == Merged()


def test_a_merge_that_ends_in_its_midst_takes_its_search_rows_away(
    two: list[Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither Ctrl-C between two portions nor an error in the last transaction leaves a row."""
    a, b = two
    before = everything(a.path)
    pauses = iter(range(100))

    def interrupted() -> None:
        if next(pauses) == 1:
            raise KeyboardInterrupt

    at_each_pause(monkeypatch, interrupted)
    with pytest.raises(KeyboardInterrupt):
        a.merge(b)
    assert everything(a.path) == before
    monkeypatch.setattr(Merging, "_check_busy", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        a.merge(b)
    assert everything(a.path) == before


def test_two_merges_of_the_same_log_at_once(two: list[Machine], monkeypatch: pytest.MonkeyPatch) -> None:
    """A merge that another one overtakes, or whose rows it cleans away, adds nothing twice and misses nothing."""
    a, b = two
    whole = a.copy("whole")
    whole.merge(b)

    def overtaken() -> None:
        monkeypatch.setattr("llm_session_memory.store.search_ahead.time.sleep", lambda _: None)
        a.merge(b)
        with closing(sqlite3.connect(a.path)) as connection:
            connection.execute("delete from turn_search where id in (select max(id) from turn_search)")
            connection.commit()

    def cleaned() -> None:
        with closing(sqlite3.connect(a.path)) as connection:
            connection.execute("delete from turn_search where turn_id not in (select id from turns)")
            connection.commit()

    at_each_pause(monkeypatch, cleaned)
    c = a.copy("c")
    a.merge(b)
    assert differences(contents(a.path), contents(whole.path)) == {}
    a = c
    at_each_pause(monkeypatch, overtaken)
    assert a.merge(b) == Merged()
    assert (value(a, ORPHANS), value(a, TWICE)) == (0, 0)


def test_what_was_deleted_here_leaves_no_search_row(two: list[Machine], monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither if it was deleted before the merge, nor if that happened while search rows were copied."""
    a, b = two
    a.merge(b)
    with Memory(a.path) as memory:
        memory.deletion.delete([Target(thread_of(a, "work"))])
    sizes: list[int] = []
    at_each_pause(monkeypatch, lambda: sizes.append(value(a, ORPHANS)))
    a.merge(b)
    assert sizes == []

    tombstones = "insert or ignore into memory_tombstones select 'turn', id, '2099-01-01' from other.turns"

    def deleted() -> None:
        with closing(sqlite3.connect(c.path)) as connection:
            connection.execute("attach ? as other", [str(b.path)])
            connection.execute(tombstones)
            connection.commit()

    with machines((), ()) as made:
        c = made[0]
        at_each_pause(monkeypatch, deleted)
        assert c.merge(b).turns == 0
        assert value(c, ORPHANS) == 0


@pytest.mark.parametrize("dry_run", [False, True])
def test_what_is_new_is_found_again_if_someone_wrote_before_the_lock(
    two: list[Machine], monkeypatch: pytest.MonkeyPatch, dry_run: bool
) -> None:
    """What is said in the session between the comparison and the transaction becomes a branch, as at any other time."""
    a, b = two
    after = a.copy("after")
    find = Merging._find

    def written(self: Merging, *values: Any) -> int | None:
        version = find(self, *values)
        assert version is not None
        monkeypatch.setattr(Merging, "_find", find)
        with closing(sqlite3.connect(a.path)) as connection:
            connection.execute("attach ? as after", [str(after.path)])
            for table in ("messages", "parts", "turns", "turn_search"):
                connection.execute(f"insert or ignore into {table} select * from after.{table}")
            connection.commit()
        return version

    after.say(thread_of(after, "work"), "mine")
    expected = after.copy("expected").merge(b, host="laptop")
    monkeypatch.setattr(Merging, "_find", written)
    assert a.merge(b, host="laptop", dry_run=dry_run) == expected
    assert len(expected.branches) == 1


def test_a_plain_merge_looks_for_what_is_new_before_it_locks_the_log(
    two: list[Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is compared while others wait, if nothing has to go or be set apart and nobody wrote meanwhile."""
    a, b = two
    locked: list[bool] = []
    for module, name in ((merging, "find"), (merge_branches, "went_on")):
        original = getattr(module, name)

        def noted(log: Log, *others: Log, original: Any = original) -> Any:
            locked.append(log.database.conn.in_transaction)
            return original(log, *others)

        monkeypatch.setattr(module, name, noted)
    a.merge(b)
    assert locked == [False, False]
