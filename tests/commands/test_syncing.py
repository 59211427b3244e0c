"""The rules of `llm sessions push`, `pull`, `sync` and `status`, with a folder as the remote of two logs."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from llm_session_memory.memory import Memory
from tests.conftest import Command, Done
from tests.world import processes
from tests.world.once import once

Machine = Callable[..., Done]
"""Runs `llm sessions …` on a machine's log; with `prompt=`, a prompt in the session that is the first word."""


def _runs(llm_: Command, log: Path) -> Machine:
    def run(*words: str, prompt: str | None = None) -> Done:
        if prompt is not None:
            return llm_("-m", "echo", "--session", *words, prompt, "-d", str(log)).ok()
        return llm_("sessions", *words, "-d", str(log))

    return run


@pytest.fixture(name="logs")
@once
def _logs(llm_: Command, home: Path) -> tuple[str, ...]:
    """The names of machines, each with a log of its own, which has the folder as its remote “drive”."""
    names = ("laptop", "desk", "other")
    for name in names:
        run = _runs(llm_, home / f"{name}.db")
        run("remote", "add", "drive", str(home / "drive")).ok()
        run("remote", "machine", name, "--person", f"{name}'s").ok()
    _runs(llm_, home / "laptop.db")("work", prompt="The deadline is 4 May.")
    return names


@pytest.fixture(name="machine")
def _machine(llm_: Command, home: Path, logs: tuple[str, ...]) -> Callable[[str], Machine]:
    """Return a machine by its name."""
    for name in logs:
        with Memory(home / f"{name}.db") as memory, memory.writing():  # the folder is this test's
            memory.remotes._store.put(replace(memory.remotes.get("drive"), address=str(home / "drive")))
    return lambda name: _runs(llm_, home / f"{name}.db")


@pytest.fixture(name="laptop")
def _laptop(machine: Callable[[str], Machine]) -> Machine:
    """A machine with a session of one exchange."""
    return machine("laptop")


@pytest.fixture(name="desk")
def _desk(machine: Callable[[str], Machine]) -> Machine:
    """Another machine, without sessions."""
    return machine("desk")


def _names(machine: Machine) -> set[str]:
    return {one["name"] for one in json.loads(machine("list", "--json").ok().out)}


def test_a_session_goes_from_one_machine_to_another(laptop: Machine, desk: Machine) -> None:
    """Each command says what moved, and the second time that there is nothing to do."""
    pushed = laptop("push").ok()
    assert pushed.out == "Pushed to “drive”: 1 new conversation and 1 new turn (2 messages).\n"
    assert pushed.err == ""
    assert laptop("push").ok().out == "Nothing to push: “drive” has everything that belongs there.\n"
    assert desk("pull").ok().out == "Pulled from “drive”: 1 new conversation and 1 new turn (2 messages).\n"
    assert desk("pull").ok().out == "Nothing to pull: “drive” has nothing new.\n"
    assert "The deadline is 4 May." in desk("show", "work").ok().out
    desk("work", prompt="When is it?")
    assert "Pushed to “drive”: 1 new turn" in desk("sync").ok().out
    assert "Pulled from “drive”: 1 new turn" in laptop("sync").ok().out
    assert "When is it?" in laptop("show", "work").ok().out
    for one in (laptop, desk):
        assert one("status").ok().out.startswith("In sync with “drive”")


def test_a_newcomer_reads_a_team_in_datasette(laptop: Machine, llm_: Command, home: Path) -> None:
    """Three commands, with a file that doesn't exist yet: the file is a whole log, which Datasette can open."""
    laptop("push").ok()
    team = str(home / "team.db")
    llm_("sessions", "remote", "add", "team", str(home / "drive"), "-d", team).ok()
    llm_("sessions", "pull", "-d", team).ok()
    with contextlib.closing(sqlite3.connect(team)) as db:
        assert db.execute("select name from memory_sessions").fetchall() == [("work",)]
        assert db.execute("select count(*) from turns").fetchone() == (1,)
        assert db.execute("pragma integrity_check").fetchone() == ("ok",)
    assert "The deadline is 4 May." in llm_("sessions", "search", "deadline", "-d", team).ok().out


def test_a_pull_from_a_new_remote_says_that_it_is_empty(laptop: Machine, home: Path) -> None:
    """“Nothing new” would be true, and would not help somebody who forgot to push, or gave another path."""
    pulled = laptop("sync", "--dry-run").ok()
    assert pulled.out.startswith("Nothing to pull: nobody has pushed to “drive” yet.\n")
    assert not (home / "drive").exists()


def test_a_dry_run_moves_nothing(laptop: Machine, desk: Machine) -> None:
    """It says what would be moved, in both directions."""
    dry = laptop("push", "--dry-run").ok()
    assert dry.out.startswith("Would push to “drive”: 1 new conversation and 1 new turn")
    assert dry.err == "Dry run: nothing was moved.\n"
    assert "1 to push" in laptop("status").ok().out
    laptop("push").ok()
    dry = desk("pull", "--dry-run").ok()
    assert dry.out.startswith("Would pull from “drive”: 1 new conversation and 1 new turn")
    assert _names(desk) == set()


def test_status_says_what_is_ahead_and_behind(laptop: Machine, desk: Machine) -> None:
    """By session, and in JSON."""
    laptop("push").ok()
    desk("play", prompt="Hello")
    lines = desk("status").ok().out.splitlines()
    assert lines[0].startswith("Compared with “drive”")
    assert [line.split() for line in lines[1:]] == [["play", "1", "to", "push"], ["work", "1", "to", "pull"]]
    found = json.loads(desk("status", "--json").ok().out)
    assert (found["remote"], found["in_sync"]) == ("drive", False)
    assert [(one["name"], one["ahead"], one["behind"]) for one in found["standings"]] == [
        ("play", 1, 0),
        ("work", 0, 1),
    ]


def test_conversations_without_a_name_differ_only_if_all_are_meant(laptop: Machine, home: Path, llm_: Command) -> None:
    """As `push` and `pull` take them only with --all."""
    laptop("push").ok()
    llm_("-m", "echo", "No name", "-d", str(home / "laptop.db")).ok()
    assert laptop("status").ok().out.startswith("In sync with “drive”")
    assert "1 to push" in laptop("status", "--all").ok().out
    laptop("push", "--all").ok()
    assert laptop("status", "--all").ok().out.startswith("In sync with “drive”")


def test_some_sessions_can_be_chosen(laptop: Machine, desk: Machine) -> None:
    """One session, or those of a project. More than one choice is an error."""
    laptop("play", prompt="Hello")
    laptop("push", "-s", "play").ok()
    desk("pull").ok()
    assert _names(desk) == {"play"}
    laptop("project", "bridge", "-m", "echo").ok()
    laptop("set", "work", "--project", "bridge").ok()
    laptop("push", "--project", "bridge").ok()
    desk("pull").ok()
    assert _names(desk) == {"play", "work"}
    assert laptop("push", "-s", "play", "--all").code == 2
    assert laptop("push", "-s", "nobody").code == 1
    assert laptop("push", "-s", "play").ok().out == "Nothing to push: “drive” has all that you chose.\n"
    assert laptop("pull", "-s", "play").ok().out == "Nothing to pull: “drive” has nothing new of what you chose.\n"
    assert "Project “bridg” not found" in laptop("push", "--project", "bridg").err


def test_conversations_without_a_name_go_if_asked_for(
    laptop: Machine, desk: Machine, llm_: Command, home: Path
) -> None:
    """With --all, those of plain llm too, on both sides."""
    llm_("-m", "echo", "Without a name", "-d", str(home / "laptop.db")).ok()
    laptop("push").ok()
    assert "1 new conversation" in laptop("push", "--all").ok().out
    desk("pull", "--all").ok()
    with contextlib.closing(sqlite3.connect(home / "desk.db")) as db:
        assert db.execute("select count(*) from threads").fetchone() == (2,)


def test_what_is_held_back_is_said(laptop: Machine, machine: Callable[[str], Machine], home: Path) -> None:
    """Private sessions and those with an excluded tag never go; status says how many there are and why."""
    laptop("diary", prompt="Dear diary")
    laptop("set", "diary", "--private", "yes").ok()
    laptop("letters", prompt="Dear friend")
    laptop("tag", "letters", "personal").ok()
    laptop("remote", "add", "drive", str(home / "drive"), "--exclude-tag", "personal", "--replace").ok()
    said = laptop("status").ok().out
    assert "Held back: 1 private session (“diary”)." in said
    assert "Held back: 1 session with a tag that the remote excludes (“letters”)." in said
    laptop("push").ok()
    other = machine("other")
    other("pull", "--all").ok()
    assert _names(other) == {"work"}
    failed = laptop("push", "-s", "diary")
    assert failed.code == 1
    assert "“diary” is held back (private)." in failed.err
    assert not any(b"Dear" in file.read_bytes() for file in (home / "drive").rglob("*") if file.is_file())


def test_two_sessions_of_one_name_both_stay(laptop: Machine, desk: Machine) -> None:
    """The one that comes second is called after its machine here, and that is said."""
    desk("work", prompt="Another one")
    laptop("push").ok()
    said = desk("sync").ok().out
    assert "Session “work” is called “work@laptop” here, because another session here has that name." in said
    assert _names(desk) == {"work", "work@laptop"}
    assert "Session “work” is called “work@desk” here" in laptop("pull").ok().out


def test_a_session_that_went_on_in_two_places_is_a_session_and_a_fork(laptop: Machine, desk: Machine) -> None:
    """Both branches stay, on both machines."""
    laptop("push").ok()
    desk("pull").ok()
    laptop("work", prompt="On the laptop")
    desk("work", prompt="On the desk")
    laptop("push").ok()
    assert "A session was continued in two places." in desk("sync").ok().out
    laptop("pull").ok()
    for one in (laptop, desk):
        texts = "".join(one("show", name).ok().out for name in _names(one))
        assert "On the laptop" in texts
        assert "On the desk" in texts


def test_what_lost_is_kept_and_listed(laptop: Machine, desk: Machine) -> None:
    """The newer of two settings wins; the older one is listed by `status --conflicts`, as by `conflicts`."""
    laptop("push").ok()
    desk("pull").ok()
    desk("set", "work", "-s", "Be long.").ok()
    laptop("set", "work", "-s", "Be brief.").ok()
    laptop("push").ok()
    said = desk("pull").ok().out
    assert "1 older value kept apart." in said
    listed = desk("status", "--conflicts").ok().out
    assert "Be long." in listed
    assert desk("conflicts").ok().out == listed
    assert json.loads(desk("status", "--conflicts", "--json").ok().out)[0]["row"]["system"] == "Be long."


def test_a_deletion_travels(laptop: Machine, desk: Machine, home: Path) -> None:
    """What one machine deletes is gone from the folder and from the other machine, and doesn't come back."""
    laptop("push").ok()
    desk("pull").ok()
    laptop("delete", "work", "--yes").ok()
    assert "deletion" in laptop("push").ok().out
    assert "Deleted 1 exchange here, because another machine deleted it." in desk("sync").ok().out
    assert _names(desk) == set() == _names(laptop)
    assert desk("sync").ok().out.startswith("Nothing to pull")


def test_json_has_what_moved(laptop: Machine, desk: Machine) -> None:
    """One object, with an entry for each direction."""
    found = json.loads(laptop("push", "--json").ok().out)
    assert (found["remote"], found["dry_run"], found["push"]["turns"]) == ("drive", False, 1)
    found = json.loads(desk("sync", "--json").ok().out)
    assert (found["pull"]["turns"], found["push"]["turns"]) == (1, 0)


def test_a_remote_that_is_tested_says_what_it_is(laptop: Machine) -> None:
    """Before the first push there is nothing; afterwards it can be used."""
    assert "Nothing has been pushed there yet." in laptop("remote", "test").ok().out
    laptop("push").ok()
    tested = laptop("remote", "test").ok()
    assert tested.out.startswith("Remote “drive” can be used: ")
    assert "Nothing has been pushed" not in tested.out
    found = json.loads(laptop("remote", "test", "--json").ok().out)
    assert (found["name"], found["writable"]) == ("drive", True)
    shown = laptop("remote", "show").ok().out
    assert "pushed    20" in shown
    assert "pulled    never" in shown


def test_a_drive_that_is_not_connected_is_not_a_new_one(laptop: Machine, home: Path) -> None:
    """If the folder was used before and is gone or empty, nothing is written, and nothing is said to be new."""
    laptop("push").ok()
    (home / "drive").rename(home / "elsewhere")
    for empty in (False, True):
        if empty:
            (home / "drive").mkdir()
        for command in (["push"], ["pull"], ["sync"], ["status"], ["remote", "test"]):
            failed = laptop(*command)
            assert (failed.code, failed.out) == (1, "")
            assert "Remote “drive” is empty, but it was used before" in failed.err
    assert [*(home / "drive").iterdir()] == []
    laptop("remote", "add", "drive", str(home / "drive"), "--replace").ok()
    assert "1 new conversation" in laptop("push").ok().out


def test_options_that_do_not_go_together_are_refused(laptop: Machine) -> None:
    """--watch goes on, so it has no end to print JSON at."""
    for words in (("--every", "5"), ("--watch", "--json"), ("--watch", "--dry-run"), ("--project", "a", "--all")):
        assert laptop("push", *words).code == 2


@pytest.mark.skipif(os.name != "posix" or not processes.FORKS, reason="needs fork and signals")
def test_a_watch_tells_what_is_new_and_ends_with_ctrl_c(
    laptop: Machine, desk: Machine, start_llm: Callable[..., processes.Running], home: Path
) -> None:
    """It prints a line when something comes, and nothing otherwise. Ctrl-C ends it without an error."""
    running = start_llm("sessions", "pull", "--watch", "--every", "1", "-d", str(home / "desk.db"))
    laptop("push").ok()
    line = "Pulled from “drive”: 1 new conversation and 1 new turn (2 messages).\n"
    assert running.stdout.readline() == line
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert out in ("", line)
    assert (err.splitlines()[-1], running.returncode) == ("Stopped.", 0)
