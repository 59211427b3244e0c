"""Read the rows of a table with named columns, one at a time: CSV by RFC 4180, with “,”, “;”, “|” or tabs."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterator
from typing import IO

from ..rules.safe_text import one_line
from .lines import LONGEST, FileRefused

_CODES = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
"""The first bytes of a text, and the encoding that they mean. Spreadsheets write “Unicode text” in UTF-16."""

_DELIMITERS = ",;\t|"


def encoding_of(head: bytes) -> str:
    """Return the encoding of a text with these first bytes."""
    return next((name for mark, name in _CODES if head.startswith(mark)), "utf-8")


def first_line(head: bytes) -> str:
    """Return the first line of a text with these first bytes."""
    lines = head.decode(encoding_of(head), "ignore").splitlines()
    return lines[0] if lines else ""


def column_names(head: bytes) -> list[str]:
    """Return the cells of the first line. Raises csv.Error."""
    first = first_line(head)
    return next(csv.reader([first], delimiter=_delimiter(first)), [])


def rows(stream: IO[bytes], head: bytes, where: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the line and the values of each row that is not empty. A column without a name is called by its number.

    `head` has the first bytes of the stream, which is closed at the end; errors call it `where`. Raises FileRefused.
    """
    csv.field_size_limit(LONGEST)
    line = 1
    text = io.TextIOWrapper(stream, encoding=encoding_of(head), newline="")
    try:
        reader = csv.reader(_without_nuls(text), delimiter=_delimiter(first_line(head)), strict=True)
        columns = [name or str(number) for number, name in enumerate(next(reader, []), 1)]
        twice = next((name for name, count in Counter(columns).items() if count > 1), None)
        if twice is not None:
            raise FileRefused(f"Line 1 of {where} names the column “{one_line(twice, 40)}” twice.")
        line = reader.line_num + 1
        for values in reader:
            if len(values) > len(columns):
                has = f"{len(values)} cells, but the first line names {len(columns)} columns"
                raise FileRefused(f"Line {line:,} of {where} has {has}.")
            if any(values):
                yield line, dict(zip(columns, values, strict=False))
            line = reader.line_num + 1
    except csv.Error as error:
        raise FileRefused(f"Line {line:,} of {where} is not CSV: {error}.") from error
    except UnicodeDecodeError as error:
        message = f"{where} is not UTF-8 text, at or after line {line:,}."
        raise FileRefused(message, "Save it as “CSV UTF-8”, then try again.") from error
    finally:
        text.close()


def _delimiter(first: str) -> str:
    return max(_DELIMITERS, key=first.count)


def _without_nuls(text: IO[str]) -> Iterator[str]:
    """Yield lines without NULs, which Python 3.10 can't read in CSV."""
    return (line.replace("\0", "\ufffd") if "\0" in line else line for line in text)
