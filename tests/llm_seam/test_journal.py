"""A prompt is in the log before it is sent: as an open attempt, which its turn answers or its failure completes."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from llm_session_memory import Memory
from llm_session_memory.llm_seam import following
from llm_session_memory.llm_seam.following import Following
from llm_session_memory.store.attempts import overflow
from tests.conftest import Command
from tests.world.ollama_server import Hang, OllamaModel, OllamaStandIn
from tests.world.processes import Running
from tests.world.scripted import Broken, Script

PROMPT = "When is the deadline?"


def rows(log: Path) -> list[dict[str, Any]]:
    """Return the rows of memory_attempts."""
    with closing(sqlite3.connect(log)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute("select * from memory_attempts order by id")]


def attempts(llm_: Command, name: str = "work") -> list[dict[str, Any]]:
    """Return the attempts in the output of `llm sessions show --json`."""
    found: list[dict[str, Any]] = json.loads(llm_("sessions", "show", name, "--json").ok().out)["attempts"]
    return found


# -- before the first byte ---------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [(), ("--no-stream",), ("-T", "llm_version"), ("--async",), ("--new-session",)],
    ids=["prompt", "whole", "tools", "async", "started over"],
)
@pytest.mark.parametrize("first", [True, False], ids=["new", "existing"])
def test_a_prompt_is_in_the_log_while_the_model_answers(
    log: Path, llm_: Command, script: Script, arguments: tuple[str, ...], first: bool
) -> None:
    """When the model is asked, the prompt is an open attempt of its session; when it has answered, there is none."""
    if not first:
        llm_("-m", "scripted", "--session", "work", "First").ok()
    seen: list[dict[str, Any]] = []

    def reply(prompt: Any) -> str:
        seen.extend(rows(log))
        with Memory(log) as memory:
            assert memory.sessions.get("work").thread_id == seen[0]["thread_id"]
        return "On 4 May."

    script.replies = [reply] * (len(script.seen) + 1)
    (log.parent / "notes.txt").write_text("Bridge.", "utf-8")
    given = ("-f", str(log.parent / "notes.txt"), "-a", str(log.parent / "notes.txt"), "-o", "mood", "calm")
    llm_("-m", "scripted", "--session", "work", PROMPT, *given, *arguments).ok()
    (attempt,) = seen
    assert (attempt["prompt"], attempt["error"], attempt["partial"]) == (PROMPT, "interrupted", "")
    request = json.loads(attempt["request_json"])
    assert (request["fragments"][0]["text"], request["options"]) == ("Bridge.", {"mood": "calm"})
    assert request["attachments"][0]["path"] == str((log.parent / "notes.txt").resolve())
    assert rows(log) == []


def test_piped_text_is_part_of_it(log: Path, llm_: Command, script: Script) -> None:
    """The attempt has what was piped, not only what was typed."""
    seen: list[str] = []
    script.replies = [lambda prompt: seen.append(rows(log)[0]["prompt"]) or "Noted."]  # type: ignore[func-returns-value]
    llm_("-m", "scripted", "--session", "work", "Summarise", input="A long text").ok()
    assert seen == ["A long text Summarise"]


def test_a_program_keeps_its_prompt_when_it_is_sent(log: Path, script: Script) -> None:
    """`memory.conversation()` does the same when a response is read; one that is never read was never sent."""
    seen: list[int] = []
    script.replies = [lambda prompt: seen.append(len(rows(log))) or "Noted."]  # type: ignore[func-returns-value]
    with Memory(log, create=True) as memory:
        conversation = memory.conversation("work", model="scripted")
        conversation.prompt("One")
        assert rows(log) == []
        conversation.prompt("Two").text()
        assert conversation.chain("Three").text() == "Noted."
    assert seen == [1, 1]
    assert rows(log) == []


def test_a_session_is_new_only_together_with_its_prompt(log: Path, llm_: Command, script: Script) -> None:
    """If the prompt can't be written, its session isn't created either, and nothing is sent."""
    llm_("-m", "scripted", "--session", "work", "First").ok()
    with closing(sqlite3.connect(log)) as connection:
        refusing = "create trigger full before insert on memory_attempts begin select raise(abort, 'disk full'); end"
        connection.execute(refusing)
    done = llm_("-m", "scripted", "--session", "anew", PROMPT)
    assert (done.code, done.out, len(script.seen)) == (1, "", 1)
    assert "disk full" in done.err
    assert "created" not in done.err
    assert [one["name"] for one in json.loads(llm_("sessions", "list", "--json").ok().out)] == ["work"]


def test_n_writes_nothing(log: Path, llm_: Command, script: Script) -> None:
    """With -n the prompt is in no log at any time."""
    llm_("-m", "scripted", "--session", "work", "First").ok()
    seen: list[int] = []
    script.replies = [lambda prompt: seen.append(len(rows(log))) or "Noted."]  # type: ignore[func-returns-value]
    llm_("--session", "work", "-n", PROMPT).ok()
    assert seen == [0]


def test_a_refused_prompt_leaves_no_attempt(log: Path, llm_: Command, script: Script) -> None:
    """A prompt that exceeds the budget is refused before it is sent, so it is withdrawn from the log."""
    llm_("-m", "scripted", "--session", "work", "--memory", "full", "word " * 60).ok()
    assert llm_("--session", "work", "--max-context-tokens", "120", "word " * 60).code == 1
    assert (len(script.seen), rows(log)) == (1, [])


def test_a_failure_completes_the_open_attempt(log: Path, llm_: Command, script: Script) -> None:
    """A call that fails leaves one attempt: the open one, with the error and the part of the reply that arrived."""
    ids: list[str] = []

    def reply(prompt: Any) -> str:
        ids.extend(row["id"] for row in rows(log))
        return Broken("Half a reply", 2, RuntimeError("the cable"))

    script.replies = [reply]
    llm_("-m", "scripted", "--session", "work", PROMPT)
    (attempt,) = rows(log)
    assert ([attempt["id"]], attempt["error"], attempt["partial"]) == (ids, "the cable", "Half a")
    assert "process" not in json.loads(attempt["request_json"])


# -- kill -9 -------------------------------------------------------------


@pytest.fixture(name="hanging")
def _hanging(llm_process: Command, home: Path) -> Iterator[OllamaStandIn]:
    """A server that answers one prompt in the session `work` and then hangs in the middle of a reply."""
    with OllamaStandIn([OllamaModel("llama3")], reply="Noted.") as server:
        llm_process("-m", "llama3", "--session", "work", "First", env=server.environment(home)).ok()
        server.reply = [Hang(60, then="On 4 May it is.", after_chunks=3), "On 4 May it is."]
        yield server


Start = Callable[..., Running]


def begun(start_llm: Start, hanging: OllamaStandIn, home: Path, log: Path) -> Running:
    """Start a prompt and wait until what has come of its reply is in the log."""
    process = start_llm("--session", "work", PROMPT, env=hanging.environment(home))
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with suppress(sqlite3.OperationalError):
            if [row["partial"] for row in rows(log)] == ["On 4 May "]:
                break
        time.sleep(0.05)
    return process


def killed(process: Running) -> None:
    """Kill a process as the system does when memory runs out."""
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)


posix = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="signals as POSIX has them")


@posix
def test_kill_loses_neither_the_prompt_nor_what_came(  # noqa: PLR0913  fixtures
    log: Path, home: Path, llm_: Command, llm_process: Command, start_llm: Start, hanging: OllamaStandIn
) -> None:
    """After kill -9, `show` says “interrupted”, the next prompt mentions it once, and `retry` sends it again."""
    killed(begun(start_llm, hanging, home, log))
    (attempt,) = attempts(llm_)
    assert (attempt["prompt"], attempt["partial"], attempt["error"]) == (PROMPT, "On 4 May ", "interrupted")
    assert (
        "*Interrupted*\n\n*Retry sends the newest unanswered prompt again:* `llm sessions retry work`"
        in llm_("sessions", "show", "work").out
    )
    environment = hanging.environment(home)
    mentioned = f"session work: the prompt “{PROMPT}” was interrupted. Send it again with: llm sessions retry work\n"
    assert llm_process("--session", "work", "Next", env=environment).ok().err == mentioned
    assert llm_process("--session", "work", "And next", env=environment).ok().err == ""
    assert llm_process("sessions", "retry", "work", env=environment).ok().err == ""
    (attempt,) = attempts(llm_)
    assert attempt["answered_by"]


@posix
def test_a_retry_right_after_a_kill_mentions_nothing(
    log: Path, home: Path, llm_process: Command, start_llm: Start, hanging: OllamaStandIn
) -> None:
    """Sending the interrupted prompt again is the answer to it, so nothing is said of it."""
    killed(begun(start_llm, hanging, home, log))
    done = llm_process("sessions", "retry", "work", env=hanging.environment(home)).ok()
    assert (done.out, done.err) == ("On 4 May it is.\n", "")


@posix
def test_a_prompt_in_progress_is_neither_interrupted_nor_failed(  # noqa: PLR0913  fixtures
    log: Path, home: Path, llm_: Command, llm_process: Command, start_llm: Start, hanging: OllamaStandIn
) -> None:
    """While another terminal's prompt runs, it is shown as in progress, counts as no failure, and can't be retried."""
    process = begun(start_llm, hanging, home, log)
    try:
        assert "*In progress*" in llm_("sessions", "show", "work").out
        (line,) = json.loads(llm_("sessions", "list", "--json").ok().out)
        assert line["failed_prompts"] == 0
        assert "still in progress" in llm_("sessions", "retry", "work").err
        assert llm_process("--session", "work", PROMPT, env=hanging.environment(home)).ok().err == ""
        assert json.loads(llm_("sessions", "query", "error_rate", "--json").ok().out)[0]["failed"] == 0
        assert [row["answered_by"] for row in rows(log)] == [None]
    finally:
        killed(process)
    assert [one["error"] for one in attempts(llm_)] == ["interrupted"]


def test_what_has_come_is_added_a_few_times_only(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reply is added to its attempt at most 20 times; what comes later goes into a file, as long as it is read."""
    monkeypatch.setattr(following, "SECONDS", 0.0001)
    written: list[str] = []
    monkeypatch.setattr(Following, "_write", lambda self, text: written.append(text))
    came = iter([*("é\n" * number for number in range(1, 31)), None])
    one = _followed(log, lambda: next(came))
    assert len(written) == following.MOST
    file = overflow(log, "id")
    assert file.read_bytes().decode("utf-8") == "é\n" * 30
    if os.name == "posix":
        assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    one.done()
    assert not file.exists()


def test_the_end_of_a_long_reply_is_found_beside_the_log(log: Path, llm_: Command, script: Script) -> None:
    """If llm is killed after the last addition to the log, the rest of the reply is read from its file, then moved."""
    llm_("-m", "scripted", "--session", "work", "First").ok()
    with Memory(log) as memory:
        thread_id = memory.sessions.get("work").thread_id
    request = json.dumps({"process": {"host": socket.gethostname(), "pid": 2**22 + 1, "started": None, "at": 0}})
    with closing(sqlite3.connect(log)) as connection:
        row = (
            "01m",
            thread_id,
            "scripted",
            PROMPT,
            "interrupted",
            "On 4",
            "2026-05-04T10:00:00+00:00",
            None,
            request,
            None,
        )
        connection.execute("insert into memory_attempts values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        connection.commit()
    file = overflow(log, "01m")
    file.parent.mkdir()
    file.write_text("On 4 May", "utf-8")
    assert [one["partial"] for one in attempts(llm_)] == ["On 4 May"]
    llm_("--session", "work", "Next").ok()
    assert (rows(log)[0]["partial"], file.exists()) == ("On 4 May", False)


def _followed(log: Path, text: Callable[[], str | None]) -> Following:
    """Follow a reply to its end."""
    one = Following(log, "id", text)
    one.start()
    one.join(60)
    assert not one.is_alive()
    return one
