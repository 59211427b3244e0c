"""Restoring a backup: it is checked first, and the log that it replaces is kept."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import timezone
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import LogUnusable, SessionError
from ..store import Log, attachments, copying, replacing
from . import backup_files
from .backup_files import PutBack
from .file_parts import PIECE, plain_copy, sync_folder, synced, writing
from .open_files import Program, programs

if TYPE_CHECKING:
    from .desk import Clock
    from .encryption import Unlocking

Progress = Callable[[str, int, int], object]
"""Called with what is being done (“Reading”), the bytes that are done, and the bytes in all (0: unknown)."""


@dataclass(frozen=True)
class RestoredBackup:
    """A backup that was restored.

    `kept` is the log that it replaced, or None if there was none. `readers` are programs that still read that one.
    """

    path: Path
    conversations: int
    kept: Path | None
    files: PutBack
    readers: tuple[Program, ...] = ()


def restore(  # noqa: PLR0913  one parameter an option
    path: Path,
    backup: Path,
    unlock: Unlocking,
    *,
    now: Clock,
    with_attachments: bool = False,
    progress: Progress | None = None,
) -> RestoredBackup:
    """Put a backup in the place of a log, which is kept under another name beside it.

    Args:
        path: The log. It may be damaged, or not exist.
        backup: A file that `Backups` or `llm logs backup` wrote, or any other copy of a log; age files are decrypted.
        unlock: How an encrypted backup is read.
        now: The clock, for the name of the log that is kept.
        with_attachments: Also write those files that attachments name by their paths, if they are missing.
        progress: Called again and again while bytes are copied.

    Raises:
        SessionError: The backup can't be read, is damaged, or is not a log. Nothing was changed.
        LogUnusable: Another program writes to the log. Nothing was changed.
    """
    path, backup = Path(os.path.realpath(path)), Path(os.path.realpath(backup))
    _check(path, backup)
    said = progress or (lambda _what, _done, _total: None)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with plain_copy(path.parent, path, backup.stat().st_size) as part:
        _read(backup, part, unlock, said)
        said("Checking", 0, 0)
        wrong = copying.check(part, thorough=True)
        if wrong:
            hint = f"Use another backup, or read what can be read: llm sessions salvage {backup} --to NEW"
            raise SessionError(f"The backup {backup} is damaged ({wrong}).", hint)
        found = replacing.conversations(part)
        if found is None:
            raise SessionError(f"{backup} is a SQLite database, but not a log of llm.", "Choose another file.")
        with part.open("rb+") as stream:
            synced(stream)
        _check_unused(path)
        kept = _free(path, now)
        readers = tuple(programs(path))
        was = replacing.replace(path, part, kept)
        sync_folder(path.parent)
    files = PutBack()
    if with_attachments:
        with closing(Log.open(path)) as log:
            files = backup_files.put_back(backup, unlock, attachments.paths(log))
    return RestoredBackup(path, found, kept if was else None, files, readers if was else ())


def has_attachments(backup: Path) -> bool:
    """Return whether a backup has a folder with attachments."""
    return backup_files.folder_of(backup).is_dir()


def _check(path: Path, backup: Path) -> None:
    if not backup.is_file():
        what = "is a folder" if backup.is_dir() else "does not exist" if not backup.exists() else "is not a file"
        raise SessionError(f"{backup} {what}.", "Give the file of a backup.")
    if path.is_dir():
        raise SessionError(f"{path} is a folder, not a log.", "Choose the log with -d.")
    if path.exists() and backup.samefile(path):
        raise SessionError(f"{backup} is the log itself.", "Give the file of a backup.")


def _read(backup: Path, part: Path, unlock: Unlocking, progress: Progress) -> None:
    """Copy a backup, which may be encrypted, into a file. Raises SessionError if it is not a database."""
    from .encryption import HEAD, is_age, opened

    with opened(backup, unlock) as stream, writing(part):
        with backup.open("rb") as file:
            encrypted = is_age(file.read(HEAD))
        if encrypted:
            done = 0
            with part.open("rb+") as out:
                for piece in iter(lambda: stream.read(PIECE), b""):
                    out.write(piece)
                    done += len(piece)
                    progress("Decrypting", done, 0)
    if not replacing.is_database(part if encrypted else backup):
        hint = "Import a session, or a file of another tool, with: llm sessions import FILE"
        raise SessionError(f"{backup} is not a backup of a log.", hint)
    if not encrypted:
        try:
            with closing(Log.open(backup)) as log, writing(part):
                copying.copy(log, part, lambda done, total: progress("Reading", done, total))
        except LogUnusable as error:
            raise SessionError(error.message.replace("The log", "The backup"), error.hint, error.outcome) from error


def _check_unused(path: Path) -> None:
    """Raise LogUnusable if another program has the log open to write: it would continue writing to the old one."""
    using = [str(one) for one in programs(path) if one.writes]
    if using:
        raise LogUnusable(f"{path} is in use by {', '.join(using)}.", "End it, then try again.", "Nothing was changed.")


def _free(path: Path, now: Clock) -> Path:
    """Return a name for the log that is replaced, which no file has."""
    name = f"{path.stem}-{now().astimezone(timezone.utc):%Y-%m-%d-%H%M%S}Z.before-restore"
    names = (path.with_name(f"{name}{f'-{number}' if number > 1 else ''}.db") for number in range(1, 1000))
    return next(one for one in names if not one.exists())
