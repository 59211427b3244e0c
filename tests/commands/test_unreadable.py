"""What the commands that only read say of a log that can't be read: the same sentences as all others."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from llm_session_memory.reader import open_log
from tests.conftest import Command
from tests.world.logs import LogBuilder, Said
from tests.world.once import once
from tests.world.scripted import Script

READING = {
    "query": ("sessions", "query", "tokens_a_day"),
    "stats": ("sessions", "stats"),
    "replay": ("sessions", "replay", "work"),
    "list": ("sessions", "list"),
}
"""Those that read with the reader, and one that opens the log for writing."""


@pytest.fixture(name="written")
@once
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
    assert (done.code, f"The log {written} is damaged" in done.err, "llm sessions salvage" in done.err) == (
        1,
        True,
        True,
    )


@pytest.mark.parametrize("name", ["query", "stats", "replay"])
def test_a_locked_log_is_waited_for(llm_: Command, written: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command waits for a locked log, and then reports the lock."""
    monkeypatch.setattr(open_log, "WAIT_SECONDS", 0)
    with sqlite3.connect(written, isolation_level=None) as holding:
        holding.execute("begin exclusive")
        done = llm_(*READING[name])
        holding.execute("rollback")
    assert (done.code, f"The log {written} is locked by another program" in done.err) == (1, True)


@contextmanager
def frozen(log: Path, folder: Path, beside: bytes = b"") -> Iterator[str]:
    """Give a copy of a log, in WAL mode, in a folder that nobody can write to; `beside` is its write-ahead log."""
    folder.mkdir()
    with closing(sqlite3.connect(shutil.copy(log, folder / "logs.db"))) as connection:
        connection.execute("pragma journal_mode = wal")
    if beside:
        (folder / "logs.db-wal").write_bytes(beside)
    folder.chmod(0o500)
    root = os.access(folder, os.W_OK)
    mount = (["mount", "--bind", folder], ["mount", "-o", "remount,ro,bind"])
    if root and any(subprocess.run([*how, folder], check=False).returncode for how in mount):
        pytest.skip("root can write to every folder, and can't mount one read-only here")
    try:
        yield str(folder / "logs.db")
    finally:
        if root:
            subprocess.run(["umount", "-l", folder], check=True)  # SQLite may still have it open
        folder.chmod(0o700)


@pytest.fixture(name="used")
@once
def _used(llm_: Command, script: Script, log: Path) -> Path:
    """A log with a session."""
    llm_("-m", "scripted", "--session", "work", "We build a bridge.").ok()
    return log


ON_FROZEN = {
    **READING,
    "show": ("sessions", "show", "work"),
    "search": ("sessions", "search", "bridge"),
    "context": ("sessions", "context", "work", "When?"),
    "export": ("sessions", "export", "work"),
    "note": ("sessions", "note", "work"),
    "attempts": ("sessions", "attempts"),
}


def test_a_frozen_log_in_wal_mode_is_read(llm_: Command, used: Path, tmp_path: Path) -> None:
    """If nobody can write beside a log in WAL mode, it is read as it is. What would change it says what helps."""
    with frozen(used, tmp_path / "frozen") as path:
        for command in ON_FROZEN.values():
            llm_(*command, "-d", path).ok()
        for command in (("sessions", "note", "work", "new"), ("sessions", "set", "work", "--meta", "a", "b")):
            done = llm_(*command, "-d", path)
            assert done.code == 1
            assert done.err.startswith(f"Error: The log {path} is in WAL mode, for which its folder must be writable. ")


def test_entries_beside_a_frozen_log_are_not_left_out(llm_: Command, used: Path, tmp_path: Path) -> None:
    """If the write-ahead log has entries that can't be read, nothing is shown without them: the error names it."""
    with frozen(used, tmp_path / "frozen", b"any entry") as path:
        for command in ON_FROZEN.values():
            done = llm_(*command, "-d", path)
            assert (done.code, "in WAL mode" in done.err, "its -wal file" in done.err) == (1, True, True)
