"""Remotes that a log knows: added, listed, replaced, forgotten; and the machine's own name."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from llm_session_memory import Memory
from llm_session_memory.errors import NameRefused, NoSuchSession, RemoteFailed, SessionError
from llm_session_memory.model.remotes import RemoteSettings

SERVER = "postgresql://me@db.example/log?sslmode=require"


@pytest.fixture(name="memory")
def _memory(tmp_path: Path) -> Iterator[Memory]:
    """A new log."""
    with Memory(tmp_path / "logs.db", create=True) as memory:
        yield memory


def test_a_remote_is_kept_as_it_was_given(memory: Memory) -> None:
    """All that is set comes back; the name is found in any case; tags are each kept once."""
    given = RemoteSettings("Team", SERVER, "key", "ada", "bridge", ("a", "b", "a"), "log", redact=True)
    kept = memory.remotes.add(given)
    assert (kept.exclude_tags, kept.created_utc[:2]) == (("a", "b"), "20")
    assert memory.remotes.get("team") == kept
    assert memory.remotes.list() == [kept]


def test_a_folder_is_found_from_everywhere(memory: Memory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The path of a folder is made absolute, and ~ is the home folder."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for given in ("drive", "~/drive", "./x/../drive"):
        assert memory.remotes.add(RemoteSettings("drive", given), anew=True).address == str(tmp_path / "drive")


def test_a_name_is_taken_once(memory: Memory) -> None:
    """A second remote of a name is refused, unless it replaces the first."""
    first = memory.remotes.add(RemoteSettings("team", SERVER))
    with pytest.raises(NameRefused, match="“team” already exists"):
        memory.remotes.add(RemoteSettings("TEAM", SERVER))
    again = memory.remotes.add(RemoteSettings("TEAM", SERVER, person="ada"), anew=True)
    assert memory.remotes.list() == [again]
    assert again.created_utc == first.created_utc


@pytest.mark.parametrize(
    "given",
    [
        RemoteSettings("a/b", SERVER),
        RemoteSettings("team", "ftp://x"),
        RemoteSettings("team", "postgresql://me:hidden@db/log"),
        RemoteSettings("team", "postgresql://db/log?sslpassword=hidden"),
        RemoteSettings("team", "mongodb://db/log", schema="log"),
        RemoteSettings("team", SERVER, schema='x"; drop'),
        RemoteSettings("team", SERVER, schema="pg_log"),
        RemoteSettings("team", SERVER, person=" "),
        RemoteSettings("team", SERVER, project="none"),
        RemoteSettings("team", SERVER, exclude_tags=("",)),
        RemoteSettings("drive", "a\0b"),
    ],
)
def test_what_cannot_be_kept_is_refused(memory: Memory, given: RemoteSettings) -> None:
    """An error is a sentence without a password, and nothing is kept."""
    with pytest.raises(SessionError) as error:
        memory.remotes.add(given)
    assert "hidden" not in str(error.value)
    assert memory.remotes.list() == []


def test_no_password_gets_into_the_file(memory: Memory) -> None:
    """Not even a refused address leaves its password in the log."""
    with pytest.raises((SessionError, RemoteFailed)):
        memory.remotes.add(RemoteSettings("team", "postgresql://me:hidden-password@db/log"))
    assert b"hidden-password" not in memory.path.read_bytes()


def test_the_only_remote_needs_no_name(memory: Memory) -> None:
    """Without a name, the only remote is meant. With several, the error lists them; with none, it says how to add."""
    with pytest.raises(NoSuchSession, match="remote add"):
        memory.remotes.chosen(None)
    only = memory.remotes.add(RemoteSettings("team", SERVER))
    assert memory.remotes.chosen(None) == only
    memory.remotes.add(RemoteSettings("drive", "/mnt/drive"))
    with pytest.raises(SessionError, match="“drive”, “team”"):
        memory.remotes.chosen(None)
    with pytest.raises(NoSuchSession, match="Did you mean “drive”"):
        memory.remotes.chosen("drvie")


def test_a_remote_is_forgotten_with_what_was_known_of_it(memory: Memory) -> None:
    """Which conversations without a name were pushed there is forgotten too."""
    memory.remotes.add(RemoteSettings("team", SERVER))
    with closing(sqlite3.connect(memory.path)) as connection, connection:
        connection.execute("insert into memory_remote_threads values ('team', '01a'), ('other', '01a')")
    memory.remotes.remove("Team")
    assert memory.remotes.list() == []
    with closing(sqlite3.connect(memory.path)) as connection:
        assert connection.execute("select remote_key from memory_remote_threads").fetchall() == [("other",)]
    with pytest.raises(NoSuchSession):
        memory.remotes.remove("team")


def test_the_machine_is_named_once(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first use names it after the computer and the user; from then on the name stays unless it is changed."""
    monkeypatch.setattr("socket.gethostname", lambda: "laptop.example.org")
    monkeypatch.setenv("LOGNAME", "ada")
    assert memory.remotes.machine().name == "laptop"
    first = memory.remotes.name_machine()
    assert (first.name, first.person, len(first.id)) == ("laptop", "ada", 26)
    monkeypatch.setattr("socket.gethostname", lambda: "other")
    assert memory.remotes.machine() == first == memory.remotes.name_machine()
    renamed = memory.remotes.name_machine("desk", "Ada L.")
    assert (renamed.id, renamed.name, renamed.person) == (first.id, "desk", "Ada L.")
    assert memory.remotes.machine() == renamed
    with pytest.raises(NameRefused, match="machine name"):
        memory.remotes.name_machine("a/b")


def test_a_computer_with_an_odd_name_gets_a_plain_one(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that no session could be called after is not used."""
    monkeypatch.setattr("socket.gethostname", lambda: "\x1b[31m")
    monkeypatch.setattr("getpass.getuser", lambda: "\x1b[31m")
    machine = memory.remotes.machine()
    assert (machine.name, machine.person) == ("machine", "someone")
