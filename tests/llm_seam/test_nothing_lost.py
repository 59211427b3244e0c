"""A reply that was read to its end is never lost, whatever happens between its last word and the log."""

from __future__ import annotations

import errno
import itertools
import json
import shutil
import signal
import sqlite3
import sys
import tempfile
import traceback
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import FrameType
from typing import Any

import llm
import pytest

from llm_session_memory.llm_seam.prompted import Prompted
from llm_session_memory.store import Log
from tests.conftest import Command
from tests.world import laws
from tests.world.logs import as_read_only
from tests.world.ollama_server import Hang, OllamaStandIn
from tests.world.processes import Running
from tests.world.scripted import Script

REPLY = "The deadline is the 4th of May."
PROMPT = "When is the deadline?"

FAILURES: tuple[Callable[[], BaseException], ...] = (
    KeyboardInterrupt,
    lambda: SystemExit(143),
    lambda: OverflowError("Python int too large to convert to SQLite INTEGER"),
    lambda: UnicodeEncodeError("utf-8", "\ud83d", 0, 1, "surrogates not allowed"),
    lambda: OSError(errno.ENOSPC, "No space left on device"),
    lambda: sqlite3.OperationalError("database or disk is full"),
    MemoryError,
)
"""Failures that may end the writing: signals, values that no log can hold, a full disk, anything else."""


def places(log: Path) -> list[str]:
    """Return the places that have the reply: a turn, an attempt, a file beside the log or in the temporary folder."""
    found = []
    with closing(sqlite3.connect(log)) as connection:
        turns = connection.execute("select count(*) from turn_search where response = ?", [REPLY]).fetchone()[0]
        attempts = "select count(*) from memory_attempts where partial = ? and answered_by is null"
        kept = connection.execute(attempts, [REPLY]).fetchone()[0]
    found += ["turn"] * turns + ["attempt"] * kept
    for folder in (log.parent, Path(tempfile.gettempdir())):
        files = [*folder.glob("*unsaved-replies*/*")]
        found += ["file" for path in files if json.loads(path.read_text("utf-8"))["reply"] == REPLY]
    return found


def _forget_files(log: Path) -> None:
    """Delete the files of `places`, so that a reply isn't found where an earlier one was kept."""
    for folder in (log.parent, Path(tempfile.gettempdir())):
        for path in folder.glob("*unsaved-replies*"):
            shutil.rmtree(path)


@pytest.fixture(name="used")
def _used(log: Path, llm_: Command, script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A log with a session, and a temporary folder for this test only."""
    llm_("-m", "scripted", "--session", "work", "We build a bridge.").ok()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    return log


class Interrupting:
    """Raises a failure at one of our statements, given by its number, while a reply is logged."""

    def __init__(self, number: int, failure: BaseException) -> None:
        self.left = number
        self.failure = failure
        self.raised = False

    def __enter__(self) -> None:
        self.before = sys.gettrace()
        self.log = Prompted.log

        def log(*arguments: Any) -> Any:
            sys.settrace(self.called)  # only now, because everything that is traced takes many times as long
            try:
                return self.log(*arguments)
            finally:
                sys.settrace(self.before)

        Prompted.log = log  # type: ignore[assignment, method-assign]

    def __exit__(self, *_: object) -> None:
        Prompted.log = self.log  # type: ignore[method-assign]
        sys.settrace(self.before)

    def called(self, frame: FrameType, event: str, argument: Any) -> Any:
        """Trace the functions of our modules that run within `Prompted.log`."""
        del event, argument
        if "llm_session_memory" not in frame.f_code.co_filename or not self._logging(frame):
            return None
        return self.statement

    def statement(self, frame: FrameType, event: str, argument: Any) -> Any:
        """Count statements; raise at the given one."""
        del argument
        if event == "line":
            self.left -= 1
            if self.left == 0:
                self.raised = True
                sys.settrace(None)
                frame.f_trace = None
                raise self.failure
        return self.statement

    @staticmethod
    def _logging(frame: FrameType | None) -> bool:
        while frame is not None:
            if frame.f_code is Prompted.log.__code__:
                return True
            frame = frame.f_back
        return False


@pytest.mark.slow
def test_a_reply_survives_any_failure_while_it_is_logged(
    used: Path, llm_: Command, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each failure at each statement between the last word and the commit leaves the reply in at least one place.

    (An ordinary run tries every eleventh statement.)
    """
    patience = Log.patience
    # The failure keeps some queries open, and no other program that would soon be done has locked the log.
    monkeypatch.setattr(Log, "patience", lambda log, _: patience(log, 0.01))
    before = used.read_bytes()
    lost = []
    for number in itertools.count(1, 1 if laws.PROFILE == "ci" else 11):  # not a multiple of 7, which fail in turn
        used.write_bytes(before)
        _forget_files(used)
        failing = Interrupting(number, FAILURES[number % len(FAILURES)]())
        script.replies = [REPLY]
        with failing:
            done = llm_("--session", "work", PROMPT)
        traceback.clear_frames(failing.failure.__traceback__)  # closes those queries
        if not places(used) or "Traceback" in done.err:
            lost.append((number, failing.failure, done.err))
        if not failing.raised:
            break
    assert number > 50, "the hook followed no statements"
    assert (done.err, places(used)) == ("", ["turn"]), "the last one failed by itself"
    assert lost == []


@pytest.mark.parametrize("failure", FAILURES, ids=lambda make: type(make()).__name__)
@pytest.mark.parametrize("chain", [False, True], ids=["prompt", "tools"])
def test_a_reply_that_llms_writer_refuses_is_kept_with_its_prompt(  # noqa: PLR0913  two tables of cases
    used: Path, llm_: Command, script: Script, monkeypatch: pytest.MonkeyPatch, failure: Any, chain: bool
) -> None:
    """Whatever llm's own writer raises, the whole reply is in an attempt or a file, and stderr says so."""
    script.replies = [REPLY]

    def refuse(*_: object) -> None:
        raise failure()

    with monkeypatch.context() as patched:
        patched.setattr(llm.Response, "log_to_db", refuse)
        done = llm_("--session", "work", PROMPT, *(["-T", "llm_version"] if chain else []))
    assert done.out.startswith(REPLY)
    assert done.code != 0
    assert len(places(used)) == 1
    assert "Traceback" not in done.err
    assert "is kept" in done.err


@pytest.mark.parametrize("tmp", [True, False], ids=["elsewhere", "nowhere"])
def test_a_full_disk_is_not_the_end(used: Path, llm_: Command, script: Script, tmp_path: Path, tmp: bool) -> None:
    """If a file can't be written beside the log, it goes to the temporary folder, or else the error says so."""

    def reply(prompt: Any) -> str:
        as_read_only(used)
        return REPLY

    (used.parent / "unsaved-replies").write_text("no folder can be made here", "utf-8")
    if not tmp:
        (tmp_path / "tmp").rmdir()
        (tmp_path / "tmp").write_text("nor here", "utf-8")
    script.replies = [reply]
    done = llm_("--session", "work", PROMPT)
    assert len([*(tmp_path / "tmp").glob("*/*")]) == int(tmp)
    assert ("only on your screen" in done.err) is not tmp
    assert done.code == 1
    assert "Traceback" not in done.err


@pytest.mark.parametrize("count", [10**30, 2**63, -1])
def test_a_count_too_large_to_store_is_dropped(llm_: Command, used: Path, script: Script, count: int) -> None:
    """If a server reports 10^30 tokens, the reply is logged with an unknown count."""
    script.replies, script.count = [REPLY], lambda text: count
    llm_("--session", "work", PROMPT).ok()
    assert _replies(llm_) == ["Noted.", REPLY]
    with closing(sqlite3.connect(used)) as connection:
        counted = connection.execute("select output_tokens from turns order by id desc limit 1").fetchone()
    assert counted == (None,)


def test_a_lone_surrogate_in_a_reply_is_replaced(llm_: Command, used: Path, script: Script) -> None:
    """Valid JSON may have half of a character, which no file or terminal can take."""
    script.replies = ["half \ud83d of it"]
    assert llm_("--session", "work", PROMPT).ok().out == "half \ufffd of it\n"
    assert _replies(llm_) == ["Noted.", "half \ufffd of it"]


@pytest.mark.parametrize("place", ["prompt", "system"])
def test_bytes_that_are_not_utf_8_are_replaced(llm_: Command, used: Path, script: Script, place: str) -> None:
    """Bytes that Python can't decode are sent as “\ufffd”, with one notice."""
    text = b"caf\xe9".decode("utf-8", "surrogateescape")
    arguments = {"prompt": [text], "system": ["-s", text, "Hi"]}
    script.replies = [REPLY]
    done = llm_("--session", "work", *arguments[place]).ok()
    assert done.err.count("is not UTF-8") == 1
    assert "caf\ufffd" in f"{script.texts()} {script.systems}"
    assert _replies(llm_) == ["Noted.", REPLY]


def test_piped_bytes_that_are_not_utf_8_are_replaced(used: Path, llm_process: Command) -> None:
    """A Latin-1 file on stdin, which is common, is sent with “�” for each such byte, and one notice."""
    latin = b"caf\xe9\n".decode("utf-8", "surrogateescape")
    done = llm_process("-m", "echo", "--session", "piped", "Summarise", input=latin).ok()
    assert json.loads(done.out)["prompt"].startswith("caf\ufffd")
    assert done.err.count("is not UTF-8") == 1


def test_a_fragment_that_llm_cannot_read_is_refused_with_a_clear_error(
    llm_: Command, used: Path, script: Script, tmp_path: Path
) -> None:
    """llm reads fragments from files itself, as UTF-8. A file that is not UTF-8 is refused before anything is sent."""
    (tmp_path / "latin").write_bytes(b"caf\xe9")
    done = llm_("--session", "work", "Hi", "-f", str(tmp_path / "latin"))
    assert (done.code, done.out, len(script.seen)) == (1, "", 1)
    assert done.err.startswith("Error: A file or a fragment of this prompt is not UTF-8, so nothing was sent.")


def _replies(llm_: Command) -> list[str]:
    shown = json.loads(llm_("sessions", "show", "work", "--json").ok().out)
    return [one["reply"] for one in shown["exchanges"]]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="signals as POSIX has them")
@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_while_a_reply_waits_for_the_log_loses_nothing(
    used: Path, home: Path, start_llm: Callable[..., Running], number: str
) -> None:
    """Ctrl-C while a printed reply waits for a locked log leaves the reply in a file, and stderr says so."""
    with OllamaStandIn(reply=Hang(0.5, REPLY, after_chunks=1)) as server:
        process = start_llm("-m", "llama3", "--session", "work", PROMPT, env=server.environment(home))
        read = process.stdout.read(1)
        with closing(sqlite3.connect(used, isolation_level=None)) as other:
            other.execute("begin exclusive")
            while REPLY not in read:
                read += process.stdout.read(1)
            process.send_signal(getattr(signal, number))
            _, err = process.communicate(timeout=60)
            other.rollback()
    assert "Traceback" not in err
    assert places(used) == ["file"]
    assert "is kept in" in err
