"""The log that llm's command works on, for what llm calls meanwhile."""

from __future__ import annotations

from pathlib import Path

import click
import llm


def log_in_use() -> Path:
    """Return the log of the command in progress: that of its -d, else llm's own."""
    context = click.get_current_context(silent=True)
    database = context.params.get("database") if context else None
    return Path(database) if database else Path(llm.user_dir()) / "logs.db"
