"""What the list and the search show, and what they are narrowed to, as frozen values. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .. import model
from .figures import Figures

PAGE = 50
"""Sessions on a page of the list, exchanges on a page of a transcript, hits on a page of a search."""


Sort = Literal["used", "tokens", "exchanges"]


SORTS: dict[Sort, str] = {"used": "last used", "tokens": "most tokens", "exchanges": "most exchanges"}


MARKS, RATED = model.MARKS, model.RATED
"""What an exchange may be rated; and what a list or a search is narrowed to, by the same words as in the terminal."""


RATED_WORDS: dict[str, str] = {
    "good": "rated good",
    "bad": "rated bad",
    "any": "rated",
    "none": "not rated",
    "up": "rated up",
    "down": "rated down",
    **{star: f"rated {star} of 5" for star in "54321"},
}
"""What a list or a search may be narrowed to by rating, as it is offered: the words of RATED."""


@dataclass(frozen=True)
class Filters:
    """What a person narrowed a list or a search to; None: not said. Dates are days, `YYYY-MM-DD`, the last included."""

    text: str | None = None
    model: str | None = None
    tag: str | None = None
    since: str | None = None
    until: str | None = None
    named: bool = False
    rated: str | None = None
    """One of RATED. A session is in a list if one of its exchanges is rated so, for `none` if none has a rating."""

    @property
    def any(self) -> bool:
        """Whether anything is left out."""
        return self != Filters()


@dataclass(frozen=True)
class Line:
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

    @property
    def reference(self) -> str:
        """What its address ends in: the name, or the id of a conversation that has none."""
        return self.name or self.thread_id

    @property
    def title(self) -> str:
        """What it is called on the page."""
        return self.name or self.first_words or self.thread_id


@dataclass(frozen=True)
class Listing:
    """A page of the list, and the key of the next one."""

    lines: tuple[Line, ...]
    next: str | None
    named: int
    others: int
    models: tuple[str, ...]
    tags: tuple[str, ...]
    rated: bool = False


@dataclass(frozen=True)
class Hit:
    """A place where something was found. Snippets have MARK before and UNMARK after what matched."""

    turn_id: str
    number: int | None
    model: str
    datetime_utc: str
    prompt: str
    reply: str


MARK, UNMARK = "\ue000", "\ue001"
"""Around what matched, in a snippet: characters for private use, that no page shows."""


@dataclass(frozen=True)
class Found:
    """The hits of one session, best or newest first."""

    line: Line
    hits: tuple[Hit, ...]


@dataclass(frozen=True)
class Results:
    """A page of a search. `limited`: so many matches that only the newest `limited` were ranked."""

    groups: tuple[Found, ...]
    hits: int
    next: str | None
    limited: int | None = None
