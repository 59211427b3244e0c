"""Which conversations the filters of the list select, as sets of their ids."""

from __future__ import annotations

from ..rules import names
from ..rules.dates import day_after
from .among import Among, among, threads_in
from .cache import kept
from .entries import Filters
from .source import Source
from .usage import Threads, models_used


def selected(source: Source, filters: Filters) -> Among:
    """Return the conversations that all filters but model and tag select."""
    found = among(source, filters)
    if filters.named:
        found = found.narrowed(_named(source))
    if filters.since or filters.until:
        found = found.narrowed(_used_within(source, filters.since, day_after(filters.until)))
    if filters.text is not None:
        found = found.narrowed(_called(source, filters.text))
    return found


def of_model(source: Source, model: str) -> Threads:
    """Return the conversations that used a model."""
    return models_used(source).get(model, frozenset())


def of_tag(source: Source, tag: str) -> Threads:
    """Return the sessions with a tag."""
    return threads_in(source, "select thread_id from memory_tags where tag_key = :tag", tag=names.key(tag))


def _named(source: Source) -> Threads:
    return threads_in(source, "select thread_id from memory_sessions")


def _used_within(source: Source, since: str | None, before: str | None) -> Threads:
    """Return the conversations with a call, a failed prompt or their creation at a time."""

    def read() -> Threads:
        wanted = "(:since is null or {0} >= :since) and (:before is null or {0} < :before)"
        unused = " and not exists (select 1 from turns t where t.thread_id = memory_sessions.thread_id)"
        sql = " union ".join(
            f"select {thread} as thread_id from {table} where {wanted.format(column)}{more}"  # noqa: S608  our own words
            for table, thread, column, more in (
                ("turns", "thread_id", "datetime_utc", ""),
                ("responses", "conversation_id", "datetime_utc", ""),
                ("memory_attempts", "thread_id", "datetime_utc", ""),
                ("memory_sessions", "thread_id", "created_utc", unused),
            )
        )
        return threads_in(source, sql, since=since, before=before)

    return kept(source, ("used within", since, before), read, len)


def _called(source: Source, text: str) -> Threads:
    """Return the conversations with a text in their name, their title or their first words, whatever its case."""
    like = f"%{_escaped(text)}%"
    sql = " union ".join(
        f"select {thread} as thread_id from {table} where {column} like :like escape '\\'"  # noqa: S608  our own words
        for table, thread, column in (
            ("threads", "id", "name"),
            ("conversations", "id", "name"),
            ("memory_titles", "thread_id", "title"),
            ("memory_sessions", "thread_id", "name"),
        )
    )
    return threads_in(source, sql, like=like)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
