"""Each setting reaches the session from its option, and no step on the way loses it."""

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
    "think": "keep",
    "recall_fragments": False,
    "global_notes": False,
    "recall_from": "all",
    "guard": True,
}
"""A value other than the default for each setting. A new setting needs one."""

FLAGS = {"model": "-m", "system": "-s", "options": "-o"}
"""llm's own options. Those that we add have the name of their setting."""


def typed(**values: Any) -> list[str]:
    """Return the options that a person would type for settings."""
    found: list[str] = []
    for name, value in values.items():
        if name == "global_notes":
            found += ["--global-notes" if value else "--no-global-notes"]
            continue
        if name == "guard" and isinstance(value, bool):
            value = "on" if value else "off"  # noqa: PLW2901  as it is typed
        if value is False:
            value = "no"  # noqa: PLW2901  as it is typed
        words = [str(word) for pair in value.items() for word in pair] if isinstance(value, dict) else [str(value)]
        found += [FLAGS.get(name, f"--{name.replace('_', '-')}"), *words]
    return found


@pytest.fixture(name="work")
def _work(llm_: Command, script: Script) -> None:
    """A session `work` with every setting, and `plain` with only its model."""
    llm_("--session", "work", *typed(**VALUES), "Hello").ok()
    llm_("--session", "plain", "-m", "scripted", "Hello").ok()


def settings_of(log: Path, name: str) -> Settings:
    with Memory(log) as memory:
        return memory.sessions.get(name).settings


def test_each_setting_has_a_value_here_and_an_option() -> None:
    """These tests cover every setting, and each setting without an option of llm's has one of ours."""
    assert set(VALUES) == {one.name for one in fields(Settings)}
    default = Settings()
    assert [name for name, value in VALUES.items() if getattr(default, name) == value] == []
    assert set(VALUES) - set(FLAGS) == set(options.ours()) - {
        *("session", "new_session", "project", "fork_at", "send_anyway", "over_budget"),
    }


def test_options_become_the_settings_of_the_session(work: None, log: Path) -> None:
    """A new session keeps the value of each option."""
    assert settings_of(log, "work") == Settings(**VALUES)


def test_sessions_set_changes_each_of_them(work: None, log: Path, llm_: Command) -> None:
    """`sessions set` has an option for each setting, and shows it."""
    llm_("sessions", "set", "plain", *typed(**VALUES)).ok()
    assert settings_of(log, "plain") == Settings(**VALUES)


def test_sessions_set_removes_each_of_them(work: None, log: Path, llm_: Command) -> None:
    """`default`, or nothing for a text, removes a setting."""
    removed: dict[str, Any] = {**dict.fromkeys(VALUES, "default"), "system": "", "options": {"mood": ""}}
    llm_("sessions", "set", "work", *typed(**removed)).ok()
    assert settings_of(log, "work") == Settings()


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
    """A failed prompt keeps the values of its options, and each retry uses them again."""
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


def test_settings_of_a_newer_version_are_ignored() -> None:
    """An attempt with an unknown setting can be sent again, and so can one of an older version that lacks some."""
    request = {"model": "scripted", "telepathy": 0.5}
    attempt = Attempt("id", "thread", "scripted", "Hello", "no", "", "", None, request)
    assert attempts.said_of(attempt) == Settings(model="scripted")


def test_export_and_import_carry_each_of_them(work: None, log: Path, llm_: Command, tmp_path: Path) -> None:
    """An exported and imported session has all its settings."""
    file = tmp_path / "work.jsonl"
    llm_("sessions", "export", "work", str(file)).ok()
    llm_("sessions", "import", str(file), "--as", "copy").ok()
    assert settings_of(log, "copy") == Settings(**VALUES)
