"""A forked llm behaves like llm: its arguments, environment, folder and streams, and how it ends."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Command
from tests.world import quick_tables
from tests.world.processes import Running, forked


def test_its_output_is_that_of_a_real_start(llm_process: Command, real_llm: Command) -> None:
    """Output, errors and exit code are those of a real start, for commands that succeed and that fail."""
    for arguments in (("-m", "echo", "Hello"), ("-m", "nosuch", "Hello")):
        assert llm_process(*arguments, input="Typed") == real_llm(*arguments, input="Typed"), arguments


def test_it_has_an_environment_and_a_folder_of_its_own(llm_process: Command, home: Path) -> None:
    """It logs where the test's environment says, and gets any variables added to it; its folder is the home."""
    (home / "text.txt").write_text("From a file.")
    done = llm_process("-f", "text.txt", "-x", env={"LLM_MODEL": "echo"}).ok()
    assert "From a file." in json.loads(done.out)["prompt"]
    assert (home / "logs.db").exists()


def test_without_stdin_it_does_not_wait(start_llm: Callable[..., Running]) -> None:
    """A process that is started without a stdin does not wait for input."""
    process = start_llm("-m", "echo", "Hello")
    out, err = process.communicate(timeout=60)
    assert (json.loads(out)["prompt"], err, process.returncode) == ("Hello", "", 0)


def test_work_in_a_fork_has_this_environment(forking: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a process of its own sees the variables that the test has set since, and its exit code is known."""
    monkeypatch.setenv("LLM_USER_PATH", "here")
    process = forked(_write_environment, tmp_path / "seen")
    process.join(60)
    assert ((tmp_path / "seen").read_text(), process.exitcode) == ("here", 0)


def test_work_in_a_fork_takes_the_shortcuts_of_this_process(forking: None, tmp_path: Path) -> None:
    """A fork copies the tables of a new log, too. Nothing but time would be lost without."""
    forked(_write_shortcut, tmp_path / "seen").join(60)
    assert (tmp_path / "seen").read_text() == quick_tables.__name__


def _write_shortcut(path: Path) -> None:
    from llm import migrations

    path.write_text(migrations.ensure_migrations_table.__module__)


def _write_environment(path: Path) -> None:
    path.write_text(os.environ["LLM_USER_PATH"])
