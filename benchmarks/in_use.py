"""A session in use, in this process: prompts held through it, and what a server has to read again for each of them.

A scripted model stands in for the server. It counts 4 characters as a token, and 4 tokens for each message, like the
stand-in Ollama of `benchmarks.blocks`; the requests are the same as those of `llm chat --session`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

from llm_session_memory.memory import Memory

if TYPE_CHECKING:
    from tests.world.scripted import ScriptedModel

MARKERS = 4
"""The tokens that a chat template puts around a message."""

WARMED_UP = 1 / 3
"""The share of a conversation that isn't measured: until then nothing, or little, has been left out."""

Texts = Sequence[tuple[str, str]]
"""Role and text of each message of a request."""


def count(text: str) -> int:
    """Count tokens: 4 characters each, rounded up."""
    return -(-len(text) // 4)


def model(replies: Sequence[str]) -> ScriptedModel:
    """Return a model that gives these replies, and counts its tokens."""
    from tests.world.scripted import Script, ScriptedModel

    return ScriptedModel("scripted", Script(list(replies), count))


def hold(memory: Memory, name: str, exchanges: Sequence[tuple[str, str]], /, **settings: Any) -> list[Texts]:
    """Hold prompts through a session, each answered with its reply; return the requests that were sent."""
    used = model([reply for _, reply in exchanges])
    conversation = memory.conversation(name, used, **settings)
    for prompt, _ in exchanges:
        conversation.prompt(prompt).text()
    return [used.script.texts(number) for number in range(len(exchanges))]


def tokens(request: Texts) -> int:
    """Return the tokens of a request."""
    return sum(MARKERS + count(text) for _, text in request)


def read_again(before: Texts, reply: str, request: Texts) -> int:
    """Return the tokens of a request that a server doesn't have in its prompt cache.

    The cache has the previous request and its reply, and is used up to the first token that differs.
    """
    same = 0
    for old, new in zip([*before, ("assistant", reply)], request, strict=False):
        if old != new:
            same += MARKERS + _alike(old[1], new[1]) // 4 if old[0] == new[0] else 0
            break
        same += MARKERS + count(new[1])
    return tokens(request) - same


def _alike(one: str, other: str) -> int:
    """Return the number of characters that two texts begin with in common."""
    return next((place for place, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), 0)


@dataclass(frozen=True)
class Everyday:
    """A conversation, measured once it is under way: mean tokens a prompt, the fullest request, and the blocks."""

    read_again: float
    recalled: float
    sent: float
    fullest: int
    blocks: int


def everyday(log: Path, exchanges: Sequence[tuple[str, str]], **settings: Any) -> Everyday:
    """Hold a conversation in a new log, and measure it without its first third."""
    with Memory(log, create=True) as memory:
        requests = hold(memory, "everyday", exchanges, **settings)
    again = all_read_again(requests, [reply for _, reply in exchanges])
    first = round(len(exchanges) * WARMED_UP)
    sizes = list(map(tokens, requests))
    return Everyday(mean(again[first - 1 :]), mean(recalled(log)[first:]), mean(sizes[first:]), max(sizes), blocks(log))


def all_read_again(requests: Sequence[Texts], replies: Sequence[str]) -> list[int]:
    """Return what a server reads again for each request but the first."""
    steps = zip(pairwise(requests), replies, strict=False)
    return [read_again(before, reply, request) for (before, request), reply in steps]


def recalled(log: Path) -> list[int]:
    """Return the tokens of the excerpts that went with each prompt of a log."""
    with closing(sqlite3.connect(log)) as connection:
        return [row[0] for row in connection.execute(_RECALLED)]


def blocks(log: Path) -> int:
    """Return the number of blocks in a log."""
    with closing(sqlite3.connect(log)) as connection:
        return int(connection.execute("select count(*) from memory_blocks").fetchone()[0])


_RECALLED = """
select coalesce((select sum(tokens) from memory_recalls where memory_recalls.turn_id = memory_contexts.turn_id), 0)
from memory_contexts order by turn_id
"""
