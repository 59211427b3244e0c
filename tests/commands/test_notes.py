"""`llm sessions note`: what is sent with every prompt of a session."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.conftest import Command
from tests.world.logs import LogBuilder, Said
from tests.world.once import once
from tests.world.scripted import Script

NOTE = "The harbour office signs off."


@pytest.fixture(name="work", autouse=True)
@once
def _work(llm_: Command, script: Script) -> None:
    """A session `work`."""
    llm_("-m", "scripted", "--session", "work", "Hello").ok()


def _texts(llm_: Command) -> list[str]:
    return [note["text"] for note in json.loads(llm_("sessions", "note", "work", "--json").ok().out)]


def test_notes_are_listed_in_order(llm_: Command) -> None:
    """A new note is printed after the earlier ones, numbered. Without TEXT, or with --list, the notes are printed."""
    assert llm_("sessions", "note", "work").ok().out == "Session “work” has no notes.\n"
    assert llm_("sessions", "note", "work", NOTE).ok().out == f"1. {NOTE}\n"
    listed = f"1. {NOTE}\n2. Steel, not wood.\n"
    assert llm_("sessions", "note", "work", "  Steel, not wood.\n").ok().out == listed
    assert llm_("sessions", "note", "WORK", "--list").ok().out == llm_("sessions", "note", "work").ok().out == listed


def test_json(llm_: Command) -> None:
    """--json has each note's number, text and author, and when it was added."""
    llm_("sessions", "note", "work", NOTE).ok()
    (note,) = json.loads(llm_("sessions", "note", "work", "--json").ok().out)
    assert note.pop("created_utc") > "2026-"
    assert note == {"number": 1, "text": NOTE, "by": "you"}


def test_notes_that_exceed_the_budget_are_refused(llm_: Command) -> None:
    """A note that leaves no room for a prompt is refused with both figures. The notes before it stay."""
    llm_("sessions", "set", "work", "--max-context-tokens", "200").ok()
    llm_("sessions", "note", "work", NOTE).ok()
    done = llm_("sessions", "note", "work", "A word. " * 200)
    assert done.code == 1
    assert re.fullmatch(
        r"Error: With this note, “work” would send about \d{3} tokens before any prompt, but the budget is 200\. "
        r"Shorten the note, delete another one, or raise --max-context-tokens\.\n",
        done.err,
    )
    assert _texts(llm_) == [NOTE]


def test_a_note_is_deleted_by_its_number(llm_: Command) -> None:
    """--delete deletes a note and prints it. Later notes move up by one."""
    for text in ("one", "two", "three"):
        llm_("sessions", "note", "work", text).ok()
    done = llm_("sessions", "note", "work", "--delete", "2").ok()
    assert (done.err, done.out) == ("Deleted: two\n", "1. one\n2. three\n")


@pytest.mark.parametrize(
    ("words", "error", "code"),
    [
        (("work", "--delete", "2"), "Error: Session “work” has no note 2. It has only note 1.\n", 1),
        (("work", "x", "--delete", "1"), "Error: TEXT can't be combined with --list or --delete.\n", 2),
        (("work", "x", "--list"), "Error: TEXT can't be combined with --list or --delete.\n", 2),
        (("work", " \n"), "Error: A note can have 1 to 2,000 characters; this one has 0.", 1),
        (("work", "x" * 2_001), "Error: A note can have 1 to 2,000 characters; this one has 2,001.", 1),
        (("work", "\ud800"), "Error: The note is not valid UTF-8. Nothing was changed.\n", 1),
        (("wrok", "x"), "Error: Session “wrok” not found. Did you mean “work”?\n", 1),
    ],
    ids=["no such note", "text and delete", "text and list", "blank", "too long", "not UTF-8", "no such session"],
)
def test_invalid_notes(llm_: Command, words: tuple[str, ...], error: str, code: int) -> None:
    """An invalid note or number is an error and changes nothing."""
    llm_("sessions", "note", "work", NOTE).ok()
    done = llm_("sessions", "note", *words)
    assert error in done.err
    assert done.code == code
    assert _texts(llm_) == [NOTE]


def test_a_note_may_have_two_thousand_characters(llm_: Command) -> None:
    """A note of the greatest allowed length is kept whole."""
    llm_("sessions", "note", "work", "x" * 2_000).ok()
    assert _texts(llm_) == ["x" * 2_000]


def test_a_hostile_note_is_kept_and_harmless(llm_: Command) -> None:
    """Control characters are kept and shown as signs. A line of a note can't look like another note."""
    hostile = "one\n2. \x1b[31mtwo\x00\u202e"
    llm_("sessions", "note", "work", hostile).ok()
    assert _texts(llm_) == [hostile]
    listed = "1. one\n   2. ␛[31mtwo␀⟦U+202E⟧\n"
    assert llm_("sessions", "note", "work").ok().out == listed
    assert listed in llm_("sessions", "show", "work").ok().out
    assert "\x1b" not in llm_("sessions", "note", "work", "--json").ok().out


def test_notes_tags_and_facts_are_in_the_transcript(llm_: Command) -> None:
    """`show` begins with notes, tags and facts, and --json has them."""
    llm_("sessions", "note", "work", NOTE).ok()
    llm_("sessions", "tag", "work", "bridge", "lisbon").ok()
    llm_("sessions", "set", "work", "--meta", "client", "harbour").ok()
    blocks = llm_("sessions", "show", "work").ok().out.split("\n\n")
    assert blocks[2:6] == ["**Tags:** bridge, lisbon", "**Facts:** client=harbour", "**Notes:**", f"1. {NOTE}"]
    shown = json.loads(llm_("sessions", "show", "work", "--json").ok().out)
    assert (shown["tags"], shown["meta"], shown["notes"][0]["text"]) == (
        ["bridge", "lisbon"],
        {"client": "harbour"},
        NOTE,
    )


def test_a_log_of_an_older_version(llm_: Command, tmp_path: Path) -> None:
    """A log whose tables are of an older version has no notes. The first note brings it up to date."""
    log = tmp_path / "older.db"
    with LogBuilder(log) as built:
        thread = built.thread()
        built.turns(thread, Said("One"))
    llm_("sessions", "name", thread, "old", "-d", str(log)).ok()
    with LogBuilder(log) as built:
        for table in ("notes", "tags", "meta", "summaries", "index", "passages", "words", "vectors", "recalls"):
            built.db.execute(f"drop table memory_{table}")
        for column in ("recall_share", "recall_model", "summary_model"):
            built.db.execute(f"alter table memory_sessions drop column {column}")
        built.db.execute("delete from _sqlite_migrations where name = '002_memory'")
        built.db.conn.commit()
    assert llm_("sessions", "note", "old", "-d", str(log)).ok().out == "Session “old” has no notes.\n"
    assert llm_("sessions", "list", "--tag", "x", "-d", str(log)).ok().out == ""
    assert "old" in llm_("sessions", "list", "-d", str(log)).ok().out
    assert llm_("sessions", "note", "old", NOTE, "-d", str(log)).ok().out == f"1. {NOTE}\n"
