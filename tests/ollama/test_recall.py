"""A fact from long ago arrives at the server when a prompt asks for it, in a window that holds a few exchanges."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import pytest

from llm_session_memory.rules.fences import CLOSING, OPENING, without_excerpts
from tests.ollama.conftest import Desk, as_chat, said, tekken
from tests.ollama.texts import Writer
from tests.world import laws
from tests.world.ollama_server import Arrived, OllamaModel, OllamaStandIn, Reply

pytestmark = pytest.mark.slow

WINDOW = 2_048
OTHER_THINGS, WITH_EXCERPTS = (200, 50) if laws.PROFILE == "ci" else (45, 5)
FACT = "By the way, our accountant Benedita Salgueiro keeps the harbour dues in the green ledger."
QUESTION = "Which ledger has the harbour dues, and who keeps it?"


@dataclass(frozen=True)
class Talk:
    """The result of a conversation: the chats that arrived, llm's stderr, the number of cuts in the log."""

    chats: list[Arrived]
    err: str
    cuts: int


@pytest.fixture(name="talk", scope="module")
def _talk(tmp_path_factory: pytest.TempPathFactory) -> Talk:
    """One fact, many exchanges about other things, and the question, in one real `llm chat --session`."""
    person, model = Writer(5), Writer(6)

    def reply(arrived: Arrived) -> Reply:
        text = model.any(40, 700)
        return Reply(text, chunks=[text])

    prompts = [FACT, *(person.any(20, 400) for _ in range(OTHER_THINGS)), QUESTION]
    with OllamaStandIn([OllamaModel("llama3")], count=tekken(), reply=reply) as server:
        desk = Desk(tmp_path_factory.mktemp("recall"))
        options = ("-m", "llama3", "--session", "long", "-o", "num_ctx", str(WINDOW))
        done = desk.real(server, "chat", *options, input=as_chat(prompts)).ok()
        [(cuts,)] = desk.rows("select count(cut) from memory_contexts")
        return Talk(server.chats, done.err, cuts)


def test_the_fact_arrives_after_many_exchanges(talk: Talk) -> None:
    """The request that asks for the fact contains it, fenced, and the server cut nothing of it."""
    last = talk.chats[-1]
    *before, (role, text) = map(said, last.messages)
    assert len(talk.chats) == OTHER_THINGS + 2
    assert FACT not in str(before)
    assert role == "user"
    assert text.startswith(f"{OPENING}\n")
    assert f"[#1 user {text.partition('[#1 user ')[2][:10]}] {FACT}\n" in text.partition(CLOSING)[0]
    assert text.endswith(f"\n{CLOSING}\n{QUESTION}")
    assert (last.num_ctx, last.cut) == (WINDOW, None)
    assert last.tokens_before <= WINDOW - 512


def test_no_request_with_excerpts_is_cut(talk: Talk) -> None:
    """With excerpts on most prompts, each of many requests fits whole and leaves room, without any alarm."""
    assert [arrived.cut for arrived in talk.chats] == [None] * (OTHER_THINGS + 2)
    assert max(arrived.tokens_before for arrived in talk.chats) <= WINDOW - 450
    assert talk.cuts == 0
    assert sum(OPENING in said(arrived.messages[-1])[1] for arrived in talk.chats) > WITH_EXCERPTS


def test_within_a_block_only_the_excerpts_go(talk: Talk) -> None:
    """Most requests are the one before without its excerpts, and more: the server has all before the last prompt."""
    grown = 0
    for earlier, later in pairwise(talk.chats):
        *before, asked = map(said, earlier.messages)
        now = list(map(said, later.messages))
        if now[: len(before) + 1] != [*before, (asked[0], without_excerpts(asked[1]))]:
            continue
        grown += 1
        assert [role for role, _ in now[len(before) + 1 :]] == ["assistant", "user"]
        assert all(OPENING not in text for _, text in now[:-1]), "excerpts are only before the new prompt"
    assert grown >= OTHER_THINGS * 3 / 4
