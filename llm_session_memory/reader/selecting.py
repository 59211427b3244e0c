"""Which conversations the filters of the list select, as sets of their ids."""

from __future__ import annotations

from dataclasses import dataclass

from ..rules import names
from ..rules.dates import day_after
from .among import among
from .cache import kept
from .entries import Filters
from .source import Source
from .usage import Threads, models_used


@dataclass(frozen=True)
class Selected:
    """The conversations that filters include (None: all) and, of those, the ones that they exclude."""

    only: Threads | None
    without: Threads

    def has(self, thread_id: str) -> bool:
        """Return whether a conversation is selected."""
        return thread_id not in self.without and (self.only is None or thread_id in self.only)

    def of(self, threads: Threads) -> Threads:
        """Return those of these conversations that are selected."""
        kept = threads if self.only is None else threads & self.only
        return kept - self.without if self.without else kept

    def count(self, threads: Threads) -> int:
        """Return how many of these conversations are selected."""
        if self.only is None:
            return len(threads) - len(threads & self.without)
        return len(self.of(threads))

    def narrowed(self, more: Threads | None) -> Selected:
        """Return those of the selected conversations that are in a set too; None stands for all."""
        if more is None:
            return self
        return Selected(more if self.only is None else self.only & more, self.without)


def selected(source: Source, filters: Filters) -> Selected:
    """Return the conversations that all filters select, but for the model, the tag and the project."""
    kept_beside = among(source, filters)
    found = Selected(kept_beside.only, kept_beside.without)
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
    return _threads(source, "select thread_id from memory_tags where tag_key = :tag", tag=names.key(tag))


def _named(source: Source) -> Threads:
    return _threads(source, "select thread_id from memory_sessions")


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
        return _threads(source, sql, since=since, before=before)

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
    return _threads(source, sql, like=like)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _threads(source: Source, sql: str, **given: str | None) -> Threads:
    return frozenset(source.column(sql, **given)) - {None}
