"""The database of ollama-prompt, which keeps each session's messages as JSON in one row.

    sessions(session_id, context, created_at, last_used, max_context_tokens, history_json, metadata_json, model_name,
             system_prompt)

Format: https://github.com/dansasser/ollama-prompt, docs/session_management.md (1.2). `context` has the same messages as
plain text. Times are local ones, without a zone. ollama-prompt removes the oldest messages of a long session, so the
log may come to have more than it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from ...rules.safe_text import one_line
from .chats import SaidMessage, begun, exchanges, key_of
from .columns import facts, words
from .moments import moment, of_this_zone
from .openai_parts import said_of
from .source import SourceFile
from .sqlite_tables import database
from .transcripts import mapping, mappings
from .values import ForeignConversation, Losses

_TOKENS = "max_context_tokens"
_KNOWN = frozenset(
    (
        *("session_id", "context", "created_at", "last_used", _TOKENS, "history_json", "metadata_json"),
        *("model_name", "system_prompt"),
    )
)


class OllamaPrompt:
    """The format."""

    source = "ollama-prompt"
    title = "ollama-prompt's database"
    may_repeat = False

    def recognises(self, source: SourceFile) -> bool:
        """Return whether a database has ollama-prompt's table of sessions."""
        if not source.is_sqlite:
            return False
        with database(source) as other:
            return {"session_id", "context", "history_json", _TOKENS} <= {*other.tables().get("sessions", ())}

    def conversations(self, source: SourceFile, losses: Losses) -> Iterator[ForeignConversation]:
        """Yield the conversations of a file. Raises FileRefused if it can't be read."""
        with database(source) as other:
            for row in other.rows("sessions"):
                made = _conversation(row, losses)
                if made is not None:
                    yield made


FORMAT = OllamaPrompt()


def _conversation(row: Mapping[str, Any], losses: Losses) -> ForeignConversation | None:
    id_ = words(row["session_id"])
    place = f"session_id {one_line(id_, 40)}"
    for column, value in row.items():
        if column not in _KNOWN and value not in (None, ""):
            losses.add(f"the column {one_line(column, 40)} of the table sessions", place)
    begins, rest = begun(_messages(row, place, losses))
    made = exchanges(rest, place, losses, grows=True)
    first = next(made, None)
    if first is None:
        losses.add("a session without messages", place)
        return None
    return ForeignConversation(
        key=key_of(id_, first),
        exchanges=chain([first], made),
        created_utc=moment(of_this_zone(row.get("created_at"))),
        model=words(row.get("model_name")) or None,
        system=words(row.get("system_prompt")) or begins,
        meta=facts(row.get("metadata_json")),
    )


def _messages(row: Mapping[str, Any], place: str, losses: Losses) -> Iterator[SaidMessage]:
    try:
        history = json.loads(words(row["history_json"]) or "{}")
    except (ValueError, RecursionError):
        losses.add("a session whose messages are damaged", place)
        return
    for message in mappings(mapping(history).get("messages")):
        if message.get("tokens") is not None:
            losses.add("an estimate of a message's tokens", place)
        kept = {name: one for name, one in message.items() if name != "tokens"}
        yield from said_of({**kept, "timestamp": of_this_zone(message.get("timestamp"))}, place, losses)
