"""Find the log that llm's command is working on, for tools and loaders that llm calls in the meantime."""

from __future__ import annotations

from pathlib import Path

import click
import llm


def log_in_use() -> Path:
    """Return the log of the command in progress: the one given with -d, else llm's own."""
    context = click.get_current_context(silent=True)
    database = context.params.get("database") if context else None
    return Path(database) if database else Path(llm.user_dir()) / "logs.db"
