"""The entries and filters of the session list and of the search, as frozen values. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from .. import model
from ..model import Side
from ..rules.openings import beginning
from .figures import Figures

PAGE = 50
"""Page size: sessions of the list, exchanges of a transcript, hits of a search."""


Sort = Literal["used", "name", "model", "exchanges", "tokens", "cost"]


SORTS: dict[Sort, str] = {
    "used": "last used",
    "name": "name",
    "model": "model",
    "exchanges": "exchanges",
    "tokens": "tokens",
    "cost": "cost",
}
"""What a list can be sorted by."""

TEXTS: frozenset[Sort] = frozenset({"name", "model"})
"""The sort orders that begin with A; all others begin with the newest or the most."""


MARKS, RATED = model.MARKS, model.RATED
"""The marks of a rating, and the rating filters of a list or a search: the terminal uses the same words."""


RATED_WORDS: dict[str, str] = {
    "good": "rated good",
    "bad": "rated bad",
    "any": "rated",
    "none": "not rated",
    "up": "rated up",
    "down": "rated down",
    **{star: f"rated {star} of 5" for star in "54321"},
}
"""Labels of the rating filters in RATED."""


ARCHIVED: dict[str, bool | None] = {"only": True, "all": None}
"""What a list can be asked about archived sessions, and `Filters.archived` for it."""


@dataclass(frozen=True)
class Filters:
    """The filters of a list or a search; None means no filter. Dates are `YYYY-MM-DD`, `until` included.

    A session matches a model or days if any of its calls does.
    """

    text: str | None = None
    model: str | None = None
    tag: str | None = None
    since: str | None = None
    until: str | None = None
    named: bool = False
    rated: str | None = None
    """A key of RATED. A session matches if one of its exchanges has such a rating; `none` matches unrated sessions."""
    project: str | None = None
    """The name of a project."""
    template: str | None = None
    """The name of a template that sessions were created from."""
    archived: bool | None = None
    """True for archived sessions alone, False for all others, None for both."""

    @property
    def any(self) -> bool:
        """Whether any filter is set. Leaving out what is archived doesn't count, because lists do that by default."""
        return (replace(self, archived=None) if self.archived is False else self) != Filters()


class _Called:
    """What a session, or an unnamed conversation, is called."""

    thread_id: str
    name: str | None
    first_words: str
    """The name that llm gave it: the first 32 characters of its first prompt."""
    title: str
    opening: str
    """The beginning of its first prompt on one line, without Markdown; empty if it isn't known."""

    @property
    def reference(self) -> str:
        """The last part of its URL: the name, or the id of a conversation without a name."""
        return self.name or self.thread_id

    @property
    def heading(self) -> str:
        """What it is called on the pages."""
        return self.name or self.title or beginning(self.opening) or self.first_words or self.thread_id


@dataclass(frozen=True)
class Relative(_Called):
    """A session, or an unnamed conversation, that another was forked from or that was forked from another.

    `number` is that of the last exchange that both have, as the session that is asked about counts. It is None if that
    session no longer has the exchange.
    """

    thread_id: str
    name: str | None
    first_words: str
    number: int | None = None
    title: str = ""
    opening: str = ""


@dataclass(frozen=True)
class FamilyBranch:
    """A session in the tree of its family, with the number of forks on the way from the root."""

    depth: int
    session: Relative


@dataclass(frozen=True)
class Family:
    """The session that a session was forked from, if any, and those that were forked from it, oldest first."""

    parent: Relative | None = None
    forks: tuple[Relative, ...] = ()


@dataclass(frozen=True)
class Line(_Called):
    """A session, or a conversation without a name, as a line of the list."""

    thread_id: str
    name: str | None
    first_words: str
    model: str
    figures: Figures
    tags: tuple[str, ...] = ()
    policy: str | None = None
    budget: int | None = None
    pins: int = 0
    attempts: int = 0
    forked_from: str | None = None
    """The id of the thread that it was forked from."""
    origin: Relative | None = None
    title: str = ""
    """The one-line title that a person or a model gave it."""
    snapshots: int = 0
    project: str | None = None
    """The name of its project."""
    template: str | None = None
    archived_utc: str | None = None
    opening: str = ""
    models: tuple[str, ...] = ()
    """All models that it used: the one of `model` first, the others in the order of their names."""
    own_model: str = ""
    """The session's own model, which its next prompt goes to; empty without one."""

    @property
    def listed_model(self) -> str:
        """The model in a list: the session's own, as `llm sessions list` has it, or that of the newest call."""
        return self.own_model or self.model


@dataclass(frozen=True)
class Facet:
    """A value that a list can be narrowed to, and how many sessions of the list have it."""

    value: str
    sessions: int


@dataclass(frozen=True)
class Facets:
    """The models, tags and projects of a list, the most frequent first.

    Each is counted as if the list were not narrowed by its own kind, so that one can go from one model to another.
    """

    models: tuple[Facet, ...] = ()
    tags: tuple[Facet, ...] = ()
    projects: tuple[Facet, ...] = ()


@dataclass(frozen=True)
class Listing:
    """A page of the list, and the key of the next page. `named` does not count the archived sessions.

    `matching` is how many sessions the filters select, in all pages.
    """

    lines: tuple[Line, ...]
    next: str | None
    named: int
    others: int
    models: tuple[str, ...]
    tags: tuple[str, ...]
    rated: bool = False
    projects: tuple[str, ...] = ()
    archived: int = 0
    matching: int = 0
    facets: Facets = Facets()


@dataclass(frozen=True)
class Hit:
    """One match of a search. Snippets have MARK before and UNMARK after each matching word.

    `side` is what the snippet in `reply` is from: the reply, a tool's result, or a fragment that went with the prompt.
    """

    turn_id: str
    number: int | None
    model: str
    datetime_utc: str
    prompt: str
    reply: str
    side: Side = "reply"


MARK, UNMARK = "\ue000", "\ue001"
"""Delimiters of matches in a snippet: private-use characters that no page shows."""


@dataclass(frozen=True)
class SessionHits:
    """The hits of one session, best or newest first."""

    line: Line
    hits: tuple[Hit, ...]


@dataclass(frozen=True)
class Results:
    """A page of a search. `limited` is set if there were too many matches: only the newest `limited` were ranked.

    `llms_index` says whether some texts are only in llm's own index, which finds whole words.
    """

    groups: tuple[SessionHits, ...]
    hits: int
    next: str | None
    limited: int | None = None
    llms_index: bool = False
