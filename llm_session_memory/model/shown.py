"""What is shown of sessions: lines of a list, hits of a search and their filters, and what people set beside exchanges.

No prompt needs these, so `model` imports this module at the first use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from .frozen import dataclass
from .kept import Note, Project, Session


@dataclass(frozen=True)
class Rating:
    """A person's opinion of an exchange. `mark` is one of MARKS. It is never sent to a model."""

    mark: str
    note: str = ""
    rated_utc: str = ""


@dataclass(frozen=True)
class Opinion:
    """Another person's rating of an exchange, which came from a remote or with a merge."""

    person: str
    mark: str
    note: str = ""
    rated_utc: str = ""

    @property
    def words(self) -> str:
        """The rating on one line, such as `ana: ★4, “too long”`. It is not made safe to print."""
        mark = f"★{self.mark}" if self.mark.isdigit() else self.mark
        note = " ".join(self.note.split())
        return f"{self.person}: {mark}, “{note}”" if note else f"{self.person}: {mark}"


@dataclass(frozen=True)
class Bookmark:
    """A label that a person gave to an exchange, to find it again."""

    label: str
    created_utc: str = ""


@dataclass(frozen=True)
class Title:
    """A one-line title of a conversation, or an empty one if it was removed.

    `author` is "you", or the model that wrote it. The token counts are the server's, for the call that wrote it.
    `spent_usd` is the cost of the calls for this title and earlier ones, in US dollars; None if unknown or nothing.
    """

    text: str
    author: str
    made_utc: str
    input_tokens: int | None = None
    output_tokens: int | None = None
    duration_ms: int | None = None
    spent_usd: float | None = None


@dataclass(frozen=True)
class Relative:
    """A session that another was forked from, or that was forked from another. `name` is None if it has none.

    `number` is that of the last exchange that both have, as the session that is asked about counts. It is None if that
    session no longer has the exchange.
    """

    thread_id: str
    name: str | None
    number: int | None

    @property
    def reference(self) -> str:
        """Its name, or its id."""
        return self.name or self.thread_id


@dataclass(frozen=True)
class Beside:
    """The tags, meta, notes and title of a conversation, and the name of its project.

    `origin` is what it was forked from, `forks` are its forks, oldest first. `everywhere` are the notes for all
    sessions, if it sends them; exports of a session don't have them.
    """

    tags: tuple[str, ...] = ()
    meta: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    title: str = ""
    project: str = ""
    origin: Relative | None = None
    forks: tuple[Relative, ...] = ()
    everywhere: tuple[Note, ...] = ()


@dataclass(frozen=True)
class Hit:
    """An exchange that a search found, with a passage of the side (prompt, reply or tool) that matched.

    `marks` are the (start, end) positions of the matches in the snippet. A higher `score` is better.
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
class SessionSummary:
    """A session as one line of the list. `project` is its project's name, `origin` what it was forked from.

    `last_used_utc` is the time of its newest exchange or attempt; without any, that of its creation.
    """

    session: Session
    exchanges: int
    input_tokens: int
    output_tokens: int
    last_used_utc: str
    attempts: int
    tags: tuple[str, ...] = ()
    meta: Mapping[str, str] = field(default_factory=dict)
    project: str | None = None
    title: str = ""
    origin: Relative | None = None
    last_model: str | None = None

    @property
    def model(self) -> str | None:
        """The session's own model or, if it has none, that of its newest exchange."""
        return self.session.settings.model or self.last_model


@dataclass(frozen=True)
class Conversation:
    """A session, or a conversation without a name (None), of either generation of llm's tables.

    `last_used_utc` is ISO without a zone, None if the log doesn't say; `model` is None if unknown. `first_words` are
    those of a conversation without a name.
    """

    thread_id: str
    name: str | None
    last_used_utc: str | None
    model: str | None
    first_words: str = ""


@dataclass(frozen=True)
class Filters:
    """The filters for a list of sessions or a search; an empty field filters nothing.

    `tags`: a session must have all of them. `meta`: a session must have these values; None accepts any value. `model`:
    the id of the session's model, or of a model that answered in it, with or without “ollama/”. `called`: another id
    that counts too, because `model` is llm's alias for it. `since` and `until`
    (exclusive): when a session was last used or a prompt was sent; ISO, UTC. `rated`: a key of RATED. A search finds
    the exchanges with such a rating; a list shows the sessions with at least one such exchange or, for `none`, the
    sessions without any rating. `project`: the name of a project. `template`: a template that sessions were created
    from. `archived`: True for archived sessions alone, False for all others, None for both. `visible_in`: a thread,
    and private sessions on other threads are left out ("": all private sessions are).
    """

    tags: tuple[str, ...] = ()
    meta: Mapping[str, str | None] = field(default_factory=dict)
    model: str | None = None
    called: str | None = None
    since: str | None = None
    until: str | None = None
    rated: str | None = None
    project: str | None = None
    template: str | None = None
    archived: bool | None = None
    visible_in: str | None = None


@dataclass(frozen=True)
class ProjectSummary:
    """A project as one line of a list. `last_used_utc` is when a session of it was last used; None without sessions."""

    project: Project
    sessions: int
    last_used_utc: str | None
