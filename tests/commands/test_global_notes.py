"""`llm sessions note --global`: notes that are sent with every prompt of all sessions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from llm_session_memory import Memory
from tests.conftest import Command
from tests.views.conftest import serving
from tests.world.scripted import Script

BRITISH = "I write British English."
FENCED = f"<notes>\nNotes for all conversations:\n- {BRITISH}\n</notes>"


def _note(llm_: Command, *words: str) -> str:
    return llm_("sessions", "note", "--global", *words).ok().out


def test_the_first_note_can_come_before_any_session(llm_: Command, log: Path, script: Script) -> None:
    """A note is kept before there is a log; listing, or an invalid note, makes no log. Notes can be deleted again."""
    assert _note(llm_) == "There are no notes for all sessions.\n"
    assert _note(llm_, "--json") == "[]\n"
    for wrong in ("", "x" * 2_001):
        assert "A note can have 1 to 2,000 characters" in llm_("sessions", "note", "--global", wrong).err
    assert not log.exists()
    assert _note(llm_, BRITISH) == f"1. {BRITISH}\n"
    assert _note(llm_, "Metric units.") == f"1. {BRITISH}\n2. Metric units.\n"
    first, _ = json.loads(_note(llm_, "--list", "--json"))
    assert (first["number"], first["text"], first["by"]) == (1, BRITISH, "you")
    done = llm_("sessions", "note", "--global", "--delete", "2").ok()
    assert (done.err, done.out) == ("Deleted: Metric units.\n", f"1. {BRITISH}\n")
    llm_("-m", "scripted", "--session", "work", "Hello").ok()
    assert script.systems == [FENCED]


def test_all_sessions_send_them_before_their_own(llm_: Command, script: Script) -> None:
    """System prompt, notes for all sessions, the session's own; a change begins a new block, and says why."""
    llm_("-m", "scripted", "--session", "work", "-s", "Be brief.", "Hello").ok()
    llm_("sessions", "note", "work", "Steel, not wood.").ok()
    _note(llm_, BRITISH)
    assert "the notes, the pins or --think changed" in llm_("sessions", "context", "work", "Go on").ok().out
    llm_("--session", "work", "Go on").ok()
    llm_("--session", "play", "-m", "scripted", "Hi").ok()
    own = "<notes>\nNotes on this conversation:\n- Steel, not wood.\n</notes>"
    assert script.systems[1:] == [f"Be brief.\n\n{FENCED}\n\n{own}", FENCED]
    lines = llm_("sessions", "context", "work", "And?").ok().out.splitlines()
    kept = [line.split(maxsplit=2) for line in lines if line.lstrip().startswith("notes")]
    assert [words for _, _, words in kept] == [
        f"a note, sent in all sessions: {BRITISH}",
        "a note, always sent: Steel, not wood.",
    ]
    assert all(int(tokens) > 5 for _, tokens, _ in kept)


def test_a_session_can_do_without(llm_: Command, script: Script) -> None:
    """`set --no-global-notes` leaves them out of a session, and the option of a prompt out of one prompt."""
    _note(llm_, BRITISH)
    llm_("-m", "scripted", "--session", "work", "Hello").ok()
    llm_("--session", "work", "--no-global-notes", "Hello").ok()
    assert "notes    those for all sessions are not sent" in llm_("sessions", "set", "work", "--no-global-notes").out
    llm_("--session", "work", "Hello").ok()
    assert "notes  " not in llm_("sessions", "set", "work", "--global-notes").ok().out
    llm_("--session", "work", "Hello").ok()
    assert [FENCED in (system or "") for system in script.systems] == [True, False, False, True]
    assert "needs a session" in llm_("--no-global-notes", "Hello").err


def test_they_are_shown_but_not_exported(llm_: Command, log: Path, script: Script, tmp_path: Path) -> None:
    """`show` has them if the session sends them; an export of the session has only its own."""
    _note(llm_, BRITISH)
    llm_("-m", "scripted", "--session", "work", "Hello").ok()
    assert f"**Notes for all sessions:**\n\n1. {BRITISH}\n" in llm_("sessions", "show", "work").ok().out
    shown = json.loads(llm_("sessions", "show", "work", "--json").ok().out)
    assert [note["text"] for note in shown["notes_for_all_sessions"]] == [BRITISH]
    for name in ("work.jsonl", "work.md"):
        llm_("sessions", "export", "work", str(tmp_path / name)).ok()
    header = json.loads((tmp_path / "work.jsonl").read_text("utf-8").splitlines()[0])
    assert "notes" not in header
    assert BRITISH not in (tmp_path / "work.md").read_text("utf-8")
    llm_("sessions", "set", "work", "--no-global-notes").ok()
    assert BRITISH not in llm_("sessions", "show", "work").ok().out


def test_one_that_a_session_could_never_send_is_refused(llm_: Command, log: Path, script: Script) -> None:
    """The error names the session and what helps; an archived session, or one that sends none, is not asked."""
    llm_("-m", "scripted", "--session", "small", "--max-context-tokens", "200", "Hello").ok()
    long = "A word. " * 200
    refused = llm_("sessions", "note", "--global", long)
    assert refused.code == 1
    assert "With this note, “small” would send about " in refused.err
    assert "before any prompt, but the budget is 200." in refused.err
    assert refused.err.endswith("llm sessions set small --no-global-notes\n")
    assert _note(llm_) == "There are no notes for all sessions.\n"
    llm_("sessions", "set", "small", "--no-global-notes").ok()
    assert _note(llm_, long).startswith("1. A word.")


@pytest.mark.parametrize(
    ("words", "error", "code"),
    [
        (("--delete", "1"), "Error: There is no note 1 for all sessions. There are none yet.\n", 1),
        (("work", "text"), "Error: With --global, leave out NAME: the note is for all sessions.\n", 2),
        (("text", "--list"), "Error: TEXT can't be combined with --list or --delete.\n", 2),
        (
            ("WORK",),
            "Error: “work” is the name of a session, and --global is for all sessions. Give the text of the note: ",
            1,
        ),
        ((" ",), "Error: A note can have 1 to 2,000 characters; this one has 0.", 1),
    ],
)
def test_invalid_ones(llm_: Command, script: Script, words: tuple[str, ...], error: str, code: int) -> None:
    """An invalid note or number is an error and changes nothing."""
    llm_("-m", "scripted", "--session", "work", "Hello").ok()
    done = llm_("sessions", "note", "--global", *words)
    assert (error in done.err, done.code) == (True, code), done.err
    assert _note(llm_) == "There are no notes for all sessions.\n"
    assert "use --global" in llm_("sessions", "note").err


def test_a_model_that_refuses_system_prompts(llm_: Command, script: Script) -> None:
    """If they were the only system prompt, the message says so, and how to leave them out."""
    _note(llm_, BRITISH)
    script.replies = [ValueError("Model does not support system prompts")]
    done = llm_("-m", "scripted", "--session", "work", "Hello")
    assert "the notes for all sessions are sent as a system prompt, which this model seems to refuse" in done.err
    assert "llm sessions set work --no-global-notes" in done.err


@pytest.mark.asyncio
async def test_the_pages_show_them(llm_: Command, log: Path, script: Script) -> None:
    """The page of a request shows which were sent, the transcript which are sent now."""
    _note(llm_, BRITISH)
    llm_("-m", "scripted", "--session", "work", "Hello").ok()
    see = serving(log)
    sent = (await see("/logs/-/session/work/context/1.json")).json()
    assert (sent["notes"], sent["notes_for_all_sessions"]) == ([], [BRITISH])
    assert "sent in all sessions; added by you on " in (await see("/logs/-/session/work/context/1")).text
    assert ", for all sessions</span>" in (await see("/logs/-/session/work")).text
    _note(llm_, "--delete", "1")
    see = serving(log)
    assert (await see("/logs/-/session/work.json")).json()["notes_for_all_sessions"] == []
    assert BRITISH in (await see("/logs/-/session/work/context/1")).text


def test_a_program_has_them_too(llm_: Command, log: Path, script: Script) -> None:
    """`memory.notes` has functions for them."""
    _note(llm_, BRITISH)
    with Memory(log) as memory:
        memory.notes.add_global("Metric units.", author="a program")
        assert [note.text for note in memory.notes.list_global()] == [BRITISH, "Metric units."]
        assert memory.notes.delete_global(1).text == BRITISH
