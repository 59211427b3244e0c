"""The rules of `llm sessions remote`: added, listed, shown, forgotten, and no password where it doesn't belong."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from llm_session_memory import Memory
from llm_session_memory.errors import SessionError
from llm_session_memory.llm_seam import keys
from llm_session_memory.model.remotes import RemoteSettings
from llm_session_memory.remotes.opening import address_of
from tests.conftest import Command

SERVER = "postgresql://ada@db.example/llm?sslmode=require"
WITH_PASSWORD = "postgresql://ada:open%20sesame@db.example/llm?sslmode=require"
PASSWORD = "open sesame"


def _keys(home: Path) -> dict[str, Any]:
    kept: dict[str, Any] = json.loads((home / "keys.json").read_text("utf-8"))
    return kept


def _settings(log: Path, name: str) -> RemoteSettings:
    with Memory(log) as memory:
        return memory.remotes.get(name)


def test_a_remote_is_added_and_listed(llm_: Command, home: Path) -> None:
    """A log is made if there is none. The list has one line a remote, and JSON everything."""
    added = llm_("sessions", "remote", "add", "team", SERVER, "--exclude-tag", "secret", "--project", "bridge").ok()
    assert added.out == f"Added remote “team”: {SERVER}\n"
    assert added.err == "Test it with: llm sessions remote test team\n"
    llm_("sessions", "remote", "add", "drive", str(home / "drive")).ok()
    assert llm_("sessions", "remote", "drive").ok().out == llm_("sessions", "remote", "show", "drive").ok().out
    heads, drive, team = llm_("sessions", "remote").ok().out.splitlines()
    assert heads.split() == ["remote", "kind", "address", "pushed", "pulled"]
    assert drive.split()[:2] == ["drive", "folder"]
    assert team.split() == ["team", "PostgreSQL", SERVER, "never", "never"]
    found = json.loads(llm_("sessions", "remote", "list", "--json").ok().out)
    assert [one["kind"] for one in found] == ["folder", "postgres"]
    assert found[1] == {
        "name": "team",
        "kind": "postgres",
        "address": SERVER,
        "key": None,
        "person": None,
        "project": "bridge",
        "exclude_tags": ["secret"],
        "schema": None,
        "redact": False,
        "created_utc": found[1]["created_utc"],
        "pushed_utc": None,
        "pulled_utc": None,
    }


def test_a_log_without_remotes_says_how_to_add_one(llm_: Command, log: Path) -> None:
    """Every command that needs a remote names the command that adds one."""
    llm_("-m", "echo", "--session", "work", "Hello").ok()
    assert llm_("sessions", "remote").ok().err.startswith("There are no remotes. Add one with: llm sessions remote add")
    for command in (("remote", "show"), ("remote", "test"), ("push",), ("pull",), ("sync",), ("status",)):
        failed = llm_("sessions", *command)
        assert (failed.code, failed.out) == (1, "")
        assert failed.err.startswith("Error: This log has no remotes yet. Add one with: llm sessions remote add")


def test_a_file_that_is_not_there_is_not_made_by_reading(llm_: Command, home: Path) -> None:
    """Pulling into a log that doesn't exist says to add a remote first, for that log."""
    for command in (["pull"], ["status"], ["remote", "list"], ["remote", "show"], ["remote", "test"]):
        failed = llm_("sessions", *command, "-d", str(home / "team.db"))
        assert failed.code == 1
        assert f"Add a remote first: llm sessions remote add -d {home / 'team.db'} NAME ADDRESS" in failed.err
    assert not (home / "team.db").exists()


def test_several_remotes_have_to_be_named(llm_: Command) -> None:
    """Without a name, the only remote is meant; with several, the error lists them."""
    for name in ("team", "other"):
        llm_("sessions", "remote", "add", name, SERVER).ok()
    for command in (("remote", "show"), ("remote", "test"), ("push",), ("pull",), ("sync",), ("status",)):
        failed = llm_("sessions", *command)
        assert (failed.code, failed.err) == (
            1,
            "Error: This log has several remotes. Name one of: “other”, “team”.\n",
        )


# -- passwords -------------------------------------------------------------


def test_a_password_goes_into_the_keys_of_llm(llm_: Command, home: Path, log: Path) -> None:
    """It is taken out of the address, and put where only the owner can read. Nothing prints it, and no table has it."""
    added = llm_("sessions", "remote", "add", "team", WITH_PASSWORD).ok()
    assert added.out == f"Added remote “team”: {SERVER}\n"
    assert "The password is in llm's keys as “remote-team”, not in the log." in added.err
    assert "shell's history" in added.err
    assert _keys(home)["remote-team"] == PASSWORD
    assert "// Note" in _keys(home)
    if os.name == "posix":
        assert stat.S_IMODE((home / "keys.json").stat().st_mode) == 0o600
    shown = [llm_("sessions", "remote", *words).ok() for words in (("list",), ("list", "--json"), ("show",))]
    shown.append(llm_("sessions", "remote", "show", "--json").ok())
    everything = "".join(one.out + one.err for one in [added, *shown])
    assert "sesame" not in everything
    assert b"sesame" not in log.read_bytes()
    assert address_of(_settings(log, "team")) == (WITH_PASSWORD, "llm's key “remote-team”")
    assert llm_("keys", "get", "remote-team").ok().out == f"{PASSWORD}\n"


def test_other_keys_stay_as_they_are(llm_: Command, home: Path, log: Path) -> None:
    """A key of the same name with another value is somebody else's, so the new one gets a number."""
    for name, value in (("openai", "sk-1"), ("remote-team", "another")):
        llm_("keys", "set", name, "--value", value).ok()
    llm_("sessions", "remote", "add", "team", WITH_PASSWORD).ok()
    kept = _keys(home)
    assert (kept["openai"], kept["remote-team"], kept["remote-team-2"]) == ("sk-1", "another", PASSWORD)
    assert address_of(_settings(log, "team")).address == WITH_PASSWORD
    llm_("sessions", "remote", "add", "team", WITH_PASSWORD, "-d", str(home / "other.db")).ok()
    assert _keys(home) == kept


def test_an_address_with_other_secrets_is_kept_whole(llm_: Command, home: Path, log: Path) -> None:
    """If more than the user's password is secret, the key has the whole address."""
    address = "mongodb://ada:open@db.example/llm?authMechanismProperties=AWS_SESSION_TOKEN:sesame"
    llm_("sessions", "remote", "add", "notes", address).ok()
    assert _keys(home)["remote-notes"] == address
    assert _settings(log, "notes").address == "mongodb://ada@db.example/llm"
    assert address_of(_settings(log, "notes")).address == address


def test_a_key_that_is_there_can_be_named(llm_: Command, home: Path, log: Path) -> None:
    """It has the password, or the whole address, which then needn't be typed. A missing one is an error."""
    failed = llm_("sessions", "remote", "add", "team", SERVER, "--key", "db")
    assert (failed.code, failed.err) == (1, "Error: llm has no key “db”. Set it with: llm keys set db\n")
    llm_("keys", "set", "db", "--value", PASSWORD + "\n").ok()
    llm_("sessions", "remote", "add", "team", SERVER, "--key", "db").ok()
    assert address_of(_settings(log, "team")).address == WITH_PASSWORD
    assert "in llm's keys as “db”" in llm_("sessions", "remote", "show").ok().out
    llm_("keys", "set", "db", "--value", WITH_PASSWORD).ok()
    llm_("sessions", "remote", "add", "whole", "--key", "db").ok()
    assert _settings(log, "whole").address == SERVER
    assert address_of(_settings(log, "whole")).address == WITH_PASSWORD
    twice = llm_("sessions", "remote", "add", "twice", WITH_PASSWORD, "--key", "db")
    assert twice.code == 2
    assert "sesame" not in twice.err


def test_the_environment_comes_first(llm_: Command, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LLM_REMOTE_NAME has the password or the whole address. It is not written anywhere."""
    monkeypatch.setenv("LLM_REMOTE_MY_TEAM", WITH_PASSWORD)
    llm_("sessions", "remote", "add", "my-team").ok()
    settings = _settings(log, "my-team")
    assert (settings.address, settings.secret) == (SERVER, None)
    assert address_of(settings) == (WITH_PASSWORD, "the environment variable LLM_REMOTE_MY_TEAM")
    monkeypatch.setenv("LLM_REMOTE_MY_TEAM", "other")
    assert address_of(settings).address == "postgresql://ada:other@db.example/llm?sslmode=require"
    assert "in the environment variable LLM_REMOTE_MY_TEAM" in llm_("sessions", "remote", "show").ok().out
    monkeypatch.delenv("LLM_REMOTE_MY_TEAM")
    assert address_of(settings) == (SERVER, "")
    assert b"sesame" not in log.read_bytes()


def test_without_an_address_there_is_no_remote(llm_: Command) -> None:
    """An address has to come from somewhere."""
    failed = llm_("sessions", "remote", "add", "team")
    assert failed.code == 2
    assert "Give the ADDRESS of the remote" in failed.err


@pytest.mark.parametrize(
    "address",
    ["mysql://ada:sesame@db/llm", "postgresql://ada:ses/ame@db/llm", "host=db password=sesame", "ada@db:x", ""],
)
def test_a_refused_address_is_not_shown(llm_: Command, home: Path, address: str) -> None:
    """The error says what to give. Neither a log nor a key is made."""
    failed = llm_("sessions", "remote", "add", "team", address)
    assert failed.code in (1, 2)
    assert not any(part in failed.err for part in ("sesame", "ses/ame", "ada"))
    assert not (home / "keys.json").exists()


def test_keys_that_cannot_be_read_are_left_alone(llm_: Command, home: Path, log: Path) -> None:
    """A file that is not JSON is not replaced, and the remote is not added."""
    (home / "keys.json").write_text("{", "utf-8")
    failed = llm_("sessions", "remote", "add", "team", WITH_PASSWORD)
    assert failed.code == 1
    assert "can't be read" in failed.err
    assert (home / "keys.json").read_text("utf-8") == "{"
    with Memory(log) as memory:
        assert memory.remotes.list() == []
    with pytest.raises(SessionError, match="can't be read"):
        keys.key("remote-team")


# -- the rest --------------------------------------------------------------


def test_a_remote_is_shown_with_what_it_gets(llm_: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is sent there, by whom and from which machine, and whether its key is missing."""
    llm_("sessions", "remote", "machine", "laptop", "--person", "ada").ok()
    tags = ("--exclude-tag", "a", "--exclude-tag", "b")
    llm_("sessions", "remote", "add", "team", WITH_PASSWORD, *tags, "--redact", "--schema", "llm").ok()
    shown = dict(line.split(None, 1) for line in llm_("sessions", "remote", "show", "TEAM").ok().out.splitlines())
    assert shown["kind"] == "PostgreSQL"
    assert (shown["person"], shown["machine"], shown["schema"]) == ("ada", "laptop", "llm")
    assert shown["sends"] == "sessions of all projects without the tags “a”, “b”, secrets replaced"
    assert shown["password"] == "in llm's keys as “remote-team”"
    monkeypatch.setattr(keys, "has", lambda _: False)
    assert "which is missing: llm keys set remote-team" in llm_("sessions", "remote", "show").ok().out


def test_a_remote_is_replaced_only_if_that_is_said(llm_: Command, log: Path) -> None:
    """The error names the option. Everything is replaced but when it was added."""
    llm_("sessions", "remote", "add", "team", SERVER, "--project", "bridge").ok()
    failed = llm_("sessions", "remote", "add", "Team", "/mnt/drive")
    assert failed.code == 1
    assert "Remote “team” already exists." in failed.err
    assert "--replace" in failed.err
    llm_("sessions", "remote", "add", "Team", "/mnt/drive", "--replace").ok()
    assert (_settings(log, "team").name, _settings(log, "team").project) == ("Team", None)


def test_a_remote_is_only_forgotten(llm_: Command, home: Path) -> None:
    """What it has stays there, and the password stays in llm's keys; both are said."""
    llm_("sessions", "remote", "add", "team", WITH_PASSWORD).ok()
    gone = llm_("sessions", "remote", "remove", "team").ok()
    assert gone.out == f"Forgot remote “team”. What was pushed stays there: {SERVER}\n"
    assert "stays in llm's keys as “remote-team”" in gone.err
    assert _keys(home)["remote-team"] == PASSWORD
    failed = llm_("sessions", "remote", "remove", "team")
    assert (failed.code, failed.err[:31]) == (1, "Error: Remote “team” not found.")


def test_a_machine_is_named_by_hand(llm_: Command) -> None:
    """The command shows what the machine is called, and changes what is given."""
    shown = llm_("sessions", "remote", "machine", "laptop", "--person", "Ada").ok().out
    assert shown == "This machine is called “laptop” on remotes, and its log is that of “Ada”.\n"
    llm_("sessions", "remote", "machine", "desk").ok()
    found = json.loads(llm_("sessions", "remote", "machine", "--json").ok().out)
    assert found == {"machine": "desk", "person": "Ada"}


def test_control_characters_of_a_remote_are_shown_as_text(llm_: Command, log: Path) -> None:
    """A remote's row that somebody else wrote can't control the terminal."""
    with Memory(log, create=True) as memory:
        memory.remotes.add(RemoteSettings("team", SERVER))
        with memory.writing():
            memory.remotes._store.put(RemoteSettings("te\x1b[31mam", "/mnt/\x1b[31m", person="\x1b[31m"))
    for words in (("list",), ("list", "--json"), ("show", "te\x1b[31mam")):
        assert "\x1b" not in llm_("sessions", "remote", *words).ok().out
