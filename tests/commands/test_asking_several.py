"""`llm compare`: several models answer the same prompt, and a person says which answer is the best."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from llm.cli import cli

from llm_session_memory import register_commands
from llm_session_memory.commands import ranking_question
from llm_session_memory.memory import Memory
from tests.conftest import Command
from tests.world.scripted import Broken, Script

BOTH = ("compare", "-m", "scripted", "-m", "other")


@pytest.fixture(name="terminal")
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands of the test run on a terminal of 80 columns."""
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True)
    monkeypatch.setenv("COLUMNS", "80")


def test_each_answer_is_in_a_session_of_a_group(llm_: Command, script: Script, log: Path) -> None:
    """The answers come one below the other, with what each took; all options are those of `llm prompt`."""
    script.replies = ["On 4 May.", "In May."]
    script.count = len
    done = llm_(*BOTH, "-s", "Be brief.", "-o", "mood", "calm", "When?").ok()
    first, second = re.sub(r"\d+\.\d s", "N s", done.out).split("\n\n")[:2]
    assert first == "a · scripted\nOn 4 May.\n22 tokens in, 9 out · N s"
    assert second.startswith("b · other\nIn May.\n")
    assert script.systems == ["Be brief."] * 2
    assert [one["mood"] for one in script.options] == ["calm"] * 2
    (name,) = re.findall(r"Group “(compare-\d{4}-\d\d-\d\d-1)”", done.err)
    with Memory(log) as memory:
        sessions = [memory.sessions.of_thread(id_) for id_ in memory.groups.get(name).thread_ids]
        assert [one.name for one in sessions if one] == [f"{name}-scripted", f"{name}-other"]
        assert [one.settings.system for one in sessions if one] == ["Be brief."] * 2
        assert [one.settings.model for one in sessions if one] == ["scripted", "other"]
    again = llm_(*BOTH, "When?").ok()
    assert name.removesuffix("1") + "2" in again.err
    assert "side" not in done.out


def test_a_session_is_asked_in_forks(llm_: Command, script: Script, log: Path) -> None:
    """Each model has the session's history; the session itself goes on as if nothing had happened."""
    llm_("-m", "scripted", "--session", "work", "-o", "mood", "calm", "The deadline is 4 May.").ok()
    script.seen.clear()
    llm_(*BOTH, "--session", "work", "When?").ok()
    assert [script.texts(call)[0][1] for call in (0, 1)] == ["The deadline is 4 May."] * 2
    with Memory(log) as memory:
        assert len(memory.sessions.turn_ids("work")) == 1
        assert [len(memory.sessions.turn_ids(name)) for name in ("work-scripted", "work-other")] == [2, 2]
        assert memory.sessions.get("work-other").settings.model == "other"
    llm_(*BOTH, "--session", "work", "Where?").ok()
    assert "work-other-2" in llm_("sessions", "list").out


def test_text_that_was_piped_is_for_all_models(llm_: Command, script: Script) -> None:
    """Each model reads it from its beginning, before the prompt."""
    llm_(*BOTH, "Summarise", input="A long report.").ok()
    assert [script.texts(call)[-1][1] for call in (0, 1)] == ["A long report. Summarise"] * 2


def test_a_model_that_fails_leaves_the_others(llm_: Command, script: Script) -> None:
    """Its prompt is kept, the others answer, and the exit code is 1."""
    script.replies = [Broken("On 4 May.", 2, RuntimeError("out of memory")), "In May."]
    done = llm_(*BOTH, "--json", "When?")
    first, second = json.loads(done.out)["answers"]
    assert (first["error"], first["input_tokens"], done.code) == ("out of memory", None, 1)
    assert (second["text"], second["error"]) == ("In May.", None)
    assert "the prompt is kept" in done.err
    assert llm_("sessions", "attempts", first["session"]).ok().out


@pytest.mark.parametrize("place", [(), ("--session", "work")], ids=["new", "forks"])
def test_what_was_never_asked_leaves_nothing(llm_: Command, script: Script, log: Path, place: tuple[str, ...]) -> None:
    """A mistake in the prompt that llm finds leaves no sessions and no group; Ctrl-C leaves those that were asked."""
    llm_("-m", "scripted", "--session", "work", "Hello").ok()
    with Memory(log) as memory:
        memory.notes.add("work", "Be brief.")
    done = llm_(*BOTH, *place, "-f", "nowhere.txt", "When?")
    assert (done.out.count("Failed: Fragment 'nowhere.txt' not found"), done.code) == (2, 1)
    with Memory(log) as memory:
        assert (memory.sessions.names(), memory.groups.names()) == (["work"], [])
        assert (len(memory.sessions.turn_ids("work")), len(memory.notes.list("work"))) == (1, 1)
    script.replies = [KeyboardInterrupt()]
    assert llm_(*BOTH, *place, "--group", "g", "When?").code == 1
    with Memory(log) as memory:
        (asked,) = {*memory.sessions.names()} - {"work"}
        assert asked.endswith("-scripted")
        assert len(memory.groups.get("g").thread_ids) == 1


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("-m", "scripted", "Hello"), "Name 2 to 10 models"),
        (("-m", "scripted", "-m", "scripted", "Hello"), "The model “scripted” is named twice."),
        (("-m", "scripted", "-m", "other"), 'Give a prompt: llm compare -m MODEL -m MODEL "..."'),
        (("-m", "scripted", "-m", "other", "-o", "depth", "3", "Hello"), "None of these models has an option “depth”."),
        (("-m", "scripted", "-m", "gone", "Hello"), "Model “gone” not found."),
        (("-m", "scripted", "-m", "other", "--session", "gone", "Hello"), "Session “gone” not found."),
        (("-m", "scripted", "-m", "other", "--group", "a/b", "Hello"), "The group name “a/b” contains a “/”."),
    ],
)
def test_a_mistake_is_told_before_anything_is_sent(
    llm_: Command, script: Script, words: tuple[str, ...], error: str
) -> None:
    """There is one sentence, and the log has nothing of it."""
    done = llm_("compare", *words)
    assert error in done.err
    assert done.code in (1, 2)
    assert not script.seen
    assert not json.loads(llm_("sessions", "list", "--json").out or "[]")


def test_a_vote_is_taken_and_kept(llm_: Command, script: Script, terminal: None) -> None:
    """A letter is the better answer; what is no order is asked again; the hint says how to go on with the best one."""
    done = llm_(*BOTH, "When?", input="x\nb\n").ok()
    assert "“x” does not rank the answers a, b." in done.err
    assert re.search(r'Continue with b: llm --session compare-\S+-other "..."', done.err)
    (vote,) = json.loads(llm_("sessions", "votes", "--list", "--json").ok().out)
    assert vote[f"{vote['better']}_model"] == "other"
    assert not vote["blind"]
    assert "1 vote" in llm_("sessions", "votes", "--group", vote["a_session"].rpartition("-")[0]).ok().out


def test_a_vote_comes_from_the_terminal_if_the_prompt_was_piped(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Standard input is the prompt then, and it is back afterwards. Without a terminal, nothing can be asked."""
    terminal = tmp_path / "terminal"
    monkeypatch.setattr(ranking_question, "_TERMINAL", str(terminal))
    piped = io.StringIO("A long report.")
    monkeypatch.setattr(sys, "stdin", piped)
    with ranking_question.keyboard() as there:
        assert not there
    terminal.write_text("a\n", "utf-8")
    with ranking_question.keyboard() as there:
        assert there
        assert input() == "a"
    assert sys.stdin is piped


def test_blind_answers_are_named_after_the_vote(llm_: Command, script: Script, terminal: None) -> None:
    """Neither the screen nor a message names a model before the vote, and each round has an order of its own."""
    done = llm_(*BOTH, "--blind", "-n", "3", "When?", input="a\n=\n\n").ok()
    rounds = done.out.split("Round ")[1:]
    assert len(rounds) == 3
    for text in rounds:
        before, _, after = text.partition("Which was better?")
        assert "scripted" not in before
        assert "other" not in before
        assert {line.partition(" was ")[2].split(" ")[0] for line in after.splitlines() if " was " in line} == {
            "scripted",
            "other",
        }
    votes = json.loads(llm_("sessions", "votes", "--list", "--json").ok().out)
    assert [one["blind"] for one in votes] == [True, True]
    assert {one["better"] for one in votes} > {"="}


def test_three_answers_are_put_in_order(llm_: Command, script: Script, terminal: None) -> None:
    """One line says everything about three answers: three votes, and ratings of the best and the worst."""
    llm_(*BOTH, "-m", "ollama/prefixed", "--group", "three", "When?", input="c > a = b\n").ok()
    votes = json.loads(llm_("sessions", "votes", "--list", "--json").ok().out)
    assert len(votes) == 3
    assert "#1 up" in llm_("sessions", "rate", "three-prefixed").ok().out
    assert "#1 down" in llm_("sessions", "rate", "three-other").ok().out


def test_answers_are_side_by_side_on_a_wide_terminal(
    llm_: Command, script: Script, terminal: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each answer has its column, with its figures below it."""
    monkeypatch.setenv("COLUMNS", "100")
    script.replies = ["one " * 20 + "end", "漢字 \x1b[2J last"]
    done = llm_(*BOTH, "When?", input="\n").ok()
    last = done.out.rpartition("a · scripted")[2].splitlines()
    assert [[cell.strip() for cell in line.split("│")] for line in (last[0], *last[2:5])] == [
        ["", "b · other"],
        [("one " * 12).strip(), "漢字 ␛[2J last"],
        ["one one one one one one one one end", ""],
        ["0.0 s", "0.0 s"],
    ]


def test_the_names_of_models_make_names_of_sessions(llm_: Command, script: Script) -> None:
    """What a name can't have is left out."""
    llm_("compare", "-m", "ollama/prefixed", "-m", "other", "--group", "g", "When?").ok()
    listed: list[dict[str, Any]] = json.loads(llm_("sessions", "list", "--json").ok().out)
    assert {one["name"] for one in listed} == {"g-prefixed", "g-other"}


def test_more_prompts_come_into_the_same_group(llm_: Command, script: Script, log: Path) -> None:
    """The group's name may be written otherwise; the answers get names of their own."""
    llm_(*BOTH, "--group", "Tides", "Why?").ok()
    assert "Group “Tides”." in llm_(*BOTH, "--group", "tides", "When?").ok().err
    with Memory(log) as memory:
        assert memory.groups.names() == ["Tides"]
        assert len(memory.groups.get("tides").thread_ids) == 4


def test_llms_own_command_would_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """llm has no such command today. If it gets one, ours doesn't take its place."""
    assert cli.commands["compare"].__module__ == "llm_session_memory.commands"
    theirs = object()
    monkeypatch.setitem(cli.commands, "compare", theirs)
    monkeypatch.setattr("llm_session_memory.llm_seam.options.install", lambda _: None)
    register_commands(cli)
    assert cli.commands["compare"] is theirs
