"""The files that attachments name by their paths, in a folder beside a backup.

The folder has one file for each, and manifest.json, which says where each belongs. If the backup is encrypted, so are
they, each with `.age` after its name.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ..errors import SessionError
from ..store import Log, attachments
from .file_parts import PIECE, part_of, sealed, synced, writing

if TYPE_CHECKING:
    from .encryption import Locking, Unlocking

FORMAT, VERSION = "llm-session-attachments", 1

_MANIFEST = "manifest.json"


@dataclass(frozen=True)
class PutBack:
    """Files of attachments: those that were put back, that were there already, and that differ from the backup's."""

    count: int = 0
    same: int = 0
    different: tuple[str, ...] = ()


def folder_of(backup: Path) -> Path:
    """Return the folder with the attachments of a backup."""
    return backup.with_name(f"{backup.name}.attachments")


def remove(backup: Path) -> None:
    """Remove the attachments of a backup, if it has any."""
    folder = folder_of(backup)
    if _is_ours(folder):
        shutil.rmtree(folder, ignore_errors=True)


def _is_ours(folder: Path) -> bool:
    """Return whether a folder was made here. Any other one is left alone, whatever it is called."""
    return any((folder / name).exists() for name in (_MANIFEST, f"{_MANIFEST}.age"))


class Copied:
    """Copies of files in a folder that gets its name later, or is removed. A context manager."""

    def __init__(self, folder: Path, part: Path, count: int, missing: Sequence[str]) -> None:
        self._folder, self._part = folder, part
        self.count, self.missing = count, tuple(missing)

    def appear(self) -> None:
        """Give the folder its name, in place of that of an older backup."""
        if self._part.is_dir():
            with writing(self._folder):
                if self._folder.exists():
                    shutil.rmtree(self._folder)
                self._part.rename(self._folder)

    def __enter__(self) -> Copied:  # noqa: PYI034  Self needs Python 3.11
        return self

    def __exit__(self, *error: object) -> None:
        shutil.rmtree(self._part, ignore_errors=True)


def copied(log: Log, backup: Path, lock: Locking | None, *, overwrite: bool) -> Copied:
    """Copy all files that attachments of a log name by their paths. Those that don't exist any more are counted.

    Raises SessionError if the folder exists (unless `overwrite`, and it is that of a backup), or can't be written.
    """
    folder = folder_of(backup)
    if os.path.lexists(folder) and not _is_ours(folder):
        raise SessionError(f"{folder} exists, and is not from a backup.", "Choose another name for the backup.")
    if folder.exists() and not overwrite:
        raise SessionError(f"{folder} already exists.", "Choose another name, or replace it with --overwrite.")
    part = folder.with_name(f".{folder.name[:200]}.{secrets.token_hex(4)}.part")
    missing: list[str] = []
    entries: list[dict[str, Any]] = []
    try:
        with writing(folder):
            part.mkdir(mode=0o700)
            for number, path in enumerate(attachments.paths(log), 1):
                name = f"{number:05}{Path(path).suffix[:20]}{'.age' if lock else ''}"
                found = _copied(Path(path), part / name, lock)
                if found is None:
                    missing.append(path)
                else:
                    entries.append({"path": path, "file": name, **found})
            manifest = {"format": FORMAT, "version": VERSION, "files": entries}
            with part_of(part / f"{_MANIFEST}{'.age' if lock else ''}") as (made, stream):
                _sealed_text(json.dumps(manifest, indent=1), stream, lock)
                stream.close()
                made.rename(part / f"{_MANIFEST}{'.age' if lock else ''}")
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return Copied(folder, part, len(entries), missing)


def put_back(backup: Path, unlock: Unlocking, named: Sequence[str]) -> PutBack:
    """Write those files of a backup's folder that are missing to their places. No file is replaced.

    Args:
        backup: The backup's file.
        unlock: How encrypted files are read.
        named: The paths that the log's attachments name. Nothing else is written.

    Raises:
        SessionError: The folder is missing or damaged, or a file can't be written.
    """
    folder = folder_of(backup)
    wanted = frozenset(named)
    done, same, different = 0, 0, []
    for entry in _entries(folder, unlock):
        path = Path(entry["path"])
        if entry["path"] not in wanted or not path.is_absolute():
            continue
        if os.path.lexists(path):  # also a link that leads nowhere
            if path.is_file() and _hash(path) == entry["sha256"]:
                same += 1
            else:
                different.append(entry["path"])
            continue
        _put(folder / entry["file"], path, entry["sha256"], unlock)
        done += 1
    return PutBack(done, same, tuple(different))


def _copied(path: Path, target: Path, lock: Locking | None) -> dict[str, Any] | None:
    """Copy a file, and return its size and hash, or None if there is none. Never a pipe or a device."""
    with suppress(OSError, ValueError):
        if not path.is_file():
            return None
        with path.open("rb") as stream:
            watched = _Hashed(stream)
            with os.fdopen(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as out, writing(target):
                sealed(watched, out, lock, lambda _done: None)  # type: ignore[arg-type]  # it is only read
                synced(out)
        return {"bytes": watched.size, "sha256": watched.hash.hexdigest()}
    return None


class _Hashed:
    """A stream that counts and hashes what is read of it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.hash, self.size = hashlib.sha256(), 0

    def read(self, size: int) -> bytes:
        piece = self._stream.read(size)
        self.hash.update(piece)
        self.size += len(piece)
        return piece


def _sealed_text(text: str, stream: IO[bytes], lock: Locking | None) -> None:
    import io

    sealed(io.BytesIO(text.encode()), stream, lock, lambda _done: None)


def _entries(folder: Path, unlock: Unlocking) -> list[dict[str, str]]:
    """Return what a folder's manifest says. Raises SessionError if it is missing, or not as we write it."""
    found = [folder / name for name in (_MANIFEST, f"{_MANIFEST}.age") if (folder / name).is_file()]
    if not found:
        hint = "Keep the folder beside the backup, or leave out --attachments."
        raise SessionError(f"There are no attachments in {folder}.", hint)
    try:
        with _plain(found[0], unlock) as stream:
            return _parsed(json.loads(stream.read()), found[0])
    except (ValueError, KeyError, TypeError) as error:
        raise SessionError(f"{found[0]} is damaged.", "Use another backup, or leave out --attachments.") from error


def _parsed(said: Any, path: Path) -> list[dict[str, str]]:
    """Return the files of a manifest. Raises ValueError, KeyError or TypeError if it is not as we write it."""
    if said["format"] != FORMAT:
        raise ValueError(said["format"])
    if said["version"] > VERSION:
        raise SessionError(f"{path} is from a newer version.", "Update: llm install -U llm-session-memory")
    entries = [{key: str(entry[key]) for key in ("path", "file", "sha256")} for entry in said["files"]]
    outside = [entry["file"] for entry in entries if Path(entry["file"]).name != entry["file"]]
    if outside:
        raise ValueError(outside[0])
    return entries


def _put(stored: Path, path: Path, sha256: str, unlock: Unlocking) -> None:
    """Write a file to its place, if the backup's copy is as it was. Raises SessionError."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with part_of(path) as (part, out):
            with _plain(stored, unlock) as stream:
                watched = _Hashed(stream)
                for piece in iter(lambda: watched.read(PIECE), b""):
                    out.write(piece)
            if watched.hash.hexdigest() != sha256:
                raise SessionError(f"{stored} is damaged.", "Use another backup, or leave out --attachments.")
            synced(out)
            out.close()
            part.rename(path)


def _hash(path: Path) -> str:
    with path.open("rb") as stream:
        watched = _Hashed(stream)
        for _ in iter(lambda: watched.read(PIECE), b""):
            pass
    return watched.hash.hexdigest()


@contextmanager
def _plain(path: Path, unlock: Unlocking) -> Iterator[IO[bytes]]:
    from .encryption import opened

    with opened(path, unlock) as stream:
        yield stream
