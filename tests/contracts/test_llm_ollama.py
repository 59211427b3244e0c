"""Contracts with llm-ollama: how to recognise its models, and how to ask its server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import llm
import pytest

from llm_session_memory.services.windows import is_ollama
from tests.conftest import Command
from tests.contracts.sentences import changed
from tests.world.ollama_server import BreakOff, OllamaModel, OllamaStandIn, Reply
from tests.world.scripted import Script, ScriptedModel


@pytest.fixture(name="ollama")
def _ollama(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OllamaStandIn]:
    """A stand-in Ollama server, to which this process's llm-ollama connects."""
    with OllamaStandIn([OllamaModel("llama3", num_ctx=2048, trained_window=8192)]) as server:
        for name, value in server.environment(home).items():
            if os.environ.get(name) != value:
                monkeypatch.setenv(name, value)
        yield server


def test_its_models_are_known_by_module_and_name(ollama: OllamaStandIn) -> None:
    """A model's class is in the package llm_ollama, and `ollama_name` is the server's name for it."""
    model: Any = llm.get_model("ollama/llama3")
    assert type(model).__module__.split(".")[0] == "llm_ollama", changed(
        "llm-ollama's models live in another package", "services/windows.py"
    )
    assert model.ollama_name == "llama3:latest", changed(
        "llm-ollama's models have no ollama_name", "services/windows.py"
    )
    assert is_ollama(model)


def test_other_models_are_not_ollamas() -> None:
    """A model of another plugin is not one of Ollama's, whatever its name."""
    assert not is_ollama(ScriptedModel("ollama/prefixed", Script()))


def test_its_client_asks_the_users_server(ollama: OllamaStandIn) -> None:
    """get_client() uses OLLAMA_HOST; the answers of ps() and show() have the fields that the window is read from."""
    from llm_ollama.auth import get_client

    client = get_client()
    client.chat(model="llama3", messages=[{"role": "user", "content": "Hi"}])
    loaded = client.ps().models[0]
    assert loaded.model == "llama3:latest", changed("ps() names no model", "services/windows.py")
    assert loaded.context_length == 2048, changed("ps() has no context_length", "services/windows.py")
    shown = client.show("llama3")
    assert "num_ctx" in str(shown.parameters), changed("show() has no parameters", "services/windows.py")
    trained = [v for k, v in (shown.modelinfo or {}).items() if k.endswith(".context_length")]
    assert trained == [8192], changed("show() has no modelinfo with a context length", "services/windows.py")


def test_a_broken_stream_leaves_no_final_chunk(ollama: OllamaStandIn) -> None:
    """A whole reply has a response_json; a stream that ended early has none and raises nothing."""
    model = llm.get_model("ollama/llama3")
    ollama.reply = [Reply("All right."), BreakOff(clean=True, text="We will finish on the fourth.")]
    whole, broken = model.prompt("Hi"), model.prompt("When?")
    assert whole.text() == "All right."
    assert whole.response_json is not None, changed("llm-ollama keeps no final chunk", "llm_seam/calls.py")
    assert broken.text()
    assert broken.response_json is None, changed("a broken stream looks whole", "llm_seam/calls.py")


def test_a_model_id_begins_with_ollama(llm_: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every model of the server is `ollama/NAME` in llm."""
    with OllamaStandIn([OllamaModel("llama3")]) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        listed = llm_("models").ok().out
    assert "ollama/llama3:latest" in listed, changed("llm-ollama names its models differently", "llm_seam/models.py")
