"""A file or folder that another tool wrote: its beginning, what it holds, and how it is opened.

What is in it may be an attack: an archive that unpacks to more than a disk, names that lead out of a folder, links.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import IO

from ...rules.safe_text import one_line
from ..lines import FileRefused

HEAD = 65_536
"""How many bytes of a file are looked at to recognise it."""

LARGEST_MEMBER = 4 << 30
"""The most bytes that one file of an archive may unpack to: more than the largest export that was ever seen."""

_DAMAGED = (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, NotImplementedError, KeyError, EOFError)
"""What Python's zipfile raises for an archive that is damaged, locked with a password, or packed in an unknown way."""

_UNPACK = "Unpack the archive, and import what is in it."
_AGAIN = "Download or copy it again, or unpack it and import what is in it."

_SQLITE = b"SQLite format 3\x00"


class SourceFile:
    """A file or a folder. `path` is where it is; `name` is what sentences call it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = one_line(path.name, 80)

    @property
    def stem(self) -> str | None:
        """The file's name without its ending, or None if the file has no name of its own: standard input."""
        return self.path.stem if self.name == one_line(self.path.name, 80) else None

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.path.is_dir()

    @cached_property
    def head(self) -> bytes:
        """The first bytes (at most HEAD) of the file; none of a folder. Raises FileRefused if it can't be read."""
        if self.is_folder:
            return b""
        with self.open() as stream:
            return stream.read(HEAD)

    @property
    def may_be_text(self) -> bool:
        """Whether it is a file that is neither an archive nor a database."""
        return not (self.is_folder or self.is_sqlite or self.is_zip)

    @property
    def is_sqlite(self) -> bool:
        """Whether the file is a SQLite database."""
        return self.head.startswith(_SQLITE)

    @cached_property
    def is_zip(self) -> bool:
        """Whether the file is a zip archive."""
        return self.head.startswith(b"PK\x03\x04") and zipfile.is_zipfile(self.path)

    def open(self) -> IO[bytes]:
        """Open the file. Raises FileRefused if it can't be read."""
        try:
            return self.path.open("rb")
        except OSError as error:
            hint = "Check that it is a file that you may read."
            raise FileRefused(f"{self.path} can't be read: {error.strerror or error}.", hint) from error

    def content(self, largest: int) -> bytes:
        """Return the whole file. Raises FileRefused if it can't be read, or has more than `largest` bytes."""
        with self.open() as stream:
            content = stream.read(largest + 1)
        if len(content) > largest:
            raise FileRefused(f"{self.name} is larger than {largest >> 20} MB.", "Split it, or remove it.")
        return content

    # -- archives ------------------------------------------------------

    @cached_property
    def members(self) -> tuple[str, ...]:
        """The names of the files in the archive; none if it isn't one. They are only names, never paths here."""
        if not self.is_zip:
            return ()
        return tuple(one.filename for one in self._archive.infolist() if not one.is_dir())

    @contextmanager
    def member(self, name: str) -> Iterator[IO[bytes]]:
        """Open a file in the archive as a stream. Raises FileRefused if it is damaged, locked or far too large."""
        with _damage(name, self.name):
            if self._archive.getinfo(name).file_size > LARGEST_MEMBER:
                raise FileRefused(f"“{one_line(name, 80)}” in {self.name} would unpack to more than 4 GB.", _UNPACK)
            stream = self._archive.open(name)
        with stream:
            yield io.BufferedReader(_Bounded(stream, name, self.name))

    @cached_property
    def _archive(self) -> zipfile.ZipFile:
        """The archive, which stays open: to list what is in it takes long if there is much."""
        try:
            return zipfile.ZipFile(self.path)
        except (*_DAMAGED, ValueError) as error:
            raise FileRefused(f"{self.name} can't be unpacked: {error}.", _AGAIN) from error

    # -- folders -------------------------------------------------------

    def files(self, pattern: str) -> list[Path]:
        """Return the files below a folder that match a pattern, in the order of their names. Links are not followed."""
        if not self.is_folder:
            return []
        return sorted(path for path in self.path.rglob(pattern) if path.is_file() and not path.is_symlink())


@contextmanager
def _damage(name: str, where: str) -> Iterator[None]:
    """Turn what Python raises for a damaged archive into a sentence about one of its files."""
    try:
        yield
    except _DAMAGED as error:
        said = one_line(str(error), 200).rstrip(".") or "it is damaged"
        raise FileRefused(f"“{one_line(name, 80)}” in {where} can't be unpacked: {said}.", _AGAIN) from error


class _Bounded(io.RawIOBase):
    """A stream that ends with an error if it is far longer than its archive said."""

    def __init__(self, stream: IO[bytes], name: str, where: str) -> None:
        self._stream, self._name, self._where = stream, name, where
        self._left = LARGEST_MEMBER

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]  # typeshed has no Buffer before 3.12
        with _damage(self._name, self._where):
            data = self._stream.read(len(view))
        self._left -= len(data)
        if self._left < 0:
            raise FileRefused(f"“{one_line(self._name, 80)}” in {self._where} unpacks to more than 4 GB.", _UNPACK)
        view[: len(data)] = data
        return len(data)
