"""The guard: before a secret is sent to a model that is not local, it says so, and asks on a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from llm_session_memory import Memory
from llm_session_memory.model import Message, Part
from tests.conftest import Command
from tests.world.scripted import Script
from tests.world.secret_log import OPENAI, key

WARNING = (
    f"session work: this prompt has what looks like a secret: OpenAI key {OPENAI[:4]}…{OPENAI[-4:]} (48 characters)."
    " The model scripted is not local.\n"
)


@pytest.fixture(name="work")
def _work(llm_: Command, script: Script) -> None:
    """A session `work` with a guard and an exchange."""
    llm_("-m", "scripted", "--session", "work", "--guard", "on", "Hello").ok()
    script.seen.clear()


@pytest.fixture(name="answered")
def _answered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Standard input is a terminal, on which someone gives these answers."""
    answers: list[str] = []
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True)
    monkeypatch.setattr("click.confirm", lambda *_, **__: answers.pop(0) == "y")
    return answers


def test_without_a_terminal_it_warns_and_sends(work: None, llm_: Command, script: Script) -> None:
    """A script is not stopped; an ordinary prompt, and one after it, says nothing."""
    said = llm_("--session", "work", f"Is {OPENAI} good?").ok()
    assert said.err == WARNING
    assert len(script.seen) == 1
    assert llm_("--session", "work", "And now?").ok().err == ""
    assert llm_("--session", "work", "--guard", "off", f"Is {OPENAI} good?").ok().err == ""


@pytest.mark.parametrize("how", ["fragment", "attachment", "system"])
def test_what_goes_with_a_prompt_is_looked_at(
    work: None, llm_: Command, tmp_path: Path, script: Script, how: str
) -> None:
    """Fragments, files that are texts, and system prompts."""
    file = tmp_path / "env.txt"
    file.write_text(f"KEY={OPENAI}\n")
    more = {"fragment": ("-f", str(file)), "attachment": ("--at", str(file), "text/plain"), "system": ("-s", OPENAI)}
    assert WARNING in llm_("--session", "work", "Look", *more[how]).ok().err


def test_on_a_terminal_a_no_sends_and_logs_nothing(
    work: None, llm_: Command, log: Path, script: Script, answered: list[str]
) -> None:
    """No is an error with a way out; neither the log nor the model has the secret. Yes sends it."""
    answered += ["n", "y"]
    said = llm_("--session", "work", f"Is {OPENAI} good?")
    assert said.code == 1
    assert said.err == (
        f"{WARNING}Error: The prompt was not sent. To send such prompts without a question: "
        "llm sessions set work --guard off\n"
    )
    assert script.seen == []
    assert OPENAI.encode() not in log.read_bytes()
    assert llm_("--session", "work", f"Is {OPENAI} good?").ok().err == WARNING
    assert len(script.seen) == 1
    assert answered == []


def test_another_model_is_sent_the_history(work: None, llm_: Command, log: Path, script: Script) -> None:
    """A secret in the history is not mentioned to the model that answered last, but to another one."""
    llm_("--session", "work", "--guard", "off", f"Is {OPENAI} good?").ok()
    assert llm_("--session", "work", "Go on").ok().err == ""
    said = llm_("--session", "work", "-m", "other", "Go on").ok()
    assert said.err == WARNING.replace("scripted", "other")


def test_results_of_tools_are_looked_at(work: None, llm_: Command, log: Path, script: Script) -> None:
    """A tool that reads a key is noticed before its result is sent."""
    value = key("ghp_", 36)

    def read() -> str:
        """Read a file."""
        return f"token {value}"

    script.replies = [lambda prompt: "Done."]
    with Memory(log) as memory:
        conversation = memory.conversation("work", tools=[read])
        guard = conversation.prompting
        conversation.prompt("Hello").text()
        assert guard.guard is not None
        assert guard.latest is not None
        assert guard.latest.guard is not None
        guard.latest.guard([Message("tool", (Part({"type": "tool_result", "name": "read", "output": read()}),))])
        assert "GitHub token" in conversation.notices[-1]


def test_a_local_model_is_sent_everything(llm_: Command, log: Path) -> None:
    """Nothing is said about a model of this computer."""
    said = llm_("-m", "echo", "--session", "here", "--guard", "on", f"Is {OPENAI} good?")
    assert "secret" not in said.err


def test_a_project_gives_its_sessions_a_guard(llm_: Command, script: Script) -> None:
    """A new session in a project gets the project's guard, also for its first prompt; both say that they have one."""
    llm_("sessions", "project", "bridge", "--guard", "on", "-m", "scripted").ok()
    assert "asks before a secret is sent" in llm_("sessions", "project", "bridge").ok().out
    said = llm_("--session", "work", "--project", "bridge", f"Is {OPENAI} good?").ok()
    assert WARNING in said.err
    assert "asks before a secret is sent" in llm_("sessions", "set", "work").ok().out
