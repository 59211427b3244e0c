"""Private sessions, and the names in `--recall-from`: what can be asked for, and what becomes of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from llm_session_memory.llm_seam.models import known_sources
from llm_session_memory.memory import Memory
from llm_session_memory.services import current
from llm_session_memory.tools import lookups
from tests.conftest import Command
from tests.world.logs import LogBuilder, Said
from tests.world.once import once
from tests.world.scripted import Script

pytestmark = pytest.mark.usefixtures("nobody")

SECRET = "My sister's surprise is a heron in bronze."


@pytest.fixture(name="log_")
@once
def _logged(log: Path, llm_: Command, script: Script) -> Path:
    """Sessions `diary`, which is private, `work` and `plans, drafts`."""
    with LogBuilder(log) as built:
        built.turns("thread-of-diary", Said(SECRET, "It stays between us."))
        built.turns("thread-of-work", Said("The bridge gets a heron in bronze.", "Noted."))
        built.turns("thread-of-plans", Said("Draft the plan.", "Done."))
    for thread, name in (("diary", "diary"), ("work", "work"), ("plans", "plans, drafts")):
        llm_("sessions", "name", f"thread-of-{thread}", name).ok()
    llm_("sessions", "tag", "work", "bridge").ok()
    llm_("sessions", "project", "Ponte", "--new").ok()
    llm_("sessions", "set", "diary", "--private", "yes").ok()
    return log


def is_private(llm_: Command, name: str) -> bool:
    return bool(json.loads(llm_("sessions", "show", name, "--json").ok().out)["private"])


def test_a_session_is_made_private_and_shared_again(llm_: Command, log_: Path) -> None:
    """`set --private` changes it, `set` shows it, and several sessions can be changed at once."""
    assert "private  yes: other sessions recall nothing from it" in llm_("sessions", "set", "diary").ok().out
    done = llm_("sessions", "set", "diary", "work", "--private", "no").ok()
    assert done.out.splitlines() == [
        "diary: private yes: other sessions recall nothing from it → none",
        "work: no change",
    ]
    assert not is_private(llm_, "diary")


def test_what_comes_of_a_private_session_is_private(llm_: Command, log_: Path, tmp_path: Path) -> None:
    """A fork, a session that is started over, and an imported export are as private as the session was."""
    llm_("sessions", "fork", "diary", "--as", "copy").ok()
    llm_("-m", "scripted", "--session", "diary", "--new-session", "Hello").ok()
    llm_("sessions", "export", "copy", str(tmp_path / "copy.jsonl")).ok()
    llm_("sessions", "import", str(tmp_path / "copy.jsonl"), "--as", "imported").ok()
    assert [is_private(llm_, name) for name in ("copy", "diary", "diary~1", "imported", "work")] == [True] * 4 + [False]


@pytest.mark.parametrize("session", ["work", None])
def test_a_model_finds_nothing_in_a_private_session(log_: Path, session: str | None) -> None:
    """No tool shows a private session, its text or its name, whatever the model asks for."""
    current.hold(
        current.Current(log_, session, "scripted", 4_000) if session else current.Current(log_, "", "m", 4_000)
    )
    said = [
        lookups.search("heron", "*"),
        lookups.search("sister", "*"),
        lookups.search("sister"),
        lookups.search("sister", "diary"),
        lookups.read("diary", 1, 1),
        lookups.read("diray", 1, 1),
        lookups.sessions(),
    ]
    assert "session work, #1" in said[0]
    assert [one for one in said if "surprise" in one or "session diary" in one or "“diary”?" in one] == []
    assert "diary" not in said[-1]
    assert said[3] == said[4] == "Session “diary” not found."


def test_a_private_session_finds_itself(log_: Path) -> None:
    """In the private session, its model finds it, and all others."""
    current.hold(current.Current(log_, "diary", "scripted", 4_000))
    assert "surprise" in lookups.search("heron")
    assert {"session diary", "session work"} <= {
        line.partition(",")[0] for line in lookups.search("heron", "*").splitlines()
    }
    assert "surprise" in lookups.read("diary", 1, 1)
    assert "diary" in lookups.sessions()


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        ("wrok", "Session “wrok” not found."),
        ("tag:bridges", "No session has the tag “bridges”."),
        ("project:none", "Project “none” not found."),
        ("work,,diary", "“work,,diary” has an empty value."),
        ("plans, drafts", "Session “plans” not found."),
    ],
)
def test_an_unknown_place_is_an_error(llm_: Command, log_: Path, script: Script, typed: str, error: str) -> None:
    """A name, tag or project that doesn't exist is an error everywhere, and nothing is sent or changed."""
    for words in (
        ("--session", "new", "-m", "scripted", "Hello"),
        ("sessions", "set", "work"),
        ("sessions", "project", "New", "--new"),
        ("sessions", "context", "work", "Hello"),
    ):
        done = llm_(*words, "--recall-from", typed)
        assert error in done.err
        assert done.code
    assert script.seen == []
    with Memory(log_) as memory:
        assert memory.sessions.find("new") is None
        assert memory.projects.find("New") is None
        assert memory.sessions.get("work").settings.recall_from is None


def test_names_are_kept_as_they_are_now(llm_: Command, log_: Path) -> None:
    """Names are stored as the log has them, and follow a session or project that is renamed."""
    llm_("sessions", "set", "work", "--recall-from", 'DIARY, "plans, Drafts", tag:BRIDGE, project:ponte').ok()
    shown = 'recall   also from diary, "plans, drafts", tag:bridge, project:Ponte'
    assert shown in llm_("sessions", "set", "work").ok().out
    llm_("sessions", "rename", "plans, drafts", "plans").ok()
    llm_("sessions", "rename", "diary", "all").ok()
    llm_("sessions", "project", "ponte", "--rename", "Bridge").ok()
    assert 'from "all", plans, tag:bridge, project:Bridge' in llm_("sessions", "set", "work").ok().out


def test_a_session_does_not_recall_also_from_itself(llm_: Command, log_: Path) -> None:
    """Its own name in the setting says nothing: it is left out, and without others it is `self`."""
    assert "recall   from this session only\n" in llm_("sessions", "set", "work", "--recall-from", "WORK").ok().out
    assert "recall   also from diary\n" in llm_("sessions", "set", "work", "--recall-from", "work,diary").ok().out


def test_other_settings_change_beside_a_name_that_is_gone(llm_: Command, log_: Path) -> None:
    """A setting that names a tag that no session has any more does not keep another from being changed."""
    llm_("sessions", "set", "work", "--recall-from", "tag:bridge").ok()
    llm_("sessions", "tag", "work", "--delete", "bridge").ok()
    assert "system   Be brief." in llm_("sessions", "set", "work", "-s", "Be brief.").ok().out


def test_values_are_completed(log_: Path) -> None:
    """Tab offers the words, sessions, tags and projects, and after a comma those that go on."""
    offered = known_sources(str(log_), "")
    assert offered == ["self", "all", "diary", '"plans, drafts"', "work", "tag:bridge", "project:Ponte"]
    assert known_sources(str(log_), "diary,w") == ["diary,work"]
    assert known_sources(str(log_), "nothing") == []
