"""Stand-ins for local servers with OpenAI's interface: real HTTP on loopback, answers as each server documents them.

    with LlamaCpp(window=4096) as server:
        server.configure(home, "local")           # extra-openai-models.yaml, as a person writes it
        llm_("-m", "local", "--session", "work", "Hello.")
    assert server.asked == ["/v1/models", "/props"]

Each has one model, and counts tokens by words (`count_words`, 4 more for each message).
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from typing_extensions import Self

from tests.world.ollama_rules import count_words
from tests.world.ollama_wire import Listener

Json = dict[str, Any]
Answer = tuple[int, Any]
_MARKERS = 4


class LocalServer:
    """A server of no known kind: it lists its models and answers chats, and says nothing of its context window.

    `reply` and `weight`, the tokens of a word, may be changed at any time. `asked` are the paths of the requests that
    were no chats, `queries` the whole addresses of the GETs, `chats` the bodies of the chats, `counted` their tokens as
    the server counted them. If `hangs`, a GET is not answered. `key` is what the server wants for everything but its
    list of models.
    """

    owner = "someone"

    def __init__(self, *, window: int = 4_096, name: str = "tiny", key: str | None = None) -> None:
        """Prepare the server; `window` is the context window that the model has, or gets when it is loaded."""
        self.window = window
        self.name = name
        self.key = key
        self.reply: str | Callable[[Json], str] = "All right."
        self.weight = 1
        self.hangs = False
        self.asked: list[str] = []
        self.queries: list[str] = []
        self.chats: list[Json] = []
        self.counted: list[int] = []
        self._troubles: list[BaseException] = []
        self._over = threading.Event()

    def __enter__(self) -> Self:
        """Listen on a free port."""
        self._listener = Listener(self, _Wire)
        self.url = f"http://127.0.0.1:{self._listener.server_port}"
        threading.Thread(target=self._listener.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Go down."""
        self._over.set()
        self._listener.shutdown()
        self._listener.server_close()
        self._listener.tear_connections()
        if self._troubles:
            raise self._troubles[0]

    def configure(self, home: Path, model: str, **more: str) -> None:
        """Let llm have the server's model by an id, as a person does."""
        lines = [f"- model_id: {model}", f"  model_name: {self.name}", f"  api_base: {self.url}/v1"]
        lines += [f"  {key}: {value}" for key, value in more.items()]
        (home / "extra-openai-models.yaml").write_text("\n".join(lines) + "\n", "utf-8")

    # -- what each kind does its own way --------------------------------

    def entry(self) -> Json:
        """Return the model's entry in `GET /v1/models`."""
        return {"id": self.name, "object": "model", "created": 1_767_268_800, "owned_by": self.owner}

    def get(self, path: str, query: Mapping[str, str]) -> Answer:
        """Return the status and the answer to a GET."""
        del query
        return (200, {"object": "list", "data": [self.entry()]}) if path == "/v1/models" else (404, "Not Found")

    def post(self, path: str, body: Json) -> Answer:
        """Return the status and the answer to a POST that is no chat."""
        del path, body
        return 404, "Not Found"

    def fit(self, tokens: int) -> int | Answer:
        """Return how many tokens of a prompt the model reads, or the error for one that is too long."""
        return tokens

    # -- for the wire ---------------------------------------------------

    def note_trouble(self, error: BaseException) -> None:
        """Keep an error of the stand-in itself for the end of the test."""
        self._troubles.append(error)

    def silent(self) -> bool:
        """Wait until the end if the server hangs; return whether it did."""
        return self.hangs and self._over.wait()

    def read(self, body: Json) -> int | Answer:
        """Record a chat; return the tokens that the model reads, or the error."""
        self.chats.append(body)
        tokens = sum(self.weight * count_words(str(one["content"])) + _MARKERS for one in body["messages"])
        fitted = self.fit(tokens)
        if isinstance(fitted, int):
            self.counted.append(fitted)
        return fitted

    def spoken(self, body: Json) -> str:
        """Return the reply to a chat."""
        return self.reply if isinstance(self.reply, str) else self.reply(body)


class LlamaCpp(LocalServer):
    """llama.cpp's server (tools/server/README.md).

    With `shifts` (--context-shift, in versions that cut a prompt too) it drops half windows from the middle of a prompt
    that is too long; otherwise it refuses it. A `router` has several models, and loads none for a question.
    """

    owner = "llamacpp"

    def __init__(self, *, shifts: bool = False, router: bool = False, **more: Any) -> None:
        """Prepare the server."""
        super().__init__(**more)
        self.shifts = shifts
        self.router = router
        self.loaded = not router

    def entry(self) -> Json:
        """Return the model's entry, whose `meta` is null while it is not loaded."""
        return {**super().entry(), "meta": {"n_vocab": 32_000, "n_ctx_train": 32_768} if self.loaded else None}

    def get(self, path: str, query: Mapping[str, str]) -> Answer:
        """Return what the server has at `/props`, of the named model if it is a router."""
        if path == "/v1/models" and self.router:
            return 200, {"object": "list", "data": [{**super().entry(), "id": "other"}, self.entry()]}
        if path != "/props":
            return super().get(path, query)
        if self.router and "model" not in query:
            return 200, {"role": "router", "max_instances": 4, "models_autoload": True}
        if self.router and not self.loaded:
            if query.get("autoload") != "false":
                self.loaded = True
            return 400, _error(400, "model is not loaded", "invalid_request_error")
        settings = {"id": 0, "n_ctx": self.window, "params": {"n_predict": -1, "seed": 4_294_967_295}}
        return 200, {"default_generation_settings": settings, "total_slots": 1, "chat_template": "..."}

    def fit(self, tokens: int) -> int | Answer:
        """Cut a prompt as context shift does, or refuse it."""
        self.loaded = True
        if tokens < self.window:
            return tokens
        if self.shifts:
            block = self.window // 2
            return tokens - (tokens - block) // block * block
        said = f"request ({tokens} tokens) exceeds the available context size ({self.window} tokens), try increasing it"
        error = _error(400, said, "exceed_context_size_error")
        return 400, {"error": {**error["error"], "n_prompt_tokens": tokens, "n_ctx": self.window}}


class LmStudio(LocalServer):
    """LM Studio (its REST API v0), which loads a model when it is first prompted.

    With `truncates` it drops the middle of a prompt that is too long, as its context overflow policies do; otherwise it
    refuses it, in a stream that began well.
    """

    owner = "organization_owner"

    def __init__(self, *, truncates: bool = False, **more: Any) -> None:
        """Prepare the server."""
        super().__init__(**more)
        self.truncates = truncates
        self.loaded = False

    def get(self, path: str, query: Mapping[str, str]) -> Answer:
        """Return the models with their windows. An unknown path is an error with status 200."""
        if path == "/v1/models":
            return super().get(path, query)
        if path != "/api/v0/models":
            return 200, {"error": f"Unexpected endpoint or method. (GET {path})"}
        about = {"id": self.name, "object": "model", "type": "llm", "state": "not-loaded", "max_context_length": 32_768}
        if self.loaded:
            about |= {"state": "loaded", "loaded_context_length": self.window}
        other = {"id": "text-embedding-nomic-embed-text-v1.5", "type": "embeddings", "state": "loaded"}
        return 200, {"object": "list", "data": [{**other, "max_context_length": 2_048}, about]}

    def fit(self, tokens: int) -> int | Answer:
        """Load the model, and cut a prompt or refuse it."""
        self.loaded = True
        if tokens < self.window or self.truncates:
            return min(tokens, self.window - 100)
        said = (
            f"Trying to keep the first {tokens} tokens when context the overflows. However, the model is loaded with "
            f"context length of only {self.window} tokens, which is not enough. Try to load the model with a larger "
            "context length, or provide a shorter input"
        )
        return 200, {"error": {"message": said}}


class Vllm(LocalServer):
    """vLLM, which has a model's window in its list."""

    owner = "vllm"

    def entry(self) -> Json:
        """Return the model's entry."""
        return {**super().entry(), "root": self.name, "max_model_len": self.window}


class KoboldCpp(LocalServer):
    """KoboldCpp."""

    owner = "koboldcpp"

    def get(self, path: str, query: Mapping[str, str]) -> Answer:
        """Return the window of its one model."""
        return (
            (200, {"value": self.window}) if path == "/api/extra/true_max_context_length" else super().get(path, query)
        )


class OllamaV1(LocalServer):
    """Ollama's interface like OpenAI's, where a request can't name its window: it gets the server's default.

    `other` is the window with which another program has loaded the model.
    """

    owner = "library"

    def __init__(self, *, other: int | None = None, num_ctx: int | None = None, **more: Any) -> None:
        """Prepare the server; `num_ctx` is the Modelfile's."""
        super().__init__(**more)
        self.num_ctx = num_ctx
        self.loaded = other

    def get(self, path: str, query: Mapping[str, str]) -> Answer:
        """Return the loaded models."""
        if path != "/api/ps":
            return super().get(path, query)
        running = {"name": f"{self.name}:latest", "model": f"{self.name}:latest", "context_length": self.loaded}
        return 200, {"models": [running] if self.loaded else []}

    def post(self, path: str, body: Json) -> Answer:
        """Return what the Modelfile says."""
        if path != "/api/show" or body.get("model") != self.name:
            return super().post(path, body)
        parameters = {"parameters": f"{'num_ctx':<30} {self.num_ctx}"} if self.num_ctx else {}
        return 200, {"model_info": {"llama.context_length": 131_072}, **parameters}

    def fit(self, tokens: int) -> int | Answer:
        """Load the model with the window that a request gets that names none."""
        self.loaded = self.num_ctx or self.window
        return tokens


def _error(code: int, message: str, kind: str) -> Json:
    return {"error": {"code": code, "message": message, "type": kind}}


class _Wire(BaseHTTPRequestHandler):
    """One connection: reads requests, writes answers."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Any

    def do_GET(self) -> None:
        """Answer a question."""
        server: LocalServer = self.server.stand_in
        parts = urlsplit(self.path)
        server.asked.append(parts.path)
        server.queries.append(self.path)
        if server.silent():
            return
        if not self._allowed(server, public=parts.path == "/v1/models"):
            return
        self._send(*server.get(parts.path, {name: found[0] for name, found in parse_qs(parts.query).items()}))

    def do_POST(self) -> None:
        """Answer a chat, or a question."""
        server: LocalServer = self.server.stand_in
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self._allowed(server):
            return
        if self.path != "/v1/chat/completions":
            server.asked.append(self.path)
            self._send(*server.post(self.path, body))
            return
        read = server.read(body)
        if isinstance(read, int):
            self._chat(server, body, read)
        elif read[0] == 200:
            self._stream([read[1]], event="error")
        else:
            self._send(*read)

    def _allowed(self, server: LocalServer, *, public: bool = False) -> bool:
        if public or server.key is None or self.headers.get("Authorization") == f"Bearer {server.key}":
            return True
        self._send(401, _error(401, "Invalid API Key", "authentication_error"))
        return False

    def _chat(self, server: LocalServer, body: Json, read: int) -> None:
        text = server.spoken(body)
        heading = {"id": "chatcmpl-1", "created": 1_767_268_800, "model": server.name}
        usage = {"prompt_tokens": read, "completion_tokens": count_words(text)}
        usage |= {"total_tokens": sum(usage.values())}
        if body.get("stream"):
            chunk = {**heading, "object": "chat.completion.chunk"}
            said = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}
            done = {"index": 0, "delta": {}, "finish_reason": "stop"}
            self._stream(
                [{**chunk, "choices": [said]}, {**chunk, "choices": [done]}, {**chunk, "choices": [], "usage": usage}]
            )
            return
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        self._send(200, {**heading, "object": "chat.completion", "choices": [choice], "usage": usage})

    def _stream(self, events: list[Json], *, event: str | None = None) -> None:
        named = f"event: {event}\n" if event else ""
        lines = [f"{named}data: {json.dumps(one)}\n\n" for one in events]
        self._send(200, "".join(lines) + "data: [DONE]\n\n", kind="text/event-stream")

    def _send(self, status: int, answer: Any, *, kind: str | None = None) -> None:
        body = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind or ("text/plain" if isinstance(answer, str) else "application/json"))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  as http.server calls it
        """Print nothing on stderr, because requests are recorded."""
