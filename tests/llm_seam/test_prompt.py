"""`llm --session NAME "..."`: create a session, continue one, and change nothing without the flag."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from pathlib import Path

import pytest

from llm_session_memory.memory import Memory
from llm_session_memory.store import sealing
from tests.conftest import Command
from tests.world import fresh_llm
from tests.world.scripted import Script

NAME_RULE = "A name has 1 to 200 printable characters, not only spaces, and no “/”.\n"


def test_creation_is_reported_on_stderr_once(llm_: Command, script: Script) -> None:
    """The first prompt reports on stderr that it created the session. stdout always has only the reply."""
    script.replies = ["One.", "Two."]
    first = llm_("-m", "scripted", "--session", "work", "First").ok()
    second = llm_("--session", "work", "Second").ok()
    assert (first.out, first.err) == ("One.\n", "session work: created with scripted\n")
    assert (second.out, second.err) == ("Two.\n", "")


def test_model_system_prompt_and_options_are_kept(llm_: Command, script: Script) -> None:
    """Later prompts use the model, the system prompt and the options that the session was created with."""
    llm_("-m", "other", "-s", "Be brief.", "-o", "mood", "glad", "--session", "work", "First").ok()
    llm_("--session", "work", "Second").ok()
    shown = json.loads(llm_("sessions", "show", "work", "--json").ok().out)
    assert [turn["model"] for exchange in shown["exchanges"] for turn in exchange["turns"]] == ["other", "other"]
    assert script.systems == ["Be brief.", "Be brief."]
    assert script.options == [{"num_predict": None, "mood": "glad"}] * 2


def test_a_request_extends_the_previous_one(llm_: Command, script: Script) -> None:
    """Each request consists of the previous request, its reply and the new prompt."""
    script.replies = ["One.", "Two.", "Three."]
    for text in ("First", "Second", "Third"):
        llm_("-m", "scripted", "--session", "work", "-s", "Be brief.", text).ok()
    assert script.texts(0) == [("system", "Be brief."), ("user", "First")]
    assert script.texts(1) == [*script.texts(0), ("assistant", "One."), ("user", "Second")]
    assert script.texts(2) == [*script.texts(1), ("assistant", "Two."), ("user", "Third")]


def test_the_environment_names_a_session(llm_: Command, script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """LLM_SESSION does the same as --session, for a prompt and for a chat. --session takes precedence."""
    monkeypatch.setenv("LLM_SESSION", "work")
    assert llm_("-m", "scripted", "First").ok().err == "session work: created with scripted\n"
    llm_("chat", input="Second\nquit\n").ok()
    assert script.texts() == [("user", "First"), ("assistant", "Noted."), ("user", "Second")]
    assert llm_("-m", "scripted", "--session", "play", "Third").ok().err == "session play: created with scripted\n"
    assert script.texts() == [("user", "Third")]


def test_an_empty_environment_variable_is_ignored(
    llm_: Command, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty LLM_SESSION counts as unset."""
    monkeypatch.setenv("LLM_SESSION", "")
    assert llm_("-m", "scripted", "First").ok().err == ""
    assert llm_("sessions", "list", "--json").ok().out == "[]\n"


def test_a_name_is_the_same_in_any_case(llm_: Command, script: Script) -> None:
    """Names are unique regardless of case, and spaces around them are ignored."""
    llm_("-m", "scripted", "--session", "Work", "First").ok()
    assert llm_("--session", "  wORK ", "Second").ok().err == ""
    assert script.texts() == [("user", "First"), ("assistant", "Noted."), ("user", "Second")]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("", "A session name can't be blank. ", id="empty"),
        pytest.param(" \t ", "A session name can't be blank. ", id="blanks"),
        pytest.param("a/b", "The session name “a/b” contains a “/”. ", id="slash"),
        pytest.param("a\x07b", "That session name contains unprintable characters (U+0007). ", id="control"),
        pytest.param("a\u200bb", "That session name contains unprintable characters (U+200B). ", id="invisible"),
        pytest.param("x" * 201, "That session name is 201 characters long. ", id="long"),
    ],
)
def test_a_name_that_breaks_the_rules_is_refused(
    llm_: Command, script: Script, log: Path, name: str, message: str
) -> None:
    """A name has 1 to 200 printable characters without “/”, not only spaces; otherwise nothing is sent or written."""
    done = llm_("-m", "scripted", "--session", name, "Hello")
    assert (done.out, done.err, done.code) == ("", f"Error: {message}{NAME_RULE}", 1)
    assert script.seen == []
    assert not log.exists()


@pytest.mark.parametrize("name", ["x" * 200, "Brücke über den Tejo", "橋", "a.b~c:d", "-dash"])
def test_any_printable_name_is_accepted(llm_: Command, script: Script, name: str) -> None:
    """A session with any printable name without “/” can be continued."""
    assert llm_("-m", "scripted", f"--session={name}", "Hello").ok().err == f"session {name}: created with scripted\n"
    assert llm_(f"--session={name}", "Hello").ok().err == ""


def test_a_similar_name_is_created_with_a_question(llm_: Command, script: Script) -> None:
    """A session whose name is close to an existing one is still created, with “did you mean” on stderr."""
    llm_("-m", "scripted", "--session", "bridge", "Hello").ok()
    done = llm_("-m", "scripted", "--session", "brigde", "Hello").ok()
    assert done.err == "session brigde: created with scripted (did you mean bridge?)\n"
    assert llm_("-m", "scripted", "--session", "paint", "Hello").ok().err == "session paint: created with scripted\n"


def test_a_new_session_with_the_name_of_a_sealed_one_says_so(llm_: Command, script: Script) -> None:
    """Who forgot that a session is sealed would go on without its history."""
    llm_("-m", "scripted", "--session", "play", "Hello").ok()
    with Memory() as memory, memory.desk.writing():
        sealing.add(memory.desk.log, sealing.Sealed("gone", "work", "w.age", "", 3, None, None, ""))
    done = llm_("-m", "scripted", "--session", "work", "Hello").ok()
    told = "a sealed session of this name is brought back with: llm sessions unseal w.age --as NAME"
    assert done.err == f"session work: created with scripted; {told}\n"


@pytest.mark.parametrize("typed", ["prefixed", "ollama/prefixed"])
def test_a_model_of_ollama_needs_no_prefix(llm_: Command, script: Script, typed: str) -> None:
    """In a session, a model id that llm does not know is tried as one of Ollama's, in prompts and chats."""
    assert llm_("-m", typed, "--session", "work", "Hello").ok().err == "session work: created with ollama/prefixed\n"
    chat = llm_("chat", "-m", typed, "--session", "talk", input="Hello\nquit\n").ok()
    assert chat.err == "session talk: created with ollama/prefixed\n"


def test_an_unknown_model(llm_: Command, script: Script) -> None:
    """An unknown model is an error that says how to list the models; with -n, no session is created."""
    done = llm_("-m", "nosuch", "--session", "work", "-n", "Hello")
    assert (done.out, done.code) == ("", 1)
    assert done.err == (
        "Error: Model “nosuch” not found. If it is an Ollama model, check that the Ollama server is running. "
        "List models with: llm models\n"
    )
    gone = llm_("-m", "ollama/nosuch", "--session", "work", "-n", "Hello")
    assert gone.err == (
        "Error: Model “ollama/nosuch” not found. Check that the Ollama server is running and llm-ollama is installed. "
        "List models with: llm models\n"
    )
    assert llm_("sessions", "list", "--json").ok().out == "[]\n"


def test_the_sessions_model_takes_precedence_over_the_defaults(
    llm_: Command, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new session takes LLM_MODEL or llm's default, and keeps that model even if the defaults change."""
    llm_("models", "default", "scripted").ok()
    assert llm_("--session", "one", "Hello").ok().err == "session one: created with scripted\n"
    monkeypatch.setenv("LLM_MODEL", "other")
    assert llm_("--session", "two", "Hello").ok().err == "session two: created with other\n"
    llm_("--session", "one", "Again").ok()
    shown = json.loads(llm_("sessions", "show", "one", "--json").ok().out)
    assert [exchange["turns"][0]["model"] for exchange in shown["exchanges"]] == ["scripted", "scripted"]


def test_pruning_is_reported_once(llm_: Command, script: Script) -> None:
    """When pruning begins, one line on stderr says what happened and which command shows more. It is not repeated."""
    told = []
    for number in range(12):
        text = (
            f"Number {number}: the ferry leaves the harbour at noon and is back before the rain comes in from the sea."
        )
        told.append(llm_("-m", "scripted", "--session", "work", "--max-context-tokens", "150", text).ok().err)
    assert told[0] == "session work: created with scripted\n"
    lines = [line for line in told[1:] if line]
    assert len(lines) == 1
    assert re.fullmatch(
        r"session work: The session no longer fits in 150 tokens: exchanges #1 to #\d stay in the log, and only the "
        r"parts relevant to a prompt are sent\. See: llm sessions context work\n",
        lines[0],
    )
    assert len(json.loads(llm_("sessions", "show", "work", "--json").ok().out)["exchanges"]) == 12


def test_every_prompt_of_a_chat_is_bounded(llm_: Command, script: Script) -> None:
    """In a chat no request exceeds the budget, as the model itself counts. The log keeps every exchange."""
    script.count = lambda text: -(-len(text) // 4)
    lines = [f"Line {number}: the deadline of the bridge has been moved by {number} days." for number in range(40)]
    done = llm_(
        *("chat", "-m", "scripted", "--session", "work", "--max-context-tokens", "300"),
        input="\n".join([*lines, "quit"]),
    ).ok()
    assert done.out.count("Noted.") == 40
    sent = [sum(script.count(text) + 4 for _, text in script.texts(call)) for call in range(40)]
    assert max(sent[2:]) <= 300  # before the first counts the estimate is a guess
    assert max(sent) > 200
    assert "exchanges  " in llm_("sessions", "list").ok().out
    assert json.loads(llm_("sessions", "list", "--json").ok().out)[0]["exchanges"] == 40


def _tables(log: Path) -> dict[str, int]:
    with sqlite3.connect(log) as database:
        names = [row[0] for row in database.execute("select name from sqlite_master where type = 'table'")]
        return {name: database.execute(f'select count(*) from "{name}"').fetchone()[0] for name in names}


EACH = """
from click.testing import CliRunner
from llm.cli import cli

def done(arguments, typed):
    done = CliRunner().invoke(cli, arguments, input=typed)
    return done.exit_code, done.stdout, done.stderr

found = [in_fork(lambda: done(*one)) for one in work]
"""
"""Runs each command in a fork of a process that has loaded llm with the plugins that its environment names."""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="each command runs in a fork")
def test_without_the_flag_nothing_changes(
    forking: None, home: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A prompt, -c, a chat and the log's tables are the same without --session as without the plugin."""
    commands = [
        (("-m", "echo", "Hello", "-s", "Be brief."), ""),
        (("-c", "Again"), ""),
        (("chat", "-c"), "One more\nquit\n"),
        (("logs", "list", "-n", "0", "--short"), ""),
    ]
    seen = []
    for plugins in ("llm-echo", "llm-echo,llm-session-memory"):
        log.unlink(missing_ok=True)
        monkeypatch.setenv("LLM_LOAD_PLUGINS", plugins)
        outputs = []
        for code, out, err in fresh_llm.found_by(EACH, commands):
            stable = re.sub(r"\b01[0-9a-z]{24}\b|\d{4}-\d\d-\d\d[T ][\d:.]+|(?<=duration_ms: )\d+", "…", out)
            assert (code, bool(out)) == (0, True), err
            outputs.append((stable, err))
        assert len(outputs) == len(commands)
        seen.append((outputs, _tables(log), log.stat().st_mode))
    (plain, tables, mode), (ours, our_tables, our_mode) = seen
    for one, other in zip(plain, ours, strict=True):
        assert one == other
    assert (tables, mode) == (our_tables, our_mode)


def test_without_the_flag_nothing_is_ours_in_the_log(llm_: Command, script: Script, log: Path) -> None:
    """A prompt without a session, and reading the list of sessions, leave llm's log without any table of ours."""
    llm_("-m", "scripted", "Hello").ok()
    before = log.read_bytes()
    llm_("sessions").ok()
    assert log.read_bytes() == before
    assert not [name for name in _tables(log) if name.startswith("memory_")]
