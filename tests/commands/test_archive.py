"""`llm sessions archive` and `unarchive`: out of lists, completion and what models find, not out of the log."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from llm_session_memory.llm_seam.models import known_names
from llm_session_memory.services.current import Current
from llm_session_memory.tools import lookups
from tests.conftest import Command
from tests.store.world import contents
from tests.world.once import once
from tests.world.scripted import Script


@pytest.fixture(name="three")
@once
def _three(llm_: Command, script: Script) -> None:
    """Three sessions."""
    for name in ("work", "play", "rest"):
        llm_("-m", "scripted", "--session", name, f"The harbour of {name}").ok()


def names(llm_: Command, *flags: str) -> list[str]:
    return sorted(line["name"] for line in json.loads(llm_("sessions", "list", "--json", *flags).ok().out))


def test_archived_sessions_are_out_of_lists(llm_: Command, three: None, log: Path) -> None:
    """Lists, completion and the tools of models leave them out; they are shown, searched and prompted as before."""
    before = contents(log)
    assert llm_("sessions", "archive", "work", "WORK").ok().out == "“work” is archived.\n"
    changed = {name for name, rows in contents(log).items() if rows != before[name]}
    assert changed == {"memory_sessions", "memory_changes"}
    assert names(llm_) == ["play", "rest"]
    assert names(llm_, "--archived") == ["work"]
    assert names(llm_, "--all") == ["play", "rest", "work"]
    (line,) = json.loads(llm_("sessions", "list", "--archived", "--json").out)
    assert line["archived_utc"].endswith("+00:00")
    assert (known_names(str(log), ""), known_names(str(log), "", archived=True)) == (["play", "rest"], ["work"])
    assert "The harbour of work" in llm_("sessions", "show", "work").ok().out
    assert "work #1" in llm_("sessions", "search", "harbour").ok().out
    llm_("sessions", "undo").ok()
    assert names(llm_, "--archived") == ["work"]


def test_models_do_not_find_archived_sessions(
    llm_: Command, three: None, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No tool shows one, even by its name, unless it is the session in use."""
    monkeypatch.setattr(lookups, "log_in_use", lambda: log)
    assert "of work" in lookups.search("harbour", "*")
    llm_("sessions", "archive", "work").ok()
    assert "of work" not in lookups.search("harbour", "*")
    assert "work:" not in lookups.sessions()
    assert lookups.search("harbour", "work") == lookups.read("work", 1, 1) == "Session “work” not found."
    monkeypatch.setattr(lookups, "held", lambda: Current(log, "work", "scripted", 4_000))
    assert "of work" in lookups.search("harbour")
    assert "of work" in lookups.read("work", 1, 1)


def test_a_prompt_in_an_archived_session_works(llm_: Command, three: None, script: Script) -> None:
    """It says once that the session is archived, and how to bring it back."""
    llm_("sessions", "archive", "work").ok()
    said = llm_("--session", "work", "Go on").ok().err
    assert said == "session work: it is archived. Bring it back into lists with: llm sessions unarchive work\n"
    assert len(script.texts()) == 3
    assert names(llm_) == ["play", "rest"]
    assert llm_("sessions", "unarchive", "work").ok().out == "“work” is back in lists.\n"
    assert llm_("--session", "work", "Go on").ok().err == ""
    assert names(llm_) == ["play", "rest", "work"]


def test_several_at_once(llm_: Command, three: None, log: Path) -> None:
    """Names and filters choose sessions; a dry run changes nothing, nor does an unknown name among others."""
    before = contents(log)
    assert llm_("sessions", "archive", "work", "nosuch").code == 1
    told = llm_("sessions", "archive", "--all-matching", "--model", "scripted", "--dry-run").ok()
    assert "“work” would be archived.\n" in told.out
    assert "3 sessions would change" in told.err
    assert contents(log) == before
    llm_("sessions", "archive", "work", "play").ok()
    again = llm_("sessions", "archive", "work", "rest").ok()
    assert again.out == "“work” was archived already.\n“rest” is archived.\n"
    assert names(llm_) == []
    assert "are archived (3). List them" in llm_("sessions").ok().err
    assert "All sessions are archived. Give the name of one." in llm_("sessions", "undo").err
    assert "archived" in llm_("sessions", "list", "--archived").ok().out.splitlines()[0]
    llm_("sessions", "unarchive", "--all-matching", "--model", "scripted").ok()
    assert names(llm_) == ["play", "rest", "work"]
    assert llm_("sessions", "unarchive", "work").ok().out == "“work” is not archived.\n"
