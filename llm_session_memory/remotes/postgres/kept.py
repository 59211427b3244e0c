"""Which tables of a log a PostgreSQL remote has, and which kinds of documents have rows in them."""

from __future__ import annotations

_ABOUT_CALLS = ("memory_contexts", "memory_originals", "memory_recalls", "memory_changed")

KEPT: dict[str, tuple[str, ...]] = {
    "schema": ("schemas",),
    "attachment": ("attachments",),
    "fragment": ("fragments", "fragment_aliases"),
    "tool": ("tools",),
    "instance": ("tool_instances",),
    "message": ("messages", "parts", "part_attachments", "part_fragments"),
    "response": (
        "responses",
        "prompt_attachments",
        "prompt_fragments",
        "system_fragments",
        "tool_responses",
        "tool_calls",
        "tool_results",
        "tool_results_attachments",
        *_ABOUT_CALLS,
    ),
    "turn": ("turns", "turn_fragments", "turn_tools", "tool_instantiations", "turn_search", *_ABOUT_CALLS),
    "thread": (
        "threads",
        "conversations",
        "memory_sessions",
        "memory_projects",
        "memory_blocks",
        "memory_pins",
        "memory_attempts",
        "memory_notes",
        "memory_tags",
        "memory_meta",
        "memory_summaries",
        "memory_ratings",
        "memory_bookmarks",
        "memory_forks",
        "memory_branches",
        "memory_origins",
        "memory_undone",
        "memory_snapshots",
        "memory_titles",
        "memory_changes",
        "memory_groups",
        "memory_group_members",
        "memory_votes",
    ),
    "tombstone": ("memory_tombstones",),
}
"""The tables of each kind of document."""

TABLES = tuple(dict.fromkeys(table for tables in KEPT.values() for table in tables))
"""All of them."""

SHARED = {
    "memory_changes": ("kind", "thread_id", "key"),
    "memory_groups": ("name_key",),
    "memory_projects": ("name_key",),
}
"""Tables whose rows may belong to several documents, and what tells their rows apart.

They are called remote_NAME, and a view NAME has each row once, as it was sent last.
"""


def stored(table: str) -> str:
    """Return what a table of a log is called on the remote."""
    return f"remote_{table}" if table in SHARED else table
