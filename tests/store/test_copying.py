"""A copy of a log is the log of one moment, whoever writes meanwhile."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from llm_session_memory.errors import LogUnusable
from llm_session_memory.store import Log, copying

PAGES = 40
"""Pages of a log that has its first table at one end and its last at the other."""


@pytest.fixture(name="log")
def _log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Log]:
    """A log of several steps in which a transaction changes the first and the last page."""
    path = tmp_path / "logs.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table first (n)")
        connection.execute("create table filling (text)")
        connection.executemany("insert into filling values (?)", [("x" * 4000,)] * PAGES)
        connection.execute("create table last (n)")
        for table in ("first", "last"):
            connection.execute(f"insert into {table} values (0)")
        connection.commit()
    monkeypatch.setattr(copying, "STEP", 8192)
    monkeypatch.setattr(copying, "PART", 8192)
    log = Log.open(path)
    yield log
    log.close()


def written(path: Path) -> bool:
    """Write to both ends of a log in one transaction, and return whether it was not locked."""
    connection = sqlite3.connect(path, timeout=0, isolation_level=None)
    with closing(connection), suppress(sqlite3.OperationalError):
        connection.execute("begin immediate")
        connection.execute("update first set n = n + 1")
        connection.execute("update last set n = n + 1")
        connection.execute("commit")
        return True
    return False


def ends(path: Path) -> tuple[int, int]:
    """Return what is at both ends of a log."""
    with closing(sqlite3.connect(path)) as connection:
        first, last = (connection.execute(f"select n from {table}").fetchone()[0] for table in ("first", "last"))
        return first, last


@pytest.fixture(name="copy")
def _copy(log: Log) -> Callable[..., Path]:
    """Copy the log while somebody writes in each of so many steps."""

    def run(writes: float) -> Path:
        target = log.path.with_name("copy.db")
        target.touch()
        steps = 0

        def progress(done: int, total: int) -> None:
            nonlocal steps
            assert 0 <= done <= total
            steps += 1
            if steps <= writes:
                written(log.path)

        copying.copy(log, target, progress)
        return target

    return run


@pytest.mark.parametrize("mode", ["delete", "wal"])
@pytest.mark.parametrize("writes", [0, 1, 3, 300, float("inf")])
def test_a_copy_is_the_log_of_one_moment(log: Log, copy: Callable[..., Path], mode: str, writes: float) -> None:
    """However often others write while it is made, both ends of a copy are of the same transaction, in one file."""
    log.value(f"pragma journal_mode = {mode}")
    target = copy(writes)
    first, last = ends(target)
    assert first == last
    assert copying.check(target, thorough=True) == ""
    assert sorted(one.name for one in target.parent.glob("copy*")) == ["copy.db"]
    if writes == 0 or mode == "wal":
        assert first == 0
    elif writes != float("inf"):
        assert (first, last) == ends(log.path)
    assert log.value("pragma journal_mode") == mode


def test_a_log_that_turns_to_wal_mode_meanwhile_is_copied(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody turns WAL mode on, and writes, while the copy catches up."""
    monkeypatch.setattr(copying, "SHORT_HOLD", 0.0)
    target = log.path.with_name("copy.db")
    target.touch()
    steps = 0

    def progress(done: int, total: int) -> None:
        del done, total
        nonlocal steps
        steps += 1
        if steps == 5:
            with closing(sqlite3.connect(log.path)) as connection:
                connection.execute("pragma journal_mode = wal")
        if steps < 12:
            written(log.path)

    copying.copy(log, target, progress)
    first, last = ends(target)
    assert first == last > 0


def test_a_log_that_is_never_quiet_is_refused_in_the_end(
    log: Log, copy: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If even a short lock is too long, the error says what helps."""
    for name in ("SHORT_HOLD", "LONGEST_HOLD", "GIVE_UP"):
        monkeypatch.setattr(copying, name, 0.0)
    with pytest.raises(LogUnusable, match=r"so often .* --wal on"):
        copy(float("inf"))


def test_nobody_waits_for_a_whole_round(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a round takes longer than anyone should wait, all who write get through, from the first to the last."""
    target = log.path.with_name("copy.db")
    target.touch()
    steps: list[bool] = []
    monkeypatch.setattr(copying, "monotonic", lambda: len(steps) * copying.SHORT_HOLD / 4)

    def progress(done: int, total: int) -> None:
        del done, total
        steps.append(written(log.path) if len(steps) < 3 * PAGES else True)

    copying.copy(log, target, progress)
    assert len(steps) > 3 * PAGES
    assert all(steps)
    assert ends(target) == ends(log.path)


def test_a_locked_log_is_said_to_be_locked(
    log: Log, copy: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that keeps the log locked for longer than anyone waits is an error, not an endless wait."""
    monkeypatch.setattr(copying, "WAIT_SECONDS", 0.02)
    with closing(sqlite3.connect(log.path, isolation_level=None)) as other:
        other.execute("begin exclusive")
        with pytest.raises(LogUnusable, match="locked by another program"):
            copy(0)


def test_damage_is_found(log: Log, copy: Callable[..., Path]) -> None:
    """A check finds a page that is not as SQLite writes pages, and a file that is no database."""
    target = copy(0)
    data = bytearray(target.read_bytes())
    data[20 * 4096 : 21 * 4096] = b"\xff" * 4096
    target.write_bytes(data)
    assert copying.check(target)
    target.write_bytes(b"Dear diary. " * 1000)
    assert "not a database" in copying.check(target)
