"""`llm --session railing --project bridge`: a new session begins with its project's defaults."""

from __future__ import annotations

from pathlib import Path

import pytest

from llm_session_memory import Memory
from llm_session_memory.errors import SessionError
from llm_session_memory.model import Settings
from tests.conftest import Command
from tests.world.scripted import Script

DEFAULTS = Settings("scripted", "Be brief.", {"mood": "glad"}, 8_000, "window", 0.25, "none", "other", "keep")


@pytest.fixture(name="memory")
def _memory(log: Path, script: Script) -> Memory:
    """A log with the projects `Bridge`, which has every default, and `port`, which has none."""
    memory = Memory(log, create=True)
    memory.projects.create("Bridge", DEFAULTS)
    memory.projects.create("port")
    return memory


def test_a_new_session_copies_the_defaults(memory: Memory, llm_: Command, script: Script) -> None:
    """The session has all settings of its project, is sent with them, and keeps them when the project changes."""
    done = llm_("--session", "railing", "--project", "bridge", "Hello").ok()
    assert done.err == "session railing: created with scripted in project Bridge\n"
    made = memory.sessions.get("railing")
    assert (made.project, made.settings) == ("bridge", DEFAULTS)
    memory.projects.set("bridge", Settings("other"))
    memory.projects.rename("bridge", "Ponte")
    assert llm_("--session", "railing", "Again").ok().err == ""
    assert (script.systems, script.options) == (["Be brief."] * 2, [{"num_predict": None, "mood": "glad"}] * 2)
    memory.projects.delete("ponte")
    assert llm_("--session", "railing", "Again").ok().err == ""
    assert memory.sessions.get("railing").settings == DEFAULTS


@pytest.mark.parametrize("model_of_the_environment", [None, "prefixed"])
def test_a_flag_comes_before_a_template_before_the_project(
    memory: Memory,
    llm_: Command,
    script: Script,
    monkeypatch: pytest.MonkeyPatch,
    model_of_the_environment: str | None,
) -> None:
    """A flag has the first say, then a template, then the project, and last LLM_MODEL and llm's default."""
    llm_("-m", "other", "-s", "Be kind.", "-o", "mood", "sad", "--save", "kind").ok()
    if model_of_the_environment:
        monkeypatch.setenv("LLM_MODEL", model_of_the_environment)
    memory.projects.set("bridge", Settings("scripted", "Be brief.", {"mood": "glad", "num_predict": 5}))
    here = ("--project", "bridge")
    llm_("--session", "a", *here, "-t", "kind", "Hello").ok()
    llm_("--session", "b", *here, "-t", "kind", "-m", "scripted", "-s", "Be bold.", "-o", "mood", "calm", "Hello").ok()
    llm_("--session", "c", *here, "-o", "mood", "calm", "--memory", "full", "Hello").ok()
    settings = [memory.sessions.get(name).settings for name in "abc"]
    assert [(one.model, one.system, one.options["mood"], one.options["num_predict"]) for one in settings] == [
        ("other", "Be kind.", "sad", 5),
        ("scripted", "Be bold.", "calm", 5),
        ("scripted", "Be brief.", "calm", 5),
    ]
    assert settings[2].memory == "full"
    assert script.systems == [one.system for one in settings]


def test_the_environment_is_for_new_sessions(
    memory: Memory, llm_: Command, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LLM_PROJECT is the project of new sessions. It neither moves existing ones nor gets in their way."""
    llm_("-m", "scripted", "--session", "letter", "Hello").ok()
    monkeypatch.setenv("LLM_PROJECT", "port")
    llm_("-m", "scripted", "--session", "crane", "Hello").ok()
    llm_("-m", "scripted", "--session", "postcard", "--project", "none", "Hello").ok()
    llm_("--session", "railing", "--project", "bridge", "Hello").ok()
    for name in ("letter", "crane", "postcard", "railing"):
        llm_("--session", name, "Again").ok()
    llm_("--session", "letter", "--new-session", "Over").ok()
    assert {name: memory.sessions.get(name).project for name in memory.sessions.names()} == {
        "letter~1": None,
        "letter": None,
        "crane": "port",
        "postcard": None,
        "railing": "bridge",
    }
    assert llm_("-m", "scripted", "No session").ok().out == "Noted.\n"
    monkeypatch.setenv("LLM_PROJECT", "gone")
    assert llm_("--session", "letter", "Again").ok().err == ""
    done = llm_("--session", "new", "Hello")
    create = "Create it with: llm sessions project gone --new"
    assert (done.err, done.code) == (f"Error: Project “gone” (from LLM_PROJECT) not found. {create}\n", 1)
    assert "can't be blank" in llm_("--session", "new", "--project", "", "Hello").err


def test_another_project_is_an_error_that_says_how_to_move(memory: Memory, llm_: Command, script: Script) -> None:
    """--project doesn't move a session, and nothing is sent; with the session's own project it changes nothing."""
    llm_("-m", "scripted", "--session", "letter", "Hello").ok()
    llm_("--session", "railing", "--project", "bridge", "Hello").ok()
    llm_("--session", "railing", "--project", "BRIDGE", "Again").ok()
    llm_("--session", "letter", "--project", "none", "Again").ok()
    for name, project, is_in in (
        ("railing", "port", "project “Bridge”"),
        ("railing", "none", "project “Bridge”"),
        ("letter", "port", "no project"),
    ):
        done = llm_("--session", name, "--project", project, "Again")
        move = f"Move it with: llm sessions set {name} --project {project}"
        assert (done.err, done.code) == (f"Error: Session “{name}” is in {is_in}. {move}\n", 1)
    assert len(script.seen) == 4


def test_an_unknown_project_creates_nothing(memory: Memory, llm_: Command, script: Script, log: Path) -> None:
    """The error suggests a similar name and says how to create the project; hints repeat -d."""
    done = llm_("--session", "railing", "--project", "brige", "Hello", "-d", str(log))
    create = f"Create it with: llm sessions project brige --new -d {log}"
    assert (done.err, done.code) == (f"Error: Project “brige” not found. Did you mean “Bridge”? {create}\n", 1)
    assert llm_("chat", "--session", "railing", "--project", "brige").code == 1
    assert (memory.sessions.names(), script.seen) == ([], [])


def test_a_project_without_a_session_is_an_error(memory: Memory, llm_: Command) -> None:
    """--project needs --session or --new-session."""
    done = llm_("--project", "bridge", "Hello")
    assert "--project needs a session: add --session NAME (or --new-session)." in done.err
    llm_("--new-session", "--project", "bridge", "Hello").ok()
    assert [memory.sessions.get(name).project for name in memory.sessions.names()] == ["bridge"]


def test_a_session_that_is_started_over_stays_in_its_project(memory: Memory, llm_: Command, script: Script) -> None:
    """--new-session keeps project and settings; with another --project, that one's defaults come before them."""
    llm_("--session", "railing", "--project", "bridge", "-s", "Be bold.", "Hello").ok()
    memory.costs.set_budget("railing", 2.0)
    llm_("--session", "railing", "--new-session", "Hello").ok()
    over = memory.sessions.get("railing")
    assert (over.project, over.settings.system, over.budget_usd) == ("bridge", "Be bold.", 2.0)
    memory.projects.set("port", Settings(max_context_tokens=5_000))
    done = llm_("--session", "railing", "--new-session", "--project", "port", "Hello").ok()
    assert done.err == "session railing: started over with scripted in project port; the old one is now railing~2\n"
    over = memory.sessions.get("railing")
    assert (over.project, over.settings.system, over.settings.max_context_tokens) == ("port", "Be bold.", 5_000)


def test_a_chat_creates_its_session_in_the_project(memory: Memory, llm_: Command, script: Script) -> None:
    """`llm chat` takes --project as `llm prompt` does."""
    done = llm_("chat", "--session", "railing", "--project", "bridge", input="Hello\nquit\n").ok()
    assert "session railing: created with scripted in project Bridge" in done.err
    assert memory.sessions.get("railing").settings == DEFAULTS


def test_a_failed_first_prompt_leaves_its_session_in_the_project(memory: Memory, llm_: Command, script: Script) -> None:
    """Also if the project's model is missing, the session has the project's defaults, and a retry uses them."""
    memory.projects.set("bridge", Settings("gone", "Be brief.", {}, 8_000))
    assert llm_("--session", "railing", "--project", "bridge", "Hello").code == 1
    made = memory.sessions.get("railing")
    assert (made.project, made.settings) == ("bridge", Settings(None, "Be brief.", {}, 8_000))
    llm_("sessions", "retry", "railing", "-m", "scripted").ok()
    assert memory.sessions.get("railing").settings.model == "scripted"
    assert script.systems == ["Be brief."]


def test_without_logging_the_defaults_are_used_and_nothing_is_kept(
    memory: Memory, llm_: Command, script: Script
) -> None:
    """-n sends a prompt with the project's defaults and creates no session."""
    llm_("-n", "--session", "railing", "--project", "bridge", "Hello").ok()
    assert (script.systems, memory.sessions.names()) == (["Be brief."], [])


def test_a_program_creates_sessions_in_projects(memory: Memory, script: Script) -> None:
    """`memory.conversation` has `project`, with the same errors."""
    memory.conversation("railing", project="bridge").prompt("Hello").text()
    assert memory.sessions.get("railing").settings == DEFAULTS
    with pytest.raises(SessionError, match="is in project “Bridge”"):
        memory.conversation("railing", project="port")
    with pytest.raises(SessionError, match="not found"):
        memory.conversation("other", project="none such")
