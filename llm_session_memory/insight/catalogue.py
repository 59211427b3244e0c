"""The canned queries: each is an .sql file with its title, topic, meaning in plain words, and its parameters.

Datasette offers these files, `llm sessions query` runs them, and docs/queries.md lists them. This module imports
neither Datasette nor llm.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..reader.tables import completed, tables_read

_FOLDER = Path(__file__).parent / "queries"
_PREFIX = "sessions_"
"""Prefix of every query in Datasette: in 0.65, a query hides a table that has the same name."""

_HEAD = re.compile(r"-- (title|topic|means|param|whole) ?([a-z_]*): ?(.*)")

TOPICS = (
    *("Conversations", "Search", "Activity", "Models", "Cost and budgets", "Tools", "Fragments, schemas, attachments"),
    *("Failures and retries", "Pruning", "Recall", "Ratings", "Forks and projects", "Batch", "Workflows"),
    *("Comparisons", "Housekeeping"),
)
"""What queries are about, in the order in which they are listed."""


@dataclass(frozen=True)
class Query:
    """One query: its name, title, topic, meaning, parameters and SQL text.

    `whole` is true if it reads something that is not of any session, so that it can't be limited to a project.
    """

    name: str
    title: str
    topic: str
    means: str
    parameters: tuple[tuple[str, str], ...]
    sql: str
    whole: bool = False

    @property
    def short_name(self) -> str:
        """The query's name on the command line."""
        return self.name.removeprefix(_PREFIX)

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that the query reads."""
        return tables_read(self.sql)

    @property
    def for_postgres(self) -> str | None:
        """The query for PostgreSQL, if it is too different to be made from `sql`."""
        path = _FOLDER / "postgres" / f"postgres_{self.short_name}.sql"
        return path.read_text("utf-8").strip() if path.exists() else None

    def text(self, tables: Collection[str]) -> str:
        """Return the SQL for a log that has these tables; missing tables count as empty."""
        return completed(self.sql, tables)


@cache
def catalogue() -> dict[str, Query]:
    """Return all queries by name, in the order of their topics."""
    read = (_read(path) for path in sorted(_FOLDER.glob("*.sql")))
    return {query.name: query for query in sorted(read, key=lambda query: TOPICS.index(query.topic))}


def by_topic(about: str = "") -> dict[str, list[Query]]:
    """Return the queries of each topic that has a word beginning with `about`, in order; all topics if it is empty."""
    wanted = about.casefold()
    found: dict[str, list[Query]] = {}
    for query in catalogue().values():
        topic = query.topic.casefold()
        if topic.startswith(wanted) or f" {wanted}" in topic:
            found.setdefault(query.topic, []).append(query)
    return found


def named(name: str) -> Query | None:
    """Return the query of this name, long or short, or None."""
    key = name.replace("-", "_")
    return catalogue().get(key) or catalogue().get(f"{_PREFIX}{key}")


def _read(path: Path) -> Query:
    lines = path.read_text("utf-8").splitlines(keepends=True)
    said: dict[str, str] = {}
    parameters: list[tuple[str, str]] = []
    while lines and (match := _HEAD.match(lines[0])):
        kind, name, text = match.groups()
        if kind == "param":
            parameters.append((name, text))
        else:
            said[kind] = text
        lines.pop(0)
    sql = "".join(lines).strip()
    return Query(path.stem, said["title"], said["topic"], said["means"], tuple(parameters), sql, "whole" in said)
