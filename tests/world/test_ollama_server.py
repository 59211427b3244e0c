"""The stand-in Ollama server follows the rules that other tests rely on, and real clients accept it."""

import json
import math
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import ollama
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import Command
from tests.world.ollama_rules import Message, Prompt, half_window, reused_tokens, truncate, window
from tests.world.ollama_server import (
    Answer,
    BreakOff,
    Fail,
    Hang,
    OllamaModel,
    OllamaStandIn,
    Raw,
    Reload,
    Reply,
    ToolCalls,
    count_words,
    tekken_count,
)

ABLE = OllamaModel("llama3", capabilities=("completion", "tools", "thinking", "vision"))
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""The stand-in speaks plain HTTP, and a client would take 20 ms to read all certificates."""
CALL = {"function": {"name": "clock", "arguments": {"zone": "Lisbon"}}}
CLOCK = {"type": "function", "function": {"name": "clock", "parameters": {"type": "object"}}}


def message(words: int, role: str = "user") -> Message:
    """Return a message of this many words; its markers add four tokens."""
    return {"role": role, "content": "word " * words}


def client(server: OllamaStandIn) -> ollama.Client:
    """Return the real client, which must not use a proxy for loopback."""
    return ollama.Client(host=server.url, trust_env=False, verify=NO_TLS)


def chat(server: OllamaStandIn, *messages: Message, **wanted: Any) -> ollama.ChatResponse:
    """Send one chat without streaming."""
    answer: ollama.ChatResponse = client(server).chat(model="llama3", messages=list(messages), **wanted)
    return answer


def cut(*messages: Message, num_ctx: int, model: OllamaModel = ABLE) -> Prompt:
    """Return what the rules alone make of messages."""
    return truncate(messages, (), model, num_ctx, count_words)


@pytest.fixture
def server() -> Iterator[OllamaStandIn]:
    """A server with one model that supports everything."""
    with OllamaStandIn([ABLE]) as running:
        yield running


# Windows


@pytest.mark.parametrize(
    ("model", "options", "expected"),
    [
        pytest.param(OllamaModel("m"), {}, 4096, id="the_server_decides"),
        pytest.param(OllamaModel("m", num_ctx=8192), {}, 8192, id="the_modelfile_overrides_the_server"),
        pytest.param(OllamaModel("m", num_ctx=8192), {"num_ctx": 512}, 512, id="the_request_overrides_both"),
        pytest.param(OllamaModel("m", trained_window=512), {}, 512, id="training_caps_the_server"),
        pytest.param(OllamaModel("m", trained_window=512), {"num_ctx": 999}, 512, id="training_caps_requests"),
    ],
)
def test_window(model: OllamaModel, options: dict[str, Any], expected: int) -> None:
    """The most specific setting decides the window, up to the training context."""
    assert window(model, options, 4096) == expected


def test_ps_lists_loaded_models_only(server: OllamaStandIn) -> None:
    """A model is in `/api/ps` from its first chat until it is unloaded, with the window it really has."""
    assert client(server).ps().models == []
    chat(server, message(1), options={"num_ctx": 2048})
    assert [(model.model, model.context_length) for model in client(server).ps().models] == [("llama3:latest", 2048)]
    server.unload("llama3")
    assert client(server).ps().models == []
    server.load("llama3", num_ctx=16384)
    assert client(server).ps().models[0].context_length == 16384


def test_another_window_reloads(server: OllamaStandIn) -> None:
    """A request with a different window reloads the model; the same window does not."""
    for options in ({}, {}, {"num_ctx": 2048}, {"num_ctx": 2048}, {}):
        chat(server, message(1), options=options)
    assert server.reloads == [Reload("llama3:latest", 4096, 2048), Reload("llama3:latest", 2048, 4096)]
    assert [arrived.reloaded for arrived in server.chats] == [False, False, True, False, True]
    assert [arrived.num_ctx for arrived in server.chats] == [4096, 4096, 2048, 2048, 4096]


def test_an_empty_chat_loads() -> None:
    """A chat without messages loads the model and returns no text."""
    with OllamaStandIn([OllamaModel("llama3", num_ctx=8192)]) as server:
        assert chat(server).done_reason == "load"
        assert client(server).ps().models[0].context_length == 8192


def test_show_has_training_and_modelfile() -> None:
    """`/api/show` names the training context by family, and `num_ctx` only if the Modelfile sets it."""
    models = [
        OllamaModel("a", family="qwen3", trained_window=40960),
        OllamaModel("b", num_ctx=8192),
        OllamaModel("c", style="jinja"),
    ]
    with OllamaStandIn(models) as server:
        plain, tuned, bare = (client(server).show(model.name) for model in models)
    assert (plain.modelinfo or {})["qwen3.context_length"] == 40960
    assert "num_ctx" not in (plain.parameters or "")
    assert "num_ctx                        8192" in (tuned.parameters or "").splitlines()
    assert bare.parameters is None


def test_small_requests(server: OllamaStandIn) -> None:
    """The paths that clients use to find a server answer like the real ones."""
    assert httpx.get(server.url, trust_env=False, verify=NO_TLS).text == "Ollama is running"
    assert httpx.head(server.url, trust_env=False, verify=NO_TLS).status_code == 200
    assert httpx.get(f"{server.url}/api/version", trust_env=False, verify=NO_TLS).json() == {"version": "0.33.0"}
    assert httpx.post(f"{server.url}/api/tokenize", json={}, trust_env=False, verify=NO_TLS).status_code == 404
    assert [model.model for model in client(server).list().models] == ["llama3:latest"]
    with pytest.raises(ollama.ResponseError, match="model 'gone' not found"):
        client(server).show("gone")


# Truncation


@pytest.mark.parametrize(
    ("num_ctx", "adds_bos", "expected"),
    [(4096, False, 2050), (4096, True, 2051), (32768, False, 16386), (32768, True, 16387)],
)
def test_stage_2_halves(num_ctx: int, adds_bos: bool, expected: int) -> None:
    """A last message longer than the window is cut to about half the window, and the count shows it."""
    with OllamaStandIn([OllamaModel("llama3", num_ctx=num_ctx, adds_bos=adds_bos)]) as server:
        assert chat(server, message(40_000)).prompt_eval_count == expected
    (arrived,) = server.chats
    assert (arrived.cut, arrived.dropped) == ("halved", 0)
    assert (arrived.tokens_before, arrived.tokens_after) == (40_004 + adds_bos, expected)


def test_stage_1_drops_the_oldest(server: OllamaStandIn) -> None:
    """Messages are dropped from the front, system messages stay in place, and the answer looks normal."""
    history = [message(6, "system"), message(46), message(46, "assistant"), message(6, "system"), message(36)]
    whole = chat(server, *history, options={"num_ctx": 161})
    short = chat(server, *history, options={"num_ctx": 111})
    assert [arrived.cut for arrived in server.chats] == [None, "dropped"]
    assert server.chats[1].kept == (history[0], *history[2:])
    assert (whole.prompt_eval_count, short.prompt_eval_count) == (160, 110)
    assert short.model_dump().keys() == whole.model_dump().keys()
    assert (short.done_reason, short.message) == (whole.done_reason, whole.message)


def test_a_full_window_is_halved() -> None:
    """A prompt that fills the window passes stage 1 and is still halved; with one token less it is not."""
    assert cut(message(95), num_ctx=100).cut is None
    full = cut(message(46), message(46), num_ctx=100)
    assert (full.cut, full.dropped, full.tokens) == ("halved", 0, 52)


def test_a_tool_result_can_be_orphaned() -> None:
    """Stage 1 doesn't know that a tool result belongs to a call."""
    call = {"role": "assistant", "content": "", "tool_calls": [CALL]}
    kept = cut(message(9), call, message(9, "tool"), message(9, "assistant"), num_ctx=40).kept
    assert [each["role"] for each in kept] == ["tool", "assistant"]


def test_a_jinja_model_refuses() -> None:
    """With a Jinja template, stage 1 is the same, but a prompt that is still too long is refused with HTTP 400."""
    with OllamaStandIn([OllamaModel("llama3", style="jinja")]) as server:
        chat(server, message(3000), message(3000))
        with pytest.raises(ollama.ResponseError) as caught:
            chat(server, message(10), message(5000))
    assert caught.value.status_code == 400
    error = json.loads(caught.value.error)["error"]
    assert error["type"] == "exceed_context_size_error"
    assert (error["n_prompt_tokens"], error["n_ctx"]) == (5004, 4096)
    assert [(arrived.cut, arrived.dropped) for arrived in server.chats] == [("dropped", 1), ("refused", 1)]
    assert server.chats[1].tokens_after == 0


def test_images_are_never_cut_inside() -> None:
    """An image counts as 256 tokens, and a prompt with one is refused instead of halved."""
    seen = {"role": "user", "content": "word", "images": ["aW1hZ2U="]}
    assert cut(seen, num_ctx=4096).tokens == 4 + 1 + 256
    assert cut(seen, num_ctx=200).cut == "refused"


def test_what_counts(server: OllamaStandIn) -> None:
    """Tool definitions and tool calls count as their JSON; earlier reasoning doesn't count."""
    thought = {"role": "assistant", "content": "word", "thinking": "a long thought", "tool_calls": [CALL]}
    chat(server, thought, tools=[CLOCK])
    (arrived,) = server.chats
    spelled_out = json.dumps(arrived.body["tools"]) + json.dumps(arrived.messages[0]["tool_calls"])
    assert arrived.tokens_after == 4 + 1 + 4 + count_words(spelled_out)


def test_tools_take_room() -> None:
    """Tool definitions are never dropped, so messages are dropped instead."""
    messages = [message(46), message(36)]
    assert truncate(messages, (), ABLE, 100, count_words).dropped == 0
    assert truncate(messages, (CLOCK,), ABLE, 100, count_words).dropped == 1


ROLES = st.sampled_from(["system", "user", "assistant", "tool"])
CHATS = st.lists(st.builds(message, st.integers(0, 40), ROLES), min_size=1, max_size=12)
MODELS = st.builds(OllamaModel, st.just("m"), style=st.sampled_from(["go", "jinja"]), adds_bos=st.booleans())


@given(CHATS, MODELS, st.integers(8, 300))
def test_laws_of_truncation(messages: list[Message], model: OllamaModel, num_ctx: int) -> None:
    """System and last message stay, only the oldest others are dropped, no more than needed, in order."""
    prompt = truncate(messages, (), model, num_ctx, count_words)
    staying = {id(each) for each in prompt.kept}
    assert list(prompt.kept) == [each for each in messages if id(each) in staying]
    assert id(messages[-1]) in staying
    assert all(id(each) in staying for each in messages if each["role"] == "system")
    fates = [id(each) in staying for each in messages[:-1] if each["role"] != "system"]
    assert fates == sorted(fates)
    assert prompt.dropped == fates.count(False)
    if prompt.dropped:
        last_gone = [each for each in messages if id(each) not in staying][-1]
        one_less = [each for each in messages if id(each) in staying or each is last_gone]
        assert sum(4 + count_words(each["content"]) for each in one_less) > num_ctx


@given(CHATS, MODELS, st.integers(8, 300))
def test_laws_of_size(messages: list[Message], model: OllamaModel, num_ctx: int) -> None:
    """The model's input fits with a token to spare, or is half a window, or was refused."""
    prompt = truncate(messages, (), model, num_ctx, count_words)
    match prompt.cut:
        case "refused":
            assert (prompt.tokens, model.style) == (0, "jinja")
        case "halved":
            assert prompt.tokens == half_window(num_ctx, model.adds_bos) < num_ctx
        case "dropped":
            assert prompt.tokens < min(num_ctx, prompt.tokens_before)
        case None:
            assert prompt.tokens == prompt.tokens_before < num_ctx


# The prompt cache


def test_a_growing_chat_reuses_all(server: OllamaStandIn) -> None:
    """A request that only grows at its end reuses the whole previous one; otherwise only the common start."""
    history = [message(6, "system"), message(16), message(16, "assistant"), message(16)]
    chat(server, *history[:2])
    chat(server, *history)
    chat(server, history[0], *history[2:])
    chat(server, *history, options={"num_ctx": 2048})
    assert [arrived.tokens_after for arrived in server.chats] == [30, 70, 50, 70]
    assert [arrived.reused_prefix_tokens for arrived in server.chats] == [0, 30, 10, 0]


@given(CHATS, CHATS, MODELS, st.integers(8, 300))
def test_laws_of_reuse(first: list[Message], second: list[Message], model: OllamaModel, num_ctx: int) -> None:
    """The reused prefix is never longer than either prompt, and a prompt sent twice is reused whole."""
    before, now = (truncate(messages, (), model, num_ctx, count_words) for messages in (first, second))
    assert 0 <= reused_tokens(before, now, count_words) <= min(before.tokens, now.tokens)
    assert reused_tokens(now, now, count_words) == now.tokens
    assert reused_tokens(None, now, count_words) == 0


def test_the_common_start_of_two_messages_is_reused() -> None:
    """In the first message that differs, the characters that both begin with are reused, whatever they are."""
    model = OllamaModel("llama3")
    one = truncate([{"role": "user", "content": "/one two three"}], [], model, 4_096, count_words)
    two = truncate([{"role": "user", "content": "/one two four"}], [], model, 4_096, count_words)
    other = truncate([{"role": "user", "content": "one two four"}], [], model, 4_096, count_words)
    assert reused_tokens(one, two, count_words) == count_words("/one two ")
    assert reused_tokens(one, other, count_words) == 0


# Counting


def test_count_words() -> None:
    """The default tokenizer counts words, punctuation marks and CJK characters."""
    assert count_words("It's 4 May, in_time.") == 8
    assert count_words("橋はLisbonにある。") == 7
    assert count_words(" \n") == 0


def test_tekken_count() -> None:
    """Tekken is a real tokenizer: long words cost more, and text that looks like a special token stays text."""
    count = tekken_count()
    assert count("") == 0
    assert count("Lisbon is a city.") in range(4, 8)
    assert count("antidisestablishmentarianism") > count_words("antidisestablishmentarianism")
    assert count("<s>") > 1
    assert tekken_count() is count
    with OllamaStandIn([ABLE], count=count) as server:
        assert chat(server, {"role": "user", "content": "bridge " * 100}).prompt_eval_count in range(100, 120)


# Replies and faults, as the real client meets them


def test_streaming(server: OllamaStandIn) -> None:
    """A stream arrives in chunks, the last of which has the numbers; without streaming the text is the same."""
    server.reply = Reply("One two three.", thinking="Count.", chunks=["One ", "two three."])
    chunks = list(client(server).chat(model="llama3", messages=[message(6)], stream=True))
    assert [chunk.message.content for chunk in chunks] == ["", "One ", "two three.", ""]
    assert [chunk.done for chunk in chunks] == [False, False, False, True]
    whole = chat(server, message(6))
    assert (whole.message.content, whole.message.thinking) == ("One two three.", "Count.")
    for last in (chunks[-1], whole):
        assert (last.done_reason, last.prompt_eval_count, last.eval_count) == ("stop", 10, 6)


def test_scripts(server: OllamaStandIn) -> None:
    """A list of answers is used in order and the last is repeated; a function gets the request."""
    server.reply = ["one", "two"]
    assert [chat(server, message(1)).message.content for _ in range(3)] == ["one", "two", "two"]
    server.reply = lambda arrived: f"You sent {arrived.tokens_before} tokens."
    assert chat(server, message(6)).message.content == "You sent 10 tokens."


def test_tool_calls(server: OllamaStandIn) -> None:
    """A reply can call tools; a model that doesn't support tools refuses them."""
    server.reply = ToolCalls([{"name": "clock", "arguments": {"zone": "Lisbon"}}])
    (call,) = chat(server, message(1), tools=[CLOCK]).message.tool_calls or ()
    assert (call.function.name, call.function.arguments) == ("clock", {"zone": "Lisbon"})
    with (
        OllamaStandIn([OllamaModel("llama3")]) as plain,
        pytest.raises(ollama.ResponseError, match='"llama3" does not support tools'),
    ):
        chat(plain, message(1), tools=[CLOCK])


@pytest.mark.parametrize(
    ("answer", "heard", "error"),
    [
        pytest.param(Fail(503, "busy"), "", "busy .*503", id="fails_at_once"),
        pytest.param(Fail(500, "no memory", 2), "This reply ", "no memory", id="fails_in_mid_reply"),
        pytest.param(BreakOff(2), "This reply ", "incomplete chunked read", id="torn"),
        pytest.param(BreakOff(2, clean=True), "This reply ", None, id="ends_without_a_last_word"),
        pytest.param(Hang(0.01, "Late."), "Late.", None, id="hangs_for_a_while"),
    ],
)
def test_faults(server: OllamaStandIn, answer: Answer, heard: str, error: str | None) -> None:
    """Each fault reaches the client like the real one, after the chunks that came before it."""
    server.reply = answer
    chunks: list[str] = []

    def listen() -> None:
        for chunk in client(server).chat(model="llama3", messages=[message(1)], stream=True):
            chunks.append(chunk.message.content or "")

    if error is None:
        listen()
    else:
        with pytest.raises((ollama.ResponseError, httpx.RemoteProtocolError), match=error):
            listen()
    assert "".join(chunks) == heard


def test_an_answer_can_break_off(server: OllamaStandIn) -> None:
    """Without streaming, a reply that breaks off has a body shorter than its header promised."""
    server.reply = BreakOff()
    with pytest.raises(httpx.RemoteProtocolError, match="received .* bytes, expected"):
        chat(server, message(1))


def test_an_answer_can_be_any_bytes(server: OllamaStandIn) -> None:
    """A raw answer arrives as it was scripted, with its status and its type, and breaks off if it is too short."""
    body = {"model": "llama3", "messages": [message(1)]}
    server.reply = Raw(b"\x00garbage", 502, "text/html")
    got = httpx.post(f"{server.url}/api/chat", json=body, trust_env=False, verify=NO_TLS)
    assert (got.status_code, got.headers["content-type"], got.content) == (502, "text/html", b"\x00garbage")
    server.reply = Raw(b"short", length=100)
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.post(f"{server.url}/api/chat", json=body, trust_env=False, verify=NO_TLS)


def test_a_reply_can_take_its_time_and_count_as_it_likes(server: OllamaStandIn) -> None:
    """`every` is the pause between two chunks, and `numbers` replace the server's own."""
    server.reply = Reply("one two three", every=0.01, numbers={"eval_count": 10**30})
    assert [chunk.eval_count for chunk in client(server).chat("llama3", [message(1)], stream=True)][-1] == 10**30


def test_down_ends_everything(server: OllamaStandIn) -> None:
    """A server that goes down breaks replies and idle connections, and then refuses new ones."""
    idle = client(server)
    idle.ps()
    server.reply = Hang(math.inf, "One two three.", after_chunks=2)
    stream = client(server).chat(model="llama3", messages=[message(1)], stream=True)
    assert [next(stream).message.content, next(stream).message.content] == ["One ", "two "]
    server.down()
    with pytest.raises(httpx.RemoteProtocolError):
        next(stream)
    with pytest.raises(ConnectionError):
        idle.ps()
    with pytest.raises(ConnectionError):
        chat(server, message(1))


@pytest.mark.parametrize("stream", [True, False])
def test_a_reply_can_take_the_server_with_it(server: OllamaStandIn, stream: bool) -> None:
    """If a reply breaks off because the server dies, nothing listens any more."""
    server.reply = BreakOff(down=True)
    with pytest.raises(httpx.RemoteProtocolError):
        list(chat(server, message(1), stream=stream))
    with pytest.raises(ConnectionError):
        client(server).ps()


@pytest.mark.parametrize("path", ["/api/ps", "/api/show", "/api/chat"])
def test_a_request_can_hang(server: OllamaStandIn, path: str) -> None:
    """With an infinite delay on its path, a request is recorded but never answered."""
    server.ask_delay[path] = math.inf
    method, body = ("GET", None) if path == "/api/ps" else ("POST", {"model": "llama3"})
    patience = httpx.Timeout(30, read=0.3)  # on a busy machine, the request itself may take a while to arrive
    with pytest.raises(httpx.ReadTimeout):
        httpx.request(method, server.url + path, json=body, timeout=patience, trust_env=False, verify=NO_TLS)
    assert [arrived.path for arrived in server.arrived] == [path]


def test_a_broken_script_fails_the_test() -> None:
    """An error in the stand-in or in a test's own script is not mistaken for a network fault."""
    with (
        pytest.raises(ZeroDivisionError),
        OllamaStandIn([ABLE], reply=lambda arrived: str(1 // 0)) as server,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        chat(server, message(1))


def test_many_at_once(server: OllamaStandIn) -> None:
    """Chats from many threads are all answered and recorded."""
    threads = [threading.Thread(target=chat, args=(server, message(n))) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(arrived.tokens_after for arrived in server.chats) == list(range(4, 24))


# llm and llm-ollama

DRIVER = """
import json, sys
import llm.cli
for arguments in json.loads(sys.argv[1]):
    llm.cli.cli(arguments, standalone_mode=False)
model = llm.get_model("ollama/llama3")
for stream in json.loads(sys.argv[2]):
    chunks, error = [], None
    response = model.prompt("Hi", stream=stream)
    try:
        chunks.extend(response)
    except Exception as raised:
        error = f"{type(raised).__name__}: {raised}"
    usage = None if error else response.usage().input
    calls = [] if error else [(call.name, call.arguments) for call in response.tool_calls()]
    print(json.dumps(["".join(chunks), error, usage, calls]))
"""
"""A program that runs two commands of llm, and then sends prompts through its Python API."""

COMMANDS = (["-m", "ollama/llama3", "-o", "num_ctx", "2048", "Where?"], ["-c", "When?"])
STREAMED = (True, True, True, True, True, False)


@dataclass(frozen=True)
class Driven:
    """What a real llm got from the server and wrote."""

    server: OllamaStandIn
    folder: Path
    lines: list[str]


@pytest.fixture(scope="module")
def driven(tmp_path_factory: pytest.TempPathFactory) -> Driven:
    """Run Python with llm-ollama connected to the server, once: its start is slow. llm has a folder of its own."""
    folder = tmp_path_factory.mktemp("driven")
    called = ToolCalls([{"name": "clock", "arguments": {"zone": "Lisbon"}}])
    faults: list[Answer] = [Fail(500, "no"), BreakOff(), BreakOff(clean=True), called, "One.", "All."]
    with OllamaStandIn([ABLE], reply=["Lisbon.", "4 May.", *faults]) as server:
        done = subprocess.run(
            [sys.executable, "-c", DRIVER, json.dumps(COMMANDS), json.dumps(STREAMED)],
            cwd=folder,  # from tests/, Python would import tests/ollama instead of the real package
            env=server.environment(folder),
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
    return Driven(server, folder, done.stdout.splitlines())


def test_llm_takes_it_for_real(driven: Driven, llm_: Command) -> None:
    """The real `llm` asks once what the model can do, sends its options, and logs the server's count."""
    server = driven.server
    assert driven.lines[:2] == ["Lisbon.", "4 May."]
    asked = [arrived.path for arrived in server.arrived if arrived.path != "/api/tags"]
    assert asked == ["/api/show", *["/api/chat"] * (len(COMMANDS) + len(STREAMED))]
    assert [each["role"] for each in server.chats[1].messages] == ["user", "assistant", "user"]
    assert server.reloads == [Reload("llama3:latest", 2048, 4096)]
    counts = [arrived.tokens_after for arrived in server.chats[:2]]
    logged = llm_("logs", "--json", "-d", str(driven.folder / "logs.db")).ok().out
    assert [turn["input_tokens"] for turn in json.loads(logged)] == counts


def test_llm_meets_each_fault(driven: Driven) -> None:
    """In llm, a reply that breaks off is an error, but one that just ends is a reply without a token count."""
    assert [json.loads(line) for line in driven.lines[2:]] == [
        ["", "ResponseError: no (status code: 500)", None, []],
        [
            "This reply ",
            (
                "RemoteProtocolError: peer closed connection without sending complete message body "
                "(incomplete chunked read)"
            ),
            None,
            [],
        ],
        ["This reply ", None, None, []],
        ["", None, 5, [["clock", {"zone": "Lisbon"}]]],
        ["One.", None, 5, []],
        ["All.", None, 5, []],
    ]


def test_llm_without_a_server(tmp_path: Path, llm_process: Command) -> None:
    """If the server is gone, llm doesn't report it: its models are just missing."""
    with OllamaStandIn([ABLE]) as server:
        server.down()
        run = llm_process("-m", "ollama/llama3", "Hi", env=server.environment(tmp_path))
    assert (run.code, run.err) == (1, "Error: 'Unknown model: ollama/llama3'\n")
