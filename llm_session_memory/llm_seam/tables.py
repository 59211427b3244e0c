"""llm's own tables."""

from __future__ import annotations

from ..store import Log

RELIED_ON = {"migrations": "migrate"}
"""What of llm is relied on here (see `shape`)."""


def migrated(log: Log) -> None:
    """Bring llm's own tables up to date, as any llm command that writes would, in one transaction.

    Commands of llm that do it at the same time, each statement on its own, trip over each other.
    """
    from llm.migrations import migrate

    with log.writing():
        migrate(log.database)
