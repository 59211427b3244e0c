"""The parts that one write makes: files of lines, up to some megabytes each, under temporary names until it ends.

Each kind of line has parts of its own: what people change (threads) is written again more often than what they say.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import IO, ClassVar

from . import records
from .database import rows
from .disk import PARTS, Disk, synced, temporary_name
from .index import Index
from .records import Added


@dataclass
class _Pending:
    """A part that is being written. `file` is None once it is full."""

    number: int
    name: str
    file: IO[bytes] | None
    size: int = 0
    sha256: hashlib._Hash = field(default_factory=hashlib.sha256)

    @property
    def where(self) -> str:
        return f"{PARTS}/{self.name}"


class Parts:
    """The parts of one write."""

    LARGEST: ClassVar[int] = 4_000_000
    """A part with this many bytes gets no more lines."""

    SMALL: ClassVar[int] = 256_000
    MANY: ClassVar[int] = 64
    """If this many parts of one class are smaller than that, the next write joins them."""

    def __init__(self, disk: Disk, index: Index, token: str, day: str) -> None:
        self.dropped: dict[str, str] = {}
        self._disk, self._index, self._token, self._day = disk, index, token, day
        self._pending: dict[int, _Pending] = {}
        self._current: dict[str, _Pending] = {}
        self._amount = 0

    @property
    def opened(self) -> list[int]:
        """The numbers of the parts that this write began."""
        return list(self._pending)

    @property
    def written(self) -> bool:
        """Whether there is any new part."""
        return bool(self._pending)

    def append(self, into: str, line: bytes, besides: int | None = None) -> tuple[int, int]:
        """Write a line into a part of a class, other than one; return the part's number and where the line begins."""
        part = self._current.get(into)
        if part is None or part.number == besides or part.size >= self.LARGEST:
            if part is not None:
                self._finish(part)
            part = self._current[into] = self._begin(into)
        start = part.size
        assert part.file is not None
        with self._disk.sentences(part.where):
            part.file.write(line)
        part.sha256.update(line)
        part.size += len(line)
        return part.number, start

    def _begin(self, into: str) -> _Pending:
        name = f"{self._day[:7]}/{into}-{self._token}-{self._amount:04}.jsonl"
        self._amount += 1
        file = self._disk.create(temporary_name(f"{PARTS}/{name}"))
        part = _Pending(self._index.new_part(name), name, file)
        self._pending[part.number] = part
        return part

    def _finish(self, part: _Pending) -> None:
        if part.file is not None:
            with self._disk.sentences(part.where), part.file:
                synced(part.file)
            part.file = None

    def class_of(self, number: int) -> str:
        """Return the class of a part."""
        return records.class_of(self._name(number))

    def _name(self, number: int) -> str:
        name: str = rows(self._index.connection, "select name from parts where id = ?", number)[0][0]
        return name

    def open_number(self, number: int) -> IO[bytes]:
        """Open a part for reading, by its number."""
        return self.open(self._name(number))

    def open(self, name: str) -> IO[bytes]:
        """Open a part for reading, even if it is still being written. Raises FileNotFoundError if it is gone."""
        for part in self._pending.values():
            if part.name == name:
                if part.file is not None:
                    with self._disk.sentences(part.where):
                        part.file.flush()
                return self._disk.open(temporary_name(part.where))
        return self._disk.open(f"{PARTS}/{name}")

    def drop(self, number: int) -> None:
        """Drop a part once this write counts."""
        name = self._name(number)
        self._index.drop(name, self._day)
        part = self._pending.pop(number, None)
        if part is None:
            self.dropped[name] = self._day
            return
        self._current = {into: one for into, one in self._current.items() if one is not part}
        self._index.connection.execute("delete from parts where id = ?", (number,))
        self._discard(part)

    def finish(self) -> Iterator[Added]:
        """Write all parts to the disk under their own names, and yield what a record says of them."""
        for part in self._pending.values():
            self._finish(part)
            self._disk.rename(temporary_name(part.where), part.where)
            values = (part.size, part.sha256.hexdigest(), part.number)
            self._index.connection.execute("update parts set size = ?, sha256 = ? where id = ?", values)
            yield Added(part.name, *values[:2])

    def discard(self) -> None:
        """Remove what was written, so that it never counts."""
        for part in self._pending.values():
            self._discard(part)
            self._disk.remove(part.where)

    def _discard(self, part: _Pending) -> None:
        if part.file is not None:
            part.file.close()
        self._disk.remove(temporary_name(part.where))

    def remove_dropped(self) -> None:
        """Remove the files of parts that no longer count."""
        for name in self.dropped:
            self._disk.remove(str(PurePosixPath(PARTS, name)))
