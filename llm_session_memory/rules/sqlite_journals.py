"""The files that SQLite keeps beside a database while it is written: which pages stand in them. Pure.

The formats are described at https://www.sqlite.org/fileformat2.html.
"""

from __future__ import annotations

import struct

_WAL_MAGIC = (0x377F0682, 0x377F0683)
_WAL_HEADER, _FRAME = 32, 24
_JOURNAL_MAGIC = b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"
_JOURNAL_HEADER = 28
_EVERY = 200
"""A page's checksum in a journal is the sum of every 200th byte."""


def committed(wal: bytes, page_size: int) -> dict[int, bytes]:
    """Return the pages of a write-ahead log that were committed, by number, each as it was last."""
    if len(wal) < _WAL_HEADER:
        return {}
    magic, _, size, _, salt1, salt2, sum1, sum2 = struct.unpack(">8I", wal[:_WAL_HEADER])
    order = ">" if magic & 1 else "<"
    if magic not in _WAL_MAGIC or size != page_size:
        return {}
    sums = _summed(wal[:24], (0, 0), order)
    if sums != (sum1, sum2):
        return {}
    found: dict[int, bytes] = {}
    open_: dict[int, bytes] = {}
    at = _WAL_HEADER
    while at + _FRAME + size <= len(wal):
        number, after_commit, first, second, sum1, sum2 = struct.unpack(">6I", wal[at : at + _FRAME])
        page = wal[at + _FRAME : at + _FRAME + size]
        sums = _summed(page, _summed(wal[at : at + 8], sums, order), order)
        if (first, second) != (salt1, salt2) or sums != (sum1, sum2):
            break
        open_[number] = page
        if after_commit:
            found |= open_
            open_ = {}
        at += _FRAME + size
    return found


def _summed(data: bytes, sums: tuple[int, int], order: str) -> tuple[int, int]:
    first, second = sums
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return first, second


def rolled_back(journal: bytes, page_size: int) -> dict[int, bytes]:
    """Return the pages of a journal as they were before the transaction that did not come to its end, by number."""
    found: dict[int, bytes] = {}
    at = 0
    while journal[at : at + 8] == _JOURNAL_MAGIC and len(journal) >= at + _JOURNAL_HEADER:
        count, nonce, _, sector, size = struct.unpack(">5I", journal[at + 8 : at + _JOURNAL_HEADER])
        if size != page_size or not sector:
            break
        at += sector
        room = (len(journal) - at) // (size + 8)
        for _ in range(room if count == 0xFFFFFFFF else min(count, room)):  # noqa: PLR2004  not known yet
            number = int.from_bytes(journal[at : at + 4], "big")
            page = journal[at + 4 : at + 4 + size]
            said = int.from_bytes(journal[at + 4 + size : at + 8 + size], "big")
            if (nonce + sum(page[place] for place in range(size - _EVERY, 0, -_EVERY))) & 0xFFFFFFFF != said:
                return found
            found.setdefault(number, page)
            at += size + 8
        at = -(-at // sector) * sector
    return found
