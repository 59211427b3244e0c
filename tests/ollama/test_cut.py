"""A server that gives less than it is asked for: the cut is noticed, reported and recorded, and doesn't recur."""

from __future__ import annotations

import pytest

from llm_session_memory.rules.server_cuts import counts_all
from tests.ollama.conftest import QuickDesk, tekken
from tests.ollama.texts import Writer
from tests.world.ollama_server import OllamaModel, OllamaStandIn, Reply

RECORDED = "select cut from memory_contexts order by turn_id"


def talk(desk: QuickDesk, writer: Writer, kind: str, prompts: int, length: int) -> str:
    """Send some more prompts of a session; return llm's stderr."""
    return desk.chat("work", [writer.text(kind, length) for _ in range(prompts)], "-m", "llama3").ok().err


def shrink(server: OllamaStandIn, window: int) -> None:
    """Let the server give less than it is asked for, without telling the person."""
    server.most_window = window
    server.unload("llama3")


def talkative(writer: Writer, kind: str = "english") -> OllamaStandIn:
    """A server whose model answers at some length."""

    def reply(arrived: object) -> Reply:
        return Reply(text := writer.text(kind, 1_100 if kind == "english" else 500), chunks=[text])

    return OllamaStandIn(default_window=4_096, count=tekken(), reply=reply)


@pytest.mark.parametrize("window", [2_048, 1_500])
@pytest.mark.parametrize("kind", ["english", "json", "japanese"])
def test_dropped_messages_are_noticed(desk: QuickDesk, kind: str, window: int) -> None:
    """If the server drops whole messages, the person is told, the log records it, and no later prompt is cut."""
    with talkative(Writer(2), kind) as server:
        desk.sit(server)
        writer = Writer(1)
        talk(desk, writer, kind, {"english": 8, "json": 6, "japanese": 4}[kind], 300)
        assert 2_100 < server.chats[-1].tokens_before < 2_500
        shrink(server, window)
        told = talk(desk, writer, kind, 1, 40)
        assert server.chats[-1].cut == "dropped"
        assert told.startswith("session work: the model's server ")
        assert "cut the prompt: the server counted " in told
        later = talk(desk, writer, kind, 4, 300)
        assert [chat.cut for chat in server.chats[-4:]] == [None] * 4
        assert "server" not in later
        cuts = [None if counts_all(cut) else cut for (cut,) in desk.rows(RECORDED)]  # an answer may fill the window
        assert [bool(cut) for cut in cuts] == [False] * (len(cuts) - 5) + [True] + [False] * 4
        assert str(cuts[-5]).startswith(("certain: ", "likely: "))
        assert desk.dry_run("work", "")["window"] == window
        assert desk.ask("sessions", "show", "work").ok().out.count("cut by the server") == 1


def test_a_cut_as_long_as_what_came_in_is_noticed(desk: QuickDesk) -> None:
    """If the server drops about as much as the prompt adds, so that its count hardly changes, the cut is noticed."""
    with OllamaStandIn(reply="Noted.") as server:
        desk.sit(server)
        prompts = ["word " * 1_250] * 3
        desk.chat("work", prompts, "-m", "llama3", "-o", "num_ctx", "16384").ok()
        shrink(server, 4_096)
        told = desk.ask("--session", "work", "word " * 1_250).ok().err
        before, now = server.chats[-2:]
        assert now.cut == "dropped"
        assert abs(now.tokens_after - before.tokens_after) < 20
        assert f"the server counted {now.tokens_after:,} tokens, but about {now.tokens_before:,} were sent" in told
        assert "likely: " in desk.rows(RECORDED)[-1][0]


@pytest.mark.parametrize("adds_bos", [False, True], ids=["no_bos", "bos"])
@pytest.mark.parametrize("real", [2_048, 1_024])
def test_a_halved_prompt_is_noticed(desk: QuickDesk, real: int, adds_bos: bool) -> None:
    """If the server cuts inside a single long prompt, the token count proves it; it is reported and doesn't recur."""
    with OllamaStandIn([OllamaModel("llama3", adds_bos=adds_bos)], count=tekken(), reply="Indeed.") as server:
        desk.sit(server)
        writer = Writer(3)
        talk(desk, writer, "english", 1, 40)
        shrink(server, real)
        told = talk(desk, writer, "english", 1, 13_200)
        assert server.chats[1].cut == "halved"
        assert f"as many as are left if it halves a window of {real:,}" in told
        [_, (recorded,)] = desk.rows(RECORDED)
        assert recorded.startswith("certain: ")
        later = talk(desk, writer, "english", 6, 600)
        assert [chat.cut for chat in server.chats[2:]] == [None] * 6
        assert "server" not in later
        assert "cut by the server" in desk.ask("sessions", "show", "work", "--to", "2").ok().out


def test_a_tokenizer_with_many_more_tokens_is_learned(desk: QuickDesk) -> None:
    """If a model makes twice the usual tokens of a text, at most two cuts teach that, and no later prompt is cut."""
    count = tekken()
    with OllamaStandIn(default_window=4_096, count=lambda text: 2 * count(text), reply="Indeed.") as server:
        desk.sit(server)
        writer = Writer(6)
        told = talk(desk, writer, "english", 1, 13_300)
        assert server.chats[0].cut == "halved"
        assert "cut the prompt" in told
        talk(desk, writer, "english", 5, 1_500)
        assert [chat.cut for chat in server.chats[2:]] == [None] * 4


def test_an_answer_that_fills_the_window_is_not_a_cut(desk: QuickDesk) -> None:
    """If only the answer reached the window's end, the prompt is not reported as cut."""
    writer = Writer(7)
    long = Reply(text := writer.text("english", 9_000), chunks=[text], done_reason="length")
    with OllamaStandIn(default_window=4_096, count=tekken(), reply=["Yes.", "No.", long, "Fine."]) as server:
        desk.sit(server)
        told = talk(desk, writer, "english", 3, 4_000)
        reached = "prompt and answer together reached the window of 4,096 tokens"
        assert f"{reached}: the end of the answer may be missing." in told
        assert "cut the prompt" not in told
        estimated = desk.dry_run("work", "Go on.")["tokens"]
        desk.ask("--session", "work", "Go on.").ok()
        assert server.chats[-1].cut is None
        assert estimated == pytest.approx(server.chats[-1].tokens_after, rel=0.1)
        assert "cut by the server" not in desk.ask("sessions", "show", "work").ok().out


def test_short_and_varied_use_raises_no_alarm(desk: QuickDesk) -> None:
    """Changing subjects and a new system prompt raise no alarm if nothing is cut."""
    with OllamaStandIn(default_window=8_192, count=tekken(), reply="Indeed.") as server:
        desk.sit(server)
        writer = Writer(8)
        for kind in ("english", "english", "japanese", "json", "python", "japanese"):
            assert "server" not in desk.ask("-m", "llama3", "--session", "work", writer.text(kind, 2_000)).ok().err
        for odd in ("네, 다음 단계는 무엇입니까? ", "مرحبا، كيف حالك اليوم؟ ", "🙂🎉🚀 ", "=" * 70, " " * 70 + "x"):
            assert "server" not in desk.ask("--session", "work", odd * 40).ok().err
        assert "server" not in desk.ask("--session", "work", "-s", "Be brief.", "And now?").ok().err
        assert [chat.cut for chat in server.chats] == [None] * 12
        assert desk.rows("select count(cut) from memory_contexts") == [(0,)]
