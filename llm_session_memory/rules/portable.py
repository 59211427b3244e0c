"""Numbers that are the same on every machine, because they are made from content. Pure.

A log numbers its parts, fragments, tools, blocks and so on by itself, so the numbers differ from log to log. What is
sent to a remote has numbers made from hashes instead: 62 bits, so that sums with them still fit into SQLite's 64.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from hashlib import blake2b

from .ulids import IMPORTED, LENGTH, moment_of, number_of, text_of

_BITS = 62
_STAMP_BYTES = 8
_UNDATED = "m-0000-00"
"""The bucket of turns whose ids don't say when they were."""

_PREFIX = 6
"""This many characters of a ULID tell its time to 17 minutes, which nearly always fall in one month."""

_REST = re.compile(r"[0-9a-hjkmnp-tv-zA-HJKMNP-TV-Z]{20}")
"""The others."""


def number(*content: object) -> int:
    """Return a number of at most 62 bits, greater than 0, for what `content` identifies: strings, numbers, None."""
    made = int.from_bytes(blake2b(_canonical(content), digest_size=_STAMP_BYTES).digest(), "big")
    return (made >> (8 * _STAMP_BYTES - _BITS)) or 1


def stamp(*content: object) -> int:
    """Return a signed number of 64 bits that tells whether two logs have the same: strings, numbers, None, lists."""
    return _signed(_canonical(content))


def stamp_of_turn(id_: str, thread_id: str, tip: str | None, parent: str | None) -> int:
    """Return the stamp of a turn, as quickly as that can be: a log may have a million of them."""
    return _signed(f"turn\0{id_}\0{thread_id}\0{tip or ''}\0{parent or ''}".encode("utf-8", "surrogatepass"))


def stamp_of_response(id_: str, thread_id: str) -> int:
    """Return the stamp of a response of an old llm."""
    return _signed(f"response\0{id_}\0{thread_id}".encode("utf-8", "surrogatepass"))


def _canonical(content: object) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def _signed(content: bytes) -> int:
    return int.from_bytes(blake2b(content, digest_size=_STAMP_BYTES).digest(), "big", signed=True)


def bucket(letter: str, key: str) -> str:
    """Return the bucket of a thread (`s`) or a tombstone (`t`): two digits of the hash of its key."""
    return f"{letter}-{blake2b(key.encode('utf-8', 'surrogatepass'), digest_size=1).hexdigest()}"


def months() -> Callable[[str], str]:
    """Return a function from the id of a turn to its bucket: `m-2026-11`, the month of its time in UTC.

    It remembers what it found, so that it is quick for many ids.
    """
    known: dict[str, str | None] = {}

    def month(id_: str) -> str:
        prefix = id_[:_PREFIX]
        if prefix not in known:
            known[prefix] = _of_all(prefix)
        found = known[prefix]
        return found if found is not None and _REST.fullmatch(id_, _PREFIX) else _month(id_)

    return month


def _of_all(prefix: str) -> str | None:
    """Return the bucket of all ids that begin like this, or None if they are of two months or no ULIDs."""
    if number_of(prefix.lower()) is None:
        return None
    last = text_of((1 << (LENGTH - _PREFIX) * 5) - 1, LENGTH - _PREFIX)
    first, end = _month(prefix + "0" * (LENGTH - _PREFIX)), _month(prefix + last)
    return first if first == end and first != _UNDATED else None


def _month(id_: str) -> str:
    moment = None if id_.startswith(IMPORTED) else moment_of(id_)
    return _UNDATED if moment is None else f"m-{moment:%Y-%m}"
