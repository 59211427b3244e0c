"""How many sessions of a list have each model, tag and project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..rules import names
from .among import Among
from .entries import Facet, Facets, Filters
from .selecting import of_model, of_tag, selected
from .source import Source
from .usage import Threads, models_used

_MOST = 200
"""The most values of a facet."""


def facets(source: Source, filters: Filters, beside: Among) -> Facets:
    """Return the facets of a list. `beside` is what all filters but model and tag select."""
    tagged = of_tag(source, filters.tag) if filters.tag else None
    used = of_model(source, filters.model) if filters.model else None
    anywhere = selected(source, replace(filters, project=None)) if filters.project else beside
    return Facets(
        models=_counted(models_used(source), beside.narrowed(tagged), filters.model),
        tags=_counted(_tags(source), beside.narrowed(used), filters.tag),
        projects=_counted(_projects(source), anywhere.narrowed(tagged).narrowed(used), filters.project),
    )


def _counted(threads: Mapping[str, Threads], among: Among, chosen: str | None) -> tuple[Facet, ...]:
    """Return the values that sessions have, the most frequent first, and the chosen value even if none has it."""
    found = [Facet(value, among.count(have)) for value, have in threads.items()]
    asked = names.key(chosen) if chosen else None
    some = [facet for facet in found if facet.sessions or names.key(facet.value) == asked]
    return tuple(sorted(some, key=lambda facet: (-facet.sessions, facet.value))[:_MOST])


def _tags(source: Source) -> dict[str, Threads]:
    return _sets(source, "select min(tag) over (partition by tag_key) as value, thread_id from memory_tags")


def _projects(source: Source) -> dict[str, Threads]:
    return _sets(
        source,
        "select p.name as value, s.thread_id from memory_projects p join memory_sessions s on s.project = p.name_key",
    )


def _sets(source: Source, sql: str) -> dict[str, Threads]:
    found: dict[str, set[str]] = {}
    for row in source.query(sql):
        found.setdefault(row["value"], set()).add(row["thread_id"])
    return {value: frozenset(threads) for value, threads in found.items()}
