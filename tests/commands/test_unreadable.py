"""What the commands that only read say of a log that can't be read: the same sentences as all others."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from llm_session_memory.reader import opening
from tests.conftest import Command
from tests.world.logs import LogBuilder, Said

READING = {
    "query": ("sessions", "query", "tokens_a_day"),
    "stats": ("sessions", "stats"),
    "replay": ("sessions", "replay", "work"),
    "list": ("sessions", "list"),
}
"""Those that read with the reader, and one that opens the log for writing."""


@pytest.fixture(name="written")
def _written(log: Path) -> Path:
    """A log with a conversation in it."""
    with LogBuilder(log) as built:
        built.turns(built.thread(), *(Said(f"prompt {number}") for number in range(40)))
    return log


@pytest.mark.parametrize("command", READING.values(), ids=READING)
def test_a_folder_is_not_a_log(llm_: Command, log: Path, command: tuple[str, ...]) -> None:
    """A folder in place of the log is reported as a folder."""
    log.mkdir(parents=True)
    done = llm_(*command)
    assert (done.code, f"Error: {log} is a folder, not a log." in done.err) == (1, True)


@pytest.mark.parametrize("command", READING.values(), ids=READING)
def test_a_file_of_another_kind_is_not_a_log(llm_: Command, log: Path, command: tuple[str, ...]) -> None:
    """A file that is not a database is reported as such."""
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("this is no database, but long enough to be looked at" * 40)
    done = llm_(*command)
    assert (done.code, f"Error: {log} is not a SQLite database." in done.err) == (1, True)


@pytest.mark.parametrize("command", READING.values(), ids=READING)
def test_a_damaged_log_comes_with_a_way_to_rescue_it(llm_: Command, written: Path, command: tuple[str, ...]) -> None:
    """The error for a log with overwritten pages says how to rescue it."""
    size = written.stat().st_size
    with written.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * (size - 100))
    done = llm_(*command)
    assert (done.code, f"The log {written} is damaged" in done.err, ".recover" in done.err) == (1, True, True)


@pytest.mark.parametrize("name", ["query", "stats", "replay"])
def test_a_locked_log_is_waited_for(llm_: Command, written: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command waits for a locked log, and then reports the lock."""
    monkeypatch.setattr(opening, "WAIT_SECONDS", 0)
    with sqlite3.connect(written, isolation_level=None) as holding:
        holding.execute("begin exclusive")
        done = llm_(*READING[name])
        holding.execute("rollback")
    assert (done.code, f"The log {written} is locked by another program" in done.err) == (1, True)
