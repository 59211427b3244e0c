"""Use cases for what a session may recall from: check what a person asked for, and find the sessions that it means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..errors import SessionError
from ..model import Session
from ..rules import recall_from
from ..rules.recall_from import ALL, NAME, PROJECT, TAG, RecallSource
from ..store import Log, Sessions, recall_sources


class Others(NamedTuple):
    """Other sessions that excerpts may come from: names by thread. `notices` say what is named but left out."""

    names: dict[str, str]
    notices: tuple[str, ...] = ()


def checked(log: Log, text: str, session: Session | None = None) -> str:
    """Return a value of `--recall-from` in its normal form, without the name of the `session` that it is for.

    Raises SessionError if it is invalid or names nothing.
    """
    there = log.has_sessions()
    found = recall_from.checked(text, lambda source: recall_sources.known(log, source) if there else None)
    own = RecallSource(NAME, session.name) if session else None
    return recall_from.written(tuple(one for one in recall_from.read(found) if one != own))


def others(log: Log, text: str | None, thread_id: str) -> Others:
    """Return the other sessions that a thread may recall from, given the setting in its normal form."""
    if text is None or not log.has_sessions():
        return Others({})
    try:
        sources = recall_from.read(text)
    except SessionError:  # written by hand, or by a newer version
        return Others({}, (f"Recall can't read the setting --recall-from “{text}”.",))
    found: dict[str, str] = {}
    notices: list[str] = []
    for source in sources:
        there = recall_sources.sessions(log, source, thread_id)
        found |= there
        if not there and source.kind != ALL:
            notices += _left_out(log, source, thread_id)
    return Others(found, tuple(notices))


def choices(log: Log, names: Sequence[str]) -> list[str]:
    """Return the values that `--recall-from` can have, given the names of sessions."""
    if not log.columns("memory_projects"):  # not used recently, and Tab writes nothing
        return []
    kept = [RecallSource(NAME, name) for name in names]
    kept += [RecallSource(kind, value) for kind in (TAG, PROJECT) for value in recall_sources.some(log, kind)]
    return [recall_from.SELF, recall_from.ALL, *map(str, kept)]


def _left_out(log: Log, source: RecallSource, thread_id: str) -> Iterator[str]:
    """Yield why there is nothing to recall from, if it is a person's doing."""
    what = f"session “{source.value}”" if source.kind == NAME else f"{source.kind} “{source.value}”"
    if recall_sources.known(log, source) is None:
        yield f"Recall found no {what}; change --recall-from."
    found = Sessions(log).session(source.value) if source.kind == NAME else None
    if found is not None and found.thread_id != thread_id:
        why = "private" if found.private else "archived"
        yield f"Recall left out session “{source.value}”, because it is {why}."
