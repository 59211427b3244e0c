"""The JSON objects of a file, one at a time: of JSONL, of a list of any length, or a single one in several lines."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping
from typing import Any

from ..lines import FileRefused, objects
from . import json_items
from .source import SourceFile


def is_list(source: SourceFile) -> bool:
    """Return whether a file is a JSON list."""
    return _start(source).startswith(b"[")


def items(source: SourceFile) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the place and the value of each object of a file. Raises FileRefused, with the place."""
    with source.open() as stream:
        if not is_list(source) and _is_in_one_line(source):
            for number, value in objects(stream, source.name):
                yield f"Line {number:,} of {source.name}", value
            return
        for number, value in enumerate(json_items.items(stream, source.name), 1):
            place = f"Item {number:,} of {source.name}"
            if not isinstance(value, Mapping):
                raise FileRefused(f"{place} is not an object.")
            yield place, dict(value)


def _start(source: SourceFile) -> bytes:
    return source.head.removeprefix(codecs.BOM_UTF8).lstrip()


def _is_in_one_line(source: SourceFile) -> bool:
    """Return whether a file's first object does not continue on a second line."""
    line = _start(source).split(b"\n", 1)[0].rstrip()
    return not line.endswith((b"{", b"[", b",", b":"))
