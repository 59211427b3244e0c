"""The files of a folder: opened only if they are plain files inside it, and written so that a kill leaves no half.

Everything that is written gets a temporary name first, reaches the disk, and is then renamed. Errors of the operating
system become sentences here.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from ...errors import RemoteFailed
from ...rules.safe_text import one_line

PARTS, RECORDS = "parts", "commits"
TEMPORARY = ".tmp-"
_STRANGER_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_PRIVATE = 0o600
_LARGEST_RECORD = 256 * 1024 * 1024


class Disk:
    """A folder's files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def where(self) -> str:
        """The folder, to show in a sentence."""
        return one_line(str(self.folder))

    def refused(self, error: OSError, name: str = "") -> RemoteFailed:
        """Return the sentence about an error of the operating system, with the file that it is about."""
        where = one_line(str(self.folder / name)) if name else self.where
        return RemoteFailed(
            f"The folder {self.where} can't be used: {where}: {error.strerror or error}.",
            "Check that the drive is connected, has free space and can be written to, then try again.",
        )

    def damaged(self, name: str, why: str) -> RemoteFailed:
        """Return the sentence about a file that is not as it should be."""
        return RemoteFailed(
            f"The file {one_line(name)} of the folder {self.where} can't be read: {one_line(why)}.",
            "If another program synchronises the folder, wait until it is done. Otherwise restore the folder from a "
            "backup, or push to a new one.",
        )

    def newer(self, name: str) -> RemoteFailed:
        """Return the sentence about a file of a later version."""
        message = f"{one_line(name)} of the folder {self.where} was written by a newer version of llm-session-memory."
        return RemoteFailed(message, "Update it with: llm install -U llm-session-memory")

    @contextmanager
    def sentences(self, name: str = "") -> Iterator[None]:
        """Turn the operating system's errors into sentences."""
        try:
            yield
        except OSError as error:
            raise self.refused(error, name) from error

    def names(self, *inside: str) -> list[str]:
        """Return the names in a folder inside, or none if it doesn't exist. A link to a folder is refused."""
        where = self.folder.joinpath(*inside)
        with self.sentences("/".join(inside)):
            if where.is_symlink():
                raise self.damaged("/".join(inside), "it is a link")
            try:
                return sorted(path.name for path in where.iterdir())
            except FileNotFoundError:
                return []

    def open(self, name: str) -> IO[bytes]:
        """Open a file for reading. Raises FileNotFoundError, or RemoteFailed if it isn't a plain file of the folder."""
        if any(parent.is_symlink() for parent in _between(self.folder, self.folder / name)):
            raise self.damaged(name, "its folder is a link")
        try:
            number = os.open(self.folder / name, os.O_RDONLY | _STRANGER_FLAGS)
        except FileNotFoundError:
            raise
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise self.damaged(name, "it is a link") from error
            raise self.refused(error, name) from error
        if not stat.S_ISREG(os.fstat(number).st_mode) or (self.folder / name).is_symlink():
            os.close(number)
            raise self.damaged(name, "it is not a plain file")
        return os.fdopen(number, "rb")

    def read(self, name: str, most: int = _LARGEST_RECORD) -> bytes:
        """Return a small file's contents. Raises FileNotFoundError, or RemoteFailed if it is too large."""
        with self.open(name) as file, self.sentences(name):
            contents = file.read(most + 1)
        if len(contents) > most:
            raise self.damaged(name, "it is too large")
        return contents

    @property
    def mode(self) -> int:
        """The permissions of new files: only the user's if the folder is, as it is when we made it."""
        with self.sentences():
            private = not stat.S_IMODE(self.folder.stat().st_mode) & 0o077
        return _PRIVATE if os.name == "posix" and private else 0o666

    def create(self, name: str) -> IO[bytes]:
        """Create a new file for reading and writing, and the folder that it is in."""
        with self.sentences(name):
            path, mode = self.folder / name, self.mode
            for parent in reversed([*_between(self.folder, path)]):
                parent.mkdir(mode=0o700 if mode == _PRIVATE else 0o777, exist_ok=True)
            flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_BINARY", 0)
            return os.fdopen(os.open(path, flags, mode), "w+b")

    def write(self, name: str, contents: bytes) -> None:
        """Write a whole file, which has its name only once all of it is on the disk."""
        temporary = temporary_name(name)
        try:
            with self.create(temporary) as file, self.sentences(temporary):
                file.write(contents)
                synced(file)
            self.rename(temporary, name)
        except BaseException:
            self.remove(temporary)
            raise

    def rename(self, old: str, new: str) -> None:
        """Rename a file, and make sure that the new name is on the disk."""
        with self.sentences(new):
            (self.folder / old).replace(self.folder / new)
        with suppress(OSError):  # some systems and file servers refuse it for folders
            number = os.open((self.folder / new).parent, os.O_RDONLY)
            try:
                os.fsync(number)
            finally:
                os.close(number)

    def remove(self, name: str) -> None:
        """Remove a file if it is there and can be removed; the next write tries again."""
        with suppress(OSError):
            (self.folder / name).unlink(missing_ok=True)

    def now(self) -> float:
        """Return the time of the drive, in seconds since 1970: that of a file that is written there for a moment."""
        name = f"{TEMPORARY}{secrets.token_hex(10)}-time"
        try:
            with self.create(name) as file, self.sentences(name):
                file.write(b"\n")
                file.flush()
                return os.fstat(file.fileno()).st_mtime
        finally:
            self.remove(name)


def temporary_name(name: str) -> str:
    """Return the temporary name of a file, beside it."""
    folder, _, last = name.rpartition("/")
    return f"{folder}/{TEMPORARY}{last}" if folder else TEMPORARY + last


def synced(file: IO[bytes]) -> None:
    """Wait until a file is on the disk."""
    file.flush()
    os.fsync(file.fileno())


def _between(folder: Path, path: Path) -> Iterator[Path]:
    """Yield the folders between a folder and a file in it."""
    for parent in path.parents:
        if parent == folder:
            return
        yield parent
