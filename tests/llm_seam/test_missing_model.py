"""A prompt whose model llm doesn't know, because its server is gone or its name is wrong, is kept in its session."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Command
from tests.world.ollama_server import OllamaStandIn
from tests.world.scripted import Script

GONE = "Error: Model “llama3” not found. If it is an Ollama model, check that the Ollama server is running."
RETRY = "llm sessions retry work (-m MODEL sends it to another model)"
KEPT = f"session work: the prompt is kept. Send it again with: {RETRY}\n"
NEW = "session work: it is new and has only this prompt. To remove it: llm sessions attempts work --drop\n"


def attempts(llm_: Command) -> list[dict[str, Any]]:
    """Return the attempts of the session `work`."""
    found: list[dict[str, Any]] = json.loads(llm_("sessions", "attempts", "work", "--json").ok().out)
    return found


@pytest.mark.parametrize("mode", [(), ("-T", "llm_version"), ("--async",)], ids=["prompt", "tools", "async"])
def test_a_prompt_to_a_server_that_is_gone_is_kept_in_its_session(
    llm_: Command, script: Script, mode: tuple[str, ...]
) -> None:
    """In an existing session the prompt is kept, and the error says why it wasn't sent."""
    llm_("-m", "scripted", "--session", "work", "First").ok()
    done = llm_("--session", "work", "-m", "llama3", "When?", *mode)
    assert (done.out, done.code) == ("", 1)
    assert done.err.startswith(f"{KEPT}{GONE}")
    (attempt,) = attempts(llm_)
    assert (attempt["prompt"], attempt["model"], attempt["error"]) == ("When?", "llama3", "Model “llama3” not found.")


def test_everything_typed_piped_and_attached_is_sent_when_the_server_is_back(
    log: Path, home: Path, llm_: Command, llm_process: Command
) -> None:
    """A new session is created with the prompt; `retry` sends all of it, and the session gets model and options."""
    (home / "notes.txt").write_text("Bridge.", "utf-8")
    given = ("-f", "notes.txt", "-o", "num_ctx", "2048", "-s", "Be brief.")
    gone = llm_process("-m", "llama3", "--session", "work", "Summarise", *given, input="A long text")
    assert gone.code == 1
    assert gone.err.startswith(f"session work: created\n{KEPT}{NEW}{GONE}")
    with OllamaStandIn(reply="Noted.") as server:
        environment = server.environment(home)
        assert llm_process("sessions", "retry", "work", env=environment).ok().out == "Noted.\n"
        assert llm_process("--session", "work", "Next", env=environment).ok().out == "Noted.\n"
        first, second = server.chats
    assert [message["content"] for message in first.body["messages"]] == ["Be brief.", "Bridge.\nA long text Summarise"]
    assert first.body["options"]["num_ctx"] == second.body["options"]["num_ctx"] == 2048
    assert attempts(llm_) == []


def test_a_typing_error_in_a_models_name_spoils_no_session(llm_: Command, script: Script) -> None:
    """A session whose first model was misspelt gets the model of the prompt that is answered first."""
    assert llm_("-m", "scritped", "--session", "work", "When?").code == 1
    assert llm_("sessions", "retry", "work", "-m", "scripted").ok().out == "Noted.\n"
    assert "model    scripted\n" in llm_("sessions", "set", "work").ok().out
    assert llm_("--session", "work", "Next").ok().out == "Noted.\n"


def test_a_retry_that_finds_no_model_keeps_one_attempt(llm_: Command, script: Script) -> None:
    """Retrying while the server is still gone adds no second attempt."""
    llm_("-m", "llama3", "--session", "work", "When?")
    assert llm_("sessions", "retry", "work").err.startswith(f"{KEPT}{GONE}")
    assert len(attempts(llm_)) == 1


def test_n_keeps_nothing(log: Path, llm_: Command, script: Script) -> None:
    """With -n the error is all there is."""
    done = llm_("-m", "llama3", "--session", "work", "-n", "When?")
    assert done.err.startswith(GONE)
    assert llm_("sessions", "list", "--json").ok().out == "[]\n"
