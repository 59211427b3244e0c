"""The sessions that excerpts may come from: never private or archived ones.

A read-only log of an earlier version lacks columns and tables: no session of it is private, and none has a project.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..rules.names import key
from ..rules.recall_from import ALL, NAME, PROJECT, TAG, RecallSource, replaced
from .log import Log

_OPEN = {"private": " and private = 0", "archived_utc": " and archived_utc is null"}
"""The conditions for a session that others may recall from, and the column that each needs."""

_WHICH = {
    ALL: "",
    NAME: " and name_key = :key",
    PROJECT: " and project = :key",
    TAG: " and exists (select 1 from memory_tags t where t.thread_id = s.thread_id and t.tag_key = :key)",
}

_KNOWN = {
    NAME: ("memory_sessions", "select name from memory_sessions where name_key = :key"),
    PROJECT: ("memory_projects", "select name from memory_projects where name_key = :key"),
    TAG: ("memory_tags", "select tag from memory_tags where tag_key = :key limit 1"),
}


def sessions(log: Log, source: RecallSource, own: str) -> dict[str, str]:
    """Return the sessions of a source that may be recalled from in the thread `own`: names by thread."""
    columns = log.columns("memory_sessions")
    shared = "".join(condition for column, condition in _OPEN.items() if column in columns)
    sql = (
        "select thread_id, name from memory_sessions s where thread_id <> :own"  # noqa: S608  constants
        f"{shared}{_WHICH[source.kind]} order by thread_id"
    )
    return dict(log.tuples(sql, {"own": own, "key": key(source.value)}))


def known(log: Log, source: RecallSource) -> str | None:
    """Return the stored form of a session's name, a project's name or a tag, or None if there is none."""
    table, sql = _KNOWN[source.kind]
    found = log.value(sql, {"key": key(source.value)}) if log.columns(table) else None
    return None if found is None else str(found)


def some(log: Log, kind: str) -> list[str]:
    """Return all tags of sessions, or the names of all projects."""
    sql = {
        TAG: "select min(tag) from memory_tags group by tag_key order by tag_key",
        PROJECT: "select name from memory_projects order by name_key",
    }[kind]
    return [value for (value,) in log.tuples(sql)]


def renamed(log: Log, kind: str, old_key: str, new: str) -> None:
    """Put the new name of a session or project into the settings that name it. Call it inside `log.writing()`."""
    for table, id_ in (("memory_sessions", "thread_id"), ("memory_projects", "name_key")):
        if "recall_from" in log.columns(table):
            changed = _replaced(
                log.tuples(
                    f"select {id_}, recall_from from {table}"  # noqa: S608  constants
                    " where recall_from is not null"
                ),
                kind,
                old_key,
                new,
            )
            log.many(f"update {table} set recall_from = :text where {id_} = :id", changed)  # noqa: S608  constants


def _replaced(rows: Sequence[tuple[Any, ...]], kind: str, old_key: str, new: str) -> Iterator[dict[str, Any]]:
    for id_, text in rows:
        changed = replaced(text, kind, old_key, new)
        if changed != text:
            yield {"id": id_, "text": changed}
