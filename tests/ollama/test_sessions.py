"""Sessions with models of Ollama: the model's name as typed, long prompts, images."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from tests.ollama.conftest import QuickDesk, said
from tests.world.ollama_server import OllamaModel, OllamaStandIn

MODELS = (OllamaModel("llama3"), OllamaModel("mistral:7b", family="mistral"))
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


def stored_model(desk: QuickDesk) -> str:
    """Return the model of the only session."""
    [session] = json.loads(desk.ask("sessions", "--json").ok().out)
    return str(session["model"])


@pytest.mark.parametrize("typed", ["llama3", "llama3:latest", "ollama/llama3", "ollama/llama3:latest"])
def test_a_model_is_found_as_typed(desk: QuickDesk, typed: str) -> None:
    """A session accepts a model's name with and without `ollama/`, and keeps the id that llm knows it by."""
    with OllamaStandIn(MODELS) as server:
        desk.sit(server)
        first = desk.ask("-m", typed, "--session", "work", "We build a bridge.").ok()
        assert (first.out, first.err) == ("All right.\n", "session work: created with ollama/llama3:latest\n")
        assert stored_model(desk) == "ollama/llama3:latest"
        second = desk.ask("--session", "work", "When?").ok()
        assert (second.out, second.err) == ("All right.\n", "")
        assert [chat.body["model"] for chat in server.chats] == ["llama3:latest", "llama3:latest"]
        assert [said(m) for m in server.chats[1].messages] == [
            ("user", "We build a bridge."),
            ("assistant", "All right."),
            ("user", "When?"),
        ]


def test_the_real_command_takes_a_model_as_typed(desk: QuickDesk) -> None:
    """`llm -m llama3 --session work` works in its own process, and so does LLM_MODEL for a new session."""
    with OllamaStandIn(MODELS) as server:
        desk.real(server, "-m", "llama3", "--session", "work", "One.").ok()
        desk.real(server, "--session", "other", "Two.", LLM_MODEL="mistral:7b").ok()
        listed = json.loads(desk.real(server, "sessions", "--json").ok().out)
    assert [(one["name"], one["model"]) for one in listed] == [
        ("other", "ollama/mistral:7b"),
        ("work", "ollama/llama3:latest"),
    ]


def test_a_session_continues_after_its_model_was_removed(desk: QuickDesk) -> None:
    """If the session's model was removed, `-m` asks another one; without `-m`, the error names the missing model."""
    with OllamaStandIn(MODELS) as server:
        desk.sit(server)
        desk.ask("-m", "llama3", "-o", "num_ctx", "4096", "--session", "work", "We build a bridge.").ok()
    with OllamaStandIn(MODELS[1:]) as server:
        desk.sit(server)
        gone = desk.ask("--session", "work", "When?")
        assert (gone.out, gone.code) == ("", 1)
        assert "ollama/llama3:latest" in gone.err
        assert desk.ask("-m", "mistral:7b", "--session", "work", "When?").ok().out == "All right.\n"
        assert ("user", "We build a bridge.") in map(said, server.chats[-1].messages)


def test_a_prompt_lists_the_models_no_more_often_than_needed(desk: QuickDesk) -> None:
    """Each prompt asks the server for its list of models once."""
    with OllamaStandIn(MODELS) as server:
        desk.sit(server)
        desk.ask("-m", "llama3", "-o", "num_ctx", "4096", "--session", "work", "One.").ok()
        before = len(server.arrived)
        desk.ask("--session", "work", "Two.").ok()
        assert [one.path for one in server.arrived[before:]].count("/api/tags") == 1


def test_another_model_for_one_prompt(desk: QuickDesk) -> None:
    """`-m` on an existing session applies to that prompt; the session keeps its model, whatever LLM_MODEL says."""
    with OllamaStandIn(MODELS) as server:
        desk.sit(server)
        desk.ask("-m", "llama3", "--session", "work", "One.").ok()
        desk.ask("-m", "mistral:7b", "--session", "work", "Two.").ok()
        desk.monkeypatch.setenv("LLM_MODEL", "mistral:7b")
        desk.ask("--session", "work", "Three.").ok()
        desk.ask("chat", "--session", "work", input="Four.\nquit\n").ok()
        models = ["llama3:latest", "mistral:7b", "llama3:latest", "llama3:latest"]
        assert [chat.body["model"] for chat in server.chats] == models
        assert [said(m)[1] for m in server.chats[3].messages if m["role"] == "user"] == "One. Two. Three. Four.".split()
        assert stored_model(desk) == "ollama/llama3:latest"


def test_set_takes_a_model_as_typed(desk: QuickDesk) -> None:
    """`llm sessions set --model mistral:7b` changes the session's model for later prompts."""
    with OllamaStandIn(MODELS) as server:
        desk.sit(server)
        desk.ask("-m", "llama3", "--session", "work", "One.").ok()
        desk.ask("sessions", "set", "work", "--model", "mistral:7b").ok()
        desk.ask("--session", "work", "Two.").ok()
        assert server.chats[-1].body["model"] == "mistral:7b"
        assert stored_model(desk) == "ollama/mistral:7b"


def test_an_unknown_model(desk: QuickDesk) -> None:
    """A model that is unknown with and without the prefix is an error that says so, and nothing is sent."""
    with OllamaStandIn(MODELS) as server:
        desk.sit(server)
        done = desk.ask("-m", "lama3", "--session", "work", "One.")
        assert (done.code, done.out) == (1, "")
        assert done.err.endswith(
            "Error: Model “lama3” not found. If it is an Ollama model, check that the Ollama server is running. "
            "List models with: llm models\n"
        )
        assert "the prompt is kept" in done.err
        assert server.chats == []


def test_without_a_session_nothing_changes(desk: QuickDesk) -> None:
    """Without a session, llm knows a model of Ollama only by its name with the prefix."""
    with OllamaStandIn(MODELS) as server:
        desk.sit(server)
        assert desk.ask("-m", "ollama/llama3", "One.").ok().out == "All right.\n"
        done = desk.ask("-m", "llama3", "One.")
        assert (done.code, done.err) == (1, "Error: 'Unknown model: llama3'\n")
        assert len(server.chats) == 1
    assert desk.rows("select name from sqlite_master where name like 'memory_%'") == []


def test_a_prompt_above_the_budget_is_sent_alone(desk: QuickDesk) -> None:
    """A prompt that exceeds the budget but fits the window is sent with only the system prompt, with a warning."""
    with OllamaStandIn(MODELS) as server:
        desk.sit(server)
        desk.ask("-m", "llama3", "--session", "work", "-s", "Be brief.", "One.").ok()
        done = desk.ask("--session", "work", "word " * 3_300).ok()
        assert "no room for the conversation in the budget of 3,072 tokens" in done.err
        assert [m["role"] for m in server.chats[1].messages] == ["system", "user"]
        assert server.chats[1].cut is None
        desk.ask("--session", "work", "And now?").ok()
        assert server.chats[2].cut is None
        assert said(server.chats[2].messages[0]) == ("system", "Be brief.")
        assert said(server.chats[2].messages[-1]) == ("user", "And now?")


def test_a_prompt_above_the_window_is_not_sent(desk: QuickDesk) -> None:
    """A prompt that can't fit the window is an error with both figures; nothing is sent, and the session continues."""
    with OllamaStandIn(MODELS) as server:
        desk.sit(server)
        desk.ask("-m", "llama3", "--session", "work", "One.").ok()
        done = desk.ask("--session", "work", "word " * 9_000)
        assert (done.code, done.out) == (1, "")
        assert done.err.startswith("Error: This prompt needs about 9,0")
        assert "the model's context window is 4,096 (reported by Ollama for the loaded model)" in done.err
        assert "-o num_ctx" in done.err
        assert len(server.chats) == 1
        desk.ask("--session", "work", "-o", "num_ctx", "16384", "word " * 9_000).ok()
        assert server.chats[-1].cut is None


def test_a_new_session_with_n_respects_the_window_too(desk: QuickDesk) -> None:
    """With -n and without history, a prompt above the window is not sent either."""
    with OllamaStandIn(MODELS) as server:
        desk.sit(server)
        done = desk.ask("-m", "llama3", "-n", "--session", "work", "word " * 9_000)
        assert (done.code, done.out) == (1, "")
        assert (len(server.loads), server.chats) == (1, []), "the model is loaded, and nothing is sent"
        assert "the model's context window is 4,096 (reported by Ollama for the loaded model)" in done.err


def test_images_come_back_with_their_exchange(desk: QuickDesk, tmp_path: Path) -> None:
    """An image of an earlier prompt is part of later requests, byte for byte, and raises no false alarm."""
    picture = tmp_path / "pixel.png"
    picture.write_bytes(PIXEL)
    encoded = base64.b64encode(PIXEL).decode()
    vision = OllamaModel("llava", capabilities=("completion", "vision"))
    with OllamaStandIn([vision]) as server:
        desk.sit(server)
        talk = ["--session", "work", "-m", "llava", "Let us talk of the bridge and its long northern abutment."]
        errors = [desk.ask(*talk).ok().err for _ in range(3)][1:]
        errors.append(desk.ask("--session", "work", "-a", str(picture), "What is this?").ok().err)
        errors.append(desk.ask("--session", "work", "And its colour?").ok().err)
        errors.append(desk.ask("--session", "work", "Sure?").ok().err)
        for chat in server.chats[3:]:
            assert [m.get("images") for m in chat.messages if m.get("content") == "What is this?"] == [[encoded]]
            assert sum(bool(m.get("images")) for m in chat.messages) == 1
        assert errors == [""] * 5
