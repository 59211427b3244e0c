"""Shell completion of session names, through the mechanism that the shell itself uses."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Command
from tests.world.left_out import needs
from tests.world.scripted import Script

pytestmark = pytest.mark.slow

LLM = shutil.which("llm", path=str(Path(sys.executable).parent))

needs_llm = needs("the llm command beside this Python", LLM, "make test")


def _completed(*words: str) -> list[str]:
    """What the shell is offered for the last of the words, as bash asks for it."""
    assert LLM
    asked = {"_LLM_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
    done = subprocess.run([LLM], env={**os.environ, **asked}, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return [line.removeprefix("plain,") for line in done.stdout.splitlines() if line]


@needs_llm
def test_names_are_completed_wherever_one_is_asked_for(llm_: Command, script: Script, home: Path) -> None:
    """Tab completes session names after --session and in each command that takes one, in any case, also from -d."""
    for name in ("work", "Workshop", "bridge"):
        llm_("-m", "scripted", "--session", name, "Hello").ok()
    llm_("-m", "scripted", "--session", "elsewhere", "-d", str(home / "other.db"), "Hello").ok()
    assert _completed("llm", "--session", "wo") == ["work", "Workshop"]
    assert _completed("llm", "chat", "--session", "WORKS") == ["Workshop"]
    assert _completed("llm", "sessions", "show", "") == ["bridge", "work", "Workshop"]
    assert _completed("llm", "sessions", "list", "--after", "b") == ["bridge"]
    assert _completed("llm", "-d", str(home / "other.db"), "--session", "") == ["elsewhere"]
    assert _completed("llm", "sessions", "sho") == ["show"]


@needs_llm
@pytest.mark.parametrize("content", [None, b"", b"This is not a database at all, but it is long enough to be one."])
def test_completion_is_silent_whatever_the_log(home: Path, log: Path, content: bytes | None) -> None:
    """Where the log is missing, empty or no database, Tab offers nothing, says nothing and makes nothing."""
    if content is not None:
        log.write_bytes(content)
    assert _completed("llm", "--session", "wo") == []
    assert (log.read_bytes() if log.exists() else None) == content
