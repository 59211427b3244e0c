"""The rules of `llm sessions replay`."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import sys
from pathlib import Path

import pytest

from tests.conftest import Command
from tests.world import processes
from tests.world.once import once
from tests.world.scripted import Script


@pytest.fixture(name="work", autouse=True)
@once
def _work(llm_: Command, script: Script) -> None:
    """A session of two exchanges."""
    llm_("-m", "scripted", "--session", "work", "We build a bridge.").ok()
    llm_("--session", "work", "With \x1b]0;a title\x07 in it.").ok()


def test_without_a_terminal_everything_is_printed_at_once(llm_: Command) -> None:
    """Exchanges are printed in order, without any character that controls a terminal."""
    done = llm_("sessions", "replay", "work", "--idle", "off")
    assert done.code == 0
    places = [done.out.index(words) for words in ("#1 ", "> We build a bridge.", "#2 ", "> With ␛]0;a title␇ in it.")]
    assert places == sorted(places)
    assert "\x1b" not in done.out


def test_from_leaves_out_earlier_exchanges(llm_: Command) -> None:
    """--from leaves out earlier exchanges."""
    assert "We build" not in llm_("sessions", "replay", "WORK", "--from", "2").out


def test_a_recording_is_written(llm_: Command, tmp_path: Path) -> None:
    """--to writes the same as a recording, and says how to play it."""
    there = tmp_path / "work.cast"
    done = llm_("sessions", "replay", "work", "--to", str(there), "--speed", "2")
    assert (done.out, done.err) == ("", f"Wrote {there}. Play it with: asciinema play {there}\n")
    head, *events = [json.loads(line) for line in there.read_text("utf-8").splitlines()]
    assert (head["version"], head["title"]) == (2, "work")
    assert "> We build a bridge." in "".join(text for _, _, text in events)


def test_a_recording_replaces_no_file(llm_: Command, tmp_path: Path) -> None:
    """An existing file is only replaced with --force. Only its owner can read a recording, like the log."""
    there = tmp_path / "work.cast"
    there.write_text("mine")
    done = llm_("sessions", "replay", "work", "--to", str(there))
    assert done.err == f"Error: {there} already exists. Choose another name, or replace it with --force.\n"
    assert there.read_text() == "mine"
    llm_("sessions", "replay", "work", "--to", str(there), "--force").ok()
    assert there.read_text().startswith('{"version": 2')
    llm_("sessions", "replay", "work", "--to", str(tmp_path / "new.cast")).ok()
    assert stat.S_IMODE((tmp_path / "new.cast").stat().st_mode) == 0o600


REFUSED = [
    pytest.param(["nothing"], 1, "Session or conversation “nothing” not found.", id="no such session"),
    pytest.param(
        ["work", "--from", "3"], 1, "Session “work” has no exchange #3. It has 2 exchanges.", id="no such exchange"
    ),
    pytest.param(["work", "--to", "no/x.cast"], 1, "no/x.cast can't be written", id="no such folder"),
    pytest.param(["work", "--idle", "long"], 2, "neither a number of seconds nor `off`", id="no seconds"),
    pytest.param(["work", "--idle", "-1"], 2, "neither a number of seconds nor `off`", id="negative seconds"),
    pytest.param(["work", "--speed", "0"], 2, "0.1", id="no speed"),
]


@pytest.mark.parametrize(("arguments", "code", "words"), REFUSED)
def test_invalid_replays_are_refused(llm_: Command, arguments: list[str], code: int, words: str) -> None:
    """The message says what is wrong."""
    done = llm_("sessions", "replay", *arguments)
    assert done.code == code
    assert words in done.err


def test_without_a_log_there_is_nothing_to_play(llm_: Command, tmp_path: Path) -> None:
    """A missing log is an error, and no log is created."""
    done = llm_("sessions", "replay", "work", "-d", str(tmp_path / "none.db"))
    assert (done.code, (tmp_path / "none.db").exists()) == (1, False)
    assert "There is no log at" in done.err


@pytest.mark.skipif(sys.platform == "win32", reason="terminals are other there")
def test_in_a_terminal_it_plays_until_a_key_ends_it(forking: None, home: Path) -> None:
    """Headings are bold. `q` ends the replay at once, with exit code 0."""
    arguments = ("sessions", "replay", "work", "--speed", "0.1", "--idle", "off")
    process, descriptor = processes.in_terminal(arguments, os.environ, home)
    printed = b""
    with contextlib.suppress(OSError):  # how Linux says that the other end is closed
        while more := os.read(descriptor, 4096):
            printed += more
            if b"> We build" in printed:
                os.write(descriptor, b"q")
    process.join()
    assert process.exitcode == 0
    assert b"\x1b[1m#1" in printed
