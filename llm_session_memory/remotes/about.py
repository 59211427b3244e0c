"""What a list of a remote's conversations shows, read from the rows of their documents."""

from __future__ import annotations

from typing import NamedTuple

from ..model.remotes import Document, Value

CALLS = ("turn", "response")
"""The kinds of documents that count as calls of a conversation."""

_TIMES = {"turn": "turns", "response": "responses"}


class About(NamedTuple):
    """A conversation's shared name, its project and its tags; empty if it has none."""

    name: str = ""
    project: str = ""
    tags: tuple[str, ...] = ()


def about(thread: Document) -> About:
    """Return what the rows of a thread's document say about it. Rows of another shape say nothing."""
    session = next(iter(thread.rows.get("memory_sessions", ())), {})
    project = _text(session.get("project"))
    for row in thread.rows.get("memory_projects", ()):
        if row.get("name_key") == project:
            project = _text(row.get("name")) or project
    tags = (_text(row.get("tag")) for row in thread.rows.get("memory_tags", ()))
    return About(_text(session.get("name")), project, tuple(sorted({tag for tag in tags if tag})))


def moment(call: Document) -> str:
    """Return when a turn or response was logged, as its row says, or an empty text."""
    row = next(iter(call.rows.get(_TIMES.get(call.kind, ""), ())), {})
    return _text(row.get("datetime_utc"))


def _text(value: Value) -> str:
    return value if isinstance(value, str) else ""
