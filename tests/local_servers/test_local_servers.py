"""Local servers with OpenAI's interface: how their windows are found, and what happens to a request too long."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from llm_session_memory.rules.local_servers import address
from llm_session_memory.services import windows
from tests.conftest import Command
from tests.world.local_servers import KoboldCpp, LlamaCpp, LmStudio, LocalServer, OllamaV1, Vllm

LONG = "word " * 400


@dataclass(frozen=True)
class Desk:
    """llm in this process, with a model “local” on a stand-in."""

    home: Path
    llm_: Command

    def window(self) -> tuple[int | None, str]:
        """Return the window that the next prompt would count on, and its source."""
        found: dict[str, Any] = json.loads(self.llm_("sessions", "context", "work", "Well?", "--json").ok().out)
        return found["window"], found["window_source"]

    def cuts(self) -> list[str | None]:
        """Return the recorded cuts of the session's requests."""
        with closing(sqlite3.connect(self.home / "logs.db")) as log:
            return [cut for (cut,) in log.execute("select cut from memory_contexts order by turn_id")]


@pytest.fixture(name="desk")
def _desk(home: Path, llm_: Command) -> Desk:
    """A desk that doesn't know a server yet."""
    return Desk(home, llm_)


FOUND = {
    "llama.cpp": (LlamaCpp(), 4_096, "reported by llama.cpp's server"),
    "llama.cpp as a router": (LlamaCpp(router=True), 4_096, "reported by llama.cpp's server"),
    "LM Studio": (LmStudio(), 4_096, "reported by LM Studio"),
    "vLLM": (Vllm(), 4_096, "reported by vLLM"),
    "KoboldCpp": (KoboldCpp(), 4_096, "reported by KoboldCpp"),
    "Ollama": (OllamaV1(), 4_096, "what Ollama gave without num_ctx on 20"),
    "Ollama, loaded by another program": (OllamaV1(other=16_384), 4_096, "what Ollama gave without num_ctx on 20"),
    "Ollama with a Modelfile": (OllamaV1(num_ctx=8_192), 8_192, "num_ctx in the Modelfile"),
    "another": (LocalServer(), None, "not known for this model"),
}


@pytest.mark.parametrize(("server", "window", "source"), FOUND.values(), ids=FOUND.keys())
def test_a_local_servers_window_is_asked_for(desk: Desk, server: LocalServer, window: int | None, source: str) -> None:
    """After the first prompt, the window of a model on a local server is known, and no more is asked for 5 minutes."""
    with server:
        server.configure(desk.home, "local")
        desk.llm_("-m", "local", "--session", "work", "Hello.").ok()
        asked = len(server.asked)
        found = desk.window()
        assert (found[0], found[1][: len(source)]) == (window, source)
        desk.llm_("--session", "work", "Well?").ok()
        assert len(server.asked) == asked


def test_a_question_loads_no_model(desk: Desk) -> None:
    """A router and LM Studio load no model to say its window: until it is loaded, at most its training limits it."""
    for server, source in (
        (LlamaCpp(router=True), "not known for this model"),
        (LmStudio(), "the most the model was trained for; LM Studio has not loaded it"),
    ):
        with server:
            server.configure(desk.home, "local")
            desk.llm_("-m", "local", "--session", "work", "--new-session", "Hello.").ok()
            with closing(sqlite3.connect(desk.home / "logs.db")) as log, log:
                log.execute("delete from memory_windows")
            server.loaded = False
            assert desk.window()[1] == source
            assert not server.loaded


def test_the_key_is_sent_with_the_question(desk: Desk) -> None:
    """A server that wants a key gets the model's own, from llm's keys."""
    with LlamaCpp(key="secret") as server:
        server.configure(desk.home, "local", api_key_name="mine")
        (desk.home / "keys.json").write_text('{"mine": "secret"}')
        desk.llm_("-m", "local", "--session", "work", "Hello.").ok()
        assert desk.window() == (4_096, "reported by llama.cpp's server")


def test_a_silent_server_costs_only_the_answer(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a server doesn't answer the question in time, what it said before counts; the prompt itself is sent."""
    with LlamaCpp() as server:
        server.configure(desk.home, "local")
        desk.llm_("-m", "local", "--session", "work", "Hello.").ok()
        with closing(sqlite3.connect(desk.home / "logs.db")) as log, log:
            log.execute("update memory_windows set asked_utc = '2026-01-01T00:00:00+00:00', loaded_utc = asked_utc")
        monkeypatch.setattr(windows, "ASK_SECONDS", 0.1)
        server.hangs = True
        tokens, source = desk.window()
        assert tokens == 4_096
        assert source.startswith("as llama.cpp's server last loaded it, on 20")
        assert source.endswith("; llama.cpp's server did not answer within 0.1 s")
        with closing(sqlite3.connect(desk.home / "logs.db")) as log, log:
            log.execute("delete from memory_windows")
        desk.llm_("--session", "work", "Well?").ok()
        assert desk.window() == (None, "not known for this model: its server did not answer within 0.1 s")


@pytest.mark.parametrize(
    ("base", "asked"),
    [
        ("http://localhost:8080/v1", True),
        ("http://127.0.0.1:1234/v1/", True),
        ("http://[::1]:8080/v1", True),
        ("http://192.168.1.20:8000/v1", True),
        ("http://100.101.102.103:8080", True),
        ("http://host.docker.internal:1234/v1", True),
        ("https://gpu.lan/v1", True),
        ("http://workstation:5001/v1", True),
        ("https://api.openai.com/v1", False),
        ("https://openrouter.ai/api/v1", False),
        ("http://8.8.8.8/v1", False),
        ("http://134744072/v1", False),
        ("http://0x08080808/v1", False),
        ("http://localhost.example.com/v1", False),
        ("ftp://localhost/v1", False),
        ("http://[::1/v1", False),
        ("http://localhost:port/v1", False),
        ("", False),
        (None, False),
    ],
)
def test_only_local_servers_are_asked(base: str | None, asked: bool) -> None:
    """A server is asked only if its address is this computer or in a private network; a hosted service never is."""
    assert (address(base) is not None) == asked


def test_a_request_that_the_server_refuses_is_kept_and_the_next_one_fits(desk: Desk) -> None:
    """If llama.cpp's server was started again with a smaller window, its error says so, and a retry fits in it."""
    with LlamaCpp(window=8_192) as server:
        server.configure(desk.home, "local")
        for _ in range(4):
            desk.llm_("-m", "local", "--session", "work", LONG).ok()
        server.window = 1_024
        refused = desk.llm_("--session", "work", "Well?")
        assert refused.code == 1
        assert "the prompt is kept. Send it again with: llm sessions retry work" in refused.err
        said = "the server's context window is 1,024 tokens. The next request will be made to fit.\n"
        assert said in refused.err
        assert desk.llm_("sessions", "retry", "work").ok().out == "All right.\n"
        assert server.counted[-1] < 1_024
        assert desk.window() == (1_024, "reported by llama.cpp's server")


def test_a_window_named_in_an_error_is_kept(desk: Desk) -> None:
    """If a server says its window only in an error, the window counts from then on."""

    class Closed(LocalServer):
        def fit(self, tokens: int) -> int | tuple[int, Any]:
            said = f"This model's maximum context length is 1024 tokens. However, you requested {tokens} tokens"
            return tokens if tokens < 1_024 else (400, {"error": {"message": said, "code": "context_length_exceeded"}})

    with Closed() as server:
        server.configure(desk.home, "local")
        for _ in range(2):
            desk.llm_("-m", "local", "--session", "work", LONG).ok()
        assert desk.llm_("--session", "work", LONG).code == 1
        tokens, source = desk.window()
        assert tokens == 1_024
        assert source.startswith("as its server's error said on 20")
        desk.llm_("sessions", "retry", "work").ok()
        desk.llm_("--session", "work", LONG).ok()


def test_an_estimate_that_is_too_low_gets_a_smaller_budget(desk: Desk) -> None:
    """If the window was known and the request exceeds it all the same, the message has a budget that fits."""
    with LlamaCpp(window=1_024) as server:
        server.configure(desk.home, "local")
        server.reply = lambda body: "Noted."
        desk.llm_("-m", "local", "--session", "work", "Hello.").ok()
        dense = (
            "ab1c2d3" * 60
        )  # one word for our estimate of a letter run, many tokens for the stand-in's regex of none
        del dense
        server.weight = 3
        refused = desk.llm_("--session", "work", LONG)
        assert refused.code == 1
        assert "It was estimated at " in refused.err
        command = refused.err.partition("Make requests smaller with: llm ")[2].partition("\n")[0]
        desk.llm_(*command.split()).ok()
        desk.llm_("--session", "work", "word " * 200).ok()


@pytest.mark.parametrize("server", [LlamaCpp(window=8_192, shifts=True), LmStudio(window=8_192, truncates=True)])
def test_a_cut_is_noticed(desk: Desk, server: LlamaCpp | LmStudio) -> None:
    """If the server drops tokens from the middle of a prompt, the person is told, and no later prompt is cut."""
    with server:
        server.configure(desk.home, "local")
        for _ in range(4):
            desk.llm_("-m", "local", "--session", "work", LONG).ok()
        server.window = 1_024
        said = desk.llm_("--session", "work", LONG).ok().err
        assert "cut the prompt: the server counted " in said
        before = len(server.chats)
        for _ in range(2):
            assert "server" not in desk.llm_("--session", "work", LONG).ok().err
        assert all(count < 1_024 for count in server.counted[before:])
        assert [bool(cut) for cut in desk.cuts()] == [False] * 4 + [True, False, False]
        assert desk.window()[0] == 1_024
