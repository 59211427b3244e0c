"""Whenever a deletion is cut short, the log is whole: a conversation is gone, or it is there."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from llm_session_memory.errors import LogUnusable
from llm_session_memory.model import Deleted, Target
from llm_session_memory.services.bundle import Services
from tests.services.test_deletion import secret_log
from tests.store.test_deletion import checked
from tests.store.world import contents
from tests.world.laws import PROFILE
from tests.world.logs import LogBuilder, Said
from tests.world.processes import Running

STEP, EACH_OF_THE_LAST = (5, 40) if PROFILE == "ci" else (17, 15)
"""How far apart the statements are that fail, and how many of the last ones each fail once."""


class Failing:
    """A connection whose n-th statement fails, as on a bad disk."""

    def __init__(self, connection: sqlite3.Connection, at: int) -> None:
        self._connection, self._at, self.count = connection, at, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def __setattr__(self, name: str, value: object) -> None:
        if name == "isolation_level":
            self._connection.isolation_level = value  # type: ignore[assignment]
        else:
            super().__setattr__(name, value)

    def execute(self, *arguments: Any) -> Any:
        self._count()
        return self._connection.execute(*arguments)

    def executemany(self, *arguments: Any) -> Any:
        self._count()
        return self._connection.executemany(*arguments)

    def _count(self) -> None:
        self.count += 1
        if self.count == self._at:
            raise sqlite3.OperationalError("disk I/O error")


def deleted(path: Path, targets: list[Target], at: int) -> tuple[Deleted | None, int]:
    """Delete with a connection whose n-th statement fails; return what came of it, and how many statements ran."""
    with Services.open(path) as services:
        connection = services.desk.log.database.conn
        failing = Failing(connection, at)
        services.desk.log.database.conn = failing  # type: ignore[assignment]
        try:
            return services.deletion.delete(targets, with_traces=True), failing.count
        except (LogUnusable, sqlite3.Error):
            return None, failing.count


def test_a_failure_at_any_statement_changes_nothing(tmp_path: Path) -> None:
    """One transaction: whichever statement fails, the log has what it had, and the next try does all of it."""
    made, path = tmp_path / "made.db", tmp_path / "logs.db"
    secret, other = secret_log(made)
    with closing(sqlite3.connect(made)) as connection:
        first = connection.execute("select min(id) from turns where thread_id = ?", [other]).fetchone()[0]
    targets = [Target(secret), Target(other, (first,))]
    shutil.copy(made, path)
    whole, count = deleted(path, targets, 0)
    before, after = contents(made), contents(path)
    at, tries = 1, 0
    while at <= count:
        shutil.copy(made, path)
        done, _ = deleted(path, targets, at)
        now = contents(path)
        if done is None:
            assert now == before or times_aside(now) == times_aside(after), at
        else:
            assert done.amounts == whole.amounts, at  # type: ignore[union-attr]
        if tries % 4 == 0:
            checked(path)
        tries += 1
        at += 1 if count - at < EACH_OF_THE_LAST else STEP
    shutil.copy(made, path)
    deleted(path, targets, count // 2)
    again, _ = deleted(path, targets, 0)
    assert times_aside(contents(path)) == times_aside(after)
    assert again is not None


def times_aside(rows: dict[str, list[tuple[object, ...]]]) -> dict[str, list[tuple[object, ...]]]:
    """Return rows without the times of the deletion."""
    aside = ("memory_tombstones", "memory_changed")
    return {table: [row[:-1] for row in some] if table in aside else some for table, some in rows.items()}


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="signals as POSIX has them")
def test_a_killed_deletion_leaves_each_conversation_whole_or_gone(log: Path, start_llm: Callable[..., Running]) -> None:
    """A deletion of many conversations that is killed has deleted some of them; the same command deletes the rest."""
    with LogBuilder(log) as builder:  # of 672 turns, the first 500 are deleted together
        threads = [builder.thread() for _ in range(84)]
        for thread in threads:
            builder.turns(thread, *(Said(f"{thread} prompt {n}") for n in range(8)))
    with Services.open(log) as services:
        services.desk.prepare()
    command = ("sessions", "purge", "--unnamed", "--yes")
    process = start_llm(*command)
    with closing(sqlite3.connect(log, timeout=60)) as connection:
        left = len(threads)
        while left == len(threads) and process.returncode is None:
            time.sleep(0.01)
            left = connection.execute("select count(*) from threads").fetchone()[0]
    process.send_signal(signal.SIGKILL)
    process.communicate()
    checked(log)
    with closing(sqlite3.connect(log)) as connection:
        counts = connection.execute("select thread_id, count(*) from turns group by thread_id").fetchall()
        assert {count for _, count in counts} <= {8}
        assert len(counts) == connection.execute("select count(*) from threads").fetchone()[0]
    process = start_llm(*command, reads=True)
    process.communicate()
    with closing(sqlite3.connect(log)) as connection:
        assert connection.execute("select count(*) from messages").fetchone() == (0,)
