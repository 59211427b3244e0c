"""Upkeep of the log: what would help, doing it, and migrations."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import LogUnusable, SessionError
from ..store import upkeep
from ..store.upkeep import FileFigures, Migration
from .desk import Desk

_WORTH_BYTES, _WORTH_SHARE = 1_000_000, 0.1
"""A vacuum is suggested if it makes the file so much smaller, in bytes and as a share."""

_MANY_SEGMENTS = 10
"""A full-text index of more segments is suggested to be optimized. FTS5 merges them by itself, 4 to 16 at a time."""

_LARGE_WAL = 64_000_000
"""A write-ahead log of more bytes is worth a word. SQLite usually keeps it at about 4 MB."""

_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p", "afs", "davfs", "fuse.rclone"})
"""File systems of Linux that several machines share."""


@dataclass(frozen=True)
class Advice:
    """What a log's file is like, and what would help: an option of the command, and why."""

    figures: FileFigures
    helps: tuple[tuple[str, str], ...]


class Maintenance:
    """Upkeep of one log."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def advice(self) -> Advice:
        """Return what would help. Nothing is changed."""
        found = upkeep.figures(self._desk.log)
        helps = []
        free = found.free_pages * found.page_size
        if free >= _WORTH_BYTES and free >= _WORTH_SHARE * found.size:
            helps.append(("--vacuum", f"makes the file {free:,} bytes smaller ({free / found.size:.0%})"))
        many = [name for name, count in found.segments.items() if count > _MANY_SEGMENTS]
        if many:
            helps.append(("--optimize", f"makes searches faster: {' and '.join(many)} would become one segment"))
        if found.wal_size > _LARGE_WAL:
            helps.append(("--vacuum", f"empties the write-ahead log of {found.wal_size:,} bytes, if nobody reads it"))
        return Advice(found, tuple(helps))

    def vacuum(self) -> tuple[int, int]:
        """Write the file again without its free pages, and return its size in bytes before and after.

        Nobody else can use the log meanwhile. Raises LogUnusable if somebody does, or SessionError without enough room.
        """
        path = self._desk.path
        size = path.stat().st_size
        needed = 2 * size  # SQLite writes a new file, and then the old pages to the journal
        with suppress(OSError):
            free = shutil.disk_usage(path.resolve().parent).free
            if free < needed:
                message = f"Not enough space to rewrite {path}: {needed:,} bytes are needed, and {free:,} are free."
                raise SessionError(message, "Free some space, then try again.", "Nothing was changed.")
        upkeep.vacuum(self._desk.log)
        return size, path.stat().st_size

    def optimize(self, progress: Callable[[str, int], object] | None = None) -> None:
        """Merge the full-text indexes, between which others can write, and run SQLite's `pragma optimize`."""
        upkeep.optimize(self._desk.log, progress or (lambda _name, _steps: None))

    def analyze(self) -> None:
        """Collect statistics for SQLite's query planner, from a sample of each index."""
        upkeep.analyze(self._desk.log)

    def reindex(self) -> None:
        """Rebuild all indexes, from their tables."""
        upkeep.reindex(self._desk.log)

    def set_wal(self, *, on: bool) -> bool:
        """Turn WAL mode on or off, and return whether that was a change.

        Raises LogUnusable if the log is on a network drive (on), or if other programs have it open.
        """
        kind = _network(self._desk.path) if on else None
        if kind:
            raise LogUnusable(
                f"{self._desk.path} is on a network drive ({kind}), where WAL mode damages logs.",
                "Keep the log on a disk of this machine, or leave WAL mode off.",
            )
        return upkeep.set_wal(self._desk.log, on=on)

    def migrations(self, llms: Sequence[str] = ()) -> list[Migration]:
        """Return all migrations of llm's set and ours, in order.

        `llms` are those that the installed llm has, because only it knows which of them are pending.
        """
        found = upkeep.list_migrations(self._desk.log)
        applied = [one for one in found if one.set == "llm"]
        names = {one.name for one in applied}
        pending = [Migration("llm", name, None) for name in llms if name not in names]
        known = frozenset(llms)
        marked = [replace(one, known=one.name in known or not llms) for one in applied]
        return [*marked, *pending, *(one for one in found if one.set != "llm")]

    def migrate(self, to: str | None = None) -> list[str]:
        """Apply our pending migrations, all or up to `to`, in one transaction. Returns those that were applied.

        Raises SessionError if there is no such migration, or LogUnusable if the log can't be written.
        """
        ours = [one for one in upkeep.list_migrations(self._desk.log) if one.set != "llm"]
        names = [one.name for one in ours]
        if to is not None and to not in names:
            raise SessionError(
                f"There is no migration {to}.", f"The newest is {names[-1]}; list them with: {self._list()}"
            )
        pending = [one.name for one in ours if one.applied_utc is None]
        if to is None:
            self._desk.log.migrate()
            return pending
        if to not in pending:
            return []
        upkeep.migrate_to(self._desk.log, to)
        return pending[: pending.index(to) + 1]

    def _list(self) -> str:
        return self._desk.command("migrations")


def _network(path: Path) -> str | None:
    """Return the kind of a network drive that a file is on, or None if it is on none, as far as Linux tells."""
    real = path.resolve()
    found = ("", "")
    with suppress(OSError):
        for line in Path("/proc/self/mounts").read_text("utf-8", "replace").split("\n")[:-1]:
            _, folder, kind, *_ = line.split(" ")
            folder = folder.replace("\\040", " ")
            if real.is_relative_to(folder) and len(folder) >= len(found[0]):
                found = (folder, kind)
    return found[1] if found[1] in _NETWORK else None
