"""`llm sessions demo`: the complete demo in one command, in its own folder."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import click
import pytest

from llm_session_memory.llm_seam import demo as bundled
from tests.conftest import Command
from tests.world.ollama_server import OllamaModel, OllamaStandIn
from tests.world.processes import started


def _how_to_go_on(out: str) -> tuple[dict[str, str], list[str]]:
    """Return the environment and arguments of the command that the demo suggests at its end."""
    line = re.search(r"To continue this conversation:\n  (.+)\n", out)
    assert line
    words = shlex.split(line[1])
    command = words.index("llm")
    return dict(word.split("=", 1) for word in words[:command]), words[command + 1 :]


@pytest.fixture(name="demo")
def _demo(llm_: Command, forking: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run the demo in this process, with each llm that it starts forked. (The gate runs the wheel's own.)"""

    def run(command: list[str], *, env: dict[str, str], stdin: int, check: bool) -> subprocess.CompletedProcess[str]:
        assert (command[:3], stdin, check) == ([sys.executable, "-m", "llm"], subprocess.DEVNULL, False)
        process = started(command[3:], env, tmp_path)
        out, err = process.communicate(timeout=120)
        click.echo(out, nl=False)
        click.echo(err, nl=False, err=True)
        return subprocess.CompletedProcess(command, -1 if process.returncode is None else process.returncode)

    monkeypatch.setattr(bundled, "subprocess", SimpleNamespace(run=run, DEVNULL=subprocess.DEVNULL))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return llm_


def test_without_a_server(
    demo: Command, llm_process: Command, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a server the demo uses the bundled model. A pruned exchange is recalled, found, shown and listed."""
    monkeypatch.setenv("LLM_SESSION", "mine")
    monkeypatch.setenv("LLM_PROJECT", "mine")
    done = demo("sessions", "demo").ok()
    assert done.out.startswith(f"Running a session in its own folder, {tmp_path}")
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
    after = llm_process(*arguments, env=environment).ok()
    assert after.err == ""
    assert after.out


def test_the_bundled_model_is_offered_to_the_demo_only(llm_: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bundled model is in no list of models outside the demo."""
    assert "session-demo" not in llm_("models").ok().out
    monkeypatch.setenv("LLM_SESSIONS_DEMO", "1")
    assert "session-demo" in llm_("models").ok().out


def test_with_a_server(
    demo: Command, llm_process: Command, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If Ollama answers, the demo uses its first chat model and says how to continue with it."""
    models = [OllamaModel("tiny"), OllamaModel("llama3")]
    with OllamaStandIn(models, reply="The deadline is 4 May.") as ollama:
        for name, value in ollama.environment(home).items():
            monkeypatch.setenv(name, value)
        done = demo("sessions", "demo").ok()
        assert "with ollama/tiny:latest." in done.out.splitlines()[0]
        assert len(ollama.chats) == 8
        assert all(chat.cut is None for chat in ollama.chats)
        own, arguments = _how_to_go_on(done.out)
        assert "LLM_SESSIONS_DEMO" not in own
        assert llm_process(*arguments, env=own).ok().out == "The deadline is 4 May.\n"
        assert os.path.commonpath([own["LLM_USER_PATH"], tmp_path]) == str(tmp_path)
