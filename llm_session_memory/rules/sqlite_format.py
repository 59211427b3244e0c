"""The pages of a SQLite file: cells and records. Pure: bytes in, values out.

For files that SQLite itself refuses to read. The format is described at https://www.sqlite.org/fileformat2.html, of
which only tables that are stored by row id, and tables without one, are read here.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

MAGIC = b"SQLite format 3\x00"

HEADER = 100
"""The bytes of the file's header, which the first page begins with."""

INDEX_INTERIOR, TABLE_INTERIOR, INDEX_LEAF, TABLE_LEAF = 2, 5, 10, 13
"""The first byte of a page, by its kind."""

_INTERIOR = (INDEX_INTERIOR, TABLE_INTERIOR)
_SIZES = (512, 1024, 2048, 4096, 8192, 16384, 32768, 65536)
_DEFAULT_SIZE = 4096
_ENCODINGS = {1: "utf-8", 2: "utf-16-le", 3: "utf-16-be"}
_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
_FLOAT, _ZERO, _ONE, _FIRST_TEXT = 7, 8, 9, 12
_VARINT_BYTES = 9

_NAME = r"(?:\w+|\"[^\"]+\"|\[[^\]]+\]|`[^`]+`|'[^']+')"
_BETWEEN = r"(?:\s|--[^\n]*\n|/\*[^*]*\*/)*"
_MAKES_TABLE = re.compile(rf"CREATE TABLE {_BETWEEN}{_NAME}{_BETWEEN}\(", re.IGNORECASE)

Value = int | float | str | bytes | None


class Damaged(ValueError):
    """Bytes that are not what the format says."""


@dataclass(frozen=True)
class FileHeader:
    """What a file's header says, or what is usual if it can't be read.

    `reserved` bytes at the end of each page are not used; `free` is the first page of the list of free ones, of which
    there are `free_count`. `count` is how many pages the file should have, or 0 if it does not say so.
    """

    page_size: int = _DEFAULT_SIZE
    reserved: int = 0
    encoding: str = "utf-8"
    free: int = 0
    free_count: int = 0
    count: int = 0
    readable: bool = False

    @property
    def usable(self) -> int:
        """The bytes of a page that hold content."""
        return self.page_size - self.reserved


@dataclass(frozen=True)
class Cell:
    """A cell of a page: the page of what comes before it, its row id, and its record, each if it has one.

    `size` is that of the record. If `more` is not 0, `payload` is only the beginning of the record, and the rest is in
    a list of pages that begins there.
    """

    left: int = 0
    rowid: int | None = None
    payload: bytes = b""
    size: int = 0
    more: int = 0


def makes_table(sql: str) -> bool:
    """Return whether a statement makes a table with columns that it names, and does nothing else.

    SQLite stores such statements in a file's schema. A file from someone else may have any other there.
    """
    return _MAKES_TABLE.match(sql) is not None


def header(data: bytes) -> FileHeader:
    """Return the header of a file, given its first 100 bytes."""
    if len(data) < HEADER or not data.startswith(MAGIC):
        return FileHeader()
    size = int.from_bytes(data[16:18], "big")
    size = 65536 if size == 1 else size
    if size not in _SIZES:
        return FileHeader()
    free, count = struct.unpack(">II", data[32:40])
    encoding = _ENCODINGS.get(int.from_bytes(data[56:60], "big"), "utf-8")
    # Only programs that count the pages keep these two equal: “In-header database size” in the format's description.
    pages = int.from_bytes(data[28:32], "big") if data[24:28] == data[92:96] else 0
    return FileHeader(size, data[20], encoding, free, count, pages, readable=True)


def kind(page: bytes, number: int) -> int:
    """Return the kind of a page, given its number; 0 if it is not a page of a table or an index."""
    at = HEADER if number == 1 else 0
    found = page[at] if len(page) > at else 0
    return found if found in (*_INTERIOR, INDEX_LEAF, TABLE_LEAF) else 0


def cells(page: bytes, number: int, usable: int) -> Iterator[Cell | None]:
    """Yield the cells of a page, in order, None for one that can't be read; last comes the right-most page, if any.

    Raises Damaged if the page's own header makes no sense.
    """
    at = HEADER if number == 1 else 0
    what = kind(page, number)
    first = at + (12 if what in _INTERIOR else 8)
    count = int.from_bytes(page[at + 3 : at + 5], "big")
    if not what or first + 2 * count > usable:
        raise Damaged(f"page {number}")
    for place in range(first, first + 2 * count, 2):
        start = int.from_bytes(page[place : place + 2], "big")
        if not first + 2 * count <= start < usable:
            yield None
            continue
        try:
            yield _cell(page, start, what, usable)
        except (Damaged, IndexError):
            yield None
    if what in _INTERIOR:
        yield Cell(left=int.from_bytes(page[at + 8 : at + 12], "big"))


def _cell(page: bytes, at: int, what: int, usable: int) -> Cell:
    left = 0
    rowid: int | None = None
    if what in _INTERIOR:
        left = int.from_bytes(page[at : at + 4], "big")
        at += 4
        if what == TABLE_INTERIOR:
            return Cell(left=left)
    size, at = varint(page, at)
    if what == TABLE_LEAF:
        rowid, at = varint(page, at)
        rowid -= (rowid >> 63) << 64
        most = usable - 35
    else:
        most = (usable - 12) * 64 // 255 - 23
    local = size
    if size > most:
        least = (usable - 12) * 32 // 255 - 23
        local = least + (size - least) % (usable - 4)
        local = local if local <= most else least
    if at + local > usable:
        raise Damaged("a cell that is longer than its page")
    more = int.from_bytes(page[at + local : at + local + 4], "big") if local < size else 0
    return Cell(left, rowid, page[at : at + local], size, more)


def varint(data: bytes, at: int) -> tuple[int, int]:
    """Return an integer of variable length, and where the next thing begins. Raises IndexError at the end."""
    value = 0
    for place in range(at, at + _VARINT_BYTES - 1):
        byte = data[place]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:  # noqa: PLR2004  the bit that says that more follows
            return value, place + 1
    return value << 8 | data[at + _VARINT_BYTES - 1], at + _VARINT_BYTES


def record(payload: bytes, encoding: str) -> list[Value]:
    """Return the values of a record. Bytes of a text that are not valid become U+FFFD. Raises Damaged."""
    try:
        end, at = varint(payload, 0)
        types = []
        while at < end:
            type_, at = varint(payload, at)
            types.append(type_)
    except IndexError as error:
        raise Damaged("a record") from error
    if at != end or end > len(payload):
        raise Damaged("a record")
    values: list[Value] = []
    for type_ in types:
        value, at = _value(payload, at, type_, encoding)
        values.append(value)
    if at != len(payload):
        raise Damaged("a record")
    return values


def _value(payload: bytes, at: int, type_: int, encoding: str) -> tuple[Value, int]:
    if type_ == 0:
        return None, at
    if type_ in (_ZERO, _ONE):
        return type_ - _ZERO, at
    if type_ >= _FIRST_TEXT:
        end = at + (type_ - _FIRST_TEXT) // 2
        data = payload[at:end]
        return (data.decode(encoding, "replace") if type_ % 2 else data), end
    if type_ in _INTEGERS:
        end = at + _INTEGERS[type_]
        return int.from_bytes(payload[at:end], "big", signed=True), end
    if type_ == _FLOAT and at + 8 <= len(payload):
        return struct.unpack_from(">d", payload, at)[0], at + 8
    raise Damaged("a value")
