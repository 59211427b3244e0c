"""What the stand-in answers: the replies and faults that a test scripts, and the JSON of each endpoint.

Nothing here knows about sockets. The shapes are those of Ollama's API as the `ollama` client reads them.
"""

import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from tests.world.ollama_rules import Arrived, Count, OllamaModel

Json = dict[str, Any]
NOW = "2026-01-01T12:00:00Z"  # one time for all answers, so that they can be compared
UNFINISHED = "This reply stops in the middle of what it was going to say."
VERSION = "0.33.0"


@dataclass(frozen=True)
class Reply:
    """A complete reply. `chunks` says how a stream is divided; without it, word by word.

    There are `every` seconds between two chunks, and `numbers` replace those of the last line (`prompt_eval_count`, …).
    """

    text: str
    thinking: str | None = None
    chunks: Sequence[str] | None = None
    done_reason: str = "stop"
    every: float = 0
    numbers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ToolCalls:
    """A reply that calls tools: each call is `{"name": ..., "arguments": {...}}`."""

    calls: Sequence[Mapping[str, Any]]
    text: str = ""


@dataclass(frozen=True)
class Fail:
    """An error answer; with `after_chunks`, an error line in a stream that began well."""

    status: int = 500
    message: str = "model runner has unexpectedly stopped"
    after_chunks: int | None = None


@dataclass(frozen=True)
class Hang:
    """Silence before the answer, or after its first chunks. It ends early if the server goes down."""

    seconds: float
    then: str | Reply | ToolCalls = "Sorry, that took a while."
    after_chunks: int = 0


@dataclass(frozen=True)
class Raw:
    """The bytes of an answer as they are, with its status and its type. No `length` in the header is the right one."""

    body: bytes
    status: int = 200
    kind: str = "application/x-ndjson"
    length: int | None = None


@dataclass(frozen=True)
class BreakOff:
    """A reply that breaks off.

    With `clean`, the stream is closed properly but has no `done` chunk; otherwise the connection is broken, as it
    always is for a request that does not stream. With `down`, the whole server dies, which breaks it too.
    """

    after_chunks: int = 2
    clean: bool = False
    text: str = UNFINISHED
    down: bool = False


Answer = str | Reply | ToolCalls | Fail | Hang | BreakOff | Raw
Script = Answer | Sequence[Answer] | Callable[[Arrived], Answer]


@dataclass(frozen=True)
class Course:
    """How an answer is sent: its chunks, where it pauses, and how it ends."""

    messages: tuple[Json, ...] = ()
    ending: Literal["done", "no done", "torn", "error"] = "done"
    done_reason: str = "stop"
    pause: float = 0
    pause_after: int | None = None
    fail: Fail | None = None
    down: bool = False
    every: float = 0
    numbers: Mapping[str, Any] = field(default_factory=dict)
    raw: Raw | None = None


class Prompter:
    """Returns the answers of a script in order, repeating the last one."""

    def __init__(self, script: Script) -> None:
        """Accept a single answer, a list of answers, or a function of the request."""
        self._lock = threading.Lock()
        self._by_request = script if callable(script) else None
        self._waiting: list[Answer] = []
        if not callable(script):
            self._waiting = [script] if isinstance(script, Answer) else list(script)

    def next(self, arrived: Arrived) -> Answer:
        """Return the answer to this request."""
        if self._by_request is not None:
            return self._by_request(arrived)
        with self._lock:
            return self._waiting.pop(0) if len(self._waiting) > 1 else self._waiting[0]


def course(answer: Answer) -> Course:
    """Return how a scripted answer is sent."""
    match answer:
        case str():
            return Course(_spoken(answer))
        case Reply():
            thought = ({"role": "assistant", "content": "", "thinking": answer.thinking},)
            spoken = _spoken(answer.text, answer.chunks)
            return Course(
                (*thought, *spoken) if answer.thinking else spoken,
                done_reason=answer.done_reason,
                every=answer.every,
                numbers=answer.numbers,
            )
        case ToolCalls():
            calls = [{"function": {"index": i, **call}} for i, call in enumerate(answer.calls)]
            return Course(
                (*_spoken(answer.text), {"role": "assistant", "content": "", "tool_calls": calls}),
            )
        case Fail():
            return Course(_spoken(UNFINISHED)[: answer.after_chunks or 0], ending="error", fail=answer)
        case Hang():
            late = course(answer.then)
            pause_after = min(answer.after_chunks, len(late.messages))
            return replace(late, pause=answer.seconds, pause_after=pause_after)
        case BreakOff() | Raw():
            return _broken_off(answer)


def _broken_off(answer: BreakOff | Raw) -> Course:
    """Return how an answer is sent that no client expects."""
    if isinstance(answer, Raw):
        return Course(raw=answer)
    ending: Literal["no done", "torn"] = "no done" if answer.clean and not answer.down else "torn"
    return Course(_spoken(answer.text)[: answer.after_chunks], ending=ending, down=answer.down)


def whole_message(course: Course) -> Json:
    """Return the message of an answer that is not streamed: all its chunks in one."""
    whole: Json = {"role": "assistant", "content": "".join(message["content"] for message in course.messages)}
    if thinking := "".join(message.get("thinking", "") for message in course.messages):
        whole["thinking"] = thinking
    if calls := [call for message in course.messages for call in message.get("tool_calls", ())]:
        whole["tool_calls"] = calls
    return whole


def measures(arrived: Arrived, course: Course, count: Count) -> Json:
    """Return the numbers that end an answer. Durations are computed from tokens, so they never vary."""
    said = whole_message(course)
    calls = json.dumps(said["tool_calls"], ensure_ascii=False) if "tool_calls" in said else ""
    spoken = count(said["content"]) + count(said.get("thinking", "")) + count(calls)
    load = 2_000_000_000 if arrived.reloaded else 20_000_000
    reading = 1_000_000 * (arrived.tokens_after - arrived.reused_prefix_tokens)
    speaking = 10_000_000 * spoken
    return {
        "done": True,
        "done_reason": course.done_reason,
        "total_duration": load + reading + speaking,
        "load_duration": load,
        "prompt_eval_count": arrived.tokens_after,
        "prompt_eval_duration": reading,
        "eval_count": spoken,
        "eval_duration": speaking,
        **course.numbers,
    }


def objection(model: OllamaModel, body: Mapping[str, Any]) -> Fail | None:
    """Return why a chat is refused before anything is loaded, or None: the model can't do what was asked."""
    wanted = {"chat": "completion"}
    if body.get("tools"):
        wanted["tools"] = "tools"
    if body.get("think"):
        wanted["thinking"] = "thinking"
    for what, capability in wanted.items():
        if capability not in model.capabilities:
            return Fail(400, f'"{body["model"]}" does not support {what}')
    return None


def overflow(tokens: int, num_ctx: int) -> str:
    """Return the error of a refused prompt: llama-server's own JSON, which Ollama passes on as a string."""
    error = {
        "code": 400,
        "message": f"request ({tokens} tokens) exceeds the available context size ({num_ctx} tokens), "
        "try increasing it",
        "type": "exceed_context_size_error",
        "n_prompt_tokens": tokens,
        "n_ctx": num_ctx,
    }
    return json.dumps({"error": error}, separators=(",", ":"))


def listed(model: OllamaModel) -> Json:
    """Return a model's entry in `/api/tags`."""
    return {
        "name": model.full_name,
        "model": model.full_name,
        "modified_at": NOW,
        "size": 4_700_000_000,
        "digest": model.digest,
        "details": _details(model),
    }


def running(model: OllamaModel, context_length: int) -> Json:
    """Return a model's entry in `/api/ps`, with the window that was really allocated."""
    entry = listed(model)
    del entry["modified_at"]
    return {
        **entry,
        "expires_at": "2026-01-01T12:05:00Z",
        "size_vram": 4_700_000_000,
        "context_length": context_length,
    }


def shown(model: OllamaModel) -> Json:
    """Return the answer of `/api/show`: `parameters` is a text, and missing if the Modelfile sets none."""
    parameters = ['stop                           "<|eot_id|>"'] if model.style == "go" else []
    if model.num_ctx is not None:
        parameters.append(f"{'num_ctx':<30} {model.num_ctx}")
    architecture = {
        "general.architecture": model.family,
        f"{model.family}.context_length": model.trained_window,
    }
    answer = {
        "modelfile": f"FROM {model.full_name}",
        "template": "{{ .Prompt }}",
        "details": _details(model),
        "model_info": architecture,
        "capabilities": list(model.capabilities),
        "modified_at": NOW,
    }
    return {**answer, "parameters": "\n".join(parameters)} if parameters else answer


def _details(model: OllamaModel) -> Json:
    return {
        "parent_model": "",
        "format": "gguf",
        "family": model.family,
        "families": [model.family],
        "parameter_size": "8.0B",
        "quantization_level": "Q4_K_M",
    }


def _spoken(text: str, chunks: Sequence[str] | None = None) -> tuple[Json, ...]:
    """Return the chunks of a text, word by word by default."""
    pieces = re.findall(r"\S+\s*|\s+", text) if chunks is None else chunks
    return tuple({"role": "assistant", "content": piece} for piece in pieces)
