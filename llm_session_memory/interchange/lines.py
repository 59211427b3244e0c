"""Read the lines of a file as JSON objects, one at a time.

Pure. Every line becomes an object, or a FileRefused with the number of the line: also a photo, half a line, a line of
a gigabyte, or an object with the same key twice.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from typing import IO, Any

from ..errors import SessionError

LONGEST = 128_000_000
"""The longest line that is read, in bytes. To import a line takes about eight times its size in memory."""

MOST_BESIDE_TEXTS = 4_000_000
"""The most bytes of a line outside of strings: Python needs up to 50 bytes of memory for each of them."""

_STRING = re.compile(rb'"[^"]*"')

_LOOK = 1 << 16
"""How many bytes of a line are checked before the rest of it is read."""

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
"""The first bytes of a text in UTF-16."""

_GOES_ON = (b"{", b"[", b",", b":")
"""The last byte of a line that is part of pretty-printed JSON."""

_BLANKS = b" \t\r\n"
_SHOWN = 20
"""How many characters of a line an error shows."""

_MOST_DIGITS = 300
"""The most digits of a whole number: with some more it is infinite for everything but Python."""

NOTHING = "Nothing was imported."


class FileRefused(SessionError):
    """The file is not an exported session, or not one that this version can read."""

    def __init__(self, message: str, hint: str = "Correct the file, then try again.", outcome: str = NOTHING) -> None:
        super().__init__(message, hint, outcome)


def objects(
    stream: IO[Any], where: str, refuse: Callable[[FileRefused], None] | None = None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the number and the value of each line that is not blank. Raises FileRefused.

    `stream` has bytes or text; errors call it `where`. `refuse` is called with the error of a line that is no JSON
    object but may be left out; without it, the error is raised.
    """
    stream = getattr(stream, "buffer", stream)
    number = 0
    while True:
        number += 1
        line = _line(stream, f"Line {number:,} of {where}", first=number == 1)
        if line is None:
            return
        if line:
            try:
                value = _object(line, f"Line {number:,} of {where}")
            except FileRefused as error:
                if refuse is None:
                    raise
                refuse(error)
                continue
            line = b""  # the caller works with the value, and does not need both
            yield number, value
            del value


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
                "Save the file as UTF-8, for example with: iconv -f UTF-16 -t UTF-8 FILE",
            )
    start = start.lstrip(_BLANKS)
    while not start and not whole:
        more = _bytes(stream.readline(_LOOK))
        whole = more.endswith(b"\n") or not more
        start = more.lstrip(_BLANKS)
    if start.startswith(b"["):
        raise FileRefused(
            f"{place} starts a JSON list.",
            "Convert it to JSONL, one JSON object per line, with: jq -c '.[]' FILE",
        )
    if start and not start.startswith(b"{"):
        raise FileRefused(
            f"{place} is not a JSON object: it starts with {_shown(start)}.",
            "Convert it to JSONL, which is one JSON object per line.",
        )
    if not whole:
        start += _bytes(stream.readline(LONGEST + 1 - len(start)))
    if len(start) > LONGEST:
        raise FileRefused(
            f"{place} is longer than {LONGEST // 1_000_000:,} MB.",
            "A line is one exchange with its attachments. Remove the largest attachments from it.",
        )
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
    if len(line) > MOST_BESIDE_TEXTS and _beside_texts(line) > MOST_BESIDE_TEXTS:
        raise FileRefused(f"{place} has more than {MOST_BESIDE_TEXTS // 1_000_000} MB of JSON besides its texts.")
    try:
        value = json.loads(line.decode("utf-8"), **_HOOKS)
    except _NoNumber as error:
        message = f"{place} has the number {error}, which can't be stored."
        raise FileRefused(message, "Replace it with null.") from error
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
                "Put each object on one line, for example with: jq -c . FILE",
            ) from error
        cut = "" if line.endswith(b"}") else " Was the file cut off there?"
        raise FileRefused(f"{place} is not JSON ({error}).{cut}") from error
    assert isinstance(value, dict)
    return value


def _beside_texts(line: bytes) -> int:
    """Return how many bytes of a line are outside of strings."""
    line = line.replace(b"\\\\", b"").replace(b'\\"', b"")  # an escaped quote ends no string
    return len(line) - sum(found.end() - found.start() for found in _STRING.finditer(line))


class _NoNumber(Exception):
    """A number that no log can hold: SQLite's JSON functions refuse a whole text because of it."""

    def __init__(self, text: str) -> None:
        super().__init__(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")


def _constant(text: str) -> None:
    """Refuse NaN and Infinity, which Python writes and reads although JSON has neither."""
    raise _NoNumber(text)


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise _NoNumber(text)
    return number


def _whole(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise _NoNumber(text)
    return int(text)


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


_HOOKS: dict[str, Any] = {
    "object_pairs_hook": _unique,
    "parse_constant": _constant,
    "parse_float": _float,
    "parse_int": _whole,
}
