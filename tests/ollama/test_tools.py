"""Tool loops: the budget holds while results arrive, and no result is ever sent without its call."""

from __future__ import annotations

import pytest

from llm_session_memory.rules.fences import OPENING
from tests.ollama.conftest import QuickDesk, open_calls, orphans, said
from tests.world.ollama_server import Answer, Arrived, Fail, OllamaModel, OllamaStandIn, ToolCalls

ABLE = OllamaModel("llama3", capabilities=("completion", "tools"))

FUNCTIONS = """
def look_up(topic: str, words: int) -> str:
    "Look something up"
    return " ".join(f"{topic}{number}" for number in range(words // 2))

def now() -> str:
    "Tell the time"
    return "12:00"
"""


def look_up(words: int, topic: str = "bridge") -> dict[str, object]:
    return {"name": "look_up", "arguments": {"topic": topic, "words": words}}


def results(arrived: Arrived) -> list[str]:
    """Return the tool results of a request."""
    return [said(message)[1] for message in arrived.messages if message["role"] == "tool"]


def assert_sound(server: OllamaStandIn) -> None:
    """Check that the server cut no request, and that every call has a result and every result a call."""
    assert [chat.cut for chat in server.chats] == [None] * len(server.chats)
    assert [orphans(chat) for chat in server.chats] == [[]] * len(server.chats)
    assert [open_calls(chat) for chat in server.chats] == [0] * len(server.chats)


def test_results_come_back_with_their_calls(desk: QuickDesk) -> None:
    """A tool exchange is sent again whole: prompt, calls, results, reply. The tools are offered again."""
    script: list[Answer] = [ToolCalls([look_up(4), {"name": "now", "arguments": {}}]), "There.", "Fine."]
    with OllamaStandIn([ABLE], reply=script) as server:
        desk.sit(server)
        desk.ask("-m", "llama3", "--session", "work", "--functions", FUNCTIONS, "Look it up.").ok()
        desk.ask("--session", "work", "Thanks.").ok()
        assert_sound(server)
        assert [said(m) for m in server.chats[-1].messages] == [
            ("user", "Look it up."),
            ("assistant", ""),
            ("tool", "bridge0 bridge1"),
            ("tool", "12:00"),
            ("assistant", "There."),
            ("user", "Thanks."),
        ]


@pytest.mark.parametrize("mode", [(), ("--async",)], ids=["sync", "async"])
@pytest.mark.parametrize("words", [3_000, 12_000], ids=["long", "huge"])
def test_long_results_stay_within_the_budget(desk: QuickDesk, words: int, mode: tuple[str, ...]) -> None:
    """Tool results that would exceed the budget push earlier exchanges out, and are cut with a mark if needed."""
    notes: list[Answer] = ["Noted."] * 6
    script = [*notes, ToolCalls([look_up(words, "a")]), ToolCalls([look_up(words, "b")]), "Done.", "Fine."]
    with OllamaStandIn([ABLE], reply=script) as server:
        desk.sit(server)
        desk.chat("work", [f"Remember {number}: " + "word " * 150 for number in range(6)], "-m", "llama3").ok()
        done = desk.ask("--session", "work", "--functions", FUNCTIONS, *mode, "Look it up twice.").ok()
        assert done.out.strip().endswith("Done.")
        desk.ask("--session", "work", "Thanks.").ok()
        assert_sound(server)
        assert "left out here" in "".join(results(server.chats[8]))
        shown = desk.shown("work")["exchanges"][6]
        parts = [part for turn in shown["turns"] for message in turn["messages"] for part in message["parts"]]
        kept = [part["output"] for part in parts if part["type"] == "tool_result"]
        assert [len(text.split()) for text in kept] == [words // 2] * 2, "the log keeps them whole"
        assert not any("left out here" in text for text in kept)


@pytest.mark.parametrize(("words", "stay"), [(1_200, True), (12_000, False)], ids=["it fits alone", "it is cut"])
def test_excerpts_go_before_a_text_is_cut(desk: QuickDesk, words: int, *, stay: bool) -> None:
    """The excerpts of a prompt stay for all its calls unless its results outgrow the budget; the next has none."""
    notes: list[Answer] = ["Noted."] * 13
    with OllamaStandIn([ABLE], reply=[*notes, ToolCalls([look_up(words)]), "It is.", "Fine."]) as server:
        desk.sit(server)
        told = [f"Remember {number}: " + "word " * 250 for number in range(12)]
        desk.chat("work", ["The password is zyxquartz.", *told], "-m", "llama3").ok()
        asked = "What was the password zyxquartz?"
        desk.ask("--session", "work", "--functions", FUNCTIONS, asked).ok()
        desk.ask("--session", "work", "Thanks.").ok()
        assert_sound(server)
        first, second, third = ([said(message) for message in chat.messages] for chat in server.chats[13:])
        prompt = ("user", f"{first[-1][1].removesuffix(asked)}{asked}" if stay else asked)
        assert first[-1][1].startswith(OPENING)
        assert prompt in second
        assert second[0] != first[0], "it was moved to a new block"
        assert ("left out here" in str(second)) is not stay
        assert ("user", asked) in third
        assert OPENING not in str(third)
        rows = "select count(*) from parts where text like ? or payload like ?"
        assert desk.rows(rows.replace("?", "'%earlier-conversation%'")) == [(0,)], "each is stored as a fragment"


def test_many_rounds_and_prompts_keep_calls_paired(desk: QuickDesk) -> None:
    """Over many prompts with several tool rounds each, pruning never separates a result from its call."""

    def reply(arrived: Arrived) -> ToolCalls | str:
        rounds = next(n for n, m in enumerate(reversed(arrived.messages)) if m["role"] == "user")
        if rounds < 4:  # two rounds: a call and a result each
            return ToolCalls([look_up(100 + 40 * (len(arrived.messages) % 7)), {"name": "now", "arguments": {}}])
        return "There you are."

    with OllamaStandIn([ABLE], reply=reply) as server:
        desk.sit(server)
        prompts = [f"Question {number}?" for number in range(12)]
        desk.chat("work", prompts, "-m", "llama3", "--functions", FUNCTIONS).ok()
        assert len(server.chats) >= 24
        assert_sound(server)
        assert max(chat.tokens_before for chat in server.chats) > 2_000
        first = server.chats[-1].messages[0]
        assert first["role"] == "user"
        assert first["content"] != "Question 0?"


def test_a_loop_that_fails_is_sent_again_from_its_prompt(desk: QuickDesk) -> None:
    """A tool loop whose second call fails is kept as one attempt; a retry begins with its prompt."""
    with OllamaStandIn([ABLE], reply=[ToolCalls([look_up(4)]), Fail(), ToolCalls([look_up(4)]), "There."]) as server:
        desk.sit(server)
        done = desk.ask("-m", "llama3", "--session", "work", "--functions", FUNCTIONS, "Look it up.")
        assert done.code == 1
        assert desk.rows("select count(*) from turns") == [(0,)]
        assert len(desk.shown("work")["attempts"]) == 1
        assert desk.ask("sessions", "retry", "work").ok().out.strip().endswith("There.")
        assert server.chats[2].messages == server.chats[0].messages
        assert server.chats[2].body["tools"] == server.chats[0].body["tools"]
        assert_sound(server)
        assert len(desk.shown("work")["exchanges"]) == 1
