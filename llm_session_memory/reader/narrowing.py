"""Narrow a canned query to some days, a model or a conversation, without changing its text.

For each table of calls that the query reads, a common table expression of the same name is put before it, with only
the wanted rows. The query itself stays as in the catalogue, and a person can read and edit the result.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ..rules.dates import day_after
from .cache import kept
from .source import Source
from .tables import completed, tables_read, whole


@dataclass(frozen=True)
class Span:
    """The filters of a set of numbers; None means no filter. Days are `YYYY-MM-DD`, `until` included.

    `project` is the key of a project: only the conversations of its sessions count.
    """

    since: str | None = None
    until: str | None = None
    model: str | None = None
    thread_id: str | None = None
    project: str | None = None

    def parameters(self) -> dict[str, str]:
        """Return the parameters of the narrowed query."""
        given = {
            "since": self.since,
            "before": day_after(self.until),
            "model": self.model,
            "thread_id": self.thread_id,
            "project": self.project,
        }
        return {name: value for name, value in given.items() if value is not None}

    def conditions(self, thread: str = "thread_id") -> str:
        """Return the SQL condition for a table whose thread is in the column `thread`."""
        wanted = {
            "since": "datetime_utc >= :since",
            "before": "datetime_utc < :before",
            "model": "model = :model",
            "thread_id": f"{thread} = :thread_id",
            "project": f"{thread} in (select thread_id from main.memory_sessions where project = :project)",  # noqa: S608  our own words
        }
        return " and ".join(wanted[name] for name in self.parameters())


_TIMED = {"turns": "thread_id", "responses": "conversation_id", "memory_attempts": "thread_id"}
"""Tables with a time and a model, each with the name of its thread column."""

_OF_TURNS = {
    "memory_contexts": "rowid, *",
    "memory_recalls": "*",
    "memory_ratings": "*",
    "memory_other_ratings": "*",
    "memory_changed": "*",
    "turn_search": "rowid, *",
}
"""Tables whose rows belong to a turn or an older response, and what is selected from them."""

_OF_SESSIONS = (
    *("memory_sessions", "memory_blocks", "memory_pins", "memory_summaries", "memory_bookmarks"),
    *("memory_forks", "memory_undone", "memory_snapshots", "memory_titles", "memory_origins"),
    *("memory_notes", "memory_tags", "memory_meta", "memory_index", "memory_group_members"),
)
"""Tables whose rows belong to a conversation; a project narrows them too."""

_OF_PROJECTS = {
    "memory_projects": "name_key = :project",
    "memory_jobs": "({of}) or id in (select job_id from main.memory_job_items where {of})",
    "memory_job_items": "({of}) or job_id in (select id from main.memory_jobs where {of})",
    "memory_groups": "name_key in (select name_key from main.memory_group_members where {of})",
    "memory_votes": "a_turn_id in ({calls}) and b_turn_id in ({calls})",
}
"""Other tables that a project narrows. `{of}` holds for a conversation of the project, `{calls}` are its calls."""

_OF_THREADS = ("memory_contexts", "memory_summaries")
"""Tables that are narrowed to the thread alone if the query filters by day and model itself."""


def narrowed(
    sql: str, tables: Collection[str], span: Span, *, within: bool = False, rows: tuple[int, int] | None = None
) -> str:
    """Return a canned query narrowed to a span.

    Args:
        sql: the query.
        tables: the tables that the log has.
        span: the filters.
        within: the query filters by day and model itself.
        rows: the first and last rowid of turns within the span's days, if known; the result is the same, only faster.
    """
    expressions = {
        table: f"not materialized (select {rows} from {whole(table, tables)} where {condition})"  # noqa: S608  our own words
        for table, rows, condition in _conditions(tables, span, rows, within=within)
        if table in tables_read(sql) and table in tables
    }
    return completed(sql, tables, expressions)


def _conditions(
    tables: Collection[str], span: Span, rows: tuple[int, int] | None, *, within: bool
) -> list[tuple[str, str, str]]:
    if not span.parameters():
        return []
    if within:
        threads = Span(thread_id=span.thread_id, project=span.project)
        return [(table, "rowid, *", threads.conditions()) for table in _OF_THREADS] if threads != Span() else []
    between = {} if rows is None else {"turns": f"rowid between {rows[0]} and {rows[1]} and "}
    wanted = {table: between.get(table, "") + span.conditions(thread) for table, thread in _TIMED.items()}
    found = [(table, "rowid, *", condition) for table, condition in wanted.items()]
    calls = " union all ".join(
        f"select id from main.{table} where {condition}"  # noqa: S608  as above
        for table, condition in wanted.items()
        if table in tables and table != "memory_attempts"
    )
    of_turns = [(table, rows, f"turn_id in ({calls})") for table, rows in _OF_TURNS.items()]
    if span.project is None:
        return [*found, *of_turns]
    of = Span(project=span.project).conditions()
    of_sessions = [(table, "*", of) for table in _OF_SESSIONS]
    others = [(table, "*", condition.format(of=of, calls=calls)) for table, condition in _OF_PROJECTS.items()]
    return [*found, *of_turns, *of_sessions, *others]


def rows_within(source: Source, span: Span) -> tuple[int, int] | None:
    """Return the first and last rowid of the turns within a span's days, or None if the span has no days.

    llm has no index on the time: this reads all turns once, so that not every panel has to.
    """
    days = Span(span.since, span.until)
    if not days.parameters() or "turns" not in source.tables:
        return None

    def read() -> tuple[int, int]:
        sql = f"select min(rowid), max(rowid) from main.turns where {days.conditions()}"  # noqa: S608  our own words
        ((first, last),) = source.answer(sql, days.parameters())[1]
        return (0, -1) if first is None else (first, last)

    return kept(source, ("rows", days), read)
