"""Libraries that do less in tests give what they give otherwise."""

from __future__ import annotations

import llm
import pytest
from llm_ollama import registry

from tests.world.ollama_server import OllamaStandIn
from tests.world.quick_libraries import NOBODY


def test_nobody_is_not_asked_for_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has none, as if it were asked; whoever is there is asked."""
    monkeypatch.setenv("OLLAMA_HOST", NOBODY)
    assert registry.get_ollama_models() == registry.get_ollama_models.__wrapped__() == []
    with OllamaStandIn() as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        assert [one["model"] for one in registry.get_ollama_models()] == ["llama3:latest"]


def test_llms_own_tools_have_the_same_schema_each_time() -> None:
    """A prompt that changes the schema of one of llm's tools doesn't change it for the next."""
    for name in ("llm_time", "llm_version"):
        schemas = []
        for _ in range(2):
            tool = llm.get_tools()[name]
            assert isinstance(tool, llm.Tool)
            schemas.append(dict(tool.input_schema))
            tool.input_schema["changed"] = True
        assert schemas == [{"properties": {}, "type": "object"}] * 2
