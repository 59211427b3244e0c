"""Settings are written down once: each of them comes from the option to the session, and is never lost on the way."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from llm_session_memory import Memory
from llm_session_memory.llm_seam import attempts, options
from llm_session_memory.model import Attempt, Settings
from tests.conftest import Command
from tests.world.scripted import Script

VALUES: dict[str, Any] = {
    "model": "scripted",
    "system": "Be brief.",
    "options": {"mood": "calm"},
    "max_context_tokens": 5_000,
    "memory": "summary,recall",
    "recall_share": 0.25,
    "recall_model": "none",
    "summary_model": "other",
}
"""A value for each setting that is not its default; a new setting needs one."""

FLAGS = {"model": "-m", "system": "-s", "options": "-o"}
"""llm's own options; those that we add are called like their setting."""


def typed(**values: Any) -> list[str]:
    """Return settings as a person types them."""
    found: list[str] = []
    for name, value in values.items():
        words = [str(word) for pair in value.items() for word in pair] if isinstance(value, dict) else [str(value)]
        found += [FLAGS.get(name, f"--{name.replace('_', '-')}"), *words]
    return found


@pytest.fixture(name="work")
def _work(llm_: Command, script: Script) -> None:
    """A session `work` with every setting, and `plain` with its model alone."""
    llm_("--session", "work", *typed(**VALUES), "Hello").ok()
    llm_("--session", "plain", "-m", "scripted", "Hello").ok()


def settings_of(log: Path, name: str) -> Settings:
    with Memory(log) as memory:
        return memory.sessions.get(name).settings


def test_each_setting_has_a_value_here_and_an_option() -> None:
    """No setting is left out of these tests, and each that llm has no option for has one of ours."""
    assert set(VALUES) == {one.name for one in fields(Settings)}
    default = Settings()
    assert [name for name, value in VALUES.items() if getattr(default, name) == value] == []
    assert set(VALUES) - set(FLAGS) == set(options.ours()) - {"session", "new_session"}


def test_options_become_the_settings_of_the_session(work: None, log: Path) -> None:
    """A new session keeps what each option said."""
    assert settings_of(log, "work") == Settings(**VALUES)


def test_sessions_set_changes_each_of_them(work: None, log: Path, llm_: Command) -> None:
    """`sessions set` has an option for each setting, and shows it."""
    llm_("sessions", "set", "plain", *typed(**VALUES)).ok()
    assert settings_of(log, "plain") == Settings(**VALUES)


def test_a_program_gives_each_of_them(work: None, log: Path) -> None:
    """`memory.conversation` takes each setting as an argument."""
    with Memory(log) as memory:
        memory.conversation("program", **VALUES).prompt("Hello").text()
        assert memory.sessions.get("program").settings == Settings(**VALUES)


def test_show_has_each_of_them(work: None, llm_: Command) -> None:
    """`show --json` has each setting by its name."""
    shown = json.loads(llm_("sessions", "show", "work", "--json").ok().out)
    assert {name: shown[name] for name in VALUES} == VALUES


def test_a_failed_prompt_keeps_each_of_them_for_retry(work: None, log: Path, llm_: Command, script: Script) -> None:
    """A prompt that fails keeps what its options said, and sent again it asks for the same, again and again."""
    script.replies = [ValueError("no")]
    llm_("--session", "plain", *typed(**VALUES), "Twice")
    assert llm_("sessions", "retry", "plain").code == 1
    assert llm_("sessions", "retry", "plain").code == 1
    with Memory(log) as memory:
        kept = memory.record.attempts("plain")
    assert len(kept) == 3
    for attempt in kept:
        assert {name: attempt.request[name] for name in VALUES} == VALUES
        assert attempts.said_of(attempt) == Settings(**VALUES)


def test_what_a_newer_version_kept_is_left_out() -> None:
    """An attempt with a setting that is not known here can be sent again; one of an older version lacks some."""
    request = {"model": "scripted", "telepathy": 0.5}
    attempt = Attempt("id", "thread", "scripted", "Hello", "no", "", "", None, request)
    assert attempts.said_of(attempt) == Settings(model="scripted")


def test_export_and_import_carry_each_of_them(work: None, log: Path, llm_: Command, tmp_path: Path) -> None:
    """A session that is exported and imported has each setting again."""
    file = tmp_path / "work.jsonl"
    llm_("sessions", "export", "work", str(file)).ok()
    llm_("sessions", "import", str(file), "--as", "copy").ok()
    assert settings_of(log, "copy") == Settings(**VALUES)
