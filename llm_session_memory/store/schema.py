"""Our tables in the user's log: a named set of migrations, each an .sql file, never touching llm's own tables.

History of the set "llm-session-memory":

- 001_sessions: sessions, blocks, contexts, pins, attempts, windows; the view memory_session_list
- 002_memory: notes, tags, meta, summaries, the full-text index; session defaults for recall and summaries
- 003_ratings: ratings and bookmarks of exchanges
- 004_words: the full-text index made again, of words that the plugin makes (before: FTS5's porter and unicode61)
- 005_windows: the context window that a request without num_ctx gets
- 006_think: the setting for thinking in replies
- 007_keeping: projects, forks, undone exchanges, snapshots, titles, tombstones, archived sessions, budgets in dollars
- 008_recall: private sessions, recall from other sessions, notes for all sessions
- 009_file: origins of imported conversations, guards, sealed sessions; branches, changes and conflicts, for merging
- 010_jobs: jobs and their items, groups of sessions that are compared, votes for the better answer
- 011_remotes: the machine's name, remotes, names of sessions elsewhere, ratings by others
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database
    from sqlite_utils.migrations import Migrations

_SQL = Path(__file__).parent / "sql"

MIGRATION_SET = "llm-session-memory"

NEEDED: dict[str, frozenset[str]] = {
    "threads": frozenset({"id", "name", "tip_message_hash"}),
    "turns": frozenset(
        [
            "id",
            "thread_id",
            "parent_message_hash",
            "tip_message_hash",
            "model",
            "options_json",
            "input_tokens",
            "output_tokens",
            "duration_ms",
            "datetime_utc",
        ]
    ),
    "messages": frozenset({"hash", "parent_hash", "role", "provider_metadata"}),
    "parts": frozenset({"id", "message_hash", "position", "type", "text", "payload"}),
    "turn_search": frozenset({"turn_id", "prompt", "response"}),
    "fragments": frozenset({"id", "hash", "content", "source"}),
    "turn_fragments": frozenset({"turn_id", "fragment_id", "order", "kind"}),
    "attachments": frozenset({"id", "type", "path", "url", "content"}),
    "turn_tools": frozenset({"turn_id", "tool_id", "instance_id"}),
    "tools": frozenset({"id", "name", "description", "input_schema", "plugin"}),
}
"""llm's tables and columns that the store reads. Older tables (responses, …) are read only if they exist."""


@cache
def statement(name: str) -> str:
    """Return the text of a query or migration by its file name without the suffix."""
    return (_SQL / f"{name}.sql").read_text("utf-8")


def migrations() -> Migrations:
    """Return the named set of migrations."""
    from sqlite_utils.migrations import Migrations

    found = Migrations(MIGRATION_SET)

    for file in names():
        found(name=file)(_migration(file))
    return found


def _migration(file: str) -> Callable[[Database], None]:
    def migrate(db: Database) -> None:
        if file == "004_words":  # rebuilt, by other rules
            db.execute("drop table if exists memory_words")
        _run(db, file)

    return migrate


def names() -> tuple[str, ...]:
    """Return the names of the migrations."""
    return _NAMES


def is_current(db: Database) -> bool:
    """Return whether a log has all migrations and lacks none of our tables, which every command asks first.

    It takes two queries; sqlite-utils needs nine for the migrations alone.
    """
    there = _tables_and_views(db)
    if "_sqlite_migrations" not in there or OURS - there:
        return False
    applied = db.execute("select name from _sqlite_migrations where migration_set = ?", [MIGRATION_SET])
    return {name for (name,) in applied}.issuperset(names())


def _tables_and_views(db: Database) -> frozenset[str]:
    return frozenset(name for (name,) in db.execute("select name from sqlite_master where type in ('table', 'view')"))


def lost(db: Database) -> frozenset[str]:
    """Return our tables and views that a log lacks, though it needs them."""
    return OURS - _tables_and_views(db)


def lost_parts(db: Database) -> frozenset[str]:
    """Return our indexes and triggers that a log lacks, though it has all migrations."""
    there = {name for (name,) in db.execute("select name from sqlite_master where type in ('index', 'trigger')")}
    made = re.compile(r"^create (?:unique )?(?:index|trigger) if not exists (\w+)", re.MULTILINE)
    return frozenset(name for file in names() for name in made.findall(statement(file))) - there


def remake(db: Database, missing: frozenset[str]) -> None:
    """Recreate lost tables and views, empty. If a part of the search index is lost, the index starts over."""
    for name in names():
        _run(db, name)
    if missing & _INDEX:
        db.execute("insert into memory_words (memory_words) values ('delete-all')")
        for table in ("memory_index", "memory_passages", "memory_vectors"):
            db.execute(f"delete from {table}")  # noqa: S608  constants


_NAMES = (
    *("001_sessions", "002_memory", "003_ratings", "004_words", "005_windows", "006_think", "007_keeping"),
    *("008_recall", "009_file", "010_jobs", "011_remotes"),
)
"""The files of the migrations. A test lists the folder; a prompt doesn't."""

_INDEX = frozenset({"memory_index", "memory_passages", "memory_words"})
"""The tables of the search index, which belong together."""


VIEWS = frozenset({"memory_session_list", "memory_changing"})
"""Those of our tables that have no rows of their own."""


OURS = VIEWS | {
    *("memory_attempts", "memory_blocks", "memory_bookmarks", "memory_branches", "memory_changed", "memory_changes"),
    *("memory_conflicts", "memory_contexts", "memory_forks", "memory_global_notes", "memory_group_members"),
    *("memory_groups", "memory_index", "memory_job_items", "memory_jobs", "memory_log_settings", "memory_machine"),
    *("memory_meta", "memory_notes", "memory_originals", "memory_origins", "memory_other_ratings", "memory_passages"),
    *("memory_pins", "memory_projects", "memory_ratings", "memory_recalls", "memory_remote_threads", "memory_remotes"),
    *("memory_sealed", "memory_sessions", "memory_shared_names", "memory_snapshots", "memory_summaries", "memory_tags"),
    *("memory_titles", "memory_tombstones", "memory_undone", "memory_vectors", "memory_votes", "memory_windows"),
    "memory_words",
}
"""The tables and views that the migrations make. A test reads the migrations; a prompt would take a millisecond."""


_ADDED = r"alter table (\w+) add column (\w+)"


def _run(db: Database, name: str) -> None:
    """Execute each statement of a file, as often as needed: tables and columns that are there already are left alone.

    Not with executescript, which would commit the migration's transaction.
    """
    import sqlite3

    pending = ""
    for line in statement(name).splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            added = re.search(_ADDED, pending)
            if not (added and _has_column(db, *added.groups())):
                db.execute(pending)
            pending = ""


def _has_column(db: Database, table: str, column: str) -> bool:
    found = db.execute("select 1 from pragma_table_info(?) where name = ?", [table, column])
    return found.fetchone() is not None
