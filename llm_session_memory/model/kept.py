"""What is kept of a session: its name and settings, notes, ratings, summaries; and what finds it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

POLICIES = ("recall", "window", "summary", "full")
"""The policies that a session can have, the default first. `summary` and `recall` combine: “summary,recall”."""

DEFAULT_MAX_CONTEXT_TOKENS = 64_000
"""Tokens of a whole request where neither the session nor the model's window says less."""


@dataclass(frozen=True)
class Settings:
    """What a session remembers for its next prompts, or what one prompt asks for; None means: not said.

    `memory` is a policy, `recall_share` the share of a request that recall may have (above 0, below 1), `recall_model`
    an embedding model, `summary_model` the one that makes summaries.
    """

    model: str | None = None
    system: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    max_context_tokens: int | None = None
    memory: str | None = None
    recall_share: float | None = None
    recall_model: str | None = None
    summary_model: str | None = None


@dataclass(frozen=True)
class Note:
    """Something that a session always sends, like a pin. `author` is "you", or the model that kept it."""

    id: int
    text: str
    author: str
    created_utc: str


MARKS = ("up", "down", "1", "2", "3", "4", "5")
"""What an exchange may be rated: thumbs, or stars."""

RATED: dict[str, tuple[str, ...]] = {
    "good": ("up", "4", "5"),
    "bad": ("down", "1", "2"),
    "any": MARKS,
    "none": (),
    **{mark: (mark,) for mark in MARKS},
}
"""What a list or a search is narrowed to by rating, and the marks that each stands for; `none` is all that has none."""


@dataclass(frozen=True)
class Rating:
    """What a person thinks of an exchange: `mark` is one of MARKS. It is never sent."""

    mark: str
    note: str = ""
    rated_utc: str = ""


@dataclass(frozen=True)
class Bookmark:
    """A label that a person gave an exchange, to find it again."""

    label: str
    created_utc: str = ""


@dataclass(frozen=True)
class Beside:
    """What is kept beside a conversation."""

    tags: tuple[str, ...] = ()
    meta: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class Summary:
    """A summary of exchanges that are no longer sent, from the one of `first_turn_id` to that of `last_turn_id`.

    `model` is None where a person wrote it; the tokens are what making it cost, as the server counted.
    """

    id: int
    text: str
    first_turn_id: str
    last_turn_id: str
    exchanges: int
    model: str | None
    input_tokens: int | None
    output_tokens: int | None
    duration_ms: int | None
    made_utc: str


@dataclass(frozen=True)
class Hit:
    """An exchange that a search found, with a passage of the side (prompt, reply or tool) that matched.

    `marks` are the (start, end) of the matches within the snippet; a higher `score` is better.
    """

    session: str
    thread_id: str
    number: int
    exchange_id: str
    model: str
    datetime_utc: str
    score: float
    side: str
    snippet: str
    marks: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Session:
    """A name bound to one llm thread, with its settings."""

    thread_id: str
    name: str
    created_utc: str
    settings: Settings


@dataclass(frozen=True)
class SessionSummary:
    """A session as a line of the list."""

    session: Session
    exchanges: int
    input_tokens: int
    output_tokens: int
    last_used_utc: str
    attempts: int
    tags: tuple[str, ...] = ()
    meta: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Filters:
    """What narrows a list of sessions or a search; what is empty narrows nothing.

    `tags`: a session has all of them. `meta`: it has these values, or for None any. `model`: the id of the model of a
    session or of what it answered, with or without “ollama/”. `since`, and `until` (not included): when a session was
    last used or a prompt was sent, ISO, UTC. `rated`: one of RATED, what an exchange is rated; a session is in the list
    if one of its exchanges is, for `none` if none has a rating.
    """

    tags: tuple[str, ...] = ()
    meta: Mapping[str, str | None] = field(default_factory=dict)
    model: str | None = None
    since: str | None = None
    until: str | None = None
    rated: str | None = None
