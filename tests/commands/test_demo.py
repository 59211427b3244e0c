"""`llm sessions demo`: the whole thing in one command, in a folder of its own."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest

from tests.conftest import Command
from tests.world.ollama_server import OllamaModel, OllamaStandIn

pytestmark = pytest.mark.slow


def _how_to_go_on(out: str) -> tuple[dict[str, str], list[str]]:
    """The command that the demo ends with, as environment and arguments."""
    line = re.search(r"To go on with this conversation:\n  (.+)\n", out)
    assert line
    words = shlex.split(line[1])
    command = words.index("llm")
    return dict(word.split("=", 1) for word in words[:command]), words[command + 1 :]


def test_without_a_server(real_llm: Command, home: Path, tmp_path: Path) -> None:
    """Without a server the demo talks with the bundled model: what is pruned comes back, is found, shown and listed."""
    done = real_llm("sessions", "demo", env={"TMPDIR": str(tmp_path), "LLM_SESSION": "mine"}).ok()
    assert done.out.startswith(f"A session in a folder of its own, {tmp_path}")
    steps = re.findall(r"^\$ llm (.+)$", done.out, re.MULTILINE)
    assert [step.split(" '")[0] for step in steps] == [
        "-m session-demo --max-context-tokens 300 --session bridge",
        *["--session bridge"] * 7,
        "sessions context bridge",
        "sessions note bridge",
        "sessions search",
        "sessions show bridge -n 1",
        "sessions list",
    ]
    assert "You told me: “We build a bridge in Lisbon; the deadline is 4 May.”\n" in done.out
    assert done.err.splitlines()[0] == "session bridge: created with session-demo"
    assert "The session no longer fits in 300 tokens" in done.err
    assert not (home / "logs.db").exists()
    environment, arguments = _how_to_go_on(done.out)
    after = real_llm(*arguments, env=environment).ok()
    assert after.err == ""
    assert after.out


def test_the_bundled_model_is_offered_to_the_demo_only(llm_: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bundled model is not in anybody's list of models."""
    assert "session-demo" not in llm_("models").ok().out
    monkeypatch.setenv("LLM_SESSIONS_DEMO", "1")
    assert "session-demo" in llm_("models").ok().out


def test_with_a_server(real_llm: Command, home: Path, tmp_path: Path) -> None:
    """Where Ollama answers the demo talks with its first chat model, and says how to go on with that."""
    models = [OllamaModel("tiny"), OllamaModel("llama3")]
    with OllamaStandIn(models, reply="The deadline is 4 May.") as ollama:
        environment = {**ollama.environment(home), "TMPDIR": str(tmp_path)}
        done = real_llm("sessions", "demo", env=environment).ok()
        assert "with ollama/tiny:latest." in done.out.splitlines()[0]
        assert len(ollama.chats) == 8
        assert all(chat.cut is None for chat in ollama.chats)
        own, arguments = _how_to_go_on(done.out)
        assert "LLM_SESSIONS_DEMO" not in own
        assert real_llm(*arguments, env={**environment, **own}).ok().out == "The deadline is 4 May.\n"
        assert os.path.commonpath([own["LLM_USER_PATH"], tmp_path]) == str(tmp_path)
