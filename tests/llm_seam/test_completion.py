"""Shell completion of session names, through the mechanism that the shell itself uses."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Command
from tests.world import fresh_llm
from tests.world.left_out import needs
from tests.world.scripted import Script

LLM = shutil.which("llm", path=str(Path(sys.executable).parent))

needs_llm = needs("the llm command beside this Python", LLM, "make test")


Completed = Callable[..., list[str]]


def _asked(*words: str) -> dict[str, str]:
    """Return the environment with which bash asks llm to complete the last of the words."""
    return {"_LLM_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}


def _offered(out: str) -> list[str]:
    return [line.removeprefix("plain,") for line in out.splitlines() if line]


@pytest.fixture(name="completed")
def _completed(llm_process: Command) -> Completed:
    """Return the completions that the shell gets for the last of some words."""

    def completed(*words: str) -> list[str]:
        done = llm_process(env=_asked(*words)).ok()
        assert done.err == ""
        return _offered(done.out)

    return completed


CALLED = """
import contextlib, io, runpy, sys
sys.argv = [work]
out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
    try:
        runpy.run_path(work, run_name="__main__")
    except SystemExit as ended:
        found = out.buffer.getvalue().decode(), err.buffer.getvalue().decode(), ended.code
"""


@needs_llm
def test_the_command_beside_this_python_completes(
    forking: None, llm_: Command, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The llm that a shell calls offers session names and prints nothing else."""
    llm_("-m", "scripted", "--session", "work", "Hello").ok()
    for name, value in _asked("llm", "--session", "wo").items():
        monkeypatch.setenv(name, value)
    out, err, code = fresh_llm.found_by(CALLED, LLM)
    assert (_offered(out), err, code or 0) == (["work"], "", 0)


def test_names_are_completed_everywhere(llm_: Command, completed: Completed, script: Script, home: Path) -> None:
    """Tab completes session names after --session and in every command that takes one, in any case, also with -d."""
    for name in ("work", "Workshop", "bridge"):
        llm_("-m", "scripted", "--session", name, "Hello").ok()
    llm_("-m", "scripted", "--session", "elsewhere", "-d", str(home / "other.db"), "Hello").ok()
    assert completed("llm", "--session", "wo") == ["work", "Workshop"]
    assert completed("llm", "chat", "--session", "WORKS") == ["Workshop"]
    assert completed("llm", "sessions", "show", "") == ["bridge", "work", "Workshop"]
    assert completed("llm", "sessions", "list", "--after", "b") == ["bridge"]
    assert completed("llm", "-d", str(home / "other.db"), "--session", "") == ["elsewhere"]
    assert completed("llm", "sessions", "sho") == ["show"]


@pytest.mark.parametrize("content", [None, b"", b"This is not a database at all, but it is long enough to be one."])
def test_completion_is_silent_whatever_the_log(completed: Completed, log: Path, content: bytes | None) -> None:
    """If the log is missing, empty or not a database, Tab offers nothing, prints nothing and creates nothing."""
    if content is not None:
        log.write_bytes(content)
    assert completed("llm", "--session", "wo") == []
    assert (log.read_bytes() if log.exists() else None) == content
