"""Contracts with llm's log: its tables, what their rows mean, and how its writer behaves."""

from __future__ import annotations

import dataclasses
import sqlite3
from pathlib import Path
from typing import Any

import llm
import pytest
from llm.logs import LogStore
from llm.parts import Message, TextPart
from sqlite_utils import Database

from llm_session_memory.rules.records import PARTS
from llm_session_memory.store.schema import NEEDED
from tests.conftest import Command
from tests.contracts.sentences import changed
from tests.world.logs import START, Call, LogBuilder, Said
from tests.world.scripted import Broken, Script, ScriptedModel

NOVEL = llm.Fragment("Call me Ishmael. " * 20, "moby.txt")
LOOP = Said("What time is it?", "Noon.", calls=(Call("clock", {"zone": "Lisbon"}, "12:00"),))


def rows(path: Path, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Return the rows that a query finds in a log."""
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql, parameters).fetchall()
    finally:
        connection.close()


def chain(path: Path, tip: str) -> list[tuple[str, str]]:
    """Return role and text of the chain that ends at a message, as llm itself reads it."""
    found = LogStore(Database(path)).load_chain(tip)
    return [(message.role, "".join(getattr(part, "text", "") for part in message.parts)) for message in found]


def answered(script: Script, prompt: str = "When?", **parameters: Any) -> llm.Response:
    """Return a finished response that is not logged."""
    response = llm.Conversation(model=ScriptedModel("scripted", script)).prompt(prompt, **parameters)
    response.text()
    return response


@pytest.mark.parametrize("table", NEEDED)
def test_tables_have_the_columns_that_are_read(log: Path, table: str) -> None:
    """llm's migrations create every table and column that our statements read."""
    with LogBuilder(log) as built:
        there = set(built.db[table].columns_dict)
    missing = ", ".join(sorted(NEEDED[table] - there))
    assert not missing, changed(f"its table {table} has no {missing}", "store/sql/ and reader/sql/")


def test_a_turn_lies_between_parent_and_tip(log: Path, llm_: Command, script: Script) -> None:
    """parent_message_hash ends the chain that was sent; tip_message_hash ends it with the reply."""
    llm_("-m", "scripted", "-s", "Be brief.", "We build a bridge.").ok()
    llm_("-c", "When?").ok()
    broken = changed("a turn's parent is not the end of what was sent, or its tip not of the reply", "store/sql/")
    (parent, tip) = rows(log, "select parent_message_hash, tip_message_hash from turns order by id desc")[0]
    assert chain(log, parent) == script.texts(), broken
    assert chain(log, tip) == [*script.texts(), ("assistant", "Noted.")], broken


def test_a_turns_own_input_is_the_trailing_run(log: Path) -> None:
    """In a loop each turn's new input is what follows the last reply: first the prompt, then the tool's results."""
    with LogBuilder(log) as built:
        built.turns(built.thread(), Said("Hello."), LOOP)
        parents = [row["parent_message_hash"] for row in built.db.query("select * from turns order by id")]
        roles = [[m.role for m in LogStore(built.db).load_chain(parent)] for parent in parents]
    assert roles == [
        ["user"],
        ["user", "assistant", "user"],
        ["user", "assistant", "user", "assistant", "tool"],
    ], changed(
        "a tool loop is not logged as one turn per call, with its results as messages of role tool", "store/sql/"
    )


def test_ids_sort_by_creation(log: Path, script: Script) -> None:
    """Turn ids are ULIDs in lower case, and a later one is greater, even within a millisecond."""
    ids = [answered(script).id for _ in range(50)]
    broken = changed("a response's id is not a ULID in order of creation", "store/sql/turns_of_thread.sql")
    assert ids == sorted(set(ids)), broken
    assert all(len(id_) == 26 and id_ == id_.lower() for id_ in ids), broken
    response = answered(script)
    response.log_to_db(Database(log))
    assert rows(log, "select id from turns") == [(response.id,)], changed(
        "a turn's id is not its response's", "llm_seam/record.py"
    )


def test_a_thread_is_the_conversation(log: Path, script: Script) -> None:
    """The thread's id is conversation.id, whoever set it, and its tip follows the newest logged turn."""
    response = answered(script)
    response.conversation.id = "01kaz3g5t2qhx7p0a8v9w4m6cd"  # type: ignore[union-attr]
    response.log_to_db(Database(log))
    found = rows(log, "select t.thread_id, th.tip_message_hash = t.tip_message_hash from turns t, threads th")
    assert found == [("01kaz3g5t2qhx7p0a8v9w4m6cd", 1)], changed(
        "a turn is not logged into the thread of its conversation's id", "llm_seam/prompted.py"
    )


def test_logging_is_all_or_nothing(log: Path, script: Script) -> None:
    """If logging fails half-way, nothing of the response is in the log."""
    with LogBuilder(log) as built:
        built.db.execute("create trigger t before insert on turns begin select raise(abort, 'no turns today'); end")
    database = Database(log)
    with pytest.raises(sqlite3.Error, match="no turns today"):
        answered(script).log_to_db(database)
    database.close()
    assert rows(log, "select count(*) from messages") == [(0,)], changed(
        "log_to_db() leaves messages behind when it fails", "llm_seam/record.py"
    )


def test_logging_joins_a_transaction(log: Path, script: Script) -> None:
    """log_to_db() inside a transaction neither commits nor ends it: after a rollback nothing is left."""
    LogBuilder(log).db.close()
    database = Database(log)
    database.conn.execute("begin immediate")
    answered(script).log_to_db(database)
    broken = changed("log_to_db() ends the transaction that it is called in", "llm_seam/record.py")
    assert database.conn.in_transaction, broken
    database.conn.execute("rollback")
    database.close()
    assert rows(log, "select count(*) from turns") == [(0,)], broken


def test_chains_are_stored_with_references_to_fragments(log: Path) -> None:
    """LogStore.ensure_chain(fragments=…) stores their text by reference, and llm reads it whole."""
    database = Database(log)
    tip = LogStore(database).ensure_chain([Message("user", [TextPart(f"{NOVEL}\nSum it up.")])], fragments=[str(NOVEL)])
    broken = changed("LogStore.ensure_chain(fragments=) does not store fragments by reference", "llm_seam/record.py")
    assert rows(log, "select text, payload like '%text_ref%' from parts") == [(None, 1)], broken
    assert rows(log, "select content from fragments") == [(str(NOVEL),)], broken
    assert chain(log, str(tip)) == [("user", f"{NOVEL}\nSum it up.")], broken


def test_a_stored_message_is_not_written_again(log: Path, script: Script) -> None:
    """A chain stored with references stays so when log_to_db() meets it again without its fragments."""
    database = Database(log)
    old = [Message("user", [TextPart(f"{NOVEL}\nSum it up.")]), Message("assistant", [TextPart("A whale.")])]
    LogStore(database).ensure_chain(old, fragments=[str(NOVEL)])
    answered(script, "And then?", messages=old).log_to_db(database)
    assert rows(log, "select count(*) from parts where text like '%Ishmael%'") == [(0,)], changed(
        "log_to_db() writes messages again that are already stored", "llm_seam/record.py"
    )


def test_fragments_of_a_prompt_are_listed_with_its_turn(log: Path, script: Script) -> None:
    """Fragments given to a prompt are listed in turn_fragments in order, as kind `prompt`, each with its source."""
    second = llm.Fragment("The deadline is 4 May.", "notes.txt")
    answered(script, "Sum it up.", fragments=[NOVEL, second]).log_to_db(Database(log))
    found = rows(
        log,
        'select f.source, tf.kind from turn_fragments tf join fragments f on f.id = tf.fragment_id order by tf."order"',
    )
    assert found == [("moby.txt", "prompt"), ("notes.txt", "prompt")], changed(
        "a prompt's fragments are not listed in turn_fragments", "store/history.py"
    )


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(RuntimeError("the server is gone"), id="at_once"),
        pytest.param(Broken("We will finish on", 2, RuntimeError("the server is gone")), id="half_way"),
    ],
)
def test_a_failed_call_is_not_logged(log: Path, llm_: Command, script: Script, reply: Any) -> None:
    """llm logs nothing of a failed call; our attempt is the only record."""
    script.replies = [reply]
    assert llm_("-m", "scripted", "When?").code == 1
    assert rows(log, "select count(*) from turns") == [(0,)], changed(
        "a failed call is logged as a turn, so it would be kept twice", "llm_seam/attempts.py"
    )


def test_continue_takes_the_newest_thread(log: Path, llm_: Command, script: Script) -> None:
    """llm -c continues the thread with the highest id in `threads`, not the one used last."""
    with LogBuilder(log) as built:
        first = built.thread()
        built.turns(first, Said("First.", at=START))
        built.turns(built.thread(), Said("Second."))
        built.turns(first, Said("First again."))
    llm_("-c", "Go on.").ok()
    found = rows(log, "select thread_id from turns order by rowid desc limit 1")
    newest = rows(log, "select max(id) from threads")
    assert found == newest, changed(
        "`llm -c` does not take the newest of `threads`", "llm_seam (sessions are found by name, never by this)"
    )


def test_a_plain_prompt_joins_the_session(llm_: Command, script: Script) -> None:
    """A turn that plain `llm --cid` adds to a session's thread becomes part of the session and is sent."""
    llm_("-m", "scripted", "--session", "work", "We build a bridge.").ok()
    thread = llm_("sessions", "show", "work").ok().out.splitlines()[2].rsplit(" ", 1)[-1]
    llm_("--cid", thread, "The deadline is 4 May.").ok()
    llm_("--session", "work", "When is it?").ok()
    assert script.texts() == [
        ("user", "We build a bridge."),
        ("assistant", "Noted."),
        ("user", "The deadline is 4 May."),
        ("assistant", "Noted."),
        ("user", "When is it?"),
    ], changed("`llm --cid` does not log into the thread it is given", "store/history.py")


@pytest.mark.parametrize("kind", sorted(PARTS))
def test_a_file_has_a_field_for_every_field_of_a_part(kind: str) -> None:
    """Exports write and imports read each field of a part of llm."""
    made = {
        "text": llm.parts.TextPart,
        "reasoning": llm.parts.ReasoningPart,
        "tool_call": llm.parts.ToolCallPart,
        "tool_result": llm.parts.ToolResultPart,
        "attachment": llm.parts.AttachmentPart,
    }
    missing = {field.name for field in dataclasses.fields(made[kind])} - set(PARTS[kind])
    assert not missing, changed(f"a {kind} part has {', '.join(missing)}", "rules/records.py")
