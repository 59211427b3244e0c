"""Write a file completely or not at all, readable only by its owner, because it contains conversations."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ..errors import SessionError


@contextmanager
def whole_file(path: Path, *, force: bool) -> Iterator[IO[str]]:
    """Give a text stream to a file that appears when everything is written. A replaced file keeps its permissions.

    Raises SessionError if the file already exists (unless `force`) or can't be written.
    """
    target = Path(os.path.realpath(path))
    beside_it = target.with_name(f".{target.name[:200]}.{secrets.token_hex(4)}.part")
    try:
        _check(target, path, force=force)
        descriptor = os.open(beside_it, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace", newline="\n") as stream:
            yield stream
        _check(target, path, force=force)
        with contextlib.suppress(FileNotFoundError):
            shutil.copymode(target, beside_it)
        beside_it.replace(target)
    except OSError as error:
        hint = "Free some space, or choose another file" if error.errno == errno.ENOSPC else "Choose another file"
        message = f"{path} can't be written: {error.strerror or error}."
        raise SessionError(message, f"{hint}. Nothing was written.") from error
    finally:
        with contextlib.suppress(OSError):
            beside_it.unlink()


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
