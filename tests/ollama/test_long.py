"""A long conversation with a small window: what really arrived at the server."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

import pytest

from tests.ollama.conftest import Desk, QuickDesk, as_chat, extends, tekken
from tests.ollama.texts import Writer
from tests.world import laws
from tests.world.ollama_rules import truncate
from tests.world.ollama_server import Arrived, OllamaModel, OllamaStandIn, Reply

pytestmark = pytest.mark.slow

WINDOW = 4_096

EXCHANGES = 300 if laws.PROFILE == "ci" else 70
TEXTS = 40 if laws.PROFILE == "ci" else 15


def shares(chats: list[Arrived]) -> list[float]:
    """Return the share of each request's tokens that the previous request began with."""
    return [later.reused_prefix_tokens / later.tokens_after for later in chats[1:]]


@dataclass(frozen=True)
class Talk:
    """The result of a conversation: the chats that arrived, llm's stderr, the number of cuts in the log."""

    chats: list[Arrived]
    err: str
    cuts: int


@pytest.fixture(name="long_talk", scope="module")
def _long_talk(tmp_path_factory: pytest.TempPathFactory) -> Talk:
    """Many exchanges of all kinds and lengths, through one real `llm chat --session` with the policy `window`."""
    person, model = Writer(3), Writer(4)

    def reply(arrived: Arrived) -> Reply:
        text = model.any(10, 1_000)
        return Reply(text, chunks=[text])

    prompts = [person.any(*((10, 1_000) if number % 50 else (1_500, 3_000))) for number in range(1, EXCHANGES + 1)]
    with OllamaStandIn([OllamaModel("llama3")], count=tekken(), reply=reply) as server:
        desk = Desk(tmp_path_factory.mktemp("long"))
        start = ("chat", "-m", "llama3", "--session", "long", "--memory", "window")
        done = desk.real(server, *start, input=as_chat(prompts)).ok()
        [(cuts,)] = desk.rows("select count(cut) from memory_contexts")
        return Talk(server.chats, done.err, cuts)


def test_no_request_of_many_is_cut(long_talk: Talk) -> None:
    """Over many exchanges with a window of 4,096 tokens, each request fits whole and leaves room for an answer."""
    chats = long_talk.chats
    assert len(chats) == EXCHANGES
    assert {arrived.num_ctx for arrived in chats} == {WINDOW}
    assert [arrived.cut for arrived in chats] == [None] * EXCHANGES
    assert max(arrived.tokens_before for arrived in chats) <= WINDOW - 900


def test_a_refusing_server_would_accept_each_request(long_talk: Talk) -> None:
    """A server that answers HTTP 400 to prompts that don't fit accepts the same requests, with or without BOS."""
    chats = long_talk.chats
    for model in (OllamaModel("m", style="jinja"), OllamaModel("m", style="jinja", adds_bos=True)):
        judged = [truncate(arrived.messages, (), model, WINDOW, tekken()) for arrived in chats]
        assert [prompt.cut for prompt in judged] == [None] * EXCHANGES


def test_between_two_cuts_a_request_only_grows_at_its_end(long_talk: Talk) -> None:
    """A request is the previous one, its reply and the new input; otherwise it begins a block, as few do."""
    chats = long_talk.chats
    begun = [later for earlier, later in pairwise(chats) if not extends(later, earlier)]
    assert EXCHANGES / 60 <= len(begun) <= EXCHANGES / 10
    for earlier, later in pairwise(chats):
        if extends(later, earlier):
            assert [message["role"] for message in later.messages[len(earlier.messages) :]] == ["assistant", "user"]
        else:
            kept = later.messages[:-2]  # everything except the new prompt and the reply before it
            clipped = len(kept) == 1
            assert clipped or kept == earlier.messages[-len(kept) :], "what is kept is the end of what was sent"


def test_most_of_each_request_was_in_the_previous_one(long_talk: Talk) -> None:
    """On average the previous request began with at least 85 % of each request, so a server can reuse its cache."""
    chats = long_talk.chats
    found = shares(chats)
    assert sum(found) / len(found) >= 0.85


def test_many_exchanges_and_no_false_alarm(long_talk: Talk) -> None:
    """If nothing was cut, the person is told when pruning begins, but not of any cut by the server."""
    created, pruned, *rest = long_talk.err.strip().splitlines()
    assert created == "session long: created with ollama/llama3:latest"
    assert re.fullmatch(
        r"session long: The session no longer fits in 3,072 tokens: exchanges #1 to #\d+ stay in the log but are no "
        r"longer sent\. See: llm sessions context long",
        pruned,
    )
    assert [line for line in rest if "is too long to be sent whole" not in line] == []
    assert long_talk.cuts == 0


@pytest.mark.parametrize("adds_bos", [False, True], ids=["no_bos", "bos"])
def test_a_refusing_server_accepts_long_texts(desk: QuickDesk, adds_bos: bool) -> None:
    """A model whose server refuses prompts that are too long gets long texts of all kinds, and none is refused."""
    person, model = Writer(11), Writer(12)
    with OllamaStandIn(
        [OllamaModel("llama3", style="jinja", adds_bos=adds_bos)],
        count=tekken(),
        reply=lambda arrived: Reply(text := model.any(100, 4_000), chunks=[text]),
    ) as server:
        desk.sit(server)
        desk.chat("work", [person.any(100, 4_000) for _ in range(TEXTS)], "-m", "llama3").ok()
        assert [arrived.cut for arrived in server.chats] == [None] * TEXTS
        assert max(arrived.tokens_before for arrived in server.chats) > 2_500
