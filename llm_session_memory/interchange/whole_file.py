"""Write a file completely or not at all, readable only by its owner, because it contains conversations."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO

from ..errors import SessionError
from ..services.encryption import Locking, encrypted


@contextmanager
def whole_file(path: Path, *, force: bool, lock: Locking | None = None) -> Iterator[IO[str]]:
    """Give a text stream to a file that appears when everything is written. A replaced file keeps its permissions.

    With a lock, the file is encrypted. Raises SessionError if the file already exists (unless `force`) or can't be
    written.
    """
    with whole_files(force=force) as files, files.add(path, lock) as stream:
        yield stream


@contextmanager
def whole_files(*, force: bool) -> Iterator[WholeFiles]:
    """Write several files, which appear together when everything is written, or none of them.

    If one can't be put in its place, the new ones that already are in theirs are removed. Replaced ones stay.
    """
    files = WholeFiles(force=force)
    try:
        yield files
        files.appear()
    finally:
        files.remove_parts()


def check_file(path: Path, *, force: bool) -> None:
    """Raise SessionError if a file can't be written because it already exists (unless `force`) or is not a file."""
    with _sentences(path):
        _check(Path(os.path.realpath(path)), path, force=force)


class WholeFiles:
    """Files that are being written beside their places."""

    def __init__(self, *, force: bool) -> None:
        self._force = force
        self._parts: dict[Path, Path] = {}

    @contextmanager
    def add(self, path: Path, lock: Locking | None = None) -> Iterator[IO[str]]:
        """Give a text stream to one more file. Raises SessionError if it already exists or can't be written."""
        target = Path(os.path.realpath(path))
        with _sentences(path):
            _check(target, path, force=self._force)
            part = target.with_name(f".{target.name[:200]}.{secrets.token_hex(4)}.part")
            self._parts[path] = part
            descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(descriptor, "wb") as binary, text(binary, lock) as stream:
                yield stream

    def appear(self) -> None:
        """Put all files in their places."""
        made: list[Path] = []
        try:
            for path, part in self._parts.items():
                target = Path(os.path.realpath(path))
                with _sentences(path):
                    _check(target, path, force=self._force)
                    new = not target.exists()
                    with contextlib.suppress(FileNotFoundError):
                        shutil.copymode(target, part)
                    part.replace(target)
                made += [target] if new else []
        except BaseException:
            for target in made:
                with contextlib.suppress(OSError):
                    target.unlink()
            raise

    def remove_parts(self) -> None:
        """Remove what is not in its place."""
        for part in self._parts.values():
            with contextlib.suppress(OSError):
                part.unlink()


@contextmanager
def text(binary: IO[bytes], lock: Locking | None) -> Iterator[IO[str]]:
    """Give a text stream that writes, in UTF-8, into a binary one, which stays open; with a lock, encrypted."""
    with nullcontext(binary) if lock is None else encrypted(binary, lock) as below:
        stream = io.TextIOWrapper(below, encoding="utf-8", errors="replace", newline="\n")
        try:
            yield stream
        finally:
            stream.detach()  # flushes it


@contextmanager
def _sentences(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        hint = "Free some space, or choose another file" if error.errno == errno.ENOSPC else "Choose another file"
        message = f"{path} can't be written: {error.strerror or error}."
        raise SessionError(message, f"{hint}.", "Nothing was written.") from error


def _check(target: Path, path: Path, *, force: bool) -> None:
    try:
        target.stat()  # exists() hides on some Python versions that a name is too long
    except FileNotFoundError:
        return
    if not target.is_file():
        kind = "a folder" if target.is_dir() else "not a regular file"
        raise SessionError(f"{path} is {kind}.", "Give the name of a file, or - for standard output.")
    if not force:
        raise SessionError(f"{path} already exists.", "Choose another name, or replace it with --force.")
