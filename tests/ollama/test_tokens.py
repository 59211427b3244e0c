"""How well the tokens of the next request are estimated, against an independent tokenizer."""

from __future__ import annotations

import pytest

from llm_session_memory.rules.tokens import base
from tests.ollama.conftest import QuickDesk, tekken
from tests.ollama.texts import KINDS, Writer
from tests.world.ollama_server import Arrived, OllamaModel, OllamaStandIn, Reply

LARGE = OllamaModel("llama3", num_ctx=32_768, capabilities=("completion", "tools"))


def server_of(writer: Writer, *kinds: str, model: OllamaModel = LARGE) -> OllamaStandIn:
    """A server whose model answers in texts of these kinds, one after the other."""

    def reply(arrived: Arrived) -> Reply:
        kind = kinds[(len(arrived.messages) // 2) % len(kinds)]
        text = writer.text(kind, writer.chance.randint(80, 1_500))
        return Reply(text, chunks=[text])

    return OllamaStandIn([model], count=tekken(), reply=reply)


def error(desk: QuickDesk, server: OllamaStandIn, prompt: str, *arguments: str) -> float:
    """Estimate a request, send it, and return the error of the estimate as a share of the server's count."""
    estimated = desk.dry_run("work", prompt, *arguments)["tokens"]
    desk.ask("--session", "work", *arguments, prompt).ok()
    assert server.chats[-1].cut is None
    counted: int = server.chats[-1].tokens_after
    return float(estimated / counted - 1)


@pytest.mark.parametrize("kind", KINDS)
def test_the_next_request_is_estimated(desk: QuickDesk, kind: str) -> None:
    """After 5 turns of one kind of text, the estimate of the next request is within 10 % of the server's count.

    This holds for short and long requests, and for those that continue a block or begin one.
    """
    person = Writer(21)
    with server_of(Writer(22), kind) as server:
        desk.sit(server)
        desk.chat("work", [person.text(kind, length) for length in (40, 900, 300, 1_200, 500)], "-m", "llama3").ok()
        errors = {
            "short": error(desk, server, "And the next one?"),
            "long": error(desk, server, person.text(kind, 3_000)),
            "another system prompt": error(desk, server, person.text(kind, 400), "-s", person.text(kind, 600)),
            "a smaller budget": error(desk, server, person.text(kind, 400), "--max-context-tokens", "2500"),
        }
    assert {name: off for name, off in errors.items() if abs(off) > 0.10} == {}


@pytest.mark.parametrize("kind", KINDS)
def test_the_next_request_of_a_mixed_session_is_estimated(desk: QuickDesk, kind: str) -> None:
    """After 5 turns of prose, code, JSON and Japanese, the next request of any kind is estimated within 10 %."""
    person = Writer(31)
    with server_of(Writer(32), *KINDS) as server:
        desk.sit(server)
        prompts = [person.text(other, 500) for other in (*KINDS, "english")]
        desk.chat("work", prompts, "-m", "llama3").ok()
        errors = {
            "much more of this kind": error(desk, server, person.text(kind, 4_000)),
            "a smaller budget": error(desk, server, "And now?", "--max-context-tokens", "3000"),
        }
    assert {name: off for name, off in errors.items() if abs(off) > 0.10} == {}


@pytest.mark.parametrize("kind", KINDS)
def test_a_change_of_subject_is_estimated(desk: QuickDesk, kind: str) -> None:
    """After 5 turns of English prose, a prompt full of another kind of text is estimated within 10 %."""
    person = Writer(41)
    with server_of(Writer(42), "english") as server:
        desk.sit(server)
        desk.chat("work", [person.text("english", 200) for _ in range(5)], "-m", "llama3").ok()
        assert abs(error(desk, server, person.text(kind, 6_000))) <= 0.10


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_weighs_about_what_a_real_tokenizer_counts(kind: str) -> None:
    """Before any measurement, texts of all kinds are estimated within 15 % of a common tokenizer's count."""
    text = Writer(51).text(kind, 12_000)
    assert base(text) == pytest.approx(tekken()(text), rel=0.15)
