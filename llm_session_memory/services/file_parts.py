"""Files that appear when they are whole: a part beside the later place, written to disk, then renamed."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ..errors import SessionError

if TYPE_CHECKING:
    from .encryption import Locking

PIECE = 1 << 20
"""How many bytes are copied or encrypted at a time."""

_ROOM = 1.02
"""How much room a copy needs, times the log's size."""

_OLD_SECONDS = 86_400
"""After how long a part counts as left behind by a process that was killed."""


@contextmanager
def plain_copy(folder: Path, target: Path, size: int) -> Iterator[Path]:
    """Give an empty file that only its owner can read, and remove it at the end if it is still there.

    Raises SessionError if the folder can't be written, or has no room for this many bytes.
    """
    if folder != target.parent and not os.access(folder, os.W_OK):
        folder = Path(tempfile.gettempdir())  # of an encrypted backup, and the log's folder is read-only
    _sweep(folder, target.name)
    check_room(folder, round(size * _ROOM))
    with writing(target):
        part = folder / f".{target.name[:200]}.{secrets.token_hex(4)}.part"
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        try:
            yield part
        finally:
            for one in (part, *beside(part)):
                with suppress(OSError):
                    one.unlink()


def _sweep(folder: Path, name: str) -> None:
    """Delete old parts of a file, which processes that were killed left behind. A date in its name may be another."""
    pattern = re.sub(r"\d+", r"\\d+", re.escape(name[:200]))
    parts = re.compile(rf"\.{pattern}\.[0-9a-f]{{8}}\.part(?:-wal|-shm|-journal)?")
    with suppress(OSError):
        for one in folder.iterdir():
            if parts.fullmatch(one.name):
                with suppress(OSError):
                    if time.time() - one.stat().st_mtime > _OLD_SECONDS:
                        one.unlink()


def sealed(plain: IO[bytes], stream: IO[bytes], lock: Locking | None, progress: Callable[[int], object]) -> None:
    """Copy a stream into another one, encrypted if there is a lock."""
    from contextlib import nullcontext

    from .encryption import encrypted

    done = 0
    with encrypted(stream, lock) if lock else nullcontext(stream) as out:
        for piece in iter(lambda: plain.read(PIECE), b""):
            out.write(piece)
            done += len(piece)
            progress(done)


@contextmanager
def part_of(path: Path) -> Iterator[tuple[Path, IO[bytes]]]:
    """Give a file beside its later place, open to write, and remove it at the end if it is still there."""
    part = path.with_name(f".{path.name[:200]}.{secrets.token_hex(4)}.part")
    try:
        with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as stream:
            yield part, stream
    finally:
        with suppress(OSError):
            part.unlink()


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the errors of the operating system into sentences about a file that is written."""
    try:
        yield
    except OSError as error:
        hint = "Free some space, or choose another disk" if error.errno == errno.ENOSPC else "Choose another file"
        message = f"{path} can't be written: {error.strerror or error}."
        raise SessionError(message, f"{hint}.", "Nothing was changed.") from error


def check_room(folder: Path, needed: int) -> None:
    """Raise SessionError if a folder's disk has no room for this many bytes."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return  # whoever writes there knows better
    if free < needed:
        message = f"Not enough space in {folder}: {needed:,} bytes are needed, and {free:,} are free."
        raise SessionError(message, "Free some space, or choose another disk.", "Nothing was changed.")


def beside(path: Path) -> Sequence[Path]:
    """Return the files that SQLite may keep beside a database."""
    return [path.with_name(path.name + ending) for ending in ("-wal", "-shm", "-journal")]


def synced(stream: IO[bytes]) -> None:
    """Wait until a file is on its disk."""
    stream.flush()
    os.fsync(stream.fileno())


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on its disk, where that is possible."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
