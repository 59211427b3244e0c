"""Exports without secrets, and without texts."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import pytest

from llm_session_memory import Memory
from llm_session_memory.errors import SessionError
from llm_session_memory.interchange import export_session, import_session
from tests.conftest import Command
from tests.world.secret_log import OPENAI, PASSWORD, PEM, secret_log


def exported(path: Path, format_: str, hide: str) -> str:
    """Export the session with secrets."""
    stream = io.StringIO()
    with Memory(path) as memory:
        export_session(memory, "work", stream, format=format_, hide=hide)  # type: ignore[arg-type]
    return stream.getvalue()


@pytest.mark.parametrize("format_", ["jsonl", "markdown", "html", "openai", "csv"])
def test_no_format_has_a_secret(log: Path, format_: str) -> None:
    """Each format has the texts around the secrets, and none of these, also not in attachments that are texts."""
    secret_log(log)
    before = log.read_bytes()
    text = exported(log, format_, "secrets")
    assert "behind it are words about bridges" in text
    assert "[redacted: OpenAI key]" in text
    for secret in (OPENAI, PASSWORD, PEM.splitlines()[1]):
        assert secret not in text
        assert base64.b64encode(f"password: {secret}\n".encode()).decode() not in text
    assert log.read_bytes() == before


def test_a_redacted_file_can_be_imported(log: Path, llm_: Command, tmp_path: Path) -> None:
    """The file is a session like any other, and nothing looks like a secret in it."""
    secret_log(log)
    llm_("sessions", "export", "work", str(tmp_path / "work.jsonl"), "--redact").ok()
    with Memory(log) as memory:
        import_session(memory, tmp_path / "work.jsonl", "again")
        assert memory.secrets.find(memory.sessions.get("again").thread_id) == []


def test_a_sanitized_file_has_the_structure_and_no_text(log: Path, llm_: Command, tmp_path: Path) -> None:
    """Roles, types, models, tools, times and counts stay; each text is its length; the file can be imported."""
    secret_log(log)
    whole = [json.loads(line) for line in exported(log, "jsonl", "").splitlines()]
    made = [json.loads(line) for line in exported(log, "jsonl", "texts").splitlines()]
    assert len(made) == len(whole)
    text = json.dumps(made)
    for word in (OPENAI, "key", "bridges", "Again", "env-", "Works"):
        assert word not in text
    prompt = whole[2]["turns"][0]["input"][0]
    sanitized = made[2]["turns"][0]["input"][0]
    assert sanitized["role"] == prompt["role"] == "user"
    assert [one["type"] for one in sanitized["parts"]] == [one["type"] for one in prompt["parts"]]
    texts = [
        (one["text"], len(before["text"]))
        for one, before in zip(sanitized["parts"], prompt["parts"], strict=True)
        if "text" in one
    ]
    assert texts
    assert all(one == f"[{length:,} characters]" for one, length in texts)
    assert [turn["model"] for turn in made[2]["turns"]] == [turn["model"] for turn in whole[2]["turns"]]
    calls = [one for turn in made[2]["turns"] for one in turn["output"][0]["parts"] if one["type"] == "tool_call"]
    assert [one["name"] for one in calls] == ["look"]
    file = tmp_path / "bug.jsonl"
    llm_("sessions", "export", "work", str(file), "--sanitize").ok()
    llm_("sessions", "import", str(file), "--as", "bug").ok()
    with Memory(log) as memory:
        assert len(memory.sessions.turn_ids("bug")) == len(memory.sessions.turn_ids("work"))


def test_what_does_not_go_together_is_refused(log: Path, llm_: Command, tmp_path: Path) -> None:
    """Lengths are for JSONL only; both options at once are a mistake; nothing is written."""
    secret_log(log)
    with pytest.raises(SessionError, match="replaced with their lengths only in JSONL"):
        exported(log, "markdown", "texts")
    file = tmp_path / "work.md"
    assert llm_("sessions", "export", "work", str(file), "--sanitize").code == 1
    assert llm_("sessions", "export", "work", str(file), "--sanitize", "--redact").code == 2
    assert not file.exists()
