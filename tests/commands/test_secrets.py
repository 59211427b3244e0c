"""`llm sessions secrets`: what is printed, and the exit status."""

from __future__ import annotations

import json
from pathlib import Path

from tests.conftest import Command
from tests.world.logs import LogBuilder, Said
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
