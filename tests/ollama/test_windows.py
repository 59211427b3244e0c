"""A model's context window on Ollama: how it is found, how often it is asked for, and what a silent server costs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import llm
import pytest

from llm_session_memory.services.windows import window_of
from tests.ollama.conftest import QuickDesk
from tests.world.ollama_server import OllamaModel, OllamaStandIn

LLAMA = OllamaModel("llama3")
NOON = datetime(2026, 5, 4, 12, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Case:
    """A model, its loaded window when the session asks, and the options of the session."""

    window: int
    source: str
    model: OllamaModel = LLAMA
    default: int = 4_096
    loaded: int | None = None
    options: tuple[str, ...] = ()


CASES = {
    "nothing is known": Case(4_096, "assumed: Ollama's default, because the model is not loaded"),
    "another program loaded it": Case(16_384, "reported by Ollama for the loaded model", loaded=16_384),
    "the server's default is larger": Case(
        32_768, "reported by Ollama for the loaded model", default=32_768, loaded=32_768
    ),
    "the Modelfile says": Case(8_192, "num_ctx in the Modelfile", OllamaModel("llama3", num_ctx=8_192)),
    "loaded otherwise than the Modelfile says": Case(
        2_048, "reported by Ollama for the loaded model", OllamaModel("llama3", num_ctx=8_192), loaded=2_048
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


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_how_a_window_is_found(desk: QuickDesk, case: Case) -> None:
    """The request's num_ctx decides, else the loaded window, the Modelfile, 4,096; the training context limits each."""
    with OllamaStandIn([case.model], default_window=case.default) as server:
        desk.sit(server)
        desk.ask("-m", "llama3", "--session", "work", "Hello.").ok()
        server.unload("llama3")
        if case.options:
            desk.ask("sessions", "set", "work", *case.options).ok()
        if case.loaded:
            server.load("llama3", num_ctx=case.loaded)
        found = desk.dry_run("work", "Hello?")
        assert (found["window"], found["window_source"]) == (case.window, case.source)
        assert found["budget"] == case.window - found["room_for_answer"]
        assert len(server.chats) == 1, "a dry run sends nothing"


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
        assert asked == ["/api/ps", "/api/chat"] * 2 + ["/api/chat"] * 5


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
def test_a_silent_server_costs_only_its_answer(desk: QuickDesk, path: str) -> None:
    """If the server never answers about the window, the prompt is still sent, fitted to 4,096 tokens."""
    with OllamaStandIn() as server:
        desk.sit(server)
        desk.ask("models").ok()  # llm-ollama itself asks /api/show about a model once, without a time limit
        server.ask_delay[path] = math.inf
        done = desk.ask("-m", "llama3", "--session", "work", "Hello.").ok()
        assert done.out == "All right.\n"
        server.unload("llama3")
        found = desk.dry_run("work", "Hello?")
        assert (found["window"], found["budget"]) == (4_096, 3_072)
        why = (
            "Ollama did not answer within 1 s"
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
