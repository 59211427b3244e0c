"""The drill itself finds what is lost, what is not clean, and messages that are none: a drill must be able to fail."""

from __future__ import annotations

import json
import random
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from llm_session_memory.memory import Memory
from tests.drill import judge, table
from tests.drill.answers import question
from tests.drill.fault import Fault
from tests.drill.health import unclean
from tests.drill.judge import Verdict
from tests.drill.kept import Kept, kept, recovery_files
from tests.drill.running import Done, Running
from tests.drill.schedule import Row, _turns
from tests.drill.world import Asked, World
from tests.world.logs import LogBuilder, Said


@pytest.fixture(name="drilled")
def _drilled(tmp_path: Path) -> Iterator[World]:
    """A world without a log."""
    with World(tmp_path / "world", 0, random.Random(1), None) as world:
        yield world


def printing(world: World, line: str) -> Asked:
    """Run a line of shell that stands for llm, and prints the reply to the prompt q1x."""
    asked = world.prompted(Running(["/bin/sh", "-c", line], world.environment(), world.folder, tag="q1x"))
    asked.running.end()
    return asked


def lost(world: World, asked: Asked, *found: Kept) -> list[str]:
    """Return the kinds of what a prompt lost."""
    return [kind for kind, _ in judge._lost(world, asked, found)]


def test_a_reply_that_is_nowhere_is_lost(drilled: World) -> None:
    """A printed word that is in no turn, no attempt and no file makes a lost reply."""
    asked = printing(drilled, "printf 'q1x-0 q1x-1 '; exit 1")
    assert lost(drilled, asked) == ["reply"]
    assert lost(drilled, asked, Kept("attempt", question("q1x"), "q1x-0")) == ["reply"]
    assert lost(drilled, asked, Kept("attempt", question("q1x"), "q1x-0 q1x-1 ")) == []


def test_a_reply_must_be_logged_if_llm_says_so(drilled: World) -> None:
    """If llm exits with 0, an attempt is not enough."""
    asked = printing(drilled, "printf 'q1x-0 '")
    assert lost(drilled, asked, Kept("attempt", question("q1x"), "q1x-0 ")) == ["reply"]
    assert lost(drilled, asked, Kept("turn", question("q1x"), "q1x-0 ")) == []


def test_only_the_last_second_of_a_killed_reply_may_be_lost(drilled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a process that was killed, the words before its last second must be there, and the others need not."""
    monkeypatch.setattr(judge, "LAST_SECOND", 0.2)
    asked = printing(drilled, "printf 'q1x-0 '; sleep 0.3; printf 'q1x-1 '; kill -9 $$")
    assert lost(drilled, asked, Kept("attempt", question("q1x"), "q1x-0 ")) == []
    assert lost(drilled, asked, Kept("attempt", question("q1x"), "")) == ["reply"]


def test_a_prompt_that_was_sent_must_be_kept(drilled: World) -> None:
    """A prompt that must be kept, and is not, is lost; one under `-n` must not be kept."""
    asked = printing(drilled, "exit 1")
    assert lost(drilled, asked) == []
    asked.must_keep = True
    assert lost(drilled, asked) == ["prompt"]
    asked.recorded = False
    assert lost(drilled, asked, Kept("attempt", question("q1x"), "")) == ["other"]


def test_what_is_kept_is_found_wherever_it_is(tmp_path: Path) -> None:
    """Turns of sessions, open attempts and recovery files are read, the latter in both places."""
    log = tmp_path / "logs.db"
    with LogBuilder(log) as built:
        thread = built.thread()
        built.turns(thread, Said("one", "first"))
    with Memory(log) as memory:
        memory.sessions.name_thread(thread, "work")
    (tmp_path / "elsewhere" / "llm-unsaved-replies-0").mkdir(parents=True)
    (tmp_path / "elsewhere" / "llm-unsaved-replies-0" / "x.json").write_text(
        json.dumps({"prompt": "two", "reply": "second"})
    )
    assert kept(log, recovery_files(tmp_path / "elsewhere")) == [
        Kept("turn", "one", "first"),
        Kept("file", "two", "second"),
    ]


BREAKING = {
    "a foreign key": "update turns set tip_message_hash = 'nowhere'",
    "a hash": "update parts set text = 'something else', payload = null where id = 1",
    "an index": "drop trigger responses_ai; insert into responses (id, prompt, response) values ('x', 'one', 'two')",
    "a turn": "insert into memory_pins values ('x', 'nowhere', '')",
}
"""What makes a log unclean."""


@pytest.mark.parametrize("sql", BREAKING.values(), ids=BREAKING)
def test_a_log_that_is_not_clean_is_found(tmp_path: Path, sql: str) -> None:
    """A log as llm left it is clean; one with a broken reference, hash, index or pointer is not."""
    log = tmp_path / "logs.db"
    with LogBuilder(log) as built:
        thread = built.thread()
        built.turns(thread, Said("one"), Said("two"))
    with Memory(log) as memory:
        memory.sessions.name_thread(thread, "work")
    assert unclean(log) == []
    with closing(sqlite3.connect(log)) as db:
        db.executescript(sql)
    assert unclean(log)


SAID = {
    "silent": ("", 1, True),
    "traceback": ("Traceback (most recent call last)\n  File x\nOSError", 1, True),
    "no way out": ("Error: [Errno 32] Broken pipe", 1, True),
    "a command": ("Error: Session “work” not found. List sessions with: llm sessions", 1, False),
    "a verb": ("Error: The log is locked. Try again later.", 1, False),
    "all is well": ("", 0, False),
    "killed": ("", -9, False),
}


@pytest.mark.parametrize(("err", "code", "unclear"), SAID.values(), ids=SAID)
def test_a_message_names_what_to_do(drilled: World, err: str, code: int, unclear: bool) -> None:
    """A failure without a message, with a traceback, or without a way out is a trouble."""
    found = list(judge._unclear(drilled, Done("llm", "", err, code), silent=False))
    assert bool(found) is unclear


def _fault(name: str, times: int = 1) -> Fault:
    return Fault(name, "somehow", lambda world: None, times, (), empty=False)


def test_the_table_has_a_line_for_each_fault(tmp_path: Path) -> None:
    """A fault that can't be run is in the table with the reason; what is lost stands out."""
    rows = [
        Row(_fault("good | well"), [Verdict(said="Error: x")]),
        Row(_fault("bad"), [Verdict(1, 2, ("index",), ("trouble",))]),
        Row(_fault("none"), not_run="no strace"),
    ]
    page = tmp_path / "page.md"
    page.write_text(f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n", "utf-8")
    table.written(page, table.table(rows))
    lines = page.read_text("utf-8").splitlines()
    assert lines[0] == "before"
    assert lines[-1] == "after"
    assert "old" not in lines
    assert [line for line in lines if line.startswith("| ")][2:] == [
        "| good \\| well | somehow | 1 | 0 | 0 | yes | Error: x |",
        "| bad | somehow | 1 | **1** | **2** | **no** | **trouble** |",
        "| none | somehow | 0 |  |  |  | not run: no strace |",
    ]


def test_every_fault_has_its_first_run_before_any_has_its_second() -> None:
    """The time that there is goes to every fault first."""
    rows = [Row(_fault("a", 3)), Row(_fault("b", 1)), Row(_fault("c", 2), not_run="no root"), Row(_fault("d", 2))]
    assert [(row.fault.name, number) for row, number in _turns(rows)] == [
        ("a", 0),
        ("b", 0),
        ("d", 0),
        ("a", 1),
        ("d", 1),
        ("a", 2),
    ]


def test_a_process_that_hangs_is_found(drilled: World) -> None:
    """A process that does not end is killed, and is remembered as hung."""
    running = drilled.start([sys.executable, "-c", "import time; time.sleep(60)"])
    running.end(0.2)
    assert running.hung
    assert running.code == -9
