"""Which tables of a log a PostgreSQL remote has, and which kinds of documents have rows in them."""

from __future__ import annotations

from ...store.document_tables import OWNED

KEPT = {kind: tuple(tables) for kind, tables in OWNED.items()}
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
