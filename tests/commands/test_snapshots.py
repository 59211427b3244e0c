"""`llm sessions snapshot`, `snapshots` and `restore`: named points in a session to go back to; nothing is lost."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.errors import SessionError
from llm_session_memory.memory import Memory
from tests.commands.test_undo import of_llm
from tests.conftest import Command
from tests.store.world import contents
from tests.world.laws import tried
from tests.world.logs import START, LogBuilder, Said
from tests.world.once import once
from tests.world.scripted import Script

POINT = "before the refactoring"


@pytest.fixture(name="work")
@once
def _work(llm_: Command, script: Script) -> Script:
    """A session of two exchanges with a pin, a note and a snapshot, and then other settings and two more exchanges."""
    for word in ("One", "Two"):
        llm_("-m", "scripted", "--session", "work", "-s", "Be brief.", word).ok()
    llm_("sessions", "pin", "work", "1").ok()
    llm_("sessions", "note", "work", "The office is in Faro.").ok()
    llm_("sessions", "snapshot", "work", POINT).ok()
    return script


def state(llm_: Command) -> dict[str, Any]:
    """Return what a restore is about, as commands show it."""
    shown = json.loads(llm_("sessions", "show", "work", "--json").ok().out)
    return {
        "prompts": [(one["prompt"], one["pinned"]) for one in shown["exchanges"]],
        "settings": llm_("sessions", "set", "work").ok().out,
        "notes": llm_("sessions", "note", "work").ok().out,
    }


def go_on(llm_: Command) -> None:
    """Change everything that a snapshot keeps."""
    for word in ("Three", "Four"):
        llm_("--session", "work", word).ok()
    llm_("sessions", "pin", "work", "3").ok()
    llm_("sessions", "unpin", "work", "1").ok()
    llm_("sessions", "note", "work", "The office is in Lisbon.").ok()
    llm_("sessions", "note", "work", "--delete", "1").ok()
    llm_("sessions", "set", "work", "-s", "Be kind.", "-o", "mood", "glad", "--memory", "full").ok()


def test_restore_goes_back_and_loses_nothing(llm_: Command, work: Script, log: Path) -> None:
    """Exchanges, settings, pins and notes are as they were; restoring the point before that brings all back."""
    then = state(llm_)
    go_on(llm_)
    now, rows = state(llm_), of_llm(log)
    said = llm_("sessions", "restore", "work", POINT.upper()).ok().out
    kept = f"before restoring: {POINT}"
    assert said.splitlines() == [
        f"“work” is back at the snapshot “{POINT}”, after exchange #2.",
        "Undid 2 exchanges (#3 to #4). Bring back what was undone with: llm sessions redo work",
        f"The point before that is kept as the snapshot “{kept}”.",
    ]
    assert state(llm_) == then
    llm_("--session", "work", "Another way").ok()
    assert [text for role, text in work.texts() if role == "user"] == ["One", "Two", "Another way"]
    llm_("sessions", "undo", "work").ok()
    assert "Brought back 2 exchanges (#3 to #4)." in llm_("sessions", "restore", "work", kept).ok().out
    assert state(llm_) == now
    assert {name: rows[name] for name in ("tools", "schemas")} == {n: of_llm(log)[n] for n in ("tools", "schemas")}


def test_restoring_changes_no_row_of_llm(llm_: Command, work: Script, log: Path) -> None:
    """Snapshots and restores leave llm's tables as they are, and a second restore says that nothing has changed."""
    go_on(llm_)
    before = of_llm(log)
    llm_("sessions", "snapshot", "work", "another").ok()
    llm_("sessions", "restore", "work", POINT).ok()
    llm_("sessions", "restore", "work", "another").ok()
    again = contents(log)
    assert "Nothing has changed since." in llm_("sessions", "restore", "work", "another").ok().out
    assert {**contents(log), "memory_changes": []} == {**again, "memory_changes": []}  # it knows when, as a merge asks
    llm_("sessions", "snapshot", "work", "another", "--delete").ok()
    assert of_llm(log) == before


def test_a_fork_at_a_snapshot_has_its_state(llm_: Command, work: Script) -> None:
    """`fork --at LABEL` shares the exchanges up to it, with the settings, pins and notes of that time."""
    then = state(llm_)
    go_on(llm_)
    now = state(llm_)
    llm_("sessions", "fork", "work", "--at", POINT, "--as", "again").ok()
    assert state(llm_) == now
    llm_("sessions", "rename", "work", "gone").ok()
    llm_("sessions", "rename", "again", "work").ok()
    assert state(llm_) == then
    assert "has no snapshot “nosuch”" in llm_("sessions", "fork", "gone", "--at", "nosuch").err


def test_only_exchanges_need_no_other_snapshot(llm_: Command, work: Script) -> None:
    """If only exchanges were added, `redo` is enough to go forward again."""
    llm_("--session", "work", "Three").ok()
    assert "kept as" not in llm_("sessions", "restore", "work", POINT).ok().out
    llm_("sessions", "redo", "work").ok()
    assert len(state(llm_)["prompts"]) == 3
    assert len(json.loads(llm_("sessions", "snapshots", "--json").ok().out)) == 1


def test_the_list(llm_: Command, work: Script) -> None:
    """Each snapshot has its session, label, exchange and state; one whose exchange is undone says so."""
    (one,) = json.loads(llm_("sessions", "snapshots", "work", "--json").ok().out)
    assert (one["session"], one["label"], one["exchange"]) == ("work", POINT, 2)
    assert (one["settings"]["system"], one["notes"], len(one["pins"])) == ("Be brief.", ["The office is in Faro."], 1)
    llm_("sessions", "undo", "work").ok()
    assert "undone" in llm_("sessions", "snapshots").ok().out.splitlines()[1]
    llm_("sessions", "restore", "work", POINT).ok()
    assert "#2" in llm_("sessions", "snapshots", "work").ok().out.splitlines()[1]
    assert (
        llm_("sessions", "snapshot", "work", POINT, "--delete").ok().out
        == f"Deleted the snapshot “{POINT}” of “work”.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("snapshot", "work", POINT.upper()), "There is a snapshot"),
        (("snapshot", "work", "12"), "taken for the number of an exchange"),
        (("snapshot", "work", ""), "can't be a label"),
        (("snapshot", "nosuch", "x"), "not found"),
        (("restore", "work", "before the refactorin"), f"Did you mean “{POINT}”?"),
        (("snapshot", "work", "nosuch", "--delete"), "has no snapshot “nosuch”"),
        (("replay", "work", "--from", "nosuch"), "has no snapshot “nosuch”"),
        (("replay", "work", "--from", "0"), "Numbers begin at 1"),
    ],
    ids=" ".join,
)
def test_what_is_refused_changes_nothing(
    llm_: Command, work: Script, log: Path, arguments: tuple[str, ...], error: str
) -> None:
    """A label that is taken, unknown or not one at all is refused with a sentence."""
    before = contents(log)
    refused = llm_("sessions", *arguments)
    assert refused.code in (1, 2)
    assert error in refused.err
    assert contents(log) == before


def test_transcripts_mark_it_and_a_replay_begins_there(llm_: Command, work: Script, tmp_path: Path) -> None:
    """`show`, Markdown and HTML have a line after its exchange, and `replay --from` begins with the next one."""
    llm_("--session", "work", "Three").ok()
    shown = llm_("sessions", "show", "work").ok().out
    assert shown.index("Two") < shown.index(f"*Snapshot “{POINT}”*") < shown.index("Three")
    for suffix in ("md", "html"):
        llm_("sessions", "export", "work", str(tmp_path / f"work.{suffix}")).ok()
        text = (tmp_path / f"work.{suffix}").read_text("utf-8")
        assert text.index("Two") < text.index("Snapshot “") < text.index(POINT) < text.index("Three")
    played = llm_("sessions", "replay", "work", "--from", POINT).ok().out
    assert ("Two" in played, "Three" in played) == (False, True)


# -- laws ------------------------------------------------------------------------


steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["say", "note", "pin", "set"]), st.integers(0, 3)),
        st.tuples(st.just("undo"), st.integers(1, 3)),
        st.tuples(st.sampled_from(["redo", "keep", "instead"]), st.just(1)),
        st.tuples(st.just("restore"), st.integers(0, 4)),
        st.tuples(st.just("snapshot"), st.just(0)),
    ),
    max_size=14,
)


@tried(200, few=8)
@given(steps=steps)
def test_every_point_comes_back(tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]) -> None:
    """Whatever is done after a snapshot, restoring it gives the session of that time, also the snapshots made by it."""
    path = tmp_path_factory.mktemp("laws") / "logs.db"
    with LogBuilder(path) as builder, Memory(path) as memory:
        builder.turns("work", Said("0"))
        memory.sessions.name_thread("work", "work")
        seen: dict[str, Any] = {}
        for number, (kind, value) in enumerate(steps, 1):
            if kind == "say":
                builder.unseen("work", Said(str(number), at=START + timedelta(hours=number)))
                continue
            with suppress(SessionError):
                take(memory, kind, value, seen)
        for label, then in seen.items():
            memory.snapshots.restore("work", label)
            assert now(memory) == then
    shutil.rmtree(path.parent)


def take(memory: Memory, kind: str, value: int, seen: dict[str, Any]) -> None:
    """Take a step; in `seen`, keep what each snapshot should bring back."""
    before, count = now(memory), len(memory.sessions.exchanges("work"))
    match kind:
        case "note":
            memory.notes.add("work", f"Note {value}")
        case "pin":
            place = value % max(count, 1) + 1
            pinned = place in memory.sessions.pinned("work")
            memory.sessions.unpin("work", place) if pinned else memory.sessions.pin("work", place, None)
        case "set":
            memory.sessions.set("work", replace(memory.sessions.get("work").settings, system=f"Be {value}."))
        case "undo":
            memory.undoing.undo("work", value)
        case "redo" | "keep" | "instead":
            memory.undoing.redo("work", keep_new=kind == "keep", undo_new=kind == "instead")
        case "snapshot":
            label = f"point {len(seen)}"
            memory.snapshots.make("work", label)
            seen[label] = before
        case _ if seen:
            label = list(seen)[value % len(seen)]
            done = memory.snapshots.restore("work", label)
            assert now(memory) == seen[label]
            if done.kept:
                seen[done.kept] = before


def now(memory: Memory) -> Any:
    """Return all that a snapshot is about."""
    session = memory.sessions.get("work")
    prompts = [one.prompt for one in memory.sessions.exchanges("work")]
    notes = [one.text for one in memory.notes.list("work")]
    return prompts, memory.sessions.pinned("work"), notes, session.settings
