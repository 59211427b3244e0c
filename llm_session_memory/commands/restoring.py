"""`llm sessions restore FILE`: put a backup in the place of the log."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import SessionError
from ..llm_seam.models import log_path
from ..memory import Memory
from ..rules.words import counted
from .backing_up import copying_line
from .common import echo

if TYPE_CHECKING:
    from ..services.encryption import Unlocking
    from ..services.restoring import RestoredBackup


def restore_backup(file: str, unlock: Unlocking, *, attachments: bool, database: str | None) -> None:
    """Put a backup in the place of the log, and print where the log that it replaced is."""
    from ..services.desk import now_utc
    from ..services.restoring import has_attachments, restore

    path, backup = log_path(database), Path(file)
    if not backup.exists():
        _explain_missing(path, file)
    with copying_line() as show:
        done = restore(path, backup, unlock, now=now_utc, with_attachments=attachments, progress=show)
    _print(done, file)
    if not attachments and has_attachments(backup):
        echo(
            f"{file}.attachments has files of attachments. Put back those that are missing with --attachments.",
            err=True,
        )


def _explain_missing(path: Path, name: str) -> None:
    """Raise UsageError if somebody named a session without its snapshot, otherwise SessionError."""
    with suppress(SessionError):
        if path.exists():
            with Memory(path) as memory:
                session = memory.sessions.find(name)
            if session is not None:
                raise click.UsageError(
                    f"Which snapshot of “{session.name}”? List them with: llm sessions snapshots {name}"
                )
    message = f"There is no file {name}, and no session of that name."
    raise SessionError(message, "Give the file of a backup, or the name of a session and of a snapshot.")


def _print(done: RestoredBackup, file: str) -> None:
    echo(f"Restored {file}: {done.path} has {counted(done.conversations, 'conversation')}.")
    if done.kept:
        echo(f"The log that it replaced is {done.kept}. Delete it when you no longer need it.")
    for reader in done.readers:
        echo(f"Restart {reader}: it still reads the log that was replaced.", err=True)
    if done.files.count:
        echo(f"Put back {counted(done.files.count, 'file')} of attachments.")
    for path in done.files.different:
        echo(f"Not put back, because another file is there: {path}", err=True)
