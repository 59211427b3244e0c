"""`llm sessions undo` and `redo`: out of the session, not out of the log, and back."""

from __future__ import annotations

import contextlib
import json
import shutil
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.errors import SessionError
from llm_session_memory.memory import Memory
from tests.conftest import Command
from tests.store.world import contents
from tests.world.laws import tried
from tests.world.logs import START, Call, LogBuilder, Said
from tests.world.once import once
from tests.world.scripted import Script


@pytest.fixture(name="work")
@once
def _work(llm_: Command, script: Script) -> Script:
    """A session `work` of four exchanges, and another one used before it."""
    llm_("-m", "scripted", "--session", "other", "Hello").ok()
    for word in ("One", "Two", "Three", "Four"):
        llm_("-m", "scripted", "--session", "work", word).ok()
    return script


def of_llm(log: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return the rows of llm's own tables."""
    return {name: rows for name, rows in contents(log).items() if not name.startswith(("memory_", "_sqlite"))}


def prompts(llm_: Command, *flags: str) -> list[str]:
    shown = json.loads(llm_("sessions", "show", "work", "--json", *flags).ok().out)
    return [exchange["prompt"] for exchange in shown["exchanges"]]


def test_undo_and_redo(llm_: Command, work: Script, log: Path) -> None:
    """`undo` names the session used last, says what it takes out, and `redo` brings the group undone last back."""
    before, shown = of_llm(log), llm_("sessions", "show", "work").ok().out
    said = llm_("sessions", "undo", "-n", "2").ok()
    assert said.out.startswith("Undid 2 exchanges of “work”:\n  #3  ")
    assert [line.split()[-1] for line in said.out.splitlines()] == ["“work”:", "Three", "Four"]
    assert said.err == "Bring them back with: llm sessions redo work\n"
    assert prompts(llm_) == ["One", "Two"]
    llm_("sessions", "undo", "work").ok()
    assert llm_("sessions", "redo", "work").ok().out.startswith("Brought back 1 exchange of “work”:\n  #2  ")
    assert prompts(llm_) == ["One", "Two"]
    llm_("sessions", "redo").ok()
    assert llm_("sessions", "show", "work").ok().out == shown
    assert of_llm(log) == before
    nothing = llm_("sessions", "redo")
    assert (nothing.code, nothing.err) == (
        1,
        "Error: No exchange of “work” was undone, so there is none to bring back.\n",
    )


def test_more_than_there_is_undoes_nothing(llm_: Command, work: Script, log: Path) -> None:
    """Too large a count changes nothing, and says how much there is."""
    before = contents(log)
    refused = llm_("sessions", "undo", "work", "-n", "5")
    hint = "Undo all of it with: llm sessions undo work -n 4"
    assert (refused.code, refused.err) == (1, f"Error: Session “work” has only 4 exchanges. {hint}\n")
    assert contents(log) == before
    llm_("sessions", "undo", "work", "-n", "4").ok()
    assert llm_("sessions", "undo", "work").err == "Error: Session “work” has no exchange to undo.\n"
    llm_("--session", "work", "Anew").ok()
    assert [text for _, text in work.texts()] == ["Anew"]


def test_new_exchanges_since_then(llm_: Command, work: Script) -> None:
    """`redo` asks what becomes of newer exchanges: they stay after it, or they are undone in its place."""
    llm_("sessions", "undo", "work", "-n", "2").ok()
    llm_("--session", "work", "New").ok()
    refused = llm_("sessions", "redo", "work")
    assert refused.code == 1
    assert "“work” has 1 new exchange since then (#3)." in refused.err
    assert "--keep-new" in refused.err
    assert "--undo-new" in refused.err
    assert prompts(llm_) == ["One", "Two", "New"]
    assert "Undid 1 exchange instead:\n  #3  " in llm_("sessions", "redo", "--undo-new").ok().out
    assert prompts(llm_) == ["One", "Two", "Three", "Four"]
    llm_("sessions", "undo", "-n", "2").ok()
    llm_("sessions", "redo", "--group", "2").ok()
    assert prompts(llm_) == ["One", "Two", "New"]
    llm_("sessions", "redo", "--keep-new").ok()
    assert prompts(llm_) == ["One", "Two", "Three", "Four", "New"]
    llm_("--session", "work", "Last").ok()
    assert [text for role, text in work.texts() if role == "user"] == ["One", "Two", "Three", "Four", "New", "Last"]


def test_the_list(llm_: Command, work: Script) -> None:
    """`undo --list` has each group, the last first, with the numbers that its exchanges would get; nothing changes."""
    assert llm_("sessions", "undo", "--list", "work").ok().err == "No exchange of “work” was undone.\n"
    assert llm_("sessions", "undo", "--list").ok().err == "No exchange was undone in any session.\n"
    llm_("sessions", "undo", "work").ok()
    llm_("sessions", "undo", "work", "-n", "2").ok()
    told = llm_("sessions", "undo", "--list", "work").ok()
    heads = [line.split(",")[0] for line in told.out.splitlines() if not line.startswith(" ")]
    assert heads == ["1. 2 exchanges", "2. 1 exchange"]
    groups = json.loads(llm_("sessions", "undo", "--list", "--json").ok().out)
    listed = [[(one["number"], one["prompt"]) for one in group["exchanges"]] for group in groups]
    assert listed == [[(2, "Two"), (3, "Three")], [(2, "Four")]]
    assert [group["group"] for group in groups] == [1, 2]
    llm_("sessions", "redo", "work", "--group", "2").ok()
    assert prompts(llm_) == ["One", "Four"]
    llm_("sessions", "undo", "other").ok()
    everywhere = llm_("sessions", "undo", "--list").ok()
    assert [line for line in everywhere.out.splitlines() if line[0] == "“"] == ["“work”:", "“other”:"]
    assert "with: llm sessions redo NAME" in everywhere.err
    missing = llm_("sessions", "redo", "work", "--group", "2")
    assert "“work” has 1 undone group, no 2. List them with: llm sessions undo --list work" in missing.err


def test_a_failed_prompt_is_not_undone(llm_: Command, work: Script) -> None:
    """After a failed prompt, `undo` takes out the exchange before it, and says that the failed prompt stays."""
    work.replies = [RuntimeError("no")]
    assert llm_("--session", "work", "Five").code == 1
    said = llm_("sessions", "undo").ok().out
    assert "  #4  " in said
    assert "The newest prompt failed, so it is not an exchange and stays: Five" in said
    assert "llm sessions attempts work --drop" in said


def test_a_new_block_says_why(llm_: Command, work: Script) -> None:
    """The preview of a context gives the reason for a new block; undone and redone at once, the block goes on."""

    def block() -> tuple[bool, str]:
        made = json.loads(llm_("sessions", "context", "work", "Hello", "--json").ok().out)["block"]
        return made["continues"], made["reason"]

    assert block()[0]
    llm_("sessions", "undo").ok()
    assert block() == (False, "exchanges were undone, brought back or deleted since the last prompt")
    llm_("sessions", "redo").ok()
    assert block()[0]


# -- laws ----------------------------------------------------------------------


@dataclass
class Talk:
    """What the log should say: all exchanges in order, and the groups undone, each with its exchanges."""

    said: list[str] = field(default_factory=list)
    undone: list[list[str]] = field(default_factory=list)

    @property
    def history(self) -> list[str]:
        out = {one for group in self.undone for one in group}
        return [one for one in self.said if one not in out]


steps = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.integers(0, 2)),
        st.tuples(st.just("undo"), st.integers(1, 4)),
        st.tuples(st.sampled_from(["redo", "keep", "instead"]), st.integers(1, 2)),
    ),
    max_size=14,
)


@pytest.fixture(name="empty", scope="module")
def _empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("laws") / "logs.db"
    with LogBuilder(path) as builder:
        builder.turns("other", Said("Elsewhere"))
        builder.turns("work", Said("0"))
    with Memory(path) as memory:
        memory.sessions.name_thread("other", "other")
        memory.sessions.name_thread("work", "work")
    return path


@tried(200, few=15)
@given(steps=steps)
def test_undo_and_redo_agree_with_a_list(empty: Path, steps: list[tuple[str, int]]) -> None:
    """After any steps a session has what a plain list would have; another session and llm's rows are as before."""
    path = empty.with_name("law.db")
    shutil.copy(empty, path)
    talk = Talk(["0"])
    with LogBuilder(path) as builder, Memory(path) as memory:
        for kind, number in steps:
            if kind == "say":
                talk.said.append(str(len(talk.said)))
                later = START + timedelta(hours=len(talk.said))
                builder.unseen("work", Said(talk.said[-1], calls=(Call("look", {}, "1"),) * number, at=later))
                continue
            before = of_llm(path)
            with contextlib.suppress(SessionError):
                take(memory, talk, kind, number)
            assert of_llm(path) == before
            assert [one.prompt for one in memory.sessions.exchanges("work")] == talk.history
            groups = [[one.prompt for one in group.exchanges] for group in memory.undoing.groups("work")]
            assert groups == talk.undone[::-1]
        assert [one.prompt for one in memory.sessions.exchanges("other")] == ["Elsewhere"]
        assert memory.sessions.line("work").exchanges == len(talk.history)


def take(memory: Memory, talk: Talk, kind: str, number: int) -> None:
    """Undo or redo in the log and, if that is not refused, in the list."""
    history = talk.history
    if kind == "undo":
        memory.undoing.undo("work", number)
        talk.undone.append(history[-number:])
        return
    memory.undoing.redo("work", number, keep_new=kind == "keep", undo_new=kind == "instead")
    group = talk.undone.pop(-number)
    newer = [one for one in history if int(one) > int(group[0])]
    assert not newer or kind != "redo"
    if newer and kind == "instead":
        talk.undone.append(newer)
