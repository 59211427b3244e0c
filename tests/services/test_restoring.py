"""Restoring a backup: what is wrong is found before anything is replaced, and what is replaced is kept."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import llm
import pytest

from llm_session_memory.store import replacing
from llm_session_memory.store.attempts import Attempts
from tests.conftest import Command
from tests.store.world import contents
from tests.world.logs import LogBuilder, Said
from tests.world.old_llms import OLD_LLMS, write_old_log
from tests.world.once import once
from tests.world.scripted import Script

linux = pytest.mark.skipif(not Path("/proc/self/fdinfo").is_dir(), reason="Only Linux says who has a file open.")


@pytest.fixture(name="backed_up")
@once
def _backed_up(llm_: Command, script: Script, home: Path) -> Path:
    llm_("-m", "scripted", "--session", "work", "One").ok()
    llm_("sessions", "backup", str(home / "b.db")).ok()
    llm_("--session", "work", "Two").ok()
    assert script
    return home / "b.db"


@pytest.fixture(name="backup")
def _backup(backed_up: Path, log: Path, tmp_path: Path) -> Path:
    """A backup of a log with a session, in which one exchange was made since."""
    return backed_up.rename(tmp_path / "b.db")


def kept(log: Path) -> list[Path]:
    """Return the logs that were replaced."""
    return sorted(log.parent.glob("*.before-restore*"))


def mode(log: Path) -> str:
    """Return a log's journal mode."""
    with closing(sqlite3.connect(log)) as connection:
        return str(connection.execute("pragma journal_mode").fetchone()[0])


@contextmanager
def held(log: Path, statements: str, way: str = "rw") -> Iterator[None]:
    """Another process has the log open, and has executed these statements."""
    code = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], uri=True, isolation_level=None)\n"
        "for one in sys.argv[2].split(';'): c.execute(one).fetchall()\n"
        "print(); sys.stdin.read()"
    )
    arguments = [sys.executable, "-c", code, f"{log.as_uri()}?mode={way}", statements]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout
        other.stdout.readline()
        yield
        other.communicate()


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_a_backup_takes_the_place_of_the_log(llm_: Command, backup: Path, log: Path, journal: str) -> None:
    """The log is as it was then, with its mode and journal mode; all that came later is in the file that is kept."""
    with closing(sqlite3.connect(log)) as connection:
        connection.execute(f"pragma journal_mode = {journal}")
    log.chmod(0o640)
    then, now = contents(backup), contents(log)
    done = llm_("sessions", "restore", str(backup)).ok()
    [old] = kept(log)
    assert contents(log) == then
    assert contents(old) == now
    assert (mode(log), stat.S_IMODE(log.stat().st_mode)) == (journal, 0o640)
    assert done.out.splitlines() == [
        f"Restored {backup}: {log} has 1 conversation.",
        f"The log that it replaced is {old}. Delete it when you no longer need it.",
    ]
    llm_("--session", "work", "Three").ok()
    assert sorted(one.name for one in log.parent.iterdir() if "logs" in one.name) == sorted([log.name, old.name])
    llm_("sessions", "restore", str(old)).ok()
    assert contents(log) == now


def cut(data: bytes) -> bytes:
    """Half of a file is gone."""
    return data[: len(data) // 2]


def overwritten(data: bytes) -> bytes:
    """Something else was written over a part of a file."""
    place = len(data) // 2 // 4096 * 4096
    return data[:place] + b"\xff" * 4096 + data[place + 4096 :]


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "cut": cut,
    "overwritten": overwritten,
    "text": lambda _: b"Hello. " * 99,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_log_is_replaced_and_kept(
    llm_: Command, backup: Path, log: Path, damage: Callable[[bytes], bytes]
) -> None:
    """That is what backups are for; what can be read of the old one may be more than the backup has."""
    log.write_bytes(damage(log.read_bytes()))
    broken = log.read_bytes()
    llm_("sessions", "restore", str(backup)).ok()
    assert contents(log) == contents(backup)
    assert kept(log)[0].read_bytes() == broken


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_backup_is_refused(llm_: Command, backup: Path, log: Path, damage: Callable[[bytes], bytes]) -> None:
    """The log is not touched."""
    backup.write_bytes(damage(backup.read_bytes()))
    before = log.read_bytes()
    done = llm_("sessions", "restore", str(backup))
    assert done.code == 1
    assert str(backup) in done.err
    assert log.read_bytes() == before
    assert not [one for one in log.parent.iterdir() if one.name not in ("logs.db", "b.db")]


def test_a_missing_log_is_restored(llm_: Command, backup: Path, log: Path) -> None:
    """Nothing is kept, because nothing is replaced."""
    log.unlink()
    done = llm_("sessions", "restore", str(backup)).ok()
    assert contents(log) == contents(backup)
    assert "replaced" not in done.out
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("no.db", "There is no file no.db, and no session of that name."),
        ("work", "Which snapshot of “work”? List them with: llm sessions snapshots work"),
        (".", "is a folder. Give the file of a backup."),
        ("llm/logs.db", "is the log itself. Give the file of a backup."),
        ("other.db", "is a SQLite database, but not a log of llm."),
    ],
)
def test_what_is_no_backup_is_refused(  # noqa: PLR0913  fixtures
    llm_: Command, backup: Path, log: Path, monkeypatch: pytest.MonkeyPatch, name: str, says: str
) -> None:
    """The error says what it is instead."""
    monkeypatch.chdir(backup.parent)
    with closing(sqlite3.connect("other.db")) as connection:
        connection.execute("create table recipes (name)")
    before = contents(log)
    done = llm_("sessions", "restore", name)
    assert done.code
    assert says in done.err
    assert contents(log) == before
    assert not kept(log)


@pytest.mark.parametrize("statements", ["begin immediate", "begin exclusive", "select 1"])
@linux
def test_a_log_that_others_write_to_is_not_replaced(
    llm_: Command, backup: Path, log: Path, monkeypatch: pytest.MonkeyPatch, statements: str
) -> None:
    """Also if they only have it open to write: what they wrote next would be in the old file."""
    monkeypatch.setattr(replacing, "_WAIT_SECONDS", 0.01)
    before = log.read_bytes()
    with held(log, statements):
        done = llm_("sessions", "restore", str(backup))
    assert done.code == 1
    assert "is in use by python" in done.err
    assert log.read_bytes() == before
    assert not kept(log)


def test_a_locked_log_is_not_replaced_on_any_system(
    llm_: Command, backup: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite's lock is looked at too."""
    monkeypatch.setattr(replacing, "_WAIT_SECONDS", 0.01)
    with closing(sqlite3.connect(log, isolation_level=None)) as other:
        other.execute("begin immediate")
        done = llm_("sessions", "restore", str(backup))
    assert f"Another program is using {log}." in done.err
    assert not kept(log)


@pytest.mark.parametrize("journal", ["delete", "wal"])
@linux
def test_a_reader_is_named_or_refused(
    llm_: Command, backup: Path, log: Path, monkeypatch: pytest.MonkeyPatch, journal: str
) -> None:
    """A reader, such as Datasette, goes on reading the old log. In WAL mode it is in the way, and the mode stays."""
    monkeypatch.setattr(replacing, "_WAIT_SECONDS", 0.01)
    with closing(sqlite3.connect(log)) as connection:
        connection.execute(f"pragma journal_mode = {journal}")
        connection.execute("select 1 from sqlite_master").fetchone()
        with held(log, "select count(*) from turns", "ro"):
            done = llm_("sessions", "restore", str(backup))
    if journal == "wal":
        assert f"Another program is using {log}." in done.err
        assert mode(log) == "wal"
    else:
        assert "Restart python" in done.ok().err


def test_a_prompt_in_progress_is_waited_for(
    llm_: Command, backup: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its reply would go into the log that was replaced."""
    monkeypatch.setattr(Attempts, "in_progress", lambda _: ["01"])
    done = llm_("sessions", "restore", str(backup))
    assert f"Another program is using {log}." in done.err
    assert not kept(log)


def test_a_disk_without_links_keeps_a_copy(
    llm_: Command, backup: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old log is copied before the new one takes its place."""

    def refuse(*_: object) -> None:
        raise PermissionError

    now = contents(log)
    monkeypatch.setattr(os, "link", refuse)
    llm_("sessions", "restore", str(backup)).ok()
    assert contents(kept(log)[0]) == now


@pytest.mark.parametrize("encrypted", [False, True])
def test_attachments_are_put_back(llm_: Command, log: Path, tmp_path: Path, *, encrypted: bool) -> None:
    """Those that are gone, and no others: no file is replaced, and nothing is written that the log doesn't name."""
    texts = {name: f"{name} as it was" for name in ("gone.txt", "changed.txt", "same.txt")}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    with LogBuilder(log) as builder:
        files = tuple(llm.Attachment(path=str(tmp_path / name)) for name in texts)
        builder.turns(builder.thread(), Said("See the plan.", "Seen.", attachments=files))
    options: list[str] = []
    lock: list[str] = []
    if encrypted:
        pyrage = pytest.importorskip("pyrage", reason="The extra encrypt is not installed.")
        key = pyrage.x25519.Identity.generate()
        (tmp_path / "key.txt").write_text(str(key))
        options, lock = ["-i", str(tmp_path / "key.txt")], ["-r", str(key.to_public())]
    backup = tmp_path / "b.db"
    llm_("sessions", "backup", str(backup), "--attachments", *lock).ok()
    (tmp_path / "gone.txt").unlink()
    (tmp_path / "changed.txt").write_text("another")
    assert (
        "Put back those that are missing with --attachments." in llm_("sessions", "restore", str(backup), *options).err
    )
    done = llm_("sessions", "restore", str(backup), "--attachments", *options).ok()
    assert "Put back 1 file of attachments." in done.out
    assert f"Not put back, because another file is there: {tmp_path / 'changed.txt'}\n" in done.err
    assert {name: (tmp_path / name).read_text() for name in texts} == {**texts, "changed.txt": "another"}
    (tmp_path / "gone.txt").unlink()
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nowhere")
    done = llm_("sessions", "restore", str(backup), "--attachments", *options).ok()
    assert f"Not put back, because another file is there: {tmp_path / 'gone.txt'}\n" in done.err
    assert (tmp_path / "gone.txt").is_symlink()


def test_an_encrypted_backup_without_its_key_is_refused(llm_: Command, backup: Path, log: Path, tmp_path: Path) -> None:
    """The error says what is needed."""
    pyrage = pytest.importorskip("pyrage", reason="The extra encrypt is not installed.")
    mine, other = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    (tmp_path / "other.txt").write_text(str(other))
    path = tmp_path / "b.db.age"
    llm_("sessions", "backup", str(path), "-r", str(mine.to_public())).ok()
    before = log.read_bytes()
    assert "with -i" in llm_("sessions", "restore", str(path)).err
    assert "other keys" in llm_("sessions", "restore", str(path), "-i", str(tmp_path / "other.txt")).err
    assert log.read_bytes() == before
    assert backup.exists()


@pytest.mark.parametrize("version", OLD_LLMS)
def test_a_log_of_an_older_llm_is_backed_up_and_restored(
    llm_: Command, log: Path, tmp_path: Path, version: str
) -> None:
    """It stays the log of that version, and is looked after as any other."""
    write_old_log(log, version)
    then = contents(log)
    backup = tmp_path / "b.db"
    llm_("sessions", "backup", str(backup), "--attachments").ok()
    llm_("sessions", "maintenance", "--optimize", "--reindex", "--vacuum").ok()
    listed = llm_("sessions", "migrations").ok().out
    assert "pending" in listed
    assert f"{log} has 1 conversation." in llm_("sessions", "restore", str(backup)).ok().out
    assert contents(log) == contents(backup) == contents(kept(log)[0]) == then
