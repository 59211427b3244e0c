"""Calls that fail: no prompt or partial reply is lost, nothing half-written stays, and the prompt can be sent again."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from tests.conftest import Done
from tests.ollama.conftest import Desk, QuickDesk, said
from tests.world.ollama_server import Answer, BreakOff, Fail, Hang, OllamaModel, OllamaStandIn, Reply, count_words

pytestmark = pytest.mark.slow

FAULTS: dict[str, tuple[Callable[[], Answer], str]] = {
    "an error at once": (lambda: Fail(500, "out of memory"), "out of memory"),
    "an error in mid-stream": (lambda: Fail(500, "out of memory", after_chunks=2), "out of memory"),
    "torn": (lambda: BreakOff(after_chunks=2), ""),
    "ended without a last word": (lambda: BreakOff(after_chunks=2, clean=True), ""),
    "killed": (lambda: BreakOff(after_chunks=2, down=True), ""),
}

MODES = {
    "streamed": (),
    "at once": ("--no-stream",),
    "async": ("--async",),
    "async, at once": ("--async", "--no-stream"),
}


def logged(desk: QuickDesk) -> list[object]:
    """Return the conversations in llm's own tables."""
    return [desk.rows(f"select * from {table} order by 1, 2") for table in ("turns", "messages", "parts", "threads")]


def fail_and_retry(desk: QuickDesk, fault: Callable[[], Answer], mode: tuple[str, ...], world: ExitStack) -> Done:
    """Run a session whose second prompt fails, check what is left, send it again; return how it failed."""
    server = world.enter_context(OllamaStandIn(reply=["Noted.", fault()]))
    desk.sit(server)
    desk.ask("-m", "llama3", "--session", "work", "-s", "Be brief.", "We build a bridge.").ok()
    before = logged(desk)
    failed = desk.ask("--session", "work", *mode, "When is it due?")
    assert logged(desk) == before
    [attempt] = desk.shown("work")["attempts"]
    assert attempt["prompt"] == "When is it due?"
    assert attempt["answered_by"] is None
    mid_stream = "--no-stream" not in mode and getattr(fault(), "after_chunks", None)
    assert attempt["partial"] == ("This reply " if mid_stream else "")
    assert attempt["error"]
    transcript = desk.ask("sessions", "show", "work").ok().out
    assert "## Not answered · " in transcript
    assert f"*Failed: {attempt['error']}*" in transcript
    assert "`llm sessions retry work`" in transcript

    first_try = server.chats[-1]
    second = world.enter_context(OllamaStandIn(reply="On 4 May."))
    desk.sit(second)
    again = desk.ask("sessions", "retry", "work").ok()
    assert again.out == "On 4 May.\n"
    assert second.chats[-1].messages == first_try.messages
    shown = desk.shown("work")
    assert [(e["prompt"], e["reply"]) for e in shown["exchanges"]] == [
        ("We build a bridge.", "Noted."),
        ("When is it due?", "On 4 May."),
    ]
    assert shown["attempts"][0]["answered_by"] == shown["exchanges"][1]["id"]
    nothing = desk.ask("sessions", "retry", "work")
    assert (nothing.code, nothing.err) == (1, "Error: Session “work” has no failed prompt to send again.\n")
    desk.ask("--session", "work", "Thanks.").ok()
    assert [said(m) for m in second.chats[-1].messages] == [
        ("system", "Be brief."),
        ("user", "We build a bridge."),
        ("assistant", "Noted."),
        ("user", "When is it due?"),
        ("assistant", "On 4 May."),
        ("user", "Thanks."),
    ]
    return failed


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES.keys())
@pytest.mark.parametrize(("fault", "message"), FAULTS.values(), ids=FAULTS.keys())
def test_a_failed_call_is_kept_and_sent_again(
    desk: QuickDesk, fault: Callable[[], Answer], message: str, mode: tuple[str, ...]
) -> None:
    """Whatever goes wrong, the prompt is kept with the partial reply, and sent again unchanged."""
    with ExitStack() as world:
        failed = fail_and_retry(desk, fault, mode, world)
    assert failed.code == 1
    assert "the prompt is kept. Send it again with: llm sessions retry work" in failed.err
    assert failed.err.count("Error: ") == 1
    assert message in failed.err
    assert "Traceback" not in failed.err


def test_a_first_prompt_that_fails_leaves_a_session_to_retry(desk: QuickDesk) -> None:
    """If the first prompt of a session fails, the session exists, empty, and the prompt can be sent again."""
    with OllamaStandIn(reply=[Fail(), "On 4 May."]) as server:
        desk.sit(server)
        assert desk.ask("-m", "llama3", "--session", "work", "-o", "num_ctx", "2048", "When?").code == 1
        assert desk.ask("sessions", "retry", "work").ok().out == "On 4 May.\n"
        assert [chat.num_ctx for chat in server.chats] == [2_048, 2_048]
        assert desk.ask("--session", "work", "Sure?").ok().out == "On 4 May.\n"
        assert server.chats[-1].num_ctx == 2_048


def test_a_prompt_that_the_server_refuses(desk: QuickDesk) -> None:
    """A prompt that the server refuses as too long (HTTP 400) is kept like any other, with the server's message."""
    with OllamaStandIn([OllamaModel("llama3", style="jinja")], count=lambda text: 3 * count_words(text)) as server:
        desk.sit(server)
        done = desk.ask("-m", "llama3", "--session", "work", "word " * 2_000)
        assert done.code == 1
        assert "exceeds the available context size (4096 tokens)" in done.err
        assert "the prompt is kept" in done.err
        [attempt] = desk.shown("work")["attempts"]
        assert "exceed_context_size_error" in attempt["error"]


def test_a_failure_in_a_chat_keeps_the_earlier_exchanges(desk: QuickDesk) -> None:
    """A prompt that fails within `llm chat` is kept, and the exchanges before it are in the log."""
    with OllamaStandIn(reply=["One.", "Two.", BreakOff(after_chunks=2, clean=True), "Four."]) as server:
        desk.sit(server)
        done = desk.chat("work", ["First", "Second", "Third"], "-m", "llama3")
        assert done.code == 1
        assert "Ollama ended the stream early" in done.err
        shown = desk.shown("work")
        assert [e["reply"] for e in shown["exchanges"]] == ["One.", "Two."]
        assert [(a["prompt"], a["partial"]) for a in shown["attempts"]] == [("Third", "This reply ")]
        assert desk.ask("sessions", "retry", "work").ok().out == "Four.\n"


def interrupt(desk: Desk, server: OllamaStandIn, number: signal.Signals, *arguments: str) -> Done:
    """Start llm in its own process, send it a signal once its reply has begun, and return how it ended."""
    process = desk.start(server, *arguments)
    begun = process.stdout.read(len("We might"))
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    return Done(begun + out, err, process.returncode or 0)


@pytest.mark.parametrize("mode", [(), ("--async",)], ids=["streamed", "async"])
@pytest.mark.parametrize(
    ("number", "error"),
    [(signal.SIGINT, "interrupted"), (signal.SIGTERM, "llm was terminated")],
    ids=["ctrl_c", "kill"],
)
def test_an_interrupted_call_is_kept(
    desk: QuickDesk, number: signal.Signals, error: str, mode: tuple[str, ...]
) -> None:
    """Ctrl-C or a kill in mid-reply ends the command with an error, and keeps the prompt and the partial reply."""
    hanging = Hang(600, Reply("We might say four."), after_chunks=2)
    with OllamaStandIn(reply=[hanging, "On 4 May."]) as server:
        desk.sit(server)
        done = interrupt(desk, server, number, "-m", "llama3", "--session", "work", *mode, "When?")
        assert done.code != 0
        assert "the prompt is kept. Send it again with: llm sessions retry work" in done.err
        if not (number == signal.SIGTERM and mode):  # the signal interrupts asyncio's own cleanup, which reports it
            assert "Traceback" not in done.err
        [attempt] = desk.shown("work")["attempts"]
        assert (attempt["prompt"], attempt["partial"], attempt["error"]) == ("When?", "We might ", error)
        assert desk.rows("select count(*) from turns") == [(0,)]
        assert desk.ask("sessions", "retry", "work").ok().out == "On 4 May.\n"
        assert server.chats[1].messages == server.chats[0].messages


def test_the_real_command_survives_a_killed_server(desk: Desk) -> None:
    """If the server dies in mid-reply, `llm` in its own process ends with one error and keeps the prompt."""
    with OllamaStandIn(reply=BreakOff(down=True)) as server:
        done = desk.real(server, "-m", "llama3", "--session", "work", "When?")
    assert (done.code, done.out) == (1, "This reply ")
    assert "the prompt is kept" in done.err
    assert "Traceback" not in done.err
    with OllamaStandIn(reply="On 4 May.") as server:
        assert desk.real(server, "sessions", "retry", "work").ok().out == "On 4 May.\n"
