"""What the commands say of logs that an older llm wrote and no newer one has migrated, and of empty ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Command
from tests.world.old_llms import OLD_LLMS, THREAD, write_old_log
from tests.world.scripted import Script

pytestmark = pytest.mark.usefixtures("script")

EACH = pytest.mark.parametrize("version", OLD_LLMS)


@EACH
def test_search_says_that_an_old_log_is_old(llm_: Command, log: Path, version: str) -> None:
    """The error for a log that is too old to search says how to bring it up to date. The log stays unchanged."""
    write_old_log(log, version)
    before = log.read_bytes()
    done = llm_("sessions", "search", "bridge")
    assert (done.code, done.out) == (1, "")
    assert f"The log {log} was written by a version of llm older than 0.32." in done.err
    assert log.read_bytes() == before


@pytest.mark.parametrize("made", [b"", None], ids=["no_bytes", "no_tables"])
def test_an_empty_file_has_nothing_logged_yet(llm_: Command, log: Path, made: bytes | None) -> None:
    """A file without tables is neither an old log nor a new one: nothing is logged in it yet."""
    import sqlite3

    log.parent.mkdir(parents=True, exist_ok=True)
    log.touch()
    if made is None:
        sqlite3.connect(log).executescript("create table far_away (id); drop table far_away")
    done = llm_("sessions", "search", "bridge")
    assert done.code == 1
    assert f"Nothing is logged in {log} yet." in done.err


@EACH
def test_an_old_log_is_read_replayed_and_counted(llm_: Command, log: Path, version: str) -> None:
    """The commands that read any log can read an old one, and leave it unchanged."""
    write_old_log(log, version)
    before = log.read_bytes()
    cast = log.with_name("work.cast")
    llm_("sessions", "replay", THREAD, "--to", str(cast)).ok()
    assert "bridge" in cast.read_text("utf-8")
    assert "2 calls" in llm_("sessions", "stats").ok().out
    assert llm_("sessions", "query", "latency_by_model", "--json").ok().out
    assert log.read_bytes() == before


@EACH
def test_an_old_conversation_becomes_a_session(llm_: Command, log: Path, script: Script, version: str) -> None:
    """A conversation of any older llm can be named, shown, searched and continued."""
    write_old_log(log, version)
    llm_("sessions", "name", THREAD, "work").ok()
    assert "We build a bridge in Lisbon." in llm_("sessions", "show", "work").ok().out
    assert "work #1" in llm_("sessions", "search", "bridge").ok().out
    llm_("-m", "scripted", "--session", "work", "And who signs off?").ok()
    assert [text for role, text in script.texts() if role == "user"][:1] == ["We build a bridge in Lisbon."]
