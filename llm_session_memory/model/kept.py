"""Stored facts about a session that a prompt needs: its settings, notes, summaries and project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from .frozen import dataclass

POLICIES = ("recall", "window", "summary", "full")
"""The policies that a session can have, the default first. `summary` and `recall` can be combined: “summary,recall”."""

THINK = ("drop", "keep")
"""Whether thinking in the text of a reply is sent again, the default first."""

DEFAULT_MAX_CONTEXT_TOKENS = 64_000
"""The most tokens of a whole request, unless the session or the model's context window sets a lower limit."""


TITLE_AFTER = 3
"""After this many exchanges a session gets a title, if titles are on. If that fails, after as many more, and so on."""


@dataclass(frozen=True)
class Settings:
    """The defaults that a session keeps for its next prompts, or the settings of one prompt; None means not set.

    `memory` is a policy, `recall_share` the share of a request that recall may use (above 0 and below 1),
    `recall_model` an embedding model, `summary_model` the model that writes summaries, `think` one of THINK.
    `recall_fragments`: whether texts that went with prompts are recalled; `global_notes`: whether the notes for all
    sessions are sent. None is yes for both.
    `guard`: whether the person is asked before a secret is sent to a model that is not local. None is no.
    `recall_from` says which other sessions excerpts may come from (see rules/recall_from.py).
    """

    model: str | None = None
    system: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    max_context_tokens: int | None = None
    memory: str | None = None
    recall_share: float | None = None
    recall_model: str | None = None
    summary_model: str | None = None
    think: str | None = None
    recall_fragments: bool | None = None
    global_notes: bool | None = None
    recall_from: str | None = None
    guard: bool | None = None


@dataclass(frozen=True)
class Note:
    """A note that a session always sends, like a pin. `author` is "you", or the model that kept it."""

    id: int
    text: str
    author: str
    created_utc: str


MARKS = ("up", "down", "1", "2", "3", "4", "5")
"""The marks that a person can give an exchange: thumbs, or 1 to 5 stars."""

RATED: dict[str, tuple[str, ...]] = {
    "good": ("up", "4", "5"),
    "bad": ("down", "1", "2"),
    "any": MARKS,
    "none": (),
    **{mark: (mark,) for mark in MARKS},
}
"""The ratings that a list or a search can be filtered by, with the marks that each covers; `none` means no rating."""


@dataclass(frozen=True)
class Summary:
    """A summary of exchanges that are no longer sent, from the one of `first_turn_id` to the one of `last_turn_id`.

    `model` is None if a person wrote the summary. The token counts are the server's, for the call that made the
    summary. `last_number` is the number of its last exchange when it was made, or None if unknown.
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
    last_number: int | None = None

    def is_usable(self, numbers: Mapping[str, int]) -> bool:
        """Return whether a session with these exchanges still has all that it covers, and nothing in between.

        `numbers` has each exchange's number by its id. Exchanges can be undone, brought back and deleted.
        """
        last = numbers.get(self.last_turn_id)
        return last is not None and self.last_number in (None, last)


@dataclass(frozen=True)
class Session:
    """A name bound to one llm thread, with its settings.

    `project` is the key of a project's name, `template` the llm template that the session was created from,
    `archived_utc` is set while the session is archived, `budget_usd` is the most that it may cost in US dollars.
    `private`: nothing of it is ever sent in other sessions.
    """

    thread_id: str
    name: str
    created_utc: str
    settings: Settings
    project: str | None = None
    template: str | None = None
    archived_utc: str | None = None
    budget_usd: float | None = None
    private: bool = False


@dataclass(frozen=True)
class Project:
    """Defaults for the sessions that are created in a project, and limits for all its sessions.

    `key` makes its name unique. `budget_usd` is the most that its sessions may cost together, in US dollars.
    `retention_days` is how long its conversations are kept after their last use; None: as long as all others.
    If `auto_title`, its sessions get a title after their third exchange.
    """

    key: str
    name: str
    created_utc: str
    settings: Settings = field(default_factory=Settings)
    budget_usd: float | None = None
    retention_days: int | None = None
    auto_title: bool = False
