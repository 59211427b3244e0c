"""`llm sessions secrets`: what is printed, and the exit status."""

from __future__ import annotations

import json
from pathlib import Path

from tests.conftest import Command
from tests.world.logs import LogBuilder, Said
from tests.world.scripted import Script
from tests.world.secret_log import OPENAI, PASSWORD, key, secret_log


def test_secrets_are_listed_masked_with_status_1(log: Path, llm_: Command) -> None:
    """Each session with its exchanges, each secret masked; the status says that there are some."""
    secret_log(log)
    said = llm_("sessions", "secrets")
    assert said.code == 1
    lines = said.out.splitlines()
    assert lines[0] == "No conversation"
    assert lines[1] == "  note for all sessions: password t…3 (15 characters)"
    assert lines[2] == "work"
    assert f"  #2 reply: OpenAI key {OPENAI[:4]}…{OPENAI[-4:]} (48 characters)" in lines
    assert "Found 3 secrets." in said.err
    assert OPENAI not in said.out + said.err
    assert PASSWORD not in said.out + said.err
    found = json.loads(llm_("sessions", "secrets", "work", "--json").out)["secrets"]
    assert {one["kind"] for one in found} == {"OpenAI key", "password", "private key"}
    assert OPENAI not in json.dumps(found)


def test_nothing_found_is_status_0(log: Path, llm_: Command) -> None:
    """A log without secrets says so; a conversation without a name can be looked at by its id."""
    with LogBuilder(log) as built:
        clean, other = built.thread(), built.thread()
        built.turns(clean, Said("Hello", "Hi"))
        built.turns(other, Said(f"Use {key('hf_', 34)}", "Done."))
    assert llm_("sessions", "secrets", clean).ok().out == f"No secrets found in session “{clean}”.\n"
    assert llm_("sessions", "secrets", other).out.splitlines()[0] == f"{other} (no name)"
    assert "not found" in llm_("sessions", "secrets", "nobody").err


def test_a_redaction_is_shown_asked_for_and_backed_up(log: Path, llm_: Command, script: Script) -> None:
    """A dry run changes nothing; without a terminal nothing is replaced; with --yes a backup is made first."""
    secret_log(log)
    before = log.read_bytes()
    said = llm_("sessions", "secrets", "work", "--redact", "--dry-run").ok()
    assert said.out.splitlines()[-1].startswith("Would replace 3 secrets in ")
    assert said.err == "Nothing was replaced.\n"
    said = llm_("sessions", "secrets", "--redact")
    assert said.code == 1
    assert said.err.splitlines()[-1] == (
        "Error: Nothing was replaced, because there is no terminal to ask on. "
        "Add --yes to replace without a question, or --dry-run to see what would be replaced."
    )
    assert log.read_bytes() == before
    said = llm_("sessions", "secrets", "--redact", "--yes").ok()
    [backup] = log.parent.glob("*.before-redaction.db")
    assert said.out.splitlines()[0].startswith("Replaced 3 secrets in ")
    assert f"The log as it was before is in {backup}. It still has the secrets" in said.out
    assert PASSWORD.encode() in backup.read_bytes()
    assert PASSWORD.encode() not in log.read_bytes()
    assert llm_("sessions", "secrets", "--redact", "--yes").ok().out == "No secrets found in the log.\n"
    assert "[redacted: OpenAI key] it is." in llm_("sessions", "show", "work").ok().out
    llm_("-m", "scripted", "--session", "work", "Go on").ok()
    assert any("[redacted: OpenAI key]" in text for _, text in script.texts())
    assert OPENAI not in str(script.texts())


def test_only_one_kind_is_replaced_without_a_backup(log: Path, llm_: Command) -> None:
    """--kind leaves the others as they are; --no-backup makes no file."""
    secret_log(log)
    done = json.loads(
        llm_("sessions", "secrets", "--kind", "password", "--redact", "--yes", "--no-backup", "--json").ok().out
    )
    assert [one["kind"] for one in done["secrets"]] == ["password"]
    assert done["backup"] is None
    assert {one.name for one in log.parent.glob("*redaction*")} == set()
    left = json.loads(llm_("sessions", "secrets", "--json").out)["secrets"]
    assert {one["kind"] for one in left} == {"OpenAI key", "private key"}
    assert llm_("sessions", "secrets", "--yes").code == 2
