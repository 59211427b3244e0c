"""Traces: texts of deleted exchanges in requests that stay are found and blanked, and llm's hashes stay valid."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import llm
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.model import Recalled, Target
from llm_session_memory.rules import fences
from llm_session_memory.services.bundle import Services
from llm_session_memory.store import Log, Requests
from llm_session_memory.store.history import chain_as_said, exchange_turns, exchanges
from llm_session_memory.store.index import Index
from llm_session_memory.store.message_parts import Messages
from tests.conftest import Command
from tests.store.test_deletion import checked
from tests.world.everything import World
from tests.world.laws import tried
from tests.world.logs import Call, LogBuilder, Said
from tests.world.scripted import Script


def everything_in(path: Path) -> str:
    """Return all rows of a log as text, except those of full-text indexes."""
    with closing(sqlite3.connect(path)) as connection:
        names = [name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]
        names = [name for name in names if "_fts" not in name and not name.startswith("memory_words")]
        return str([connection.execute(f"select * from [{name}]").fetchall() for name in names])


def test_hashes_are_those_of_llm(world: World) -> None:
    """Every message of a log with one of everything gets the hash that llm gave it."""
    with closing(Log.open(world.path)) as log:
        messages = Messages(log)
        found = messages.read(log.rows("select * from messages"))
        assert found
        assert {messages.hash(one, one.parent) for one in found.values()} == {*found}


said = st.builds(
    lambda number, calls, files, system: Said(
        f"prompt-{number}",
        f"reply-{number}",
        system,
        attachments=(llm.Attachment(type="text/plain", content=f"file-{number}".encode()),) if files else (),
        calls=(Call("look", {"of": f"argument-{number}"}, f"result-{number}"),) if calls else (),
    ),
    st.integers(100, 999),
    st.booleans(),
    st.booleans(),
    st.sampled_from([None, "Be brief."]),
)


@tried(100, few=6)
@given(
    st.lists(st.tuples(st.integers(0, 1), st.sampled_from(["turns", "unseen"]), said), min_size=1, max_size=7),
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 9)), min_size=1, max_size=3),
)
def test_nothing_that_was_said_is_left(steps: list[tuple[int, str, Said]], single: list[tuple[int, int]]) -> None:
    """With traces blanked, no table has a word of the deleted exchanges; all others are read as before."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "logs.db")
        with LogBuilder(path) as builder:
            threads = [builder.thread(), builder.thread()]
            prompts = {getattr(builder, how)(threads[number], one)[0]: one.prompt for number, how, one in steps}
        with Services.open(path) as services:
            services.desk.prepare()
            log = services.desk.log
            read = {one: [*exchange_turns(log, one)] for one in threads}
            gone = {read[threads[n]][place % len(read[threads[n]])][0] for n, place in single if read[threads[n]]}
            targets = [Target(one, tuple(ids[0] for ids in read[one] if ids[0] in gone)) for one in threads]
            planned = services.deletion.plan(targets)
            done = services.deletion.delete(targets, with_traces=True)
            assert done.traces == planned.traces
            assert done.blanked == len({one.turn_id for one in done.traces})
            left = {turn: prompt for turn, prompt in prompts.items() if turn not in gone}
            for thread in threads:
                assert [*exchange_turns(log, thread)] == [ids for ids in read[thread] if ids[0] not in gone]
            asked = dict(log.tuples("select turn_id, prompt from turn_search where prompt <> ''"))
            assert {turn: asked.get(turn) for turn in left} == left
            assert not services.deletion.delete([]).traces
        text = everything_in(path)
        for turn, prompt in prompts.items():
            number = prompt.removeprefix("prompt-")
            if turn in gone and prompt not in left.values():
                assert f"-{number}" not in text
        checked(path)


def test_an_excerpt_is_blanked_in_the_requests_that_had_it(log: Path, llm_: Command, script: Script) -> None:
    """An excerpt recalled from a deleted exchange is blanked in its request and in later ones; the session goes on."""
    filler = "The foundations of the bridge take longer than the planners of the harbour thought they would. " * 6
    script.replies = [f"Noted. {filler}"]
    llm_("--session", "work", "-m", "scripted", "--max-context-tokens", "900", "The password is zyxquartz.").ok()
    for number in range(6):
        llm_("--session", "work", f"Prompt {number}: {filler}").ok()
    llm_("--session", "work", "What is the password zyxquartz?").ok()
    llm_("--session", "work", "Go on.").ok()
    with Services.open(log) as services:
        target = Target(services.sessions.get("work").thread_id, (services.sessions.turn_ids("work")[0][0],))
        planned = services.deletion.plan([target])
        kinds = {(one.kind, one.number, one.of_number) for one in planned.traces}
        assert ("excerpt", 8, 1) in kinds
        assert ("history", 2, 1) in kinds
        done = services.deletion.delete([target], with_traces=True)
        assert done.blanked == len({one.turn_id for one in planned.traces}) > 1
        changed = services.desk.log.tuples("select turn_id from memory_changed")
        assert {turn for (turn,) in changed} == {one.turn_id for one in planned.traces}
    assert "The password is" not in everything_in(log)
    assert "[deleted]" in everything_in(log)
    checked(log)
    llm_("--session", "work", "And now?").ok()
    assert "The password is" not in json.dumps(script.texts())
    llm_("-c", "-m", "scripted", "And by llm itself?").ok()
    checked(log)


FIRST, SECOND = "[#1 user 2026-05-01] The password is zyxquartz.", "[#2 user 2026-05-01] The deadline is 4 May."


@pytest.mark.parametrize("older", [False, True], ids=["one fragment", "a fragment each, as in older logs"])
def test_the_other_excerpts_of_a_prompt_stay(log: Path, older: bool) -> None:
    """Of two excerpts of a prompt, only the one from the deleted exchange goes; the prompt stays as it was typed."""
    with LogBuilder(log) as builder:
        thread = builder.thread()
        source = f"session://{thread}"
        lines = {"opening": fences.OPENING, "#1": FIRST, "#2": SECOND, "closing": fences.CLOSING}
        whole = llm.Fragment("\n".join(lines.values()), f"{source}/excerpts")
        each = [
            llm.Fragment(text, f"session://{end}" if "#" not in end else f"{source}/{end}")
            for end, text in lines.items()
        ]
        told = Said("The password is zyxquartz.", "Noted."), Said("The deadline is 4 May.", "Noted.")
        turns = builder.turns(thread, *told)
        turns += builder.unseen(thread, Said("Which?", "Both.", fragments=tuple(each) if older else (whole,)))
    with Services.open(log) as services:
        services.desk.prepare()
        Index(services.desk.log).catch_up(thread)
        ids = services.desk.log.tuples("select turn_id, min(id) from memory_passages group by turn_id order by turn_id")
        found = [Recalled(passage, number, "prompt", "", 9, 1.0) for number, (_, passage) in enumerate(ids[:2], 1)]
        with services.writing():
            Requests(services.desk.log).add_recalls(turns[2], found)
        done = services.deletion.delete([Target(thread, (turns[0],))], with_traces=True)
        assert ("excerpt", turns[2]) in {(one.kind, one.turn_id) for one in done.traces}
        log_ = services.desk.log
        (left,) = log_.tuples(
            "select f.content from fragments f where f.source like 'session://%' and f.content like '%4 May%'"
        )
        assert SECOND in left[0]
        (asked, *_) = exchanges(log_, [(2, (turns[2],))])[0].messages
        assert asked.text == "Which?"
        sent, _ = chain_as_said(
            log_, log_.value("select parent_message_hash from turns where id = :id", {"id": turns[2]})
        )
        assert sent[-1].text == "Which?"
        assert log_.tuples("select number from memory_recalls") == [(2,)]
    assert "zyxquartz" not in everything_in(log)
    checked(log)


def test_another_conversation_with_the_same_messages_keeps_them(log: Path, llm_: Command, script: Script) -> None:
    """Two conversations that begin alike share messages; blanking them in one leaves the other as it is."""
    with LogBuilder(log) as builder:
        threads = [builder.thread(), builder.thread()]
        for thread in threads:
            builder.turns(thread, Said("Hello."), Said("How are you?"), Said("And now?"))
    with Services.open(log) as services:
        first = services.desk.log.value("select min(id) from turns where thread_id = :id", {"id": threads[0]})
        tip = "select tip_message_hash from threads where id = :id"
        before = services.desk.log.value(tip, {"id": threads[1]})
        done = services.deletion.delete([Target(threads[0], (first,))], with_traces=True)
        assert {one.number for one in done.traces} == {2, 3}
        assert services.desk.log.value(tip, {"id": threads[1]}) == before
        assert services.desk.log.value(tip, {"id": threads[0]}) != before
    checked(log)


def test_what_an_older_llm_logged_is_blanked_in_the_requests_that_had_it(
    log: Path, llm_: Command, script: Script
) -> None:
    """An exchange that only an older llm logged is sent as history when its session goes on; its copies are blanked."""
    with LogBuilder(log) as builder:
        thread = builder.thread()
        fragment = llm.Fragment("zyxquartz notes", "notes.txt")
        call = Call("look", {"of": "zyxquartz"}, "zyxquartz found")
        file = llm.Attachment(type="text/plain", content=b"a file")
        builder.responses(
            thread, Said("The password is zyxquartz.", "zyxquartz it is.", fragments=(fragment,), attachments=(file,))
        )
        builder.responses(thread, Said("Look for zyxquartz.", "zyxquartz again.", calls=(call,)), Said("Hello."))
    llm_("sessions", "name", thread, "work").ok()
    llm_("--session", "work", "-m", "scripted", "Go on.").ok()
    assert "The password is" in json.dumps(script.texts())
    with Services.open(log) as services:
        target = Target(thread, tuple(ids[0] for ids in services.sessions.turn_ids("work")[:2]))
        planned = services.deletion.plan([target])
        assert {(one.kind, one.number, one.of_number) for one in planned.traces} == {
            ("history", 4, 1),
            ("history", 4, 2),
        }
        assert services.deletion.delete([target], with_traces=True).blanked == 1
    assert "zyxquartz" not in everything_in(log)
    checked(log)
