"""A stand-in Ollama server: real HTTP on loopback, scripted replies, prompts cut like the real server's.

    with OllamaStandIn([OllamaModel("llama3", num_ctx=2048)], reply=["Hello.", Fail()]) as ollama:
        subprocess.run([sys.executable, "-m", "llm", "-m", "ollama/llama3", "Hi"],
                       env=ollama.environment(tmp_path))
    assert ollama.chats[0].cut is None

`ollama_rules` decides what is cut, counted and cached, `ollama_replies` what is answered. This module has only
the server's state and its record of requests; the sockets are in `ollama_wire`.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

from tests.world import ollama_replies as replies
from tests.world.ollama_replies import Answer, BreakOff, Fail, Hang, Json, Raw, Reply, Script, ToolCalls
from tests.world.ollama_rules import (
    Arrived,
    Count,
    OllamaModel,
    Prompt,
    count_words,
    full_name,
    reused_tokens,
    tekken_count,
    truncate,
    window,
)
from tests.world.ollama_wire import Listener

__all__ = [
    "Answer",
    "Arrived",
    "BreakOff",
    "Fail",
    "Hang",
    "OllamaModel",
    "OllamaStandIn",
    "Raw",
    "Reload",
    "Reply",
    "ToolCalls",
    "count_words",
    "tekken_count",
]


@dataclass(frozen=True)
class Reload:
    """A model reloaded because a request wanted another window: seconds to minutes on a real machine."""

    model: str
    before: int
    after: int


class OllamaStandIn:
    """An Ollama server for one test; use it in a `with` statement.

    `reply` is an answer, a list of answers (the last is repeated), or a function from `Arrived` to an answer.
    `ask_delay` maps a path to the seconds before its answer (`math.inf`: never). `most_window` is what the server gives
    at most, whatever a request asks for (None: it gives what is asked for). All can be changed at any time.
    """

    def __init__(
        self,
        models: Sequence[OllamaModel] = (OllamaModel("llama3"),),
        *,
        reply: Script = "All right.",
        default_window: int = 4096,
        count: Count = count_words,
        ask_delay: Mapping[str, float] | None = None,
    ) -> None:
        """Prepare the server. `default_window` is the value of OLLAMA_CONTEXT_LENGTH."""
        self.models = {model.full_name: model for model in models}
        self.default_window = default_window
        self.most_window: int | None = None
        self.count = count
        self.ask_delay = dict(ask_delay or {})
        self.reply = reply
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._arrived: list[Arrived] = []
        self._reloads: list[Reload] = []
        self._windows: dict[str, int] = {}  # of the loaded models
        self._cached: dict[str, Prompt] = {}  # the last prompt of each loaded model
        self._troubles: list[BaseException] = []

    def __enter__(self) -> OllamaStandIn:  # noqa: PYI034  Self needs Python 3.11
        """Listen on a free port."""
        self._listener = Listener(self)
        self.url = f"http://127.0.0.1:{self._listener.server_port}"
        # The default poll would add half a second to every test.
        threading.Thread(target=self._listener.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Go down. If a request made the stand-in itself fail, fail the test too."""
        self.down()
        if error is None and self._troubles:
            raise self._troubles[0]

    def down(self) -> None:
        """Stop as if killed: stop listening, and break open connections, even in mid-reply."""
        with self._lock:
            if self._closing.is_set():
                return
            self._closing.set()
        self._listener.shutdown()
        self._listener.server_close()
        self._listener.tear_connections()

    def environment(self, user_path: Path) -> dict[str, str]:
        """Return the environment for a subprocess that uses this server and llm's files in `user_path`."""
        own = ("OLLAMA_", "LLM_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(own)}
        llms = {"LLM_USER_PATH": str(user_path), "LLM_RECALL_MODEL": "none"}
        return {**kept, **llms, "OLLAMA_HOST": self.url, "NO_PROXY": "127.0.0.1"}

    @property
    def reply(self) -> Script:
        """The answers to the chats."""
        return self._script

    @reply.setter
    def reply(self, script: Script) -> None:
        self._script = script
        self._prompter = replies.Prompter(script)

    @property
    def arrived(self) -> list[Arrived]:
        """All requests so far, in order of arrival."""
        with self._lock:
            return list(self._arrived)

    @property
    def chats(self) -> list[Arrived]:
        """The chat requests so far, in order of arrival, without those that only load a model."""
        return [arrived for arrived in self.arrived if arrived.path == "/api/chat" and arrived.messages]

    @property
    def loads(self) -> list[Arrived]:
        """The requests so far that only load a model: chats without messages."""
        return [arrived for arrived in self.arrived if arrived.path == "/api/chat" and not arrived.messages]

    @property
    def reloads(self) -> list[Reload]:
        """Each time that a request made a loaded model reload."""
        with self._lock:
            return list(self._reloads)

    def load(self, name: str, num_ctx: int | None = None) -> None:
        """Load a model without a chat, as another client of the same server might do."""
        model = self.models[full_name(name)]
        with self._lock:
            self._load(model, self._window(model, {"num_ctx": num_ctx}))

    def unload(self, name: str) -> None:
        """Unload a model, as the real server does after five idle minutes."""
        with self._lock:
            self._windows.pop(full_name(name), None)
            self._cached.pop(full_name(name), None)

    # The methods below are for ollama_wire, not for tests.

    def note(self, arrived: Arrived) -> None:
        """Record a request."""
        with self._lock:
            self._arrived.append(arrived)

    def note_trouble(self, error: BaseException) -> None:
        """Keep an error of the stand-in itself for the end of the test."""
        self._troubles.append(error)

    def wait(self, seconds: float) -> bool:
        """Wait; return True if the server went down in the meantime."""
        return self._closing.wait(None if math.isinf(seconds) else seconds) if seconds else False

    def listing(self, path: str) -> Json | None:
        """Return the answer to a GET, or None if the path has none."""
        with self._lock:
            windows = dict(self._windows)
        match path:
            case "/api/version":
                return {"version": replies.VERSION}
            case "/api/tags":
                return {"models": [replies.listed(model) for model in self.models.values()]}
            case "/api/ps":
                loaded = [replies.running(self.models[name], size) for name, size in windows.items()]
                return {"models": loaded}
        return None

    def take_chat(self, model: OllamaModel, arrived: Arrived) -> tuple[Arrived, Prompt]:
        """Load the model with the request's window, cut the prompt to it, and record the result."""
        body = arrived.body
        num_ctx = self._window(model, body.get("options") or {})
        prompt = truncate(arrived.messages, body.get("tools") or (), model, num_ctx, self.count)
        with self._lock:
            reloaded = self._load(model, num_ctx)
            reused = reused_tokens(self._cached.get(model.full_name), prompt, self.count)
            if prompt.cut != "refused":
                self._cached[model.full_name] = prompt
            judged = replace(
                arrived,
                num_ctx=num_ctx,
                tokens_before=prompt.tokens_before,
                tokens_after=prompt.tokens,
                cut=prompt.cut,
                dropped=prompt.dropped,
                kept=prompt.kept,
                reused_prefix_tokens=reused,
                reloaded=reloaded,
            )
            self._arrived.append(judged)
        return judged, prompt

    def course_for(self, arrived: Arrived) -> replies.Course:
        """Return the script's answer to this request."""
        return replies.course(self._prompter.next(arrived))

    def _window(self, model: OllamaModel, options: Mapping[str, object]) -> int:
        given = window(model, options, self.default_window)
        return min(given, self.most_window) if self.most_window else given

    def _load(self, model: OllamaModel, num_ctx: int) -> bool:
        """Load a model unless it is loaded with that window; return True if it had to be reloaded."""
        before = self._windows.get(model.full_name)
        if before == num_ctx:
            return False
        self._windows[model.full_name] = num_ctx
        self._cached.pop(model.full_name, None)  # the cache is lost with the process that held it
        if before is None:
            return False
        self._reloads.append(Reload(model.full_name, before, num_ctx))
        return True
