"""Fixtures for tests against the stand-in Ollama server: llm in this process and real, and what the log contains."""

from __future__ import annotations

import functools
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from tests.conftest import Command, Done
from tests.world.ollama_server import Arrived, OllamaStandIn, tekken_count
from tests.world.processes import Running, started

Json = dict[str, Any]


@functools.cache
def tekken() -> Callable[[str], int]:
    """Return a counter with Mistral's tokenizer. It caches its counts, because servers count the same history often."""
    return functools.cache(tekken_count())


@dataclass(frozen=True)
class Desk:
    """A home for llm's files, and llm as a real process."""

    home: Path

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Read the log."""
        with closing(sqlite3.connect(self.home / "logs.db")) as log:
            return list(log.execute(sql))

    def environment(self, server: OllamaStandIn) -> dict[str, str]:
        """Return the environment for a real llm."""
        # Each new HTTP client reads all certificate authorities, which takes 30 ms, and nothing here is HTTPS.
        return {**server.environment(self.home), "SSL_CERT_DIR": str(self.home), "PYTHONIOENCODING": "utf-8"}

    def start(self, server: OllamaStandIn, *arguments: str) -> Running:
        """Start llm in its own process."""
        return started(arguments, self.environment(server), self.home)

    def real(self, server: OllamaStandIn, *arguments: str, input: str = "", **more: str) -> Done:  # noqa: A002
        """Run llm in its own process; `more` is added to its environment."""
        process = started(arguments, {**self.environment(server), **more}, self.home, reads=True)
        out, err = process.communicate(input, timeout=300)
        return Done(out, err, -1 if process.returncode is None else process.returncode)


@dataclass(frozen=True)
class QuickDesk(Desk):
    """A desk whose llm command runs in this process, which is fast."""

    llm_: Command
    monkeypatch: pytest.MonkeyPatch

    def sit(self, server: OllamaStandIn) -> None:
        """Connect llm in this process to the server."""
        self.monkeypatch.setenv("OLLAMA_HOST", server.url)
        self.monkeypatch.setenv("SSL_CERT_DIR", str(self.home))

    def ask(self, *arguments: str, input: str = "") -> Done:  # noqa: A002  as subprocess calls it
        """Run an llm command in this process."""
        return self.llm_(*arguments, input=input)

    def chat(self, session: str, prompts: Sequence[str], *arguments: str) -> Done:
        """Chat in a session."""
        return self.ask("chat", "--session", session, *arguments, input=as_chat(prompts))

    def dry_run(self, session: str, prompt: str, *arguments: str) -> Json:
        """Return what would be sent."""
        found: Json = json.loads(self.ask("sessions", "context", session, prompt, "--json", *arguments).ok().out)
        return found

    def shown(self, session: str) -> Json:
        """Return a session's transcript."""
        found: Json = json.loads(self.ask("sessions", "show", session, "--json").ok().out)
        return found


@pytest.fixture(autouse=True)
def _able_to_start(forking: None) -> None:
    """Start the process that others are forked from, without anything from a test's environment."""


@pytest.fixture(autouse=True, scope="session")
def _quick_cache() -> Iterator[None]:
    """llm-ollama reads its cache, which is YAML, several times per prompt: read it with PyYAML's parser in C."""
    reader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    quick = SimpleNamespace(**vars(yaml))
    quick.safe_load = lambda stream: yaml.load(stream, reader)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("llm_ollama.cache.yaml", quick)
        yield


@pytest.fixture(name="desk")
def _desk(home: Path, llm_: Command, monkeypatch: pytest.MonkeyPatch) -> QuickDesk:
    """A desk that doesn't know a server yet."""
    return QuickDesk(home, llm_, monkeypatch)


def as_chat(prompts: Sequence[str]) -> str:
    """Return prompts as typed into `llm chat`, with several lines between `!multi` and `!end`."""
    typed = [f"!multi\n{prompt}\n!end\n" if "\n" in prompt else f"{prompt}\n" for prompt in prompts]
    return "".join(typed) + "quit\n"


def said(message: Mapping[str, Any]) -> tuple[str, str]:
    """Return role and text of a message as it arrived."""
    return str(message["role"]), str(message.get("content") or "")


def extends(later: Arrived, earlier: Arrived) -> bool:
    """Return whether a request is the previous one, one reply to it, and new input."""
    length = len(earlier.messages)
    return later.messages[:length] == earlier.messages and later.messages[length]["role"] == "assistant"


def orphans(arrived: Arrived) -> list[Mapping[str, Any]]:
    """Return the tool results of a request that have no call before them."""
    found: list[Mapping[str, Any]] = []
    open_calls: list[str] = []
    for message in arrived.messages:
        if message["role"] == "tool":
            if message.get("tool_name") in open_calls:
                open_calls.remove(str(message["tool_name"]))
            else:
                found.append(message)
        else:
            open_calls = [str(call["function"]["name"]) for call in message.get("tool_calls") or ()]
    return found


def open_calls(arrived: Arrived) -> int:
    """Return how many tool calls of a request have no result after them."""
    calls: int = sum(len(message.get("tool_calls") or ()) for message in arrived.messages)
    results: int = sum(message["role"] == "tool" for message in arrived.messages)
    return calls - results
