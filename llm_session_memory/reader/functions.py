"""The SQL functions that our statements and queries need on every connection to a log."""

from __future__ import annotations

import re
from typing import Any

from ..rules import names
from ..store.attempts import in_progress
from .prices import cost, is_local


def register(connection: Any) -> None:
    """Register our functions on a SQLite connection."""
    connection.create_function("session_cost", 4, cost, deterministic=True)
    connection.create_function("session_is_local", 1, lambda model: int(is_local(model)), deterministic=True)
    connection.create_function("session_in_progress", 1, lambda request: int(in_progress(request)))
    connection.create_function("session_key", 1, lambda name: names.key(str(name or "")), deterministic=True)


def register_escape(connection: Any) -> None:
    """Register `escape_fts`, which Datasette provides on its own connections: it turns any text into an FTS5 query."""
    connection.create_function("escape_fts", 1, lambda text: _escaped(str(text or "")), deterministic=True)


def _escaped(text: str) -> str:
    words = re.findall(r'"([^"]+)"|([^\s"]+)', text)
    return " ".join(f'"{phrase or word}"' for phrase, word in words) or '""'
