"""What the commands say of a log's path that leads to no ordinary file."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tests.conftest import Command

pytestmark = [
    pytest.mark.usefixtures("script"),
    pytest.mark.skipif(os.name != "posix", reason="this system has other links, and no named pipes"),
]

PROMPT = ("-m", "scripted", "--session", "work", "When?")
COMMANDS = {
    "prompt": PROMPT,
    "list": ("sessions",),
    "show": ("sessions", "show", "work"),
    "search": ("sessions", "search", "bridge"),
    "stats": ("sessions", "stats"),
    "query": ("sessions", "query", "latency_by_model"),
    "replay": ("sessions", "replay", "work"),
    "context": ("sessions", "context", "work", "When?"),
}


def test_a_link_to_a_missing_file_creates_that_file(log: Path, llm_: Command) -> None:
    """As with plain llm, the log is created where the link leads; it is its owner's alone."""
    log.parent.mkdir(parents=True, exist_ok=True)
    target = log.with_name("elsewhere.db")
    log.symlink_to(target)
    llm_(*PROMPT).ok()
    assert log.is_symlink()
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert "When?" in llm_("sessions", "show", "work").ok().out


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_link_to_itself_is_called_one(log: Path, llm_: Command, command: tuple[str, ...]) -> None:
    """A link that leads back to itself is no missing log."""
    log.parent.mkdir(parents=True, exist_ok=True)
    log.symlink_to(log)
    done = llm_(*command)
    assert (done.code, done.out) == (1, "")
    assert f"The log {log} is a symbolic link that leads back to itself." in done.err


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_named_pipe_is_no_log(log: Path, llm_: Command, command: tuple[str, ...]) -> None:
    """A named pipe is refused at once: opening it would wait for somebody to write into it."""
    log.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(log)
    done = llm_(*command)
    assert (done.code, done.out) == (1, "")
    assert f"{log} is a named pipe, not a log." in done.err
