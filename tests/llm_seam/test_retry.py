"""Calls that fail or are interrupted are kept, shown, and sent again by `llm sessions retry`."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Command
from tests.world.ollama_server import BreakOff, Fail, Hang, OllamaModel, OllamaStandIn
from tests.world.processes import Running
from tests.world.scripted import Broken, Script

KEPT = "session work: the prompt is kept. Send it again with: llm sessions retry work\n"
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40


def _attempts(llm_: Command) -> list[dict[str, Any]]:
    attempts: list[dict[str, Any]] = json.loads(llm_("sessions", "show", "work", "--json").ok().out)["attempts"]
    return attempts


@pytest.mark.parametrize(
    ("reply", "said", "error", "partial", "cause"),
    [
        pytest.param(RuntimeError("no memory left"), "", "Error: no memory left\n", "", "no memory left", id="at once"),
        pytest.param(
            Broken("On 4 May.", 2, RuntimeError("gone")), "On 4", "Error: gone\n", "On 4", "gone", id="in mid-reply"
        ),
        pytest.param(
            Broken("On 4 May.", 1, KeyboardInterrupt()), "On", "\nAborted!\n", "On", "interrupted", id="Ctrl-C"
        ),
        pytest.param(ConnectionError(), "", "Error: ConnectionError\n", "", "ConnectionError", id="without a word"),
    ],
)
@pytest.mark.parametrize("mode", [(), ("--async",), ("-T", "llm_version")], ids=["sync", "async", "tools"])
def test_a_failed_prompt_is_kept_and_sent_again(  # noqa: PLR0913  two tables of cases
    llm_: Command,
    script: Script,
    reply: Any,
    said: str,
    error: str,
    partial: str,
    cause: str,
    mode: tuple[str, ...],
) -> None:
    """A failed call is kept with its partial reply, stderr says how to send it again, and doing so answers it."""
    script.replies = ["Noted.", reply, "On 4 May."]
    llm_("-m", "scripted", "--session", "work", "First").ok()
    failed = llm_("--session", "work", "When?", *mode)
    gap = "\n" if partial else ""
    assert (failed.out, failed.err, failed.code) == (said, gap + KEPT + error, 1)
    (attempt,) = _attempts(llm_)
    assert (attempt["prompt"], attempt["partial"], attempt["error"]) == ("When?", partial, cause)
    assert attempt["answered_by"] is None
    shown = llm_("sessions", "show", "work").ok().out
    told = "*Interrupted*" if cause == "interrupted" else f"*Failed: {cause}*"
    assert f"{told}\n\n*Retry sends the newest unanswered prompt again:* `llm sessions retry work`\n" in shown
    assert ("**Model (partial reply):** " in shown) == bool(partial)

    again = llm_("sessions", "retry", "work").ok()
    assert (again.out, again.err) == ("On 4 May.\n", "")
    assert script.texts() == script.texts(1) == [("user", "First"), ("assistant", "Noted."), ("user", "When?")]
    (attempt,) = _attempts(llm_)
    exchanges = json.loads(llm_("sessions", "show", "work", "--json").ok().out)["exchanges"]
    assert [exchange["reply"] for exchange in exchanges] == ["Noted.", "On 4 May."]
    assert attempt["answered_by"] == exchanges[1]["id"]
    shown = llm_("sessions", "show", "work").ok().out
    assert "· answered by exchange #2\n" in shown
    assert "Send it again" not in shown


def test_an_attempt_is_not_an_exchange(llm_: Command, script: Script) -> None:
    """A failed prompt is in no later request and has no number."""
    script.replies = ["Noted.", Broken("On 4 May.", 1, RuntimeError("gone")), "Noted."]
    for word in ("First", "When?", "Second"):
        llm_("-m", "scripted", "--session", "work", word)
    assert script.texts() == [("user", "First"), ("assistant", "Noted."), ("user", "Second")]
    shown = llm_("sessions", "show", "work").ok().out
    assert [line.split(" · ")[0] for line in shown.splitlines() if line.startswith("##")] == [
        *("## #1", "## Not answered", "## #2")
    ]


def test_asking_again_answers_it_too(llm_: Command, script: Script) -> None:
    """Typing a failed prompt again answers it, so there is nothing left to retry."""
    script.replies = [RuntimeError("gone"), "On 4 May."]
    llm_("-m", "scripted", "--session", "work", "When?")
    llm_("--session", "work", "When?").ok()
    done = llm_("sessions", "retry", "work")
    assert (done.err, done.code) == ("Error: Session “work” has no failed prompt to send again.\n", 1)


def test_the_newest_is_retried_first(llm_: Command, script: Script) -> None:
    """Of several failed prompts the newest is sent again; each retry takes the next."""
    script.replies = [RuntimeError("gone"), RuntimeError("gone"), "Noted."]
    llm_("-m", "scripted", "--session", "work", "First")
    llm_("--session", "work", "Second")
    for _ in range(2):
        llm_("sessions", "retry", "work").ok()
    assert [text for role, text in script.texts() if role == "user"] == ["Second", "First"]


def test_a_retry_that_fails_is_kept_too(llm_: Command, script: Script) -> None:
    """After a failed retry the prompt can be sent again. Once it succeeds, all its attempts are answered."""
    script.replies = [RuntimeError("gone"), RuntimeError("gone again"), "Noted."]
    llm_("-m", "scripted", "--session", "work", "When?")
    again = llm_("sessions", "retry", "work")
    assert (again.err, again.code) == (f"{KEPT}Error: gone again\n", 1)
    llm_("sessions", "retry", "work").ok()
    assert [attempt["error"] for attempt in _attempts(llm_) if attempt["answered_by"]] == ["gone", "gone again"]


def test_a_retry_sends_everything_again(llm_: Command, script: Script, home: Path, tmp_path: Path) -> None:
    """A retry sends the same attachments, fragments, schema, tools, options, system prompt and model, from the log."""
    seen: list[Any] = []

    def fail(prompt: Any) -> str:
        seen.append(prompt)
        raise RuntimeError("gone")

    def answer(prompt: Any) -> str:
        seen.append(prompt)
        return "{}"

    llm_("-m", "scripted", "-s", "Be brief.", "--session", "work", "First").ok()
    (tmp_path / "notes.txt").write_text("Red paint.")
    script.replies = ["", fail, answer]
    functions = 'def double(text: str) -> str:\n    "Say it twice."\n    return text * 2\n'
    llm_(
        *("--session", "work", "Look", "-m", "other", "-s", "Be kind.", "-o", "mood", "sad", "-o", "num_predict", "7"),
        *("-f", str(tmp_path / "notes.txt"), "--at", "-", "image/png", "--schema", "days int"),
        *("-T", "llm_version", "--functions", functions),
        input=PNG,
    )
    (tmp_path / "notes.txt").unlink()
    assert llm_("sessions", "retry", "work").ok().out == "{}\n"
    first, second = seen
    assert second.prompt == first.prompt == "Red paint.\nLook"
    assert [fragment.source for fragment in second.fragments] == [fragment.source for fragment in first.fragments]
    assert [a.content_bytes() for a in second.attachments] == [PNG]
    assert second.schema == first.schema
    assert second.schema["required"] == ["days"]
    assert [tool.name for tool in second.tools] == [tool.name for tool in first.tools] == ["double", "llm_version"]
    assert (second.system, second.model.model_id) == (first.system, first.model.model_id) == ("Be kind.", "other")
    assert dict(second.options) == dict(first.options) == {"num_predict": 7, "mood": "sad"}
    assert [message.to_dict() for message in second.messages] == [message.to_dict() for message in first.messages]


def test_a_retry_uses_the_same_budget_and_policy(llm_: Command, script: Script) -> None:
    """A retry uses the budget and the policy of the failed prompt."""
    for word in ("First", "Second", "Third"):
        llm_("-m", "scripted", "--session", "work", f"{word} {'and so on ' * 30}").ok()
    script.replies = [*["Noted."] * 3, RuntimeError("gone"), "Noted."]
    llm_("--session", "work", "--max-context-tokens", "250", "Fourth")
    llm_("sessions", "retry", "work").ok()
    assert script.seen[-1] == script.seen[-2]
    assert len(script.seen[-1]) < 7


def test_a_prompt_that_failed_in_a_chat(llm_: Command, script: Script) -> None:
    """In a chat, too, the failed prompt is kept, and the prompts before it are exchanges."""
    script.replies = ["Noted.", Broken("On 4 May.", 2, RuntimeError("gone")), "On 4 May."]
    done = llm_("chat", "-m", "scripted", "--session", "work", input="First\nWhen?\nquit\n")
    assert (done.err, done.code) == (f"session work: created with scripted\n\n{KEPT}Error: gone\n", 1)
    assert llm_("sessions", "retry", "work").ok().out == "On 4 May.\n"
    assert script.texts() == [("user", "First"), ("assistant", "Noted."), ("user", "When?")]


def test_a_tool_loop_that_failed_is_run_again_whole(llm_: Command, script: Script) -> None:
    """A tool loop that fails after some calls is kept as one attempt and run again from its prompt."""
    functions = (
        "import pathlib\n"
        'def once(folder: str) -> str:\n    "Fail once."\n    marker = pathlib.Path(folder) / "called"\n'
        "    if not marker.exists():\n        marker.touch()\n        raise KeyboardInterrupt\n    return 'fine'\n"
    )
    call = json.dumps(
        {"raw": "ok", "tool_calls": [{"name": "once", "arguments": {"folder": os.environ["LLM_USER_PATH"]}}]}
    )
    failed = llm_("-m", "echo", "--session", "work", "--functions", functions, call)
    new = "session work: it is new and has only this prompt. To remove it: llm sessions attempts work --drop\n"
    assert failed.err == f"session work: created with echo\n\n{KEPT}{new}\nAborted!\n"
    assert _attempts(llm_)[0]["partial"] == "ok"
    assert '"output": "fine"' in llm_("sessions", "retry", "work").ok().out
    (exchange,) = json.loads(llm_("sessions", "show", "work", "--json").ok().out)["exchanges"]
    assert len(exchange["turns"]) == 2


def test_n_keeps_nothing(llm_: Command, script: Script) -> None:
    """With -n, a failed prompt is not kept either."""
    script.replies = ["Noted.", RuntimeError("gone")]
    llm_("-m", "scripted", "--session", "work", "First").ok()
    failed = llm_("--session", "work", "-n", "When?")
    assert (failed.err, failed.code) == ("Error: gone\n", 1)
    assert _attempts(llm_) == []


def test_a_prompt_that_was_never_sent_is_not_an_attempt(llm_: Command, script: Script) -> None:
    """A prompt that llm refuses before it is sent causes llm's own error, and nothing is kept."""
    llm_("-m", "scripted", "--session", "work", "First").ok()
    for wrong in (("-f", "nosuch"), ("-t", "nosuch"), ("-o", "num_predict", "many"), ("-T", "nosuch")):
        assert llm_("--session", "work", "When?", *wrong).code == 1
    assert _attempts(llm_) == []


# -- the real command, and a server ------------------------------------------------


@pytest.fixture(name="ollama")
def _ollama() -> Iterator[OllamaStandIn]:
    """A server with one model."""
    with OllamaStandIn([OllamaModel("llama3")], reply="Noted.") as ollama:
        yield ollama


@pytest.mark.skipif(os.name != "posix", reason="a process of another system can't be sent these signals")
@pytest.mark.parametrize(
    ("number", "code", "cause", "said"),
    [
        (signal.SIGINT, 1, "interrupted", "\nAborted!\n"),
        (signal.SIGTERM, 128 + signal.SIGTERM, "llm was terminated", ""),
        (signal.SIGHUP, 128 + signal.SIGHUP, "llm was terminated", ""),
    ],
    ids=["SIGINT", "SIGTERM", "SIGHUP"],
)
def test_a_signal_in_mid_reply(  # noqa: PLR0913  a table of cases
    llm_: Command,
    llm_process: Command,
    start_llm: Callable[..., Running],
    ollama: OllamaStandIn,
    home: Path,
    number: int,
    code: int,
    cause: str,
    said: str,
) -> None:
    """After Ctrl-C, `kill` or a closed terminal in mid-reply, the partial reply is kept, and retry gets it all."""
    environment = ollama.environment(home)
    llm_process("-m", "llama3", "--session", "work", "First", env=environment).ok()
    ollama.reply = [Hang(60, then="On 4 May it is.", after_chunks=3), "On 4 May it is."]
    process = start_llm("--session", "work", "When?", env=environment)
    came = ""
    while not came.endswith("May "):
        came += process.stdout.read(1)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (came + out, err, process.returncode) == ("On 4 May ", f"\n{KEPT}{said}", code)
    again = llm_process("sessions", "retry", "work", env=environment).ok()
    assert (again.out, again.err) == ("On 4 May it is.\n", "")
    (attempt,) = _attempts(llm_)
    assert (attempt["partial"], attempt["error"]) == ("On 4 May ", cause)
    assert attempt["answered_by"]


@pytest.mark.parametrize(
    ("answer", "partial", "cause"),
    [
        (Fail(), "", "model runner has unexpectedly stopped (status code: 500)"),
        (Fail(after_chunks=2), "This reply ", "model runner has unexpectedly stopped (status code: -1)"),
        (BreakOff(), "This reply ", "peer closed connection without sending complete message body"),
        (BreakOff(clean=True), "This reply ", "The reply is incomplete: Ollama ended the stream early."),
        (BreakOff(down=True), "This reply ", "peer closed connection without sending complete message body"),
    ],
    ids=["HTTP 500", "error in the stream", "torn", "ended too early", "server killed"],
)
def test_a_server_that_fails(  # noqa: PLR0913  a table of cases
    llm_: Command, llm_process: Command, home: Path, answer: Any, partial: str, cause: str
) -> None:
    """After HTTP 500, a broken stream or a killed server, the prompt is kept with its partial reply."""
    with OllamaStandIn([OllamaModel("llama3")], reply=["Noted.", answer]) as ollama:
        environment = ollama.environment(home)
        failed = llm_process("chat", "-m", "llama3", "--session", "work", input="First\nWhen?\nquit\n", env=environment)
    told, _, error = failed.err.partition(KEPT)
    assert told == "session work: created with ollama/llama3:latest\n" + ("\n" if partial else "")
    assert re.fullmatch(rf"Error: {re.escape(cause)}.*\n", error)
    assert failed.code == 1
    (attempt,) = _attempts(llm_)
    assert (attempt["prompt"], attempt["partial"]) == ("When?", partial)
    assert attempt["error"].startswith(cause)


def test_a_retry_may_ask_another_model(llm_: Command, script: Script) -> None:
    """`retry -m` sends the prompt to another model, for example if the first one is gone."""
    script.replies = ["Noted.", RuntimeError("gone"), "On 4 May."]
    llm_("-m", "scripted", "--session", "work", "First").ok()
    llm_("--session", "work", "When?")
    assert llm_("sessions", "retry", "work", "-m", "other").ok().out == "On 4 May.\n"
    assert "scripted" not in llm_("sessions", "show", "work", "-n", "1").ok().out.partition("## #2")[2]


def test_notes_are_named_if_a_model_refuses_them(llm_: Command, script: Script) -> None:
    """If a model refuses system prompts and the session's notes are the only one, the notes are named as the cause."""
    llm_("-m", "scripted", "--session", "work", "First").ok()
    llm_("sessions", "note", "work", "We build a bridge.").ok()
    script.replies = [RuntimeError("System role not supported")]
    told = (
        "session work: its notes are sent as a system prompt, which this model seems to refuse. Use another model, or: "
        "llm sessions note work --delete N\n"
    )
    assert told in llm_("--session", "work", "When?").err
