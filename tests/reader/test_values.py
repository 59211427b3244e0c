"""Messages have two shapes, one for sending and one for showing: both say the same."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from llm_session_memory.model import Exchange, Message
from llm_session_memory.reader import transcript, values
from llm_session_memory.reader.functions import register
from llm_session_memory.reader.seen import SeenLog
from llm_session_memory.reader.source import Source
from llm_session_memory.reader.tables import present
from llm_session_memory.store import history
from tests.interchange.world import new_log, old_conversation
from tests.world.everything import World

Told = dict[str, Any]


def of_model(exchange: Exchange) -> Told:
    """Return an exchange in the shape for sending, reduced to the facts that both shapes have."""
    return {
        "number": exchange.number,
        "id": exchange.id,
        "calls": [
            (turn.id, turn.model, turn.datetime_utc, turn.duration_ms, turn.input_tokens, turn.output_tokens, turn.cut)
            for turn in exchange.turns
        ],
        "messages": [_of_message(message) for turn in exchange.turns for message in (*turn.input, *turn.output)],
    }


# An older llm's reasoning, and files in tool results, are read separately: see store.details.


def _of_message(message: Message) -> Told:
    tools = [part for part in message.parts if part.type in ("tool_call", "tool_result")]
    return {
        "role": message.role,
        "words": message.text.split(),
        "tools": [(part.type, part.data["name"]) for part in tools],
        "outputs": [part.data["output"] for part in tools if part.type == "tool_result"],
        "attachments": [held.id for part in message.parts for held in part.attachments if message.role == "user"],
    }


def of_reader(exchange: values.Exchange) -> Told:
    """Return an exchange in the shape for showing, reduced to the facts that both shapes have."""
    return {
        "number": exchange.number,
        "id": exchange.id,
        "calls": [
            (call.id, call.model, call.datetime_utc, call.duration_ms, call.input_tokens, call.output_tokens, call.cut)
            for call in exchange.calls
        ],
        "messages": [_of_said(said) for call in exchange.calls for said in call.messages],
    }


def _of_said(said: values.Said) -> Told:
    tools = [piece for piece in said.pieces if piece.kind in ("tool_call", "tool_result")]
    return {
        "role": said.role,
        "words": " ".join(piece.text for piece in said.pieces if piece.kind in ("text", "fragment")).split(),
        "tools": [(piece.kind, piece.name) for piece in tools],
        "outputs": [piece.text for piece in tools if piece.kind == "tool_result"],
        "attachments": [held.id for piece in said.pieces for held in piece.attachments if said.role == "user"],
    }


def both(path: Path) -> Iterator[tuple[Told, Told]]:
    """Yield each exchange of a log in both shapes."""
    with closing(sqlite3.connect(path)) as connection:
        register(connection)
        source = Source(connection, present(connection), str(path))
        log = SeenLog(source)
        threads = [row["id"] for row in log.rows("select id from threads union select id from conversations")]
        assert threads
        for thread in threads:
            numbered = list(enumerate(history.exchange_turns(log, thread), 1))
            kept = history.exchanges(log, numbered, with_content=False)
            shown = transcript.in_pieces(source, thread, 1, len(numbered))
            assert len(kept) == len(shown) == len(numbered)
            yield from zip(map(of_model, kept), map(of_reader, shown), strict=True)


def test_both_shapes_of_messages_say_the_same(world: World, tmp_path: Path) -> None:
    """Numbers, calls, tokens, words, tools, outputs and files agree on logs of both generations of llm."""
    log = new_log(tmp_path / "logs.db")
    old_conversation(log)
    for path in (world.path, log):
        pairs = list(both(path))
        for kept, shown in pairs:
            assert shown == kept
        messages = [message for kept, _ in pairs for message in kept["messages"]]
        assert all(any(message[what] for message in messages) for what in ("words", "tools", "outputs", "attachments"))
