"""Use cases for what a session may recall from: check what a person asked for, and find the sessions that it means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..errors import SessionError
from ..rules import recall_from
from ..rules.recall_from import NAME, PROJECT, TAG, Source
from ..store import Log, recall_sources


class Others(NamedTuple):
    """Other sessions that excerpts may come from: names by thread. `missing` says in words what there is no more."""

    names: dict[str, str]
    missing: tuple[str, ...] = ()


def checked(log: Log, text: str) -> str:
    """Return a value of `--recall-from` in its normal form. Raises SessionError if it is invalid or names nothing."""
    there = _migrated(log)
    return recall_from.checked(text, lambda source: recall_sources.known(log, source) if there else None)


def others(log: Log, text: str | None, thread_id: str) -> Others:
    """Return the other sessions that a thread may recall from, given the setting in its normal form."""
    if text is None or not _migrated(log):
        return Others({})
    try:
        sources = recall_from.read(text)
    except SessionError:  # written by hand, or by a newer version
        return Others({}, (f"“{text}”",))
    found: dict[str, str] = {}
    missing = []
    for source in sources:
        there = recall_sources.sessions(log, source, thread_id)
        found |= there
        if not there and source.value and recall_sources.known(log, source) is None:
            missing.append(_said(source))
    return Others(found, tuple(missing))


def choices(log: Log, names: Sequence[str]) -> list[str]:
    """Return the values that `--recall-from` can have, given the names of sessions."""
    if not log.columns("memory_projects"):  # not used recently, and Tab writes nothing
        return []
    kept = [Source(NAME, name) for name in names]
    kept += [Source(kind, value) for kind in (TAG, PROJECT) for value in recall_sources.some(log, kind)]
    return [recall_from.SELF, recall_from.ALL, *map(str, kept)]


def _migrated(log: Log) -> bool:
    """Return whether a log has sessions. One of an earlier version is migrated."""
    if log.has_sessions() and "private" not in log.columns("memory_sessions"):
        log.migrate()
    return log.has_sessions()


def _said(source: Source) -> str:
    return f"session “{source.value}”" if source.kind == NAME else f"{source.kind} “{source.value}”"
