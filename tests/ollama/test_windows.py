"""A model's context window on Ollama: how it is found, how often it is asked for, and what a silent server costs."""

from __future__ import annotations

import json
import math
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import llm
import pytest

from llm_session_memory.memory import Memory
from llm_session_memory.services.windows import ASK_SECONDS, window_of
from tests.ollama.conftest import QuickDesk
from tests.world.ollama_server import Answer, Arrived, Fail, OllamaModel, OllamaStandIn, ToolCalls, count_words

LLAMA = OllamaModel("llama3")
NOON = datetime(2026, 5, 4, 12, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Case:
    """A model, its loaded window when the session asks, and the options of the session.

    `known`: a request without num_ctx got the server's default an hour ago.
    """

    window: int
    source: str
    model: OllamaModel = LLAMA
    default: int = 4_096
    loaded: int | None = None
    options: tuple[str, ...] = ()
    known: bool = False


MODELFILE = OllamaModel("llama3", num_ctx=8_192)
CASES = {
    "nothing is known": Case(4_096, "assumed: Ollama's default, because the model is not loaded"),
    "another program loaded it": Case(16_384, "reported by Ollama for the loaded model", loaded=16_384),
    "another program loaded it with less": Case(2_048, "reported by Ollama for the loaded model", loaded=2_048),
    "the Modelfile says": Case(8_192, "num_ctx in the Modelfile", MODELFILE),
    "loaded otherwise than the Modelfile says": Case(8_192, "num_ctx in the Modelfile", MODELFILE, loaded=2_048),
    "not loaded any more": Case(32_768, "what Ollama gave without num_ctx on ", default=32_768, known=True),
    "known, and loaded with more": Case(
        16_384, "reported by Ollama for the loaded model", default=8_192, loaded=16_384, known=True
    ),
    "the session says": Case(8_192, "set with num_ctx", options=("-o", "num_ctx", "8192")),
    "the session says, whatever is loaded": Case(
        2_048, "set with num_ctx", loaded=16_384, options=("-o", "num_ctx", "2048")
    ),
    "the session says more than was trained": Case(
        2_048,
        "the most the model was trained for",
        OllamaModel("llama3", trained_window=2_048),
        options=("-o", "num_ctx", "8192"),
    ),
    "trained for less than the default": Case(
        512, "the most the model was trained for", OllamaModel("llama3", trained_window=512)
    ),
}


def later(desk: QuickDesk, *, forgets: bool = False) -> None:
    """Let an hour pass since the server was last asked, or let the log forget what it said."""
    an_hour_ago = (datetime.now(timezone.utc) - timedelta(hours=1)).isoformat()
    with closing(sqlite3.connect(desk.home / "logs.db")) as log, log:
        if forgets:
            log.execute("delete from memory_windows")
        log.execute("update memory_windows set asked_utc = :t, loaded_utc = :t, usual_utc = :t", {"t": an_hour_ago})


def named(arrived: Arrived) -> int | None:
    """Return the num_ctx that a request named."""
    found: int | None = (arrived.body.get("options") or {}).get("num_ctx")
    return found


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_how_a_window_is_found(desk: QuickDesk, case: Case) -> None:
    """num_ctx, the Modelfile, what is loaded, what a request without num_ctx got, 4,096; training limits each."""
    with OllamaStandIn([case.model], default_window=case.default) as server:
        desk.sit(server)
        desk.ask("-m", "llama3", "--session", "work", "Hello.").ok()
        server.unload("llama3")
        later(desk, forgets=not case.known)
        if case.options:
            desk.ask("sessions", "set", "work", *case.options).ok()
        if case.loaded:
            server.load("llama3", num_ctx=case.loaded)
        found = desk.dry_run("work", "word " * 200)
        assert found["window"] == case.window
        assert found["window_source"].startswith(case.source)
        assert found["budget"] == case.window - found["room_for_answer"]
        assert len(server.chats) == 1, "a dry run sends nothing"
        desk.ask("--session", "work", "word " * 200).ok()
        assert server.chats[-1].num_ctx == case.window, "the server gives what was counted on"
        assert server.chats[-1].reloaded == (case.loaded not in (None, case.window))


@pytest.mark.parametrize(
    ("options", "budget", "room"),
    [
        pytest.param((), 3_072, 1_024, id="a_quarter_of_the_window"),
        pytest.param(("-o", "num_ctx", "32768"), 30_720, 2_048, id="2048_at_most"),
        pytest.param(("-o", "num_predict", "300"), 3_796, 300, id="num_predict"),
        pytest.param(("-o", "num_ctx", "32768", "-o", "num_predict", "9000"), 23_768, 9_000, id="a_large_num_predict"),
        pytest.param(("-o", "num_predict", "-1"), 3_072, 1_024, id="num_predict_without_end"),
        pytest.param(("-o", "num_predict", "3000"), 1_096, 3_000, id="most_of_the_window_for_the_answer"),
        pytest.param(("--max-context-tokens", "500"), 500, 1_024, id="a_setting_below"),
    ],
)
def test_room_for_the_answer(desk: QuickDesk, options: tuple[str, ...], budget: int, room: int) -> None:
    """The budget leaves num_predict tokens of the window for the answer, otherwise a quarter of it, at most 2,048."""
    with OllamaStandIn() as server:
        desk.sit(server)
        desk.ask("-m", "llama3", "--session", "work", *options, "Hello.").ok()
        found = desk.dry_run("work", "Hello?")
        assert (found["budget"], found["room_for_answer"]) == (budget, room)


def test_num_ctx_is_kept_so_that_no_model_is_reloaded(desk: QuickDesk) -> None:
    """The num_ctx that a session was created with is sent with each prompt, in a chat too, so no model is reloaded."""
    with OllamaStandIn() as server:
        desk.sit(server)
        desk.ask("-m", "llama3", "--session", "work", "-o", "num_ctx", "8192", "One.").ok()
        desk.ask("--session", "work", "Two.").ok()
        desk.ask("--session", "work", "-o", "temperature", "0.2", "Three.").ok()
        desk.ask("--session", "work", "--async", "Four.").ok()
        desk.chat("work", ["Five.", "Six."]).ok()
        assert [chat.num_ctx for chat in server.chats] == [8_192] * 6
        assert server.reloads == []


def test_a_window_is_remembered(desk: QuickDesk) -> None:
    """After seeing the model loaded, llm doesn't ask for its window again for some minutes, whatever the prompts."""
    with OllamaStandIn() as server:
        desk.sit(server)
        for prompt in ("One.", "Two.", "Three.", "Four."):
            desk.ask("-m", "llama3", "--session", "work", prompt).ok()
        desk.chat("work", ["Five.", "Six."]).ok()
        desk.ask("-m", "llama3", "--session", "other", "Seven.").ok()
        asked = [arrived.path for arrived in server.arrived if arrived.path in ("/api/ps", "/api/chat")]
        assert asked == ["/api/ps", "/api/chat", "/api/ps"] + ["/api/chat"] * 6


@pytest.mark.parametrize(
    ("minutes", "questions"), [(0, 0), (4, 0), (6, 1), (-3, 1)], ids=["at_once", "four", "six", "a_clock_set_back"]
)
def test_a_window_is_asked_for_again_after_five_minutes(desk: QuickDesk, minutes: int, questions: int) -> None:
    """The server's answer about a loaded model holds for five minutes."""
    with OllamaStandIn() as server:
        desk.sit(server)
        server.load("llama3", num_ctx=2_048)
        model: Any = llm.get_model("ollama/llama3")
        first = window_of(model, {}, None, lambda: NOON)
        assert first.window.tokens == 2_048
        before = len(server.arrived)
        server.load("llama3", num_ctx=8_192)
        later = window_of(model, {}, first.news, lambda: NOON + timedelta(minutes=minutes))
        assert later.window.tokens == (8_192 if questions else 2_048)
        assert [arrived.path for arrived in server.arrived[before:]].count("/api/ps") == questions


@pytest.mark.parametrize("path", ["/api/ps", "/api/show"])
def test_a_silent_server_costs_only_its_answer(desk: QuickDesk, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """If the server does not answer about the window within 1 s, the prompt is still sent, fitted to 4,096 tokens."""
    assert ASK_SECONDS == 1
    monkeypatch.setattr("llm_session_memory.services.windows.ASK_SECONDS", 0.25)
    with OllamaStandIn() as server:
        desk.sit(server)
        desk.ask("models").ok()  # llm-ollama itself asks /api/show about a model once, without a time limit
        server.ask_delay[path] = math.inf
        done = desk.ask("-m", "llama3", "--session", "work", "Hello.").ok()
        assert done.out == "All right.\n"
        server.unload("llama3")
        later(desk, forgets=True)
        found = desk.dry_run("work", "Hello?")
        assert (found["window"], found["budget"]) == (4_096, 3_072)
        why = (
            "Ollama did not answer within 0.25 s"
            if path == "/api/ps"
            else "Ollama's default, because the model is not loaded"
        )
        assert found["window_source"] == f"assumed: {why}"
        printed = desk.ask("sessions", "context", "work", "Hello?").ok().out
        assert f"window   4,096 tokens, {found['window_source']}" in printed


def test_the_last_window_is_used_if_the_server_falls_silent(desk: QuickDesk) -> None:
    """If the server stops answering, its last window is used, and the dry run shows the date."""
    with OllamaStandIn() as server:
        desk.sit(server)
        server.load("llama3", num_ctx=8_192)
        model: Any = llm.get_model("ollama/llama3")
        first = window_of(model, {}, None, lambda: NOON)
        server.ask_delay["/api/ps"] = math.inf
        later = window_of(model, {}, first.news, lambda: NOON + timedelta(days=2))
        assert later.news is None
        assert later.window.tokens == 8_192
        assert later.window.source == "as last loaded on 2026-05-04; Ollama did not answer within 1 s"


# -- what is counted on is named -------------------------------------------


def words(count: int) -> str:
    """Return a prompt of about this many tokens."""
    return "word " * count


def test_a_prompt_that_fits_the_default_is_sent_whatever_another_session_wants(desk: QuickDesk) -> None:
    """If another session has the model loaded with less, a prompt that needs more gets it, and a short one doesn't."""
    with OllamaStandIn() as server:
        desk.sit(server)
        desk.ask("-m", "llama3", "--session", "a", "-o", "num_ctx", "2048", "Hi.").ok()
        desk.ask("-m", "llama3", "--session", "b", "Hello.").ok()
        assert server.reloads == [], "a short prompt stays in what is loaded"
        desk.ask("--session", "b", words(2_500)).ok()
        assert (server.chats[-1].num_ctx, named(server.chats[-1])) == (4_096, 4_096)
        assert [chat.cut for chat in server.chats] == [None] * 3


def test_clients_that_take_turns_are_never_cut(desk: QuickDesk) -> None:
    """Two sessions with different windows, and a program between them: each request gets what was counted on."""
    with OllamaStandIn(reply="word " * 150) as server:
        desk.sit(server)
        desk.ask("-m", "llama3", "--session", "small", "-o", "num_ctx", "2048", "Hi.").ok()
        desk.ask("-m", "llama3", "--session", "plain", "Hi.").ok()
        for turn in range(6):
            for name in ("small", "plain"):
                expected = desk.dry_run(name, words(400))
                desk.ask("--session", name, words(400)).ok()
                assert server.chats[-1].num_ctx == expected["window"]
            server.load("llama3", num_ctx=(1_024, 16_384)[turn % 2])
            later(desk)
        assert {chat.cut for chat in server.chats} == {None}
        assert max(chat.tokens_after for chat in server.chats) > 2_500, "the session without num_ctx has the default"


@pytest.mark.parametrize("after", [2_048, 32_768])
def test_a_default_that_changes_cuts_nothing(desk: QuickDesk, after: int) -> None:
    """If the server is started again with another OLLAMA_CONTEXT_LENGTH, requests get what the session counted on."""
    with OllamaStandIn(reply="word " * 150) as server:
        desk.sit(server)
        desk.chat("work", [words(400) for _ in range(5)], "-m", "llama3").ok()
        assert server.chats[-1].tokens_after > 2_048
        server.default_window = after
        server.unload("llama3")
        later(desk)
        assert desk.dry_run("work", words(60))["window_source"].startswith("what Ollama gave without num_ctx on ")
        told = desk.ask("--session", "work", words(60)).ok().err
        assert (server.chats[-1].num_ctx, server.chats[-1].cut, told) == (4_096, None, "")


def test_a_changed_default_is_learned_after_a_day(desk: QuickDesk) -> None:
    """After a day, what a request without num_ctx gets is found out again when the model has to be loaded anyway."""
    with OllamaStandIn() as server:
        desk.sit(server)
        desk.chat("work", [words(900) for _ in range(3)], "-m", "llama3").ok()
        server.default_window = 32_768
        server.unload("llama3")
        with closing(sqlite3.connect(desk.home / "logs.db")) as log, log:
            for column in ("asked_utc", "loaded_utc", "usual_utc"):
                log.execute(f"update memory_windows set {column} = '2026-01-01T00:00:00+00:00'")
        desk.ask("--session", "work", words(900)).ok()
        assert (server.chats[-1].num_ctx, server.reloads) == (32_768, [])
        assert (len(server.loads), len(server.chats[-1].messages)) == (1, 7), "loaded first, then sent whole"


@pytest.mark.parametrize("default", [4_096, 32_768])
def test_a_long_first_prompt_is_sent_if_the_default_is_large_enough(desk: QuickDesk, default: int) -> None:
    """Before a long prompt is refused, the server loads the model and says what it gives."""
    with OllamaStandIn(default_window=default) as server:
        desk.sit(server)
        done = desk.ask("-m", "llama3", "--session", "work", words(9_000))
        if default == 4_096:
            assert (done.code, server.chats) == (1, [])
            assert "context window is 4,096 (reported by Ollama for the loaded model)" in done.err
        else:
            assert (server.chats[0].cut, named(server.chats[0]), server.reloads) == (None, default, [])


def test_a_short_first_prompt_lets_the_server_choose(desk: QuickDesk) -> None:
    """A short first prompt names no window, so that the server's own default is learned; later ones name it."""
    with OllamaStandIn(default_window=32_768) as server:
        desk.sit(server)
        for prompt in ("One.", "Two.", words(5_000)):
            desk.ask("-m", "llama3", "--session", "work", prompt).ok()
        assert [named(chat) for chat in server.chats] == [None, 32_768, 32_768]
        assert server.reloads == []


TOOL = 'def noon() -> str:\n    "Tell the time"\n    return "12:00"'


def noon() -> str:
    """Tell the time."""
    return "12:00"


def test_every_way_to_send_names_the_window(desk: QuickDesk) -> None:
    """Async, in a chat, with tools, again after a failure, and from a program: each request names the window."""
    able = OllamaModel("llama3", capabilities=("completion", "tools"))
    tool = ToolCalls([{"name": "noon", "arguments": {}}])
    script: list[Answer] = ["One.", "Async.", "Chat.", tool, "Tool.", Fail(), "Again.", "Program.", tool, "Chain."]
    with OllamaStandIn([able], reply=script) as server:
        desk.sit(server)
        desk.ask("-m", "llama3", "--session", "work", "One.").ok()
        desk.ask("--session", "work", "--async", "-o", "temperature", "0.5", "Two.").ok()
        desk.chat("work", ["Three."]).ok()
        desk.ask("--session", "work", "--functions", TOOL, "Four.").ok()
        assert desk.ask("--session", "work", "Five.").code == 1
        desk.ask("sessions", "retry", "work").ok()
        with Memory(desk.home / "logs.db") as memory:
            conversation = memory.conversation("work")
            conversation.prompt("Six.").text()
            conversation.chain("Seven.", tools=[noon]).text()
        assert [named(chat) for chat in server.chats] == [None] + [4_096] * 9
        assert desk.rows("select options_json from memory_sessions") == [("{}",)], "it is no setting"
        logged = [
            json.loads(options or "{}").get("num_ctx") for (options,) in desk.rows("select options_json from turns")
        ]
        assert logged == [None] + [4_096] * 8, "it is logged as it was sent"


def test_a_model_in_the_cloud_is_sent_no_window(desk: QuickDesk) -> None:
    """A model of Ollama's cloud always has its whole window and has no num_ctx."""
    with OllamaStandIn([OllamaModel("gpt-oss:20b-cloud", trained_window=131_072)]) as server:
        desk.sit(server)
        for _ in range(2):
            desk.ask("-m", "gpt-oss:20b-cloud", "--session", "work", words(1_500)).ok()
        assert [named(chat) for chat in server.chats] == [None, None]
        assert desk.dry_run("work", "")["window"] == 131_072


def test_a_prompt_that_seems_too_long_can_be_sent_anyway(desk: QuickDesk) -> None:
    """A first estimate may be too high: --send-anyway sends what was refused, from a program and again too."""
    small = OllamaModel("llama3", trained_window=4_096)
    with OllamaStandIn([small], count=lambda text: count_words(text) * 7 // 10, reply=[Fail(), "Fine."]) as server:
        desk.sit(server)
        refused = desk.ask("-m", "llama3", "--session", "work", words(5_000))
        assert refused.code == 1
        assert "If you think that it fits, add --send-anyway." in refused.err
        assert desk.ask("-m", "llama3", "--session", "work", "--send-anyway", words(5_000)).code == 1
        desk.ask("sessions", "retry", "work").ok()
        assert [(len(chat.messages), chat.cut) for chat in server.chats] == [(1, None)] * 2
        with Memory(desk.home / "logs.db") as memory:
            memory.conversation("other", "ollama/llama3", send_anyway=True).prompt(words(5_000)).text()
        assert server.chats[-1].cut is None


def test_the_first_model_given_in_a_session_without_one_becomes_its_own(desk: QuickDesk) -> None:
    """An imported session has no model: the -m of its first prompt is kept and reported once, and later ones aren't."""
    with OllamaStandIn([OllamaModel("llama3"), OllamaModel("mistral")]) as server:
        desk.sit(server)
        desk.ask("sessions", "import", "-", "--as", "qa", input='{"prompt": "Q", "response": "A"}\n').ok()
        told = [desk.ask("-m", model, "--session", "qa", "Hi.").ok().err for model in ("mistral", "llama3")]
        told.append(desk.ask("--session", "qa", "Hi.").ok().err)
        assert told == ["session qa: its model is now ollama/mistral:latest\n", "", ""]
        assert [chat.body["model"] for chat in server.chats] == ["mistral:latest", "llama3:latest", "mistral:latest"]
