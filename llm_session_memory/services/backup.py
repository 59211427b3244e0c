"""Backups of a log: a consistent copy, checked before it gets its name, encrypted if asked for."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timezone
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import LogUnusable, SessionError
from ..store import copying
from . import backup_files
from .desk import Desk
from .file_parts import beside, part_of, plain_copy, sealed, sync_folder, synced

if TYPE_CHECKING:
    from .encryption import Locking

Progress = Callable[[str, int, int], object]
"""Called with what is being done (“Copying”, “Encrypting”), the bytes that are done, and the bytes in all."""


@dataclass(frozen=True)
class Backup:
    """A backup that was made.

    `size` is in bytes. `files` and `missing` are attachments that are stored by their paths: those that were copied,
    and the paths of those that don't exist any more. `removed` are older backups that were deleted.
    """

    path: Path
    size: int
    encrypted: bool = False
    files: int = 0
    missing: tuple[str, ...] = ()
    removed: tuple[Path, ...] = ()


class Backups:
    """Makes backups of one log."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def make(
        self,
        path: Path,
        *,
        overwrite: bool = False,
        lock: Locking | None = None,
        attachments: bool = False,
        progress: Progress | None = None,
    ) -> Backup:
        """Write a backup of the log to a file, which appears when it is whole and was checked.

        Other programs may write meanwhile; the backup has the log as it is at one moment.

        Args:
            path: The file. Only you may read it.
            overwrite: Replace the file if it exists.
            lock: Who can read the backup; None if it isn't encrypted.
            attachments: Also copy the files that attachments name by their paths, into a folder beside the backup.
            progress: Called again and again while bytes are copied.

        Raises:
            SessionError: The file exists, or can't be written.
            LogUnusable: The log can't be read, or is damaged.
        """
        log = self._desk.log
        path = Path(os.path.realpath(path))
        self._check_place(path, overwrite=overwrite)
        if log.empty():
            raise LogUnusable(f"There is nothing in {self._desk.path} yet, so there is nothing to back up.")
        said = progress or (lambda _what, _done, _total: None)
        with plain_copy(
            self._desk.path.resolve().parent if lock else path.parent, path, log.path.stat().st_size
        ) as copy:
            copying.copy(log, copy, lambda done, total: said("Copying", done, total))
            said("Checking", 0, 0)
            wrong = copying.check(copy)
            if wrong:
                check = self._desk.command("check")
                raise LogUnusable(f"The log {log.path} is damaged ({wrong}), so no backup was made.", f"See: {check}")
            self._check_place(path, overwrite=overwrite)  # the copy took its time
            if not attachments:
                return Backup(path, _finished(copy, path, lock, said), lock is not None)
            with backup_files.copied(log, path, lock, overwrite=overwrite) as found:
                size = _finished(copy, path, lock, said)
                found.appear()
        return Backup(path, size, lock is not None, found.count, found.missing)

    def rotate(
        self,
        folder: Path,
        *,
        keep: int | None = None,
        lock: Locking | None = None,
        attachments: bool = False,
        progress: Progress | None = None,
    ) -> Backup:
        """Write a backup with the date in its name into a folder, and delete all but the newest `keep` of them.

        Only files whose names are as this method makes them, for a log of this name, are ever deleted. Raises as
        `make` does; then nothing is deleted.
        """
        from dataclasses import replace

        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            message = f"The folder {folder} can't be created: {error.strerror or error}."
            raise SessionError(message, "Choose another folder with --dir.") from error
        name = self.dated()
        path = folder / f"{name}.db{'.age' if lock else ''}"
        made = self.make(path, lock=lock, attachments=attachments, progress=progress)
        return replace(made, removed=tuple(self._removed(folder, keep)) if keep else ())

    def beside(self, why: str, progress: Progress | None = None) -> Backup:
        """Write a backup beside the log before a change. `why` is in its name, such as `redact`. Raises as `make`."""
        folder = self._desk.path.resolve().parent
        return self.make(folder / f"{self.dated()}.before-{why}.db", progress=progress)

    def dated(self) -> str:
        """Return the name of a backup that is made now, without its ending."""
        now = self._desk.now().astimezone(timezone.utc)
        return f"{self._desk.path.stem}-{now:%Y-%m-%d-%H%M%S}Z"

    def _removed(self, folder: Path, keep: int) -> Iterator[Path]:
        """Delete all but the newest backups of this log in a folder, and return those that went."""
        pattern = re.compile(re.escape(self._desk.path.stem) + r"-\d{4}-\d\d-\d\d-\d{6}Z\.db(\.age)?")
        found = sorted(one for one in folder.iterdir() if pattern.fullmatch(one.name) and one.is_file())
        for path in found[:-keep]:
            try:
                path.unlink()
            except OSError as error:
                message = f"The backup was made, but the old one {path} can't be deleted: {error.strerror or error}."
                raise SessionError(message, "Delete it yourself.") from error
            backup_files.remove(path)
            yield path

    def _check_place(self, path: Path, *, overwrite: bool) -> None:
        """Raise SessionError if a backup can't be written to this path."""
        if path.is_dir():
            hint = f"Give a file, or let the file be named by its date: --dir {path}"
            raise SessionError(f"{path} is a folder.", hint)
        if not path.parent.is_dir():
            raise SessionError(f"The folder {path.parent} does not exist.", "Create it, or choose another file.")
        if not path.exists():
            return
        if path == Path(os.path.realpath(self._desk.path)) or path.samefile(self._desk.path):
            raise SessionError(f"{path} is the log itself.", "Choose another file for the backup.")
        if not path.is_file():
            raise SessionError(f"{path} is not a regular file.", "Choose another file for the backup.")
        if not overwrite:
            raise SessionError(f"{path} already exists.", "Choose another name, or replace it with --overwrite.")
        used = [one for one in beside(path) if one.exists() and one.stat().st_size]
        if used:
            message = f"{path} is in use by another program, because {used[0].name} is beside it."
            raise SessionError(message, "Choose another name, or stop that program.")


def _finished(copy: Path, path: Path, lock: Locking | None, progress: Progress) -> int:
    """Give a whole copy its name, encrypted if it has to be, and return its size in bytes."""
    if lock is not None:
        with part_of(path) as (part, stream):
            with copy.open("rb") as plain:
                sealed(plain, stream, lock, lambda done: progress("Encrypting", done, copy.stat().st_size))
            synced(stream)
            stream.close()
            part.replace(path)
    else:
        with copy.open("rb+") as stream:
            synced(stream)
        copy.replace(path)
    sync_folder(path.parent)
    return path.stat().st_size
