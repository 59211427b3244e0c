"""Backups appear when they are whole, and nothing that was there before is lost or harmed."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import stat
import sys
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path

import llm
import pytest

from llm_session_memory.errors import SessionError
from llm_session_memory.services.bundle import Services
from llm_session_memory.services.encryption import Unlocking, opened
from llm_session_memory.store import copying
from tests.conftest import Command
from tests.store.world import contents
from tests.world.logs import LogBuilder, Said

NOW = datetime(2026, 11, 28, 18, 30, 5, tzinfo=timezone.utc)


@pytest.fixture(name="used")
def _used(log: Path, tmp_path: Path) -> Path:
    """A log of plain llm, with two attachments that are known by their paths, of which one is gone."""
    (tmp_path / "plan.txt").write_text("Pillars: 12.")
    (tmp_path / "gone.txt").write_text("Gone.")
    with LogBuilder(log) as builder:
        files = tuple(llm.Attachment(path=str(tmp_path / name)) for name in ("plan.txt", "gone.txt"))
        builder.turns(builder.thread(), Said("See the plan.", "Seen.", attachments=files))
    (tmp_path / "gone.txt").unlink()
    return log


def left(folder: Path) -> list[str]:
    """Return all names in a folder."""
    return sorted(one.name for one in folder.iterdir())


def test_a_backup_has_all_rows_and_is_for_its_owner_only(llm_: Command, used: Path, tmp_path: Path) -> None:
    """The file is a log of its own, and says so; nothing else is left beside it."""
    folder = tmp_path / "backups"
    folder.mkdir()
    said = llm_("sessions", "backup", str(folder / "b.db")).ok()
    assert contents(folder / "b.db") == contents(used)
    assert stat.S_IMODE((folder / "b.db").stat().st_mode) == 0o600
    size = (folder / "b.db").stat().st_size
    assert said.out == f"Wrote {folder / 'b.db'}: backup of the log, {size:,} bytes, checked.\n"
    assert left(folder) == ["b.db"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["{}/there.db"], "{}/there.db already exists. Choose another name, or replace it with --overwrite."),
        (["{}"], "{} is a folder. Give a file, or let the file be named by its date: --dir {}"),
        (["{}/no/b.db"], "The folder {}/no does not exist. Create it, or choose another file."),
        (["{}/llm/logs.db", "--overwrite"], "{}/llm/logs.db is the log itself. Choose another file for the backup."),
        (["{}/used.db", "--overwrite"], "{}/used.db is in use by another program, because used.db-wal is beside it."),
        (["{}/b.db", "--keep", "3"], "--keep needs a folder: --dir FOLDER."),
        ([], "Give a FILE, or a folder with --dir FOLDER."),
        (["{}/b.db", "--dir", "{}"], "Give a FILE, or a folder with --dir FOLDER."),
        (["--dir", "{}/there.db/x"], "The folder {}/there.db/x can't be created: Not a directory."),
    ],
)
def test_a_place_that_can_not_be_is_refused(
    llm_: Command, used: Path, tmp_path: Path, arguments: list[str], says: str
) -> None:
    """The error says what is wrong with it; nothing is written."""
    (tmp_path / "there.db").write_text("mine")
    (tmp_path / "used.db").write_text("mine")
    (tmp_path / "used.db-wal").write_text("frames")
    before = left(tmp_path), used.read_bytes()
    done = llm_("sessions", "backup", *(one.format(tmp_path) for one in arguments))
    assert done.code
    assert says.format(tmp_path, tmp_path) in done.err
    assert (left(tmp_path), used.read_bytes()) == before
    assert (tmp_path / "there.db").read_text() == "mine"


def test_a_link_to_a_file_is_followed(llm_: Command, used: Path, tmp_path: Path) -> None:
    """--overwrite replaces the file that a link leads to, not the link."""
    (tmp_path / "real.db").write_text("old")
    (tmp_path / "link.db").symlink_to("real.db")
    llm_("sessions", "backup", str(tmp_path / "link.db"), "--overwrite").ok()
    assert (tmp_path / "link.db").is_symlink()
    assert contents(tmp_path / "real.db") == contents(used)


def test_the_newest_backups_are_kept(used: Path, tmp_path: Path) -> None:
    """Older ones go, with their attachments; files that are not such backups never do."""
    folder = tmp_path / "backups"
    mine = ["logs-2026.db", "logs-2020-01-01-000000Z.db.txt", "other-2020-01-01-000000Z.db"]
    folder.mkdir()
    for name in mine:
        (folder / name).write_text("mine")
    times = iter(NOW + timedelta(hours=hours) for hours in range(4))
    with Services.open(used, now=lambda: next(times)) as memory:
        done = [memory.backups.rotate(folder, keep=2, attachments=True) for _ in range(4)]
    names = ["logs-2026-11-28-203005Z.db", "logs-2026-11-28-213005Z.db"]
    assert left(folder) == sorted([*mine, *names, *(f"{name}.attachments" for name in names)])
    assert [one.path for one in done[:2]] == [path for one in done for path in one.removed]


def test_nothing_is_left_of_a_backup_that_fails(
    llm_: Command, used: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the log is damaged, there is no new file, and the old one is as it was."""
    (tmp_path / "b.db").write_text("the good old one")
    before = left(tmp_path)
    monkeypatch.setattr(copying, "check", lambda _path: "row 3 missing from index")
    done = llm_("sessions", "backup", str(tmp_path / "b.db"), "--overwrite", "--attachments")
    assert f"The log {used} is damaged (row 3 missing from index), so no backup was made." in done.err
    assert (tmp_path / "b.db").read_text() == "the good old one"
    assert left(tmp_path) == before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals.")
def test_nothing_is_left_of_a_backup_that_is_ended(
    llm_: Command, used: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that gets SIGTERM in the middle removes what it has written, and others end as usual afterwards."""
    before = left(tmp_path)

    def ended(_path: Path) -> str:
        os.kill(os.getpid(), signal.SIGTERM)
        return ""

    monkeypatch.setattr(copying, "check", ended)
    assert llm_("sessions", "backup", str(tmp_path / "b.db")).code == 128 + signal.SIGTERM
    assert left(tmp_path) == before
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    assert used.exists()


def test_what_a_killed_backup_left_is_removed_a_day_later(llm_: Command, used: Path, tmp_path: Path) -> None:
    """A part that is younger may belong to a backup that is being made."""
    parts = [tmp_path / f".b.db.{name}.part" for name in ("00000000", "11111111")]
    for part in parts:
        part.write_text("half")
    os.utime(parts[0], (0, 0))
    llm_("sessions", "backup", str(tmp_path / "b.db")).ok()
    assert [part.exists() for part in parts] == [False, True]
    assert used.exists()


def test_what_a_killed_backup_with_a_date_left_is_removed_too(llm_: Command, used: Path, tmp_path: Path) -> None:
    """The next one has another date. Beside the log of an encrypted backup, the part has everything in plain text."""
    pyrage = pytest.importorskip("pyrage", reason="The extra encrypt is not installed.")
    parts = [
        used.with_name(".logs-2026-01-01-000000Z.db.age.0123abcd.part"),
        used.with_name(".logs-2026-01-01-000000Z.db.age.my.partial"),
    ]
    for part in parts:
        part.write_text("half")
        os.utime(part, (0, 0))
    recipient = str(pyrage.x25519.Identity.generate().to_public())
    llm_("sessions", "backup", "--dir", str(tmp_path / "kept"), "-r", recipient).ok()
    assert [part.exists() for part in parts] == [False, True]


def test_a_file_that_appears_meanwhile_is_not_replaced(
    used: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy takes minutes, and somebody else may choose the same name."""
    path = tmp_path / "b.db"

    def check(_copy: Path) -> str:
        path.write_text("theirs")
        return ""

    monkeypatch.setattr(copying, "check", check)
    with Services.open(used) as memory, pytest.raises(SessionError, match="already exists"):
        memory.backups.make(path)
    assert path.read_text() == "theirs"
    assert not list(tmp_path.glob(".*.part"))


def test_a_folder_that_is_not_from_a_backup_stays(llm_: Command, used: Path, tmp_path: Path) -> None:
    """Not even --overwrite removes what somebody else keeps under that name."""
    folder = tmp_path / "b.db.attachments"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    done = llm_("sessions", "backup", str(tmp_path / "b.db"), "--attachments", "--overwrite")
    assert f"{folder} exists, and is not from a backup." in done.err
    assert left(folder) == ["mine.txt"]
    assert used.exists()
    assert not (tmp_path / "b.db").exists()


def test_a_full_disk_is_said_before_anything_is_written(
    llm_: Command, used: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error has both figures."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: _Disk())
    done = llm_("sessions", "backup", str(tmp_path / "b.db"))
    assert f"Not enough space in {tmp_path}:" in done.err
    assert "and 1,000 are free. Free some space" in done.err
    assert not (tmp_path / "b.db").exists()
    assert used.exists()


class _Disk:
    free = 1000


def test_attachments_are_copied_beside_the_backup(llm_: Command, used: Path, tmp_path: Path) -> None:
    """Those whose file is gone are said."""
    done = llm_("sessions", "backup", str(tmp_path / "b.db"), "--attachments").ok()
    assert f"Copied 1 file of attachments to {tmp_path / 'b.db'}.attachments." in done.out
    assert f"Not in the backup, because it does not exist: {tmp_path / 'gone.txt'}" in done.err
    folder = tmp_path / "b.db.attachments"
    assert left(folder) == ["00002.txt", "manifest.json"]
    assert (folder / "00002.txt").read_text() == "Pillars: 12."
    assert used.exists()


def test_an_encrypted_backup_opens_with_its_key(llm_: Command, used: Path, tmp_path: Path) -> None:
    """Neither the backup nor the attachments beside it have anything in plain text."""
    pyrage = pytest.importorskip("pyrage", reason="The extra encrypt is not installed.")
    key = pyrage.x25519.Identity.generate()
    (tmp_path / "key.txt").write_text(str(key))
    path = tmp_path / "b.db.age"
    llm_("sessions", "backup", str(path), "-r", str(key.to_public()), "--attachments").ok()
    with opened(path, Unlocking((tmp_path / "key.txt",))) as stream:
        (tmp_path / "plain.db").write_bytes(stream.read())
    assert contents(tmp_path / "plain.db") == contents(used)
    for one in [path, *(tmp_path / "b.db.age.attachments").iterdir()]:
        assert one.read_bytes().startswith(b"age-encryption.org/v1"), one
    assert not [name for name in left(used.parent) if name.endswith(".part")]


def test_an_empty_log_is_refused(llm_: Command, log: Path, tmp_path: Path) -> None:
    """There is nothing to back up in it."""
    with closing(sqlite3.connect(log)) as connection:
        connection.execute("vacuum")
    done = llm_("sessions", "backup", str(tmp_path / "b.db"))
    assert "so there is nothing to back up" in done.err
    assert not (tmp_path / "b.db").exists()


def test_a_backup_before_a_change_says_what_it_is_before(used: Path) -> None:
    """It is beside the log, with the date and the reason in its name."""
    with Services.open(used, now=lambda: NOW) as memory:
        made = memory.backups.beside("redact")
        assert made.path == used.with_name("logs-2026-11-28-183005Z.before-redact.db")
        with pytest.raises(SessionError, match="already exists"):
            memory.backups.beside("redact")
    assert contents(made.path) == contents(used)
