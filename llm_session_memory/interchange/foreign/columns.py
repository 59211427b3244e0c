"""Tables of messages or exchanges, whatever their columns are called: rows with names in, messages out. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ...model import Part
from ...rules.safe_text import one_line
from .chats import ROLES, SaidMessage
from .moments import moment
from .openai_parts import calls, content_parts
from .transcripts import result_part, text_part, thought
from .values import Losses

WORDS = {
    "session": "session session_id conversation conversation_id chat chat_id thread thread_id dialog_id dialogue_id "
    "conv_id session_uuid chat_session_id",
    "title": "title name session_name session_title conversation_title chat_title topic subject",
    "id": "id message_id turn_id exchange_id uuid msg_id",
    "order": "seq sequence position message_index turn_index index idx ordinal step turn turn_number exchange "
    "message_order order sort_order",
    "prompt": "prompt question user human instruction query request user_message input user_prompt user_input "
    "prompt_text",
    "reply": "reply response answer assistant completion output ai bot model_response assistant_message "
    "assistant_response model_reply response_text ai_response",
    "role": "role sender speaker author from author_role message_role",
    "content": "content text message body value message_text message_content",
    "model": "model model_name model_id llm engine",
    "at": "datetime_utc datetime timestamp created_at created created_utc time date ts sent_at create_time "
    "date_created started_at start_time when",
    "input_tokens": "input_tokens prompt_tokens tokens_in tokens_input tokens_prompt",
    "output_tokens": "output_tokens completion_tokens tokens_out tokens_output tokens_completion",
    "duration_ms": "duration_ms latency_ms elapsed_ms response_time_ms response_ms time_ms",
    "cost": "cost cost_usd price price_usd total_cost",
    "system": "system system_prompt system_message",
    "thinking": "reasoning thinking reasoning_content thoughts",
    "tool_calls": "tool_calls tool_calls_json",
    "tool_call_id": "tool_call_id",
    "tool_name": "tool_name function_name",
    "rating": "rating feedback vote",
    "tags": "tags labels",
    "project": "project folder workspace project_name",
    "metadata": "metadata metadata_json meta",
}
"""What columns are called, by what they have."""

_MEANING = {word: meaning for meaning, words in WORDS.items() for word in words.split()}

_UP, _DOWN = (
    frozenset(("up", "1", "+1", "good", "like", "liked", "👍")),
    frozenset(("down", "-1", "bad", "dislike", "disliked", "👎")),
)
_MOST = 1 << 53


_OF_MESSAGES = frozenset(("role", "content", "tool_calls", "tool_call_id", "tool_name"))
_OF_EXCHANGES = frozenset(("prompt", "reply"))
"""The meanings that only tables of messages have, and only tables of exchanges."""

_NO_TIME = frozenset(("", "0", "0.0", "null", "none"))

TOOL = "function_name"
"""The fact of a tool's message that names the tool."""

OF_SESSIONS = ("tags", "project", "metadata")
"""The meanings that belong to a whole session."""


def plain_name(column: str) -> str:
    """Return a column's name in small letters, its words joined by “_”."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", column.strip())
    return re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")


@dataclass(frozen=True)
class Columns:
    """The columns of a table: the meaning of each name, and the names whose meaning nobody knows."""

    names: Mapping[str, str]
    unknown: tuple[str, ...]

    @classmethod
    def of(cls, columns: Iterable[str]) -> Columns:
        """Return the meanings of a table's columns. If two mean the same, the first one does."""
        all_ = [*columns]
        names: dict[str, str] = {}
        for column in all_:
            meaning = _MEANING.get(plain_name(column))
            if meaning is not None and meaning not in names.values():
                names[column] = meaning
        made = cls(names, ())
        idle = _OF_EXCHANGES if made.has_messages else _OF_MESSAGES if made.has_exchanges else frozenset[str]()
        used = {
            column: meaning
            for column, meaning in names.items()
            if meaning not in idle and not (made.has_messages and plain_name(column) == "name")
        }
        return cls(used, tuple(column for column in all_ if column not in used))

    @property
    def has_messages(self) -> bool:
        """Whether a row is a message: who speaks, and what is said."""
        return {"role", "content"} <= {*self.names.values()}

    @property
    def has_exchanges(self) -> bool:
        """Whether a row is an exchange: a prompt and its reply."""
        return {"prompt", "reply"} <= {*self.names.values()}

    def read(self, values: Mapping[str, Any], table: str, place: str, losses: Losses) -> dict[str, Any]:
        """Return a row by meanings. What is in a column of unknown meaning is counted as a loss."""
        for column in self.unknown:
            if values.get(column) not in (None, ""):
                losses.add(f"the column {one_line(column, 40)}{table}", place)
        read = {meaning: values.get(name) for name, meaning in self.names.items()}
        if words(read.get("at")).strip().lower() not in _NO_TIME and not moment(read["at"]):
            losses.add(f"a time that is not like 2026-03-01 08:00{table}", place)
        return read


def said_of(row: Mapping[str, Any], place: str, losses: Losses) -> Iterator[SaidMessage]:
    """Yield the message, or the prompt and the reply, in a row by meanings."""
    if row.get("role") is not None and "content" in row:
        yield from _message(row, place, losses)
        return
    if words(row.get("system")):
        yield SaidMessage("system", (text_part(words(row["system"])),))
    at, id_ = moment(row.get("at")), words(row.get("id")) or None
    yield SaidMessage("user", (text_part(words(row.get("prompt"))),), key=id_, at=at)
    parts = [*_thought(row), *content_parts(words(row.get("reply")), "assistant", place, losses)]
    if parts:
        yield _measured("assistant", parts, row, place, losses)


def _message(row: Mapping[str, Any], place: str, losses: Losses) -> Iterator[SaidMessage]:
    speaker = words(row["role"]).strip()
    role = ROLES.get(speaker.lower())
    if role is None:
        losses.add(f"a message of the role {one_line(speaker, 30) or '(none)'}", place)
        return
    parts = [*_thought(row), *_content(row.get("content"), role, place, losses)]
    parts += calls(_json(row.get("tool_calls")))
    if role == "tool":
        output = "\n".join(str(part.data.get("text") or "") for part in parts if part.type == "text")
        made = result_part(output, words(row.get("tool_call_id")) or None)
        name = words(row.get("tool_name")) or facts(row.get("metadata")).get(TOOL)
        parts = [Part({**made.data, "name": name}) if name else made]
    yield _measured(role, parts or [text_part("")], row, place, losses)


def _content(value: Any, role: str, place: str, losses: Losses) -> list[Part]:
    """Return the parts of a content. Some tables have OpenAI's list of parts in it, as JSON."""
    said = words(value)
    if said.startswith('[{"'):
        found = _json(said)
        if isinstance(found, list) and all(isinstance(one, dict) and "type" in one for one in found):
            return content_parts(found, role, place, losses)
    return content_parts(said, role, place, losses)


def model_in(row: Mapping[str, Any]) -> str | None:
    """Return the model of a row, or None. Our own exports say “unknown” if there was none."""
    name = words(row.get("model")).strip()
    return None if name.lower() in ("", "unknown") else name


def _thought(row: Mapping[str, Any]) -> list[Part]:
    return [thought(words(row["thinking"]))] if words(row.get("thinking")).strip() else []


def _measured(role: str, parts: list[Part], row: Mapping[str, Any], place: str, losses: Losses) -> SaidMessage:
    return SaidMessage(
        role,
        tuple(parts),
        key=words(row.get("id")) or None,
        at=moment(row.get("at")),
        model=model_in(row),
        input_tokens=_count(row.get("input_tokens")),
        output_tokens=_count(row.get("output_tokens")),
        duration_ms=_count(row.get("duration_ms")),
        cost=_amount(row.get("cost")) or None,
        rating=_rating(row.get("rating"), place, losses),
    )


def _rating(value: Any, place: str, losses: Losses) -> Literal["up", "down"] | None:
    said = words(value).strip().lower()
    if not said or said == "0":
        return None
    if said in _UP:
        return "up"
    if said in _DOWN:
        return "down"
    losses.add("a rating that is neither up nor down", place)
    return None


# -- values --------------------------------------------------------------


def words(value: Any) -> str:
    """Return a cell as text."""
    if value is None:
        return ""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else str(value)


def _count(value: Any) -> int | None:
    """Return a cell as a whole number of at least 1, or None: tables have a 0 for things that nobody counted."""
    number = _amount(value)
    return round(number) or None if number is not None else None


def _amount(value: Any) -> float | None:
    """Return a cell as a number of at least 0, or None."""
    if isinstance(value, str):
        try:
            value = float(value.strip().lstrip("$"))
        except ValueError:
            return None
    if not isinstance(value, (int, float)) or not 0 <= value < _MOST:
        return None
    return value


def _json(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) and value.strip() else None
    except (ValueError, RecursionError):
        return None


def facts(value: Any) -> dict[str, str]:
    """Return the facts in a cell with a JSON object, by their names; of another text, itself."""
    found = _json(value)
    if isinstance(found, dict):
        return {str(name): one if isinstance(one, str) else json.dumps(one) for name, one in found.items()}
    return {}


def several(value: Any) -> tuple[str, ...]:
    """Return the texts in a cell with a JSON list, or with commas between them."""
    found = _json(value)
    if isinstance(found, list):
        return tuple(one for one in found if isinstance(one, str))
    return tuple(filter(None, (one.strip() for one in words(value).split(","))))
