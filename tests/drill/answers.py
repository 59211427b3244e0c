"""What the stand-in server answers: one model a fault. The words of each reply carry the mark of its prompt."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from tests.world.ollama_server import (
    Answer,
    Arrived,
    BreakOff,
    Fail,
    Hang,
    OllamaModel,
    Raw,
    Reply,
    ToolCalls,
)

WORDS = 25
"""The words of a slow reply, one each tenth of a second."""

SHORT = 5
"""The words of every other reply."""

_ASKED = re.compile(r"Question (q\d+x)")


def question(tag: str) -> str:
    """Return a prompt with its mark."""
    return f"Question {tag}: what comes next?"


def words(tag: str, count: int = SHORT) -> str:
    """Return a reply with the mark of its prompt: `q1x-0 q1x-1 …`."""
    return "".join(f"{tag}-{number} " for number in range(count))


def _lines(tag: str, *more: bytes, done: bool = True) -> bytes:
    """Return a stream of three good lines, then others."""
    lines = [json.dumps({"model": "m", "message": {"role": "assistant", "content": f"{tag}-{i} "}}) for i in range(3)]
    end = {"model": "m", "message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop"}
    last = [json.dumps(end).encode()] if done else []
    return b"".join(line + b"\n" for line in [*(line.encode() for line in lines), *more, *last])


def _tools(tag: str, arrived: Arrived) -> Answer:
    if arrived.messages and arrived.messages[-1].get("role") == "tool":
        return Reply(words(tag, WORDS), every=0.1)
    return ToolCalls([{"name": "llm_version", "arguments": {}}])


def _counts(**numbers: Any) -> Callable[[str], Answer]:
    return lambda tag: Reply(words(tag), numbers=numbers)


HTML = b"<!doctype html><title>502 Bad Gateway</title><h1>502 Bad Gateway</h1>"

ANSWERS: Mapping[str, Callable[[str], Answer]] = {
    "llama3": words,
    "slow": lambda tag: Reply(words(tag, WORDS), every=0.1),
    "minute": lambda tag: Reply(words(tag, 200), every=0.1),
    "late": lambda tag: Hang(3, words(tag)),
    "error-500": lambda _: Fail(500),
    "error-404": lambda _: Fail(404, "no such thing"),
    "html-502": lambda _: Raw(HTML, 502, "text/html"),
    "html-200": lambda _: Raw(HTML, 200, "text/html"),
    "redirect": lambda _: Raw(b"", 302, "text/plain"),
    "empty-body": lambda _: Raw(b""),
    "hang-before": lambda _: Hang(600),
    "hang-after": lambda tag: Hang(600, words(tag, 30), after_chunks=4),
    "broken-off": lambda tag: BreakOff(4, text=words(tag, 30)),
    "no-last-line": lambda tag: BreakOff(4, clean=True, text=words(tag, 30)),
    "wrong-length": lambda tag: Raw(_lines(tag), length=10_000),
    "garbage": lambda _: Raw(b"\x00\xff\xfe garbage \x80\n" * 3),
    "garbage-later": lambda tag: Raw(_lines(tag, b"\x00\xff\xfe garbage")),
    "half-a-line": lambda tag: Raw(_lines(tag, b'{"model": "m", "message": {"role": "ass', done=False)),
    "null": lambda tag: Raw(_lines(tag, b"null")),
    "list": lambda tag: Raw(_lines(tag, b"[]")),
    "number": lambda tag: Raw(_lines(tag, b"7")),
    "null-message": lambda tag: Raw(_lines(tag, b'{"model": "m", "message": null}')),
    "null-content": lambda tag: Raw(_lines(tag, b'{"model": "m", "message": {"role": "assistant", "content": null}}')),
    "error-later": lambda tag: Raw(_lines(tag, b'{"error": "out of memory \\u001b]0;x\\u0007"}', done=False)),
    "error-object": lambda tag: Raw(_lines(tag, b'{"error": {"code": 7}}', done=False)),
    "huge-counts": _counts(prompt_eval_count=10**30, eval_count=10**30, total_duration=10**40),
    "negative-counts": _counts(prompt_eval_count=-1, eval_count=-(2**63)),
    "null-counts": _counts(prompt_eval_count=None, eval_count=None),
    "text-counts": _counts(prompt_eval_count="many", eval_count="few"),
    "list-counts": _counts(prompt_eval_count=[1], eval_count={}),
    "float-counts": _counts(prompt_eval_count=1.5, eval_count=1e300),
    "half-surrogate": lambda tag: Reply(words(tag) + "half \ud83d of it"),
    "nul": lambda tag: Reply(words(tag) + "nul \x00 and \x1b[2J"),
    "blank": lambda _: Reply("\n \n"),
    "nothing": lambda _: Reply(""),
    "only-thinking": lambda tag: Reply("", thinking=words(tag)),
    "long": lambda tag: Reply(words(tag) + "word " * 200_000, chunks=[words(tag), "word " * 200_000]),
    "many-chunks": lambda tag: Reply(words(tag, 3_000)),
}
"""The models, by name: from the mark of a prompt to what is answered."""


def model(name: str) -> OllamaModel:
    """Return a model of the server by its name."""
    return OllamaModel(name, capabilities=("completion", "tools") if name == "tools" else ("completion",))


def answer(arrived: Arrived) -> Answer:
    """Return the answer to a request by its model."""
    name = str(arrived.body["model"]).removesuffix(":latest")
    tag = tag_of(arrived)
    return _tools(tag, arrived) if name == "tools" else ANSWERS[name](tag)


def tag_of(arrived: Arrived) -> str:
    """Return the mark of a request's prompt."""
    typed = [str(message.get("content") or "") for message in arrived.messages if message.get("role") == "user"]
    found = _ASKED.findall(typed[-1]) if typed else []
    return found[-1] if found else "q0x"
