"""Which threads the filters of a list or a search select by what is kept beside a thread."""

from __future__ import annotations

from dataclasses import dataclass

from ..rules.names import NO_PROJECT, key
from .entries import MARKS, RATED, Filters
from .source import Source, ids
from .usage import Threads


@dataclass(frozen=True)
class Among:
    """The threads that filters include (None: all) and, of those, the ones that they exclude."""

    only: Threads | None = None
    without: Threads = frozenset()

    def has(self, thread_id: str) -> bool:
        """Return whether a thread is selected."""
        return thread_id not in self.without and (self.only is None or thread_id in self.only)

    def of(self, threads: Threads) -> Threads:
        """Return which of these threads are selected."""
        included = threads if self.only is None else threads & self.only
        return included - self.without if self.without else included

    def count(self, threads: Threads) -> int:
        """Return how many of these threads are selected."""
        if self.only is None:
            return len(threads) - len(threads & self.without)
        return len(self.of(threads))

    def narrowed(self, more: Threads | None) -> Among:
        """Return those of the selected threads that are in a set too; None stands for all."""
        if more is None:
            return self
        return Among(more if self.only is None else self.only & more, self.without)

    def parameters(self) -> dict[str, str | None]:
        """Return the parameters `only` and `without` of a statement, as JSON arrays."""
        return {"only": None if self.only is None else ids(sorted(self.only)), "without": ids(sorted(self.without))}


def rated(source: Source, filters: Filters) -> Among:
    """Return the threads with an exchange of the wanted rating."""
    if filters.rated not in RATED:
        return Among()
    sql = "select distinct thread_id from memory_ratings where mark in (select value from json_each(:marks))"
    found = threads_in(source, sql, marks=ids(RATED[filters.rated] or MARKS))
    return Among(without=found) if filters.rated == "none" else Among(found)


def of_sessions(source: Source, filters: Filters) -> Among:
    """Return the threads of the wanted project, template and archive."""
    wanted: list[str] = []
    if filters.project is not None:
        wanted.append("project is :project")
    if filters.template is not None:
        wanted.append("instr(', ' || template || ', ', ', ' || :template || ', ')")
    if filters.archived:
        wanted.append("archived_utc is not null")
    project = key(filters.project or "")
    given = {"project": None if project == NO_PROJECT else project, "template": filters.template}
    only = _sessions(source, " and ".join(wanted), **given) if wanted else None
    without = _sessions(source, "archived_utc is not null") if filters.archived is False else frozenset[str]()
    return Among(only, without)


def among(source: Source, filters: Filters) -> Among:
    """Return the threads that all of these filters select."""
    first, second = rated(source, filters), of_sessions(source, filters)
    return Among(first.only, first.without | second.without).narrowed(second.only)


def threads_in(source: Source, sql: str, **given: str | None) -> Threads:
    """Return the threads that a short statement selects."""
    return frozenset(source.column(sql, **given)) - {None}


def _sessions(source: Source, condition: str, **given: str | None) -> Threads:
    return threads_in(source, f"select thread_id from memory_sessions where {condition}", **given)  # noqa: S608  our own words
