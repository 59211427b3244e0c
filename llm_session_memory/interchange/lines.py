"""Read the lines of a file as JSON objects, one at a time.

Pure. Every line becomes an object, or a FileRefused with the number of the line: also a photo, half a line, a line of
50 MB, or an object with the same key twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import IO, Any

from ..errors import SessionError

LONGEST = 1 << 30
"""The longest line that is read, in bytes. SQLite itself stores at most about a billion bytes in one value."""

_LOOK = 1 << 16
"""How many bytes of a line are checked before the rest of it is read."""

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
"""The first bytes of a text in UTF-16."""

_GOES_ON = (b"{", b"[", b",", b":")
"""The last byte of a line that is part of pretty-printed JSON."""

_BLANKS = b" \t\r\n"
_SHOWN = 20
"""How many characters of a line an error shows."""

NOTHING = "Nothing was imported."


class FileRefused(SessionError):
    """The file is not an exported session, or not one that this version can read."""

    def __init__(self, message: str, hint: str = NOTHING) -> None:
        super().__init__(message, hint)


def objects(stream: IO[Any], where: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the number and the value of each line that is not blank. Raises FileRefused.

    `stream` has bytes or text; errors call it `where`.
    """
    stream = getattr(stream, "buffer", stream)
    number = 0
    while True:
        number += 1
        line = _line(stream, f"Line {number:,} of {where}", first=number == 1)
        if line is None:
            return
        if line:
            yield number, _object(line, f"Line {number:,} of {where}")


def _line(stream: IO[Any], place: str, *, first: bool) -> bytes | None:
    """Return the next line, stripped, or None at the end. Stop reading a line that does not start like an object."""
    start = _bytes(stream.readline(_LOOK))
    if not start:
        return None
    whole = start.endswith(b"\n")
    if first:
        start = start.removeprefix(b"\xef\xbb\xbf")
        if start.startswith(_UTF_16) or b"\x00" in start[:4]:
            raise FileRefused(
                f"{place} is UTF-16 text, not UTF-8.",
                f"Save the file as UTF-8, for example with: iconv -f UTF-16 -t UTF-8 FILE. {NOTHING}",
            )
    start = start.lstrip(_BLANKS)
    while not start and not whole:
        more = _bytes(stream.readline(_LOOK))
        whole = more.endswith(b"\n") or not more
        start = more.lstrip(_BLANKS)
    if start.startswith(b"["):
        raise FileRefused(
            f"{place} starts a JSON list.",
            f"A file to import is JSONL: one JSON object per line. Convert it with: jq -c '.[]' FILE. {NOTHING}",
        )
    if start and not start.startswith(b"{"):
        raise FileRefused(
            f"{place} is not a JSON object: it starts with {_shown(start)}.",
            f"A file to import is JSONL: one JSON object per line. {NOTHING}",
        )
    if not whole:
        start += _bytes(stream.readline(LONGEST + 1 - len(start)))
    if len(start) > LONGEST:
        raise FileRefused(f"{place} is longer than {LONGEST // 1024**2:,} MB.")
    return start.rstrip(_BLANKS)


def _bytes(read: str | bytes) -> bytes:
    return read.encode("utf-8", "surrogatepass") if isinstance(read, str) else read


def _shown(start: bytes) -> str:
    """Return the beginning of a line, made safe for an error message."""
    try:
        text = start.split(b"\n")[0][: _SHOWN * 4].decode("utf-8", "strict" if len(start) < _SHOWN else "ignore")
    except UnicodeDecodeError:
        text = ""
    text = text[:_SHOWN].strip()
    return f"“{text}”" if text and text.isprintable() else "bytes that are not text"


def _object(line: bytes, place: str) -> dict[str, Any]:
    try:
        value = json.loads(line.decode("utf-8"), object_pairs_hook=_unique)
    except UnicodeDecodeError as error:
        raise FileRefused(f"{place} is not UTF-8 text (byte {error.start + 1:,} of the line).") from error
    except RecursionError as error:
        raise FileRefused(f"{place} is nested too deeply.") from error
    except _SameKey as error:
        raise FileRefused(f"{place} has the key “{error.key}” twice in one object.") from error
    except ValueError as error:
        if line.endswith(_GOES_ON):
            raise FileRefused(
                f"{place} is not a complete JSON object: it continues on the next line.",
                f"Put each object on one line, for example with: jq -c . FILE. {NOTHING}",
            ) from error
        cut = "" if line.endswith(b"}") else " Was the file cut off there?"
        raise FileRefused(f"{place} is not JSON ({error}).{cut}") from error
    assert isinstance(value, dict)
    return value


class _SameKey(Exception):
    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key if key.isprintable() else ascii(key)[1:-1]


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object. Raises _SameKey if a key occurs twice, because nobody can tell which value is meant."""
    made = dict(pairs)
    if len(made) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _SameKey(key)
            seen.add(key)
    return made
