"""`llm sessions retention`: old conversations go after a prompt, at most once a day, and not without a word before."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from llm_session_memory.memory import Memory
from tests.conftest import Command
from tests.store.world import contents
from tests.world.logs import LogBuilder, Said
from tests.world.once import once
from tests.world.scripted import Script

NOW = datetime.now(timezone.utc)


def tomorrow(log: Path) -> None:
    """Let it be the next day for the once a day of retention."""
    with sqlite3.connect(log) as connection:
        connection.execute(
            "update memory_log_settings set value = ? where key = 'retention.next_utc'", [NOW.isoformat()]
        )


OLD = ("old", "pinned", "tagged", "marked", "archived", "snapped")


@pytest.fixture(name="old")
@once
def _old(llm_: Command, script: Script, log: Path) -> list[str]:
    """Sessions last used 100 days ago, all but one of them marked to be kept, and a conversation without a name."""
    with LogBuilder(log) as builder:
        threads = [builder.thread() for _ in range(len(OLD) + 1)]
        for number, thread in enumerate(threads):
            builder.turns(thread, Said(f"Hello {number}", at=NOW - timedelta(days=100, minutes=number)))
    with Memory(log) as memory:
        for thread, name in zip(threads, OLD, strict=False):
            memory.sessions.name_thread(thread, name)
        memory.sessions.pin("pinned", 1, None)
        memory.notes.change_tags("tagged", ["keep"])
        memory.ratings.bookmark("marked", 1, "here")
        memory.sessions.archive("archived")
        memory.snapshots.make("snapped", "here")
    with sqlite3.connect(log) as connection:
        connection.execute("update memory_sessions set created_utc = ?", [(NOW - timedelta(days=100)).isoformat()])
    llm_("-m", "scripted", "--session", "work", "Hello").ok()
    return threads


def names(log: Path) -> set[str]:
    with Memory(log) as memory:
        return {*memory.sessions.names()}


def test_it_says_so_first_and_deletes_a_day_later(llm_: Command, old: list[str], log: Path) -> None:
    """Off unless set; then a prompt says what will go, and the next day's first one deletes it, and only that."""
    assert llm_("--session", "work", "One").ok().err == ""
    shown = llm_("sessions", "retention", "90d").ok().out
    assert shown.startswith("Conversations are deleted when they have not been used for 90 days.\n2 conversations are")
    told = llm_("--session", "work", "Two").ok().err
    assert told.startswith(
        "retention: 2 conversations not used for 90 days will be deleted with the next prompt after "
    )
    assert told.endswith("Stop it with: llm sessions retention off\n")
    assert llm_("--session", "work", "Three").ok().err == ""
    assert names(log) == {*OLD, "work"}
    tomorrow(log)
    said = llm_("--session", "work", "Four").ok()
    assert said.out == "Noted.\n"
    assert said.err.startswith("retention: deleted 2 conversations not used for 90 days.")
    assert names(log) == {*OLD, "work"} - {"old"}
    with sqlite3.connect(log) as connection:
        left = {thread for (thread,) in connection.execute("select distinct thread_id from turns")}
    assert {old[0], old[-1]}.isdisjoint(left)
    assert len(left) == len(old) - 1
    assert llm_("--session", "work", "Five").ok().err == ""


def test_off_ends_it(llm_: Command, old: list[str], log: Path) -> None:
    """After `off`, nothing is said or deleted any more."""
    llm_("sessions", "retention", "90d").ok()
    llm_("--session", "work", "Two").ok()
    assert llm_("sessions", "retention", "off").ok().out == (
        "Retention is off: conversations are kept until you delete them.\n"
    )
    tomorrow(log)
    assert llm_("--session", "work", "Three").ok().err == ""
    assert names(log) == {*OLD, "work"}
    assert json.loads(llm_("sessions", "retention", "--json").ok().out)["old"] == []


@pytest.mark.parametrize(("jump", "why"), [(4_000, "the prompt before this one was on"), (-3, "later than now")])
def test_a_clock_that_jumped_deletes_nothing(llm_: Command, old: list[str], log: Path, jump: int, why: str) -> None:
    """If the clock jumped by years, or back, the prompt says so and nothing is deleted."""
    llm_("sessions", "retention", "90d").ok()
    llm_("--session", "work", "Two").ok()
    moment = NOW + timedelta(days=jump)
    with LogBuilder(log) as builder, Memory(log, now=lambda: moment) as memory:
        work = memory.sessions.get("work").thread_id
        (turn_id,) = builder.unseen(work, Said("Three", at=moment))
        told = memory.retention.run(work, turn_id)
    assert told is not None
    assert told.startswith("nothing old was deleted, because the ")
    assert why in told
    assert names(log) == {*OLD, "work"}


def test_a_project_has_its_own_time(llm_: Command, old: list[str], log: Path) -> None:
    """`never` keeps the sessions of a project, its own time deletes only them, and `off` treats them like all
    others."""

    def found() -> list[str]:
        return [one["name"] for one in json.loads(llm_("sessions", "retention", "--json").ok().out)["old"]]

    llm_("sessions", "project", "bridge", "--new").ok()
    with Memory(log) as memory:
        memory.projects.move("old", "bridge")
    llm_("sessions", "retention", "90d").ok()
    assert len(found()) == 2
    assert "are always kept" in llm_("sessions", "retention", "never", "--project", "bridge").ok().out
    assert found() == [None]
    llm_("sessions", "retention", "off").ok()
    llm_("sessions", "retention", "12w", "--project", "bridge").ok()
    assert found() == ["old"]
    llm_("sessions", "retention", "off", "--project", "bridge").ok()
    assert found() == []


@pytest.mark.parametrize("wrong", [("often",), ("0d",), ("never",), ("90d", "--project", "nosuch")], ids=" ".join)
def test_what_is_no_time_changes_nothing(llm_: Command, old: list[str], log: Path, wrong: tuple[str, ...]) -> None:
    """A word that is no time, no time at all, or an unknown project is refused."""
    before = contents(log)
    assert llm_("sessions", "retention", *wrong).code != 0
    assert contents(log) == before


def test_an_error_does_not_end_the_prompt(llm_: Command, old: list[str], log: Path) -> None:
    """A setting that cannot be read, as by another version, leaves the prompt alone."""
    llm_("sessions", "retention", "90d").ok()
    with sqlite3.connect(log) as connection:
        connection.execute("update memory_log_settings set value = 'soon' where key = 'retention.next_utc'")
    done = llm_("--session", "work", "Two").ok()
    assert (done.out, done.err) == ("Noted.\n", "")
