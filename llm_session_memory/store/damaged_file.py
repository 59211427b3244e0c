"""Reading a SQLite file that SQLite refuses to read: page by page, leaving out what is damaged. Never writes.

A write-ahead log or a journal beside the file belongs to it: pages that were committed to the first, or that the second
would bring back, stand instead of those in the file.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ..rules.sqlite_format import (
    HEADER,
    INDEX_LEAF,
    TABLE_INTERIOR,
    TABLE_LEAF,
    Cell,
    Damaged,
    Value,
    cells,
    header,
    kind,
    record,
)
from ..rules.sqlite_journals import committed, rolled_back

_MOST_OVERFLOW = 1_000_000_000
"""SQLite's own limit for the bytes of a row."""


Rows = list[tuple[int | None, list[Value]]]
"""Row ids, None for tables without them, and values."""


@dataclass
class TableLosses:
    """What could not be read of a table: pages by number, cells and records by how many."""

    pages: list[int] = field(default_factory=list)
    rows: int = 0


class DamagedFile:
    """The pages of a file. Close it after use. Raises OSError if the file can't be opened."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        size = os.fstat(self._file.fileno()).st_size
        self._instead: dict[int, bytes] = {}
        self.header = header(self._bytes(0, HEADER))
        beside = {end: _read(path.with_name(path.name + end)) for end in ("-wal", "-journal")}
        self._instead |= committed(beside["-wal"], self.header.page_size)
        self._instead |= rolled_back(beside["-journal"], self.header.page_size)
        if 1 in self._instead:
            self.header = header(self._instead[1][:HEADER])
        self.pages = max(-(-size // self.header.page_size), *self._instead, 0)
        self.seen: set[int] = set()
        """The pages of tables that were read, or that were tried."""

    @property
    def cut_off(self) -> int:
        """How many pages are missing at the end of the file, as far as its header tells."""
        return max(0, self.header.count - self.pages)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def page(self, number: int) -> bytes:
        """Return a page, shorter than a page if the file ends in it or if its disk can't read it."""
        if number in self._instead:
            return self._instead[number]
        size = self.header.page_size
        return self._bytes((number - 1) * size, size)

    def _bytes(self, at: int, size: int) -> bytes:
        try:
            self._file.seek(at)
            return self._file.read(size)
        except OSError:
            return b""

    def rows(self, root: int, losses: TableLosses) -> Iterator[tuple[int | None, list[Value]]]:
        """Yield the row ids and values of the table that begins at a page, in order; without a row id, None."""
        left: list[tuple[int, Cell | None]] = [(root, None)]
        while left:
            number, after = left.pop()
            if after is not None:
                yield from self._row(after, losses)
                continue
            found = self._cells(number, losses)
            if found is None:
                continue
            if kind(self.page(number), number) in (TABLE_LEAF, INDEX_LEAF):
                for cell in found:
                    yield from self._row(cell, losses)
                continue
            for cell in reversed(found):
                if cell is None:
                    losses.rows += 1
                    continue
                if cell.size:  # an interior page of a table without row ids
                    left.append((number, cell))
                left.append((cell.left, None))

    def _cells(self, number: int, losses: TableLosses) -> list[Cell | None] | None:
        """Return the cells of a page that was not seen before; None if it can't be read."""
        if number in self.seen or not 0 < number <= self.pages:
            losses.pages.append(number)
            return None
        self.seen.add(number)
        page = self.page(number)
        try:
            if len(page) == self.header.page_size:
                return [*cells(page, number, self.header.usable)]
        except (Damaged, IndexError):
            pass
        losses.pages.append(number)
        return None

    def _row(self, cell: Cell | None, losses: TableLosses) -> Iterator[tuple[int | None, list[Value]]]:
        if cell is None:
            losses.rows += 1
            return
        try:
            values = record(self._payload(cell), self.header.encoding)
        except Damaged:
            losses.rows += 1
            return
        yield cell.rowid, values

    def _payload(self, cell: Cell) -> bytes:
        """Return a whole record. Raises Damaged if its pages can't be read."""
        if not cell.more:
            return cell.payload
        if cell.size > _MOST_OVERFLOW or cell.size > self.pages * self.header.page_size:
            raise Damaged("a record")
        pieces = [cell.payload]
        missing, number, seen = cell.size - len(cell.payload), cell.more, set[int]()
        while missing > 0:
            page = self.page(number) if 0 < number <= self.pages and number not in seen else b""
            if len(page) < self.header.page_size:
                raise Damaged("a record")
            seen.add(number)
            pieces.append(page[4 : min(self.header.usable, 4 + missing)])
            missing -= len(pieces[-1])
            number = int.from_bytes(page[:4], "big")
        return b"".join(pieces)

    def mark(self, root: int) -> None:
        """Mark the pages of a table as seen, without reading its rows."""
        left = [root]
        while left:
            number = left.pop()
            found = self._cells(number, TableLosses()) or ()
            if kind(self.page(number), number) == TABLE_INTERIOR:
                left += [cell.left for cell in found if cell]

    def orphans(self, is_wanted: Callable[[bool, list[Value]], bool]) -> Iterator[tuple[bool, Rows]]:
        """Yield the rows of each page of a table that no other page leads to, and that is not known to be free.

        With them comes whether they are of a table without row ids. `is_wanted` is asked about the first row of a page.
        """
        free = self.free
        for number in range(2, self.pages + 1):
            if number in self.seen or number in free:
                continue
            page = self.page(number)
            if len(page) < self.header.page_size or kind(page, number) in (0, TABLE_INTERIOR):
                continue
            losses = TableLosses()
            without_rowid = kind(page, number) != TABLE_LEAF
            rows: Rows = []
            for cell in self._cells(number, losses) or ():
                if cell is not None and not cell.size:
                    continue  # only leads to another page
                rows += self._row(cell, losses)
                if len(rows) == 1 and not is_wanted(without_rowid, rows[0][1]):
                    break
            else:
                yield without_rowid, rows

    @cached_property
    def free(self) -> frozenset[int]:
        """The pages that are known to be free. What was deleted may still be in them."""
        return frozenset(self._free()[0])

    @property
    def knows_free(self) -> bool:
        """Whether all free pages are known."""
        return self._free()[1]

    def _free(self) -> tuple[set[int], bool]:
        """Return the free pages as far as they are known, and whether that is all of them."""
        found: set[int] = set()
        number = self.header.free
        while number:
            page = self.page(number)
            count = int.from_bytes(page[4:8], "big")
            readable = 0 < number <= self.pages and len(page) == self.header.page_size
            if number in found or not readable or count > (self.header.usable - 8) // 4:
                return found, False
            found.add(number)
            found.update(int.from_bytes(page[8 + 4 * n : 12 + 4 * n], "big") for n in range(count))
            number = int.from_bytes(page[:4], "big")
        return found, self.header.readable and len(found) == self.header.free_count


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
