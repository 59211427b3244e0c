"""A tool whose file is a JSON list of conversations, and shorthands to import it and to see what came."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from llm_session_memory.interchange.foreign.arrived import Arrivals
from llm_session_memory.interchange.foreign.arriving import into
from llm_session_memory.interchange.foreign.source import SourceFile
from llm_session_memory.interchange.foreign.values import ForeignConversation, ForeignExchange, Losses
from llm_session_memory.llm_seam.past import PastTurn
from llm_session_memory.memory import Memory
from llm_session_memory.model import Message, Part


def said(prompt: str, reply: str, at: str = "", **more: Any) -> dict[str, Any]:
    """Return an exchange for `chats`: a prompt and its reply, and a key, a rating and so on."""
    return {"prompt": prompt, "reply": reply, "at": at, **more}


def turn(prompt: str, reply: str, at: str = "", **more: Any) -> PastTurn:
    """Return a call with a prompt and a reply."""
    output = (Message.of_text("assistant", reply),) if reply else ()
    return PastTurn((Message.of_text("user", prompt),), output, datetime_utc=at, **more)


def looked_up(prompt: str, result: str, reply: str, at: str = "") -> tuple[PastTurn, ...]:
    """Return the two calls of an exchange in which the model used a tool."""
    call = Part({"type": "tool_call", "name": "look", "arguments": {"at": prompt}, "tool_call_id": "c1"})
    found = Part({"type": "tool_result", "name": "look", "output": result, "tool_call_id": "c1"})
    return (
        PastTurn((Message.of_text("user", prompt),), (Message("assistant", (call,)),), datetime_utc=at),
        PastTurn((Message("tool", (found,)),), (Message.of_text("assistant", reply),), datetime_utc=at),
    )


class Chats:
    """The format: [{"key": ..., "name": ..., "said": [{"prompt": ..., "reply": ...}], ...}]."""

    source, title = "chats", "a list of chats"

    def __init__(self, *, may_repeat: bool = False) -> None:
        self.may_repeat = may_repeat

    def recognises(self, source: SourceFile) -> bool:
        """Return whether it begins like a list of chats."""
        return source.head.startswith(b'[{"chat"') or source.is_folder

    def conversations(self, source: SourceFile, losses: Losses) -> Iterator[ForeignConversation]:
        """Yield them in their order; a field “odd” is a loss."""
        for file in source.files("*.json") if source.is_folder else [source.path]:
            for one in json.loads(file.read_text()):
                if "odd" in one:
                    losses.add("the field odd of a chat", one["name"])
                yield self._conversation(one)

    def _conversation(self, one: dict[str, Any]) -> ForeignConversation:
        names = ("key", "name", "created_utc", "system", "title", "project", "archived")
        known: dict[str, Any] = {name: one[name] for name in names if name in one}
        known.setdefault("key", None)
        if "forked_from" in one:
            known["forked_from"] = tuple(one["forked_from"])
        for name in ("tags", "notes"):
            known[name] = tuple(one.get(name, ()))
        return ForeignConversation(exchanges=map(self._exchange, one["said"]), meta=one.get("meta", {}), **known)

    def _exchange(self, one: dict[str, Any]) -> ForeignExchange:
        if "result" in one:
            turns = looked_up(one["prompt"], one["result"], one["reply"], one["at"])
            turns = turns[: one.get("calls", 2)]
        else:
            turns = (turn(one["prompt"], one["reply"], one["at"], model=one.get("model")),)
        return ForeignExchange(one.get("key"), turns, one.get("rating"))


def chat(name: str | None, *exchanges: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a conversation of the file."""
    return {"chat": 1, "name": name, "said": [*exchanges], **more}


def chats(path: Path, *conversations: dict[str, Any]) -> Path:
    """Write a file of conversations."""
    path.write_text(json.dumps(conversations))
    return path


def arrive(log: Path, path: Path, *, may_repeat: bool = False, **more: Any) -> Arrivals:
    """Import a file of conversations."""
    return into(log, SourceFile(path), Chats(may_repeat=may_repeat), **more)


def came(found: Arrivals) -> list[tuple[str | None, int]]:
    """Return the sessions that got exchanges, with how many each got."""
    return [(one.name, one.exchanges) for one in found.arrived]


def texts(log: Path, name: str) -> list[str]:
    """Return a session's exchanges, each as its prompt and its reply."""
    with Memory(log) as memory:
        last = memory.sessions.exchange_count(memory.sessions.get(name))
        return [f"{one.prompt} > {one.reply}" for one in memory.sessions.exchanges(name, 1, last)]


def names(log: Path) -> list[str]:
    """Return the names of all sessions, in order."""
    with Memory(log) as memory:
        return sorted(memory.sessions.names())


def turn_ids(log: Path, name: str) -> list[tuple[str, ...]]:
    """Return the ids of the turns of each exchange of a session."""
    with Memory(log) as memory:
        return [*memory.sessions.turn_ids(name)]
