"""Several programs and one log: they wait for locks, a reply that can't be logged is kept, and nothing is lost."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from llm.logs import LogStore
from sqlite_utils import Database

from llm_session_memory.store.log import WAIT_SECONDS
from llm_session_memory.store.schema import migrations
from tests.conftest import Command
from tests.world import logs
from tests.world.impatience import wait_briefly
from tests.world.once import once
from tests.world.processes import Running
from tests.world.scripted import Script

pytestmark = pytest.mark.slow

Start = Callable[..., Running]

PROCESSES = 4
PROMPTS = 5


@contextmanager
def locked(log: Path, seconds: float = 0, *, kind: str = "exclusive") -> Iterator[None]:
    """Hold the log locked, as another program would: for some seconds, or (0) until the end of the block."""
    with closing(sqlite3.connect(log, check_same_thread=False, isolation_level=None)) as other:
        other.execute(f"begin {kind}")
        timer = threading.Timer(seconds, other.rollback)
        if seconds:
            timer.start()
        yield
        if seconds:
            timer.join()
        elif other.in_transaction:
            other.rollback()


@pytest.fixture(name="used")
@once
def _used(log: Path, llm_: Command, script: Script) -> Path:
    """Return a log with a session of one exchange."""
    llm_("-m", "scripted", "--session", "work", "We build a bridge.").ok()
    return log


def exchanges(llm_: Command, name: str = "work") -> list[dict[str, Any]]:
    """Return the exchanges in the output of `llm sessions show --json`."""
    found: list[dict[str, Any]] = json.loads(llm_("sessions", "show", name, "--json").ok().out)["exchanges"]
    return found


def test_a_lock_is_waited_for_when_a_reply_is_logged(used: Path, llm_: Command, script: Script) -> None:
    """If another program locks the log when the reply arrives, it is logged as soon as that program is done."""
    held = locked(used, 0.4)

    def reply(prompt: Any) -> str:
        held.__enter__()
        return "On 4 May."

    script.replies = [reply]
    done = llm_("--session", "work", "When?").ok()
    held.__exit__(None, None, None)
    assert (done.out, done.err) == ("On 4 May.\n", "")
    assert [one["reply"] for one in exchanges(llm_)] == ["Noted.", "On 4 May."]


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("--session", "work", "When?"), id="prompt"),
        pytest.param(("-m", "scripted", "--session", "anew", "When?"), id="new_session"),
        pytest.param(("sessions", "show", "work"), id="show"),
        pytest.param(("sessions", "pin", "work", "1"), id="pin"),
    ],
)
def test_a_lock_is_waited_for_when_a_command_begins(
    used: Path, llm_: Command, script: Script, command: tuple[str, ...]
) -> None:
    """If another program locks the log when a command begins, the command continues when that program is done."""
    with locked(used, 0.4):
        assert llm_(*command).ok().out


def test_a_prompt_that_cannot_be_journaled_is_not_sent(
    used: Path, llm_: Command, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If another program writes for too long when a prompt begins, the prompt is refused before anything is sent."""
    wait_briefly(monkeypatch)
    with locked(used, kind="immediate"):
        done = llm_("--session", "work", "When?")
    assert (done.code, done.out, len(script.seen)) == (1, "", 1)
    assert "is locked by another program" in done.err


def test_a_reply_that_cannot_be_logged_is_kept(
    used: Path, llm_: Command, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After 10 seconds the error names a file with the reply; `recover` adds it to the session and removes the file."""
    assert WAIT_SECONDS == 10
    gave_up = wait_briefly(monkeypatch)
    held = locked(used)

    def reply(prompt: Any) -> str:
        held.__enter__()
        return "On 4 May."

    script.replies = [reply]
    done = llm_("--session", "work", "When?")
    held.__exit__(None, None, None)
    assert (done.code, done.out) == (1, "On 4 May.\n")
    told = re.fullmatch(
        rf"Error: The log (.+) is locked by another program; {re.escape(gave_up)}\. "
        r"The reply is kept in (.+). Add it to the session with: llm sessions recover (.+)\n",
        done.err,
    )
    assert told, done.err
    assert (told[1], told[2]) == (str(used), told[3])
    kept = Path(told[2])
    fields = json.loads(kept.read_text("utf-8"))
    assert (fields["session"], fields["prompt"], fields["reply"]) == ("work", "When?", "On 4 May.")
    if os.name == "posix":
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert [one["reply"] for one in exchanges(llm_)] == ["Noted."]

    recovered = llm_("sessions", "recover", str(kept)).ok()
    assert recovered.out == f"Put 1 reply into session “work” and removed {kept}.\n"
    assert not kept.exists()
    assert json.loads(llm_("sessions", "show", "work", "--json").ok().out)["attempts"] == []
    assert [(one["prompt"], one["reply"]) for one in exchanges(llm_)] == [
        ("We build a bridge.", "Noted."),
        ("When?", "On 4 May."),
    ]
    script.replies = ["Yes."]
    llm_("--session", "work", "Sure?").ok()
    assert ("assistant", "On 4 May.") in script.texts()


def test_a_kept_reply_waits_while_its_log_is_read_only(used: Path, llm_: Command, script: Script) -> None:
    """If the log becomes read-only during the call, the reply is kept too; `recover` works once the log is writable."""

    def reply(prompt: Any) -> str:
        logs.as_read_only(used)
        return "On 4 May."

    script.replies = [reply]
    done = llm_("--session", "work", "When?")
    assert done.code == 1
    assert f"Error: The log {used} is read-only" in done.err
    (kept,) = (used.parent / "unsaved-replies").iterdir()
    refused = llm_("sessions", "recover", str(kept))
    assert refused.code == 1
    assert f"Error: The log {used} is read-only" in refused.err
    assert kept.exists()
    logs.as_writable(used)
    llm_("sessions", "recover", str(kept)).ok()
    assert [one["reply"] for one in exchanges(llm_)] == ["Noted.", "On 4 May."]


def at_once(start_llm: Start, arguments: list[str], inputs: list[str]) -> list[tuple[int | None, str]]:
    """Run llm in one process per input, all at once; return their exit codes and stderr."""
    running = [start_llm(*arguments, reads=True) for _ in inputs]
    with ThreadPoolExecutor(len(inputs)) as pool:
        said = list(pool.map(lambda process, text: process.communicate(text, timeout=120)[1], running, inputs))
    return [(process.returncode, err) for process, err in zip(running, said, strict=True)]


def test_processes_that_prompt_at_once_lose_nothing(log: Path, llm_: Command, start_llm: Start) -> None:
    """Four processes, several prompts each, on one session that none of them finds: all is there, once, and sound."""
    lines = [[f"process {number} prompt {one}" for one in range(PROMPTS)] for number in range(PROCESSES)]
    told = at_once(
        start_llm, ["chat", "-m", "echo", "--session", "work"], ["\n".join([*said, "quit"]) + "\n" for said in lines]
    )
    assert [code for code, _ in told] == [0] * PROCESSES, told
    assert sorted(err for _, err in told) == ["", "", "", "session work: created with echo\n"]
    logged = [one["prompt"] for one in exchanges(llm_)]
    assert sorted(logged) == sorted(line for said in lines for line in said)
    for said in lines:
        assert [prompt for prompt in logged if prompt in said] == said
    database = Database(log)
    assert LogStore(database).verify() == []
    assert database.execute("pragma integrity_check").fetchall() == [("ok",)]
    assert database["memory_sessions"].count == 1
    database.close()
    next_one = json.loads(llm_("--session", "work", "What was said?").ok().out)
    assert sorted(one["prompt"] for one in next_one["previous"]) == sorted(logged)


def test_processes_migrate_one_log_at_once(log: Path, llm_: Command, start_llm: Start) -> None:
    """Two processes that both find a log without our tables both continue, and the tables are made once."""
    llm_("-m", "echo", "Hello").ok()
    told = at_once(start_llm, ["-m", "echo", "--new-session"], ["Hello"] * 3)
    assert [code for code, _ in told] == [0, 0, 0], told
    database = Database(log)
    assert database["memory_sessions"].count == 3
    applied = database.execute("select name from _sqlite_migrations where migration_set = 'llm-session-memory'")
    assert sorted(name for (name,) in applied) == [one.name for one in migrations().pending(Database(memory=True))]
    database.close()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it is not JSON."),
        (b"\xff", "it is not JSON."),
        (b"[]", "it is JSON of another kind."),
        (b'{"responses": [], "thread_id": "x", "attempt": "x"}', "it is JSON of another kind."),
        (b"{}", "it has no “responses”."),
    ],
)
def test_a_file_that_is_no_kept_reply_is_refused(llm_: Command, tmp_path: Path, content: bytes, why: str) -> None:
    """`recover` says what is wrong with a file and what to do, in words about the file."""
    kept = tmp_path / "kept.json"
    kept.write_bytes(content)
    done = llm_("sessions", "recover", str(kept))
    assert f"can't be read as a kept reply: {why} Check its name" in done.err
    assert kept.exists()
