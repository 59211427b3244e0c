"""Read the items of a JSON file one at a time, so that its size does not matter.

The file is a list of items, or a single item. Each is decoded when all of it has been read.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from typing import IO, Any

from ..lines import FileRefused

_READ = 1 << 20
"""How many bytes are read at once; of an item that is longer, as many again as there are."""

LONGEST = 128_000_000
"""The longest item that is read, in characters."""

_LAST = 16
"""A number, a word or an escape that is cut off ends this close to where it begins."""

_BLANKS = " \t\r\n"


def items(stream: IO[bytes], where: str) -> Iterator[Any]:
    """Yield the items of a JSON list, or the only item. Errors call the file `where`. Raises FileRefused."""
    reader = _Reader(stream, where)
    if reader.skip(_BLANKS + "\ufeff") != "[":
        yield reader.item()
        if reader.skip(_BLANKS):
            raise reader.wrong("has more after its end")
        return
    reader.take()
    if reader.skip(_BLANKS) == "]":
        return
    while True:
        yield reader.item()
        after = reader.skip(_BLANKS)
        if after == "]":
            return
        if after != ",":
            raise reader.wrong("is not JSON after it" if after else "was cut off after it")
        reader.take()


class _Reader:
    """A text that is read as far as it is needed."""

    def __init__(self, stream: IO[bytes], where: str) -> None:
        self._stream, self._where = stream, where
        self._decode = codecs.getincrementaldecoder("utf-8")()
        self._text = ""
        self._at = 0
        self._ended = False
        self._number = 0
        self._decoder = json.JSONDecoder(parse_constant=lambda _: None, strict=False)

    def skip(self, characters: str) -> str:
        """Skip some characters, and return the next one without taking it; an empty text at the end."""
        while True:
            while self._at < len(self._text):
                if self._text[self._at] not in characters:
                    return self._text[self._at]
                self._at += 1
            if not self._more():
                return ""

    def take(self) -> None:
        """Take the next character."""
        self._at += 1

    def item(self) -> Any:
        """Return the next item."""
        self._number += 1
        self.skip(_BLANKS)
        while True:
            try:
                value, self._at = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:  # noqa: PERF203  it is read on after an error
                cut = error.msg.startswith("Unterminated string") or error.pos >= len(self._text) - _LAST
                if not cut or not self._more():
                    raise self._refused(error, cut=cut) from error
            except (ValueError, RecursionError) as error:
                what = "is nested too deeply" if isinstance(error, RecursionError) else "has a number that is too long"
                raise self.wrong(what) from error
            else:
                return value

    def _more(self) -> bool:
        """Read on, and return whether there was more."""
        if self._ended:
            return False
        rest = self._text[self._at :]
        if len(rest) > LONGEST:
            raise self.wrong(f"has more than {LONGEST // 1_000_000} million characters")
        try:
            data = self._stream.read(max(_READ, len(rest)))
            self._ended = not data
            self._text = rest + self._decode.decode(data, final=self._ended)
        except UnicodeDecodeError as error:
            raise FileRefused(f"{self._where} is not UTF-8 text.", "Export it again.") from error
        self._at = 0
        return not self._ended

    def _refused(self, error: json.JSONDecodeError, *, cut: bool) -> FileRefused:
        if cut:
            return self.wrong("was cut off")
        return self.wrong(f"is not JSON ({error.msg} at character {error.pos - self._at + 1:,} of it)")

    def wrong(self, what: str) -> FileRefused:
        """Return the error about the present item."""
        return FileRefused(f"Item {self._number:,} of {self._where} {what}.", "Export it again.")
