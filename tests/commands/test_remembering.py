"""`llm sessions memory`: all that is remembered, each part with the command that removes it."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from tests.conftest import Command
from tests.world.once import once
from tests.world.scripted import Script


@pytest.fixture(name="work", autouse=True)
@once
def _work(llm_: Command, script: Script) -> None:
    """A session `work on it` with everything that can be remembered."""
    for prompt in ("We build a bridge.\nIn Lisbon.", "When?", "Go on."):
        llm_("-m", "scripted", "--session", "work on it", prompt).ok()
    llm_("sessions", "note", "--global", "I write British English").ok()
    llm_("sessions", "note", "work on it", "The harbour office signs off").ok()
    llm_("sessions", "pin", "work on it", "1").ok()
    llm_("sessions", "title", "work on it", "A bridge in Lisbon").ok()


def shown(llm_: Command, *more: str) -> str:
    return llm_("sessions", "memory", "work on it", *more).ok().out


def test_each_part_has_its_command(llm_: Command) -> None:
    """Notes for all sessions, notes, pins, title and recall are shown in the order sent, each with its command."""
    assert shown(llm_) == (
        "Notes for all sessions, sent with every prompt\n"
        "1. I write British English\n"
        "   llm sessions note --global --delete 1\n"
        "   To keep them out of this session: llm sessions set 'work on it' --no-global-notes\n"
        "\n"
        "Notes, sent with every prompt\n"
        "1. The harbour office signs off\n"
        "   llm sessions note 'work on it' --delete 1\n"
        "\n"
        "Pinned exchanges, sent with every prompt\n"
        "#1 We build a bridge. In Lisbon.\n"
        "   llm sessions unpin 'work on it' 1\n"
        "\n"
        "Title, never sent\n"
        "   A bridge in Lisbon\n"
        "   llm sessions title 'work on it' --remove\n"
        "\n"
        "Recall from this session: 3 exchanges in the log; 3 not indexed yet\n"
        "   To turn it off: llm sessions set 'work on it' --memory window\n"
        "   To leave out fragments and attachments: llm sessions set 'work on it' --recall-fragments no\n"
        "   To take out the last exchange: llm sessions undo 'work on it'\n"
        "   To delete an exchange for good: llm sessions delete 'work on it' --exchange 3\n"
    )


def test_the_commands_take_everything_back(llm_: Command, log: Path) -> None:
    """Each command works as it is printed, also with -d; afterwards nothing is remembered but the exchanges."""
    given = ("-d", str(log))
    found = json.loads(shown(llm_, "--json", *given))
    removes = [one["remove"] for one in (*found["notes_for_all_sessions"]["notes"], *found["notes"], *found["pins"])]
    for command in (*removes, found["title"]["remove"]):
        assert command.endswith(f"-d {log}")
        llm_(*shlex.split(command)[1:]).ok()
    llm_("sessions", "search", "bridge").ok()
    assert shown(llm_).startswith("Recall from this session: 3 exchanges in the log\n")
    found = json.loads(shown(llm_, "--json"))
    assert (found["notes_for_all_sessions"]["notes"], found["notes"], found["pins"]) == ([], [], [])
    assert (found["title"], found["summary"], found["recall"]["indexed"]) == (None, None, 3)


def test_what_is_turned_off_says_how_to_turn_it_on(llm_: Command) -> None:
    """A session without notes for all sessions and without recall is shown as it is."""
    off = ("--no-global-notes", "--memory", "window", "--recall-fragments", "no", "--recall-from", "all")
    llm_("sessions", "set", "work on it", *off).ok()
    assert "Notes for all sessions: 1 note, not sent in this one\n   To send them: llm sessions set " in shown(llm_)
    assert "Recall is off (policy window); the log has 3 exchanges\n   To turn it on: llm sessions set" in shown(llm_)
    llm_("-m", "scripted", "--session", "play", "Hello").ok()
    llm_("sessions", "set", "work on it", "--memory", "recall").ok()
    assert "Recall from this session and “play”: 3 exchanges in the log" in shown(llm_)
    assert "Fragments and attachments are left out. To include them: llm sessions set" in shown(llm_)


def test_the_summary_in_use_is_shown(llm_: Command, script: Script, log: Path) -> None:
    """The summary says what it covers, and whether it is sent."""
    from llm_session_memory import Memory
    from llm_session_memory.model import Summary
    from llm_session_memory.store import Notes

    with Memory(log) as memory, memory.writing():
        session = memory.sessions.get("work on it")
        first, second = (ids[0] for ids in memory.sessions.turn_ids("work on it")[:2])
        made = Summary(0, "Goals: a bridge\n\nFacts: 4 May", first, second, 2, "llama3", 9, 9, 9, "2026-05-01T08:00:00")
        Notes(memory.desk.log).add_summary(session.thread_id, made)
    assert "Summary of #1 to #2, not sent under the policy recall (by llama3, 2026-05-01" in shown(llm_)
    assert "   Goals: a bridge\n   Facts: 4 May\n   To change it: llm sessions summary 'work on it' --edit\n" in shown(
        llm_
    )
    llm_("sessions", "set", "work on it", "--memory", "summary").ok()
    assert "Summary of #1 to #2, sent in place of them (by llama3" in shown(llm_)
    assert "To send no summary: llm sessions set 'work on it' --memory recall" in shown(llm_)
    found = json.loads(shown(llm_, "--json"))["summary"]
    assert (found["first"], found["last"], found["by"], found["sent"]) == (1, 2, "llama3", True)


def test_an_unknown_session(llm_: Command) -> None:
    """A name that is not there is an error, with a name like it."""
    assert "not found. Did you mean “work on it”?" in llm_("sessions", "memory", "work on").err
