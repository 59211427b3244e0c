"""`llm sessions attempts`: prompts that got no complete reply are listed and removed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Command
from tests.world.once import once
from tests.world.scripted import Script


@pytest.fixture(name="failed")
@once
def _failed(llm_: Command, script: Script) -> None:
    """The session `work` with one exchange and two failed prompts, and `wrok`, whose only prompt failed."""
    script.replies = ["Noted.", RuntimeError("the cable"), KeyboardInterrupt(), RuntimeError("gone")]
    llm_("-m", "scripted", "--session", "work", "First").ok()
    llm_("--session", "work", "Second")
    llm_("--session", "work", "Third")
    llm_("-m", "scripted", "--session", "wrok", "Fourth")


def _listed(llm_: Command, *arguments: str) -> list[tuple[str, str, str]]:
    listed = json.loads(llm_("sessions", "attempts", *arguments, "--json").ok().out)
    return [(one["session"], one["prompt"], one["error"]) for one in listed]


def test_attempts_are_listed_oldest_first(llm_: Command, failed: None) -> None:
    """Without NAME those of all sessions are listed, each with what ended it."""
    expected = [("work", "Second", "the cable"), ("work", "Third", "interrupted"), ("wrok", "Fourth", "gone")]
    assert _listed(llm_) == expected
    assert _listed(llm_, "WORK") == expected[:2]
    lines = llm_("sessions", "attempts", "work").ok().out.splitlines()
    assert lines[0].split() == ["session", "sent", "model", "prompt", "state"]
    assert lines[1].endswith("Second    failed: the cable")
    assert lines[2].endswith("Third     interrupted")


def test_dropped_attempts_are_gone(llm_: Command, failed: None) -> None:
    """--drop removes a session's attempts and leaves its exchanges and other sessions alone."""
    assert llm_("sessions", "attempts", "work", "--drop").ok().out == "Removed 2 prompts from session “work”.\n"
    assert _listed(llm_) == [("wrok", "Fourth", "gone")]
    shown = json.loads(llm_("sessions", "show", "work", "--json").ok().out)
    assert (len(shown["exchanges"]), shown["attempts"]) == (1, [])
    none = llm_("sessions", "attempts", "work", "--drop").ok().out
    assert none == "Session “work” has no failed or interrupted prompts.\n"


def test_a_session_with_nothing_else_goes_with_them(llm_: Command, failed: None) -> None:
    """A session that a typing error created disappears with its failed prompt, and the command says so."""
    told = "Removed 1 prompt from session “wrok”. The session had nothing else, so it was removed too.\n"
    assert llm_("sessions", "attempts", "wrok", "--drop").ok().out == told
    assert [line["name"] for line in json.loads(llm_("sessions", "list", "--json").ok().out)] == ["work"]


def test_a_session_with_a_note_stays(llm_: Command, failed: None) -> None:
    """A session that somebody put something into is not empty."""
    llm_("sessions", "note", "wrok", "We build a bridge.").ok()
    assert llm_("sessions", "attempts", "wrok", "--drop").ok().out == "Removed 1 prompt from session “wrok”.\n"
    assert llm_("sessions", "show", "wrok").ok()


def test_drop_needs_a_name(llm_: Command, failed: None) -> None:
    """The attempts of all sessions can't be removed at once."""
    assert llm_("sessions", "attempts", "--drop").code == 2
    assert len(_listed(llm_)) == 3


@pytest.mark.parametrize("name", [(), ("work",)])
def test_without_attempts_the_list_says_so(llm_: Command, script: Script, log: Path, name: tuple[str, ...]) -> None:
    """An empty list is a sentence on stderr, and as JSON an empty list."""
    llm_("-m", "scripted", "--session", "work", "First").ok()
    done = llm_("sessions", "attempts", *name).ok()
    assert (done.out, done.err.endswith("no failed or interrupted prompts.\n")) == ("", bool(name))
    assert _listed(llm_, *name) == []
