"""No clock bends a session's order: exchanges stay in the order in which they were logged, and keep their numbers."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import llm
import pytest
from llm import utils

from llm_session_memory import Memory
from tests.conftest import Command
from tests.world.logs import START, LogBuilder, Said
from tests.world.scripted import Broken, Script

JUMPS = (0, -1, -0.9, 24, 1, -8760, 2)
"""The hours by which the clock is wrong at each prompt."""

ODD = {
    "a year ahead": "01wdg367n38e1f3zw4jx52jwex",
    "the end of time": "7" + "z" * 25,
    "the end of time in capitals": "7" + "Z" * 25,
    "no ULID": "zz-turn",
}

Clock = Callable[[float], None]


@pytest.fixture(name="clock")
def _clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Set llm's clock wrong by some hours, as in a process of its own that has made no id yet."""

    class Wrong:
        hours = 0.0

        @classmethod
        def time_ns(cls) -> int:
            return time.time_ns() + round(cls.hours * 3_600_000_000_000)

    def jump(hours: float) -> None:
        Wrong.hours = hours
        monkeypatch.setattr(utils, "_last", None)

    monkeypatch.setattr(utils, "time", Wrong)
    return jump


def asked(llm_: Command, name: str = "work") -> list[str]:
    """Return the prompts of a session in order."""
    shown = json.loads(llm_("sessions", "show", name, "--json").ok().out)["exchanges"]
    assert [one["number"] for one in shown] == [*range(1, len(shown) + 1)]
    return [one["prompt"] for one in shown]


def recorded(log: Path) -> list[tuple[str, int]]:
    """Return id and number of the recorded turns as they were logged."""
    with sqlite3.connect(log) as db:
        rows = db.execute("select turn_id, number from memory_contexts order by rowid").fetchall()
    return [(str(id_), int(number)) for id_, number in rows]


def test_a_clock_that_jumps_changes_nothing(llm_: Command, log: Path, script: Script, clock: Clock) -> None:
    """However the clock jumps between prompts, they are sent and shown as they were said, all in one block."""
    texts = [f"Prompt {number}" for number, _ in enumerate(JUMPS, 1)]
    for text, hours in zip(texts, JUMPS, strict=True):
        clock(hours)
        llm_("-m", "scripted", "--session", "work", text).ok()
    assert [text for role, text in script.texts() if role == "user"] == texts
    assert asked(llm_) == texts
    ids, numbers = zip(*recorded(log), strict=True)
    assert [*ids] == sorted(set(ids))
    assert [*numbers] == [*range(1, len(texts) + 1)]
    with sqlite3.connect(log) as db:
        assert db.execute("select count(*) from memory_blocks").fetchone() == (1,)
    logged = json.loads(llm_("logs", "-n", "0", "--json").ok().out)
    assert [row["prompt"] for row in logged] == texts


def test_pins_and_numbers_keep_their_meaning(llm_: Command, script: Script, clock: Clock) -> None:
    """An exchange that is pinned and named by its number stays the same one after the clock went back."""
    for text in ("One", "Two"):
        llm_("-m", "scripted", "--session", "work", text).ok()
    llm_("sessions", "pin", "work", "2").ok()
    clock(-1)
    llm_("--session", "work", "Three").ok()
    shown = json.loads(llm_("sessions", "show", "work", "--from", "2", "--to", "2", "--json").ok().out)["exchanges"]
    assert [(one["prompt"], one["pinned"]) for one in shown] == [("Two", True)]
    fragment = llm_("-m", "scripted", "-f", "session:work:1-2", "Summarise").ok()
    assert fragment.code == 0
    assert "Three" not in script.texts()[-1][1]


@pytest.mark.parametrize("way", ["chat", "tools", "program", "async", "async tools", "retry"])
def test_every_way_to_prompt_keeps_the_order(llm_: Command, log: Path, script: Script, clock: Clock, way: str) -> None:
    """A chat, a tool loop, a program, an asynchronous model and a prompt sent again come after all before them."""
    llm_("-m", "scripted", "--session", "work", "First").ok()
    clock(-1)
    if way == "chat":
        llm_("chat", "--session", "work", input="Second\nThird\nquit\n").ok()
    elif way == "tools":
        llm_("-m", "echo", "--session", "work", "-T", "llm_version", _with_a_call("Second")).ok()
    elif way == "async tools":
        llm_("-m", "echo", "--session", "work", "--async", "-T", "llm_version", _with_a_call("Second")).ok()
    elif way == "async":
        done = llm_("--session", "work", "--async", "--json", "Second").ok()
        assert json.loads(done.out)[0]["id"] == recorded(log)[-1][0]
    elif way == "retry":
        script.replies = ["Noted.", Broken("Half a reply.", 1, RuntimeError("gone")), "Whole."]
        assert llm_("--session", "work", "Second").code == 1
        clock(-2)
        llm_("sessions", "retry", "work").ok()
    else:
        with Memory(log) as memory:
            memory.conversation("work").prompt("Second").text()
    first, second, *_ = asked(llm_)
    assert first == "First"
    assert "Second" in second
    ids = [id_ for id_, _ in recorded(log)]
    assert ids == sorted(set(ids))


def _with_a_call(text: str) -> str:
    return json.dumps({"prompt": text, "tool_calls": [{"name": "llm_version", "arguments": {}}]})


def test_what_another_terminal_logs_meanwhile_comes_before(
    llm_: Command, log: Path, script: Script, clock: Clock
) -> None:
    """A prompt that is answered while ours streams keeps its number; ours gets the next one, with any clocks."""

    def meanwhile(hours: float) -> Callable[[Any], str]:
        def reply(prompt: Any) -> str:
            clock(hours)
            llm_("--session", "work", "Meanwhile").ok()
            return "Noted."

        return reply

    llm_("-m", "scripted", "--session", "work", "First").ok()
    for hours in (24, -1):
        script.replies = [*["Noted."] * len(script.seen), meanwhile(hours), "Noted."]
        llm_("--session", "work", "Ours").ok()
    assert asked(llm_) == ["First", "Meanwhile", "Ours", "Meanwhile", "Ours"]
    assert [number for _, number in recorded(log)] == [1, 2, 3, 4, 5]
    llm_("--session", "work", "Last").ok()
    assert [text for role, text in script.texts() if role == "user"] == [*asked(llm_)]


def test_a_plain_prompt_in_the_thread_stays_where_it_was_said(llm_: Command, script: Script, clock: Clock) -> None:
    """A plain `llm --cid` with a wrong clock comes between the session's prompts around it."""
    llm_("-m", "scripted", "--session", "work", "First").ok()
    thread = json.loads(llm_("sessions", "--json").ok().out)[0]["thread_id"]
    clock(-1)
    llm_("--cid", thread, "Plain").ok()
    clock(-2)
    llm_("--session", "work", "Last").ok()
    assert asked(llm_) == ["First", "Plain", "Last"]
    assert [text for role, text in script.texts() if role == "user"] == ["First", "Plain", "Last"]


@pytest.mark.parametrize("newest", ODD.values(), ids=ODD)
def test_any_newest_id_is_followed(llm_: Command, log: Path, script: Script, newest: str) -> None:
    """If the newest turn's id is far in the future, or no ULID at all, the next prompts come after it."""
    llm_("-m", "scripted", "--session", "work", "First").ok()
    with sqlite3.connect(log) as db:
        (id_,) = db.execute("select id from turns").fetchone()
        for table, column in {"turns": "id", "turn_search": "turn_id", "memory_contexts": "turn_id"}.items():
            db.execute(f"update {table} set {column} = ? where {column} = ?", (newest, id_))
        db.execute("update memory_contexts set exchange_turn_id = ?", (newest,))
    for text in ("Second", "Third"):
        llm_("--session", "work", text).ok()
    assert asked(llm_) == ["First", "Second", "Third"]
    assert [text for role, text in script.texts() if role == "user"] == ["First", "Second", "Third"]
    ids = [id_ for id_, _ in recorded(log)]
    assert ids == sorted(set(ids))


def test_ids_that_are_bent_already_are_read_as_they_were_logged(llm_: Command, log: Path, script: Script) -> None:
    """A log in which an earlier clock went back is read in the order of logging, and goes on; also after a VACUUM."""
    with LogBuilder(log) as made:
        thread = made.thread()
        for text, hours in (("One", 0), ("Two", -1), ("Three", -0.9)):
            made.turns(thread, Said(text, at=START + timedelta(hours=hours)))
    llm_("sessions", "name", thread, "work").ok()
    with sqlite3.connect(log) as db:
        attempt = "insert into memory_attempts values (?, ?, 'scripted', 'Failed', 'gone', '', ?, null, '{}', null)"
        ids = [id_ for (id_,) in db.execute("select id from turns order by rowid")]
        db.execute(attempt, (ids[1] + "-", thread, START.isoformat()))
        db.commit()
        db.execute("vacuum")
    llm_("-m", "scripted", "--session", "work", "Four").ok()
    assert asked(llm_) == ["One", "Two", "Three", "Four"]
    assert [text for role, text in script.texts() if role == "user"] == ["One", "Two", "Three", "Four"]
    shown = llm_("sessions", "show", "work").ok().out
    assert shown.index("Two") < shown.index("Failed") < shown.index("Three")
    exported = llm_("sessions", "export", "work").ok().out.splitlines()
    assert ["attempt" in line for line in map(json.loads, exported[1:])] == [False, False, True, False, False]


def test_a_failed_prompt_comes_last(llm_: Command, log: Path, script: Script, clock: Clock) -> None:
    """A prompt that fails while the clock is wrong comes after the exchanges before it, from its beginning."""
    llm_("-m", "scripted", "--session", "work", "First").ok()
    clock(-1)
    open_: list[str] = []

    def reply(prompt: object) -> str:
        with sqlite3.connect(log) as db:
            open_.extend(id_ for (id_,) in db.execute("select id from memory_attempts"))
        return Broken("Half a reply", 1, RuntimeError("gone"))

    script.replies = [reply]
    llm_("--session", "work", "Second")
    with sqlite3.connect(log) as db:
        (after,) = db.execute("select a.id > t.id from memory_attempts a, turns t where a.id = ?", open_).fetchone()
    assert after


def test_a_merged_log_keeps_each_session_in_order(
    llm_: Command, log: Path, tmp_path: Path, script: Script, clock: Clock
) -> None:
    """If another log's rows are added by SQL, each session goes on in its own order, and shared ones side by side."""
    for text in ("One", "Two"):
        llm_("-m", "scripted", "--session", "work", text).ok()
    other = tmp_path / "other.db"
    other.write_bytes(log.read_bytes())
    clock(-1)
    llm_("--session", "work", "Here").ok()
    clock(-48)
    llm_("--session", "work", "There", "-d", str(other)).ok()
    with sqlite3.connect(log) as db:
        db.execute("attach ? as other", (str(other),))
        for table in ("messages", "turns"):
            db.execute(f"insert or ignore into {table} select * from other.{table}")
        for message, position, kind, text in db.execute("select message_hash, position, type, text from other.parts"):
            row = (message, position, kind, text)
            db.execute("insert or ignore into parts (message_hash, position, type, text) values (?, ?, ?, ?)", row)
    llm_("--session", "work", "Last").ok()
    assert asked(llm_) == ["One", "Two", "Here", "There", "Last"]
    assert [text for role, text in script.texts() if role == "user"] == ["One", "Two", "Here", "There", "Last"]


@pytest.mark.parametrize("at", ["2020-01-01T00:00:00", "2099-01-01T00:00:00", ""])
def test_an_imported_session_goes_on_in_order(
    llm_: Command, script: Script, clock: Clock, tmp_path: Path, at: str
) -> None:
    """Dates of last year, of the future, or none: what is said after the import comes after it, with any clock."""
    file = tmp_path / "old.jsonl"
    dated = {"datetime_utc": at} if at else {}
    file.write_text(
        "".join(json.dumps({"prompt": one, "response": "Yes.", **dated}) + "\n" for one in ("Old", "Older"))
    )
    llm_("sessions", "import", str(file), "--as", "work").ok()
    for text, hours in (("New", -1), ("Newer", -2)):
        clock(hours)
        llm_("-m", "scripted", "--session", "work", text).ok()
    assert asked(llm_) == ["Old", "Older", "New", "Newer"]
    assert [text for role, text in script.texts() if role == "user"] == ["Old", "Older", "New", "Newer"]


def test_a_recovered_reply_comes_last(llm_: Command, log: Path, script: Script, tmp_path: Path) -> None:
    """A reply that is added from a file comes after what was logged since, so that no number changes."""
    llm_("-m", "scripted", "--session", "work", "First").ok()
    with Memory(log) as memory:
        thread = memory.sessions.get("work").thread_id
        response = llm.get_model("scripted").conversation().prompt("Lost")
        response.text()
        data = {"session": "work", "thread_id": thread, "responses": [{**response.to_dict(), "duration_ms": 5}]}
    kept = tmp_path / "kept.json"
    kept.write_text(json.dumps(data, default=str), "utf-8")
    llm_("--session", "work", "Since").ok()
    llm_("sessions", "recover", str(kept)).ok()
    assert asked(llm_) == ["First", "Since", "Lost"]


def test_an_asynchronous_program_keeps_the_order(log: Path, script: Script, llm_: Command, clock: Clock) -> None:
    """Two prompts of a program that are answered at once both come after what was there, each with its own number."""
    llm_("-m", "scripted", "--session", "work", "First").ok()
    clock(-1)

    async def both(memory: Memory) -> None:
        conversation = memory.conversation("work", async_=True)
        responses = [await conversation.prompt(text) for text in ("Second", "Third")]
        for response in responses:
            await response.text()

    with Memory(log) as memory:
        asyncio.run(both(memory))
    assert asked(llm_) == ["First", "Second", "Third"]
    assert [number for _, number in recorded(log)] == [1, 2, 3]
