"""Any bytes, wherever a person hands text to a command: no traceback, and the same text everywhere afterwards."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from datasette_session_views.show.downloads import download
from llm_session_memory.reader.open_log import opened
from llm_session_memory.rules.safe_text import storable
from tests.conftest import Command
from tests.world.laws import tried
from tests.world.once import once
from tests.world.scripted import Script

MARKS = (b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")
NOT_TEXT = (b"caf\xe9", b"\xed\xa0\xbd", b"\0", "\u202e".encode(), b"\x1b[31m", *MARKS)
TEXT = ("é🚀“Ω”".encode(), b"bridge", b"\r\n", b"\n", b" ", b'"', b"'", b"\\", b"--", b"{", b"%s", b"*")
PIECES = st.sampled_from(NOT_TEXT + TEXT)
BYTES = st.lists(PIECES | st.binary(max_size=6), max_size=6).map(b"".join)
ARGUMENTS = BYTES.map(lambda raw: os.fsdecode(raw.replace(b"\0", b"")))
"""Arguments as Python decodes them; no system lets a NUL through."""

LAW = {"suppress_health_check": [HealthCheck.function_scoped_fixture]}


@pytest.fixture(name="used")
@once
def _used(llm_: Command, log: Path, script: Script) -> Path:
    """A log with a session."""
    llm_("-m", "scripted", "--session", "work", "We build a bridge.").ok()
    return log


@tried(200, 10, **LAW)
@given(ARGUMENTS, ARGUMENTS, BYTES, BYTES)
def test_the_same_text_is_sent_logged_shown_and_exported(  # noqa: PLR0913  three fixtures, and four texts
    used: Path, llm_: Command, script: Script, argument: str, system: str, piped: bytes, reply: bytes
) -> None:
    """What the model is sent is what the log, the transcript, the export and the page's file have."""
    name = f"number {len(script.seen)}"
    said = "Noted: " + reply.decode("utf-8", "surrogateescape")
    script.replies = [said]
    llm_("prompt", "-m", "scripted", "--session", name, f"--system={system}", "--", f"{argument}.", input=piped).ok()
    sent = script.texts()[-1][1]
    assert storable(sent) == sent
    with closing(sqlite3.connect(used)) as connection:
        logged = connection.execute("select prompt, response from turn_search order by rowid desc limit 1").fetchone()
    shown = json.loads(llm_("sessions", "show", name, "--json").ok().out)["exchanges"][0]
    assert logged == (sent, storable(said))
    assert (shown["prompt"], shown["reply"]) == logged
    with opened(used) as source:
        thread = source.value("select thread_id from memory_sessions where name = :name", name=name)
        page = download(source, thread, "jsonl", None, None)
    for file in (llm_("sessions", "export", name).ok().out, page):
        assert {*filter(None, logged)} <= {*_strings(json.loads(file.splitlines()[-1]))}
    if argument.isprintable() and not piped:
        assert sent == f"{argument}."


def _strings(value: Any) -> Iterator[str]:
    """Yield all texts in JSON data."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _strings(one)


PLACES: tuple[tuple[str, ...], ...] = (
    ("sessions", "show", "TEXT"),
    ("sessions", "set", "work", "--system=TEXT"),
    ("sessions", "set", "work", "-o", "mood", "TEXT"),
    ("sessions", "set", "work", "--meta", "key", "TEXT"),
    ("sessions", "set", "work", "--meta", "TEXT", "value"),
    ("sessions", "set", "work", "--model=TEXT"),
    ("sessions", "set", "work", "--memory=TEXT"),
    ("sessions", "rename", "--", "nobody", "TEXT"),
    ("sessions", "rename", "--", "TEXT", "work"),
    ("sessions", "name", "--", "TEXT", "other"),
    ("sessions", "pin", "--", "work", "TEXT"),
    ("sessions", "retry", "--", "TEXT"),
    ("sessions", "note", "--", "work", "TEXT"),
    ("sessions", "tag", "--", "work", "TEXT"),
    ("sessions", "tag", "work", "--delete", "--", "TEXT"),
    ("sessions", "rate", "--", "work", "1", "TEXT"),
    ("sessions", "rate", "work", "1", "up", "--note=TEXT"),
    ("sessions", "bookmark", "--", "work", "1", "TEXT"),
    ("sessions", "search", "--", "TEXT"),
    ("sessions", "search", "--raw", "--", "TEXT"),
    ("sessions", "search", "bridge", "--session=TEXT"),
    ("sessions", "search", "bridge", "--model=TEXT"),
    ("sessions", "search", "bridge", "--tag=TEXT"),
    ("sessions", "search", "bridge", "--since=TEXT"),
    ("sessions", "list", "--tag=TEXT"),
    ("sessions", "list", "--meta=TEXT"),
    ("sessions", "list", "--model=TEXT"),
    ("sessions", "list", "--until=TEXT"),
    ("sessions", "list", "--after=TEXT"),
    ("sessions", "query", "--", "TEXT"),
    ("sessions", "query", "one_session", "-p", "session", "TEXT"),
    ("sessions", "query", "one_session", "-p", "TEXT", "work"),
    ("sessions", "stats", "--", "TEXT"),
    ("sessions", "stats", "--model=TEXT"),
    ("sessions", "replay", "--", "TEXT"),
    ("sessions", "context", "--", "work", "TEXT"),
    ("sessions", "context", "work", "--system=TEXT"),
    ("sessions", "import", "FILE"),
    ("sessions", "import", "FILE", "--as=TEXT"),
    ("sessions", "import", "FOLDER/lines.jsonl", "--as=TEXT"),
    ("sessions", "recover", "FILE"),
    ("sessions", "export", "--force", "--", "work", "FOLDER/TEXT"),
    ("prompt", "-m", "scripted", "--session=TEXT", "Hello"),
    ("prompt", "-n", "--session", "work", "-o", "mood", "TEXT", "Hello"),
    ("prompt", "-n", "--session", "work", "-f", "FILE", "Hello"),
    ("prompt", "-n", "--session", "work", "--sf", "FILE", "Hello"),
    ("prompt", "-n", "--session", "work", "-f", "TEXT", "Hello"),
    ("prompt", "-n", "--session", "work", "-t", "TEXT", "Hello"),
    ("prompt", "-n", "--session", "work", "-p", "name", "TEXT", "Hello"),
    ("prompt", "-n", "--session", "work", "--functions=TEXT", "Hello"),
    ("prompt", "-n", "--session", "work", "--schema=TEXT", "Hello"),
)
"""Command lines with a place for any text or a file of any bytes. One can't end with a file that is read twice."""


@tried(1000, 40, **LAW)
@given(st.sampled_from(PLACES), ARGUMENTS, BYTES)
def test_any_bytes_in_any_place_are_read_or_refused(  # noqa: PLR0913  four fixtures, and three values
    used: Path, llm_: Command, tmp_path: Path, command: Sequence[str], argument: str, content: bytes
) -> None:
    """A command succeeds, or refuses in a sentence and changes nothing. What it stored can be shown and exported."""
    file = tmp_path / "file"
    file.write_bytes(content)
    (tmp_path / "lines.jsonl").write_text('{"prompt": "a", "response": "b"}\n', "utf-8")
    name = argument.replace("/", "") if "FOLDER/TEXT" in command else argument
    filled = [
        word.replace("FOLDER", str(tmp_path)).replace("FILE", str(file)).replace("TEXT", name) for word in command
    ]
    before = _content(used)
    done = llm_(*filled)
    assert done.code in (0, 1, 2)
    assert (done.out + done.err).encode()
    if done.code:
        assert "Error: " in done.err
        assert _content(used) == before
        return
    for shown in (["show", "work", "--json"], ["list", "-n", "0", "--json"], ["note", "work", "--json"]):
        json.loads(llm_("sessions", *shown).ok().out)
    llm_("sessions", "export", "work").ok()


def test_text_is_utf_8_in_every_locale(llm_: Command, used: Path, script: Script) -> None:
    """In the C locale Python leaves UTF-8 undecoded, as here. It is read as UTF-8 all the same."""
    name, text = (os.fsencode(word).decode("ascii", "surrogateescape") for word in ("café", "naïve “Ω” 🚀"))
    done = llm_("-m", "scripted", "--session", name, text).ok()
    assert "not UTF-8" not in done.err
    assert script.texts()[-1] == ("user", "naïve “Ω” 🚀")
    llm_("sessions", "note", name, text).ok()
    assert "1. naïve “Ω” 🚀" in llm_("sessions", "note", "café").ok().out
    assert "café #1" in llm_("sessions", "search", text).ok().out


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_piped_text_with_a_mark_is_decoded(llm_: Command, used: Path, script: Script, encoding: str) -> None:
    """Windows writes UTF-16 and UTF-8 with a mark in front. Both are read correctly, and the mark is not sent."""
    done = llm_("--session", "work", input="naïve\r\n“Ω” 🚀".encode(encoding)).ok()
    assert (script.texts()[-1], done.err) == (("user", "naïve\n“Ω” 🚀"), "")


def test_nul_is_replaced_and_reported_once(llm_: Command, used: Path, script: Script) -> None:
    """A NUL, at which many programs end a text, is sent as “\ufffd”; so everything after it can be found and shown."""
    done = llm_("--session", "work", "And?", input=b"one\0two\0three").ok()
    assert script.texts()[-1] == ("user", "one\ufffdtwo\ufffdthree And?")
    assert done.err.count("NUL") == 1


def test_a_search_for_bytes_that_are_no_text_says_so(llm_: Command, used: Path) -> None:
    """A command that only looks for text reads “\ufffd” for each such byte, and says so once."""
    done = llm_("sessions", "search", "caf\udce9", "\udcff").ok()
    assert done.err.count("Part of the command is not UTF-8. Each unreadable byte is read as “\ufffd”.") == 1


def _content(log: Path) -> list[str]:
    """Return what a log has: sessions, facts, conversations and turns."""
    with closing(sqlite3.connect(log)) as connection:
        tables = ("memory_sessions", "memory_notes", "memory_tags", "memory_meta", "threads", "turns", "memory_ratings")
        return [str(row) for table in tables for row in connection.execute(f"select * from {table}")]
