"""Shapes of what comes from a remote, checked: it was written by others, and may be anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..model.remotes import KINDS, Document, Rows, Value

_SMALLEST, _LARGEST = -(2**63), 2**63 - 1


class WrongShapeError(ValueError):
    """Something from a remote that is not a document. It is turned into a sentence where its place is known."""


def text(value: object) -> str:
    """Return a text. Raises WrongShapeError if it isn't one."""
    if not isinstance(value, str):
        raise WrongShapeError("a text is missing")
    return value


def integer(value: object) -> int:
    """Return an integer of 64 bits. Raises WrongShapeError if it isn't one."""
    if not isinstance(value, int) or isinstance(value, bool) or not _SMALLEST <= value <= _LARGEST:
        raise WrongShapeError("a number is missing or too large")
    return int(value)


def mapping(value: object) -> Mapping[str, Any]:
    """Return a mapping with texts as keys. Raises WrongShapeError if it isn't one."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise WrongShapeError("an object is missing")
    return value


def sequence(value: object) -> Sequence[Any]:
    """Return a list. Raises WrongShapeError if it isn't one."""
    if not isinstance(value, list | tuple):
        raise WrongShapeError("a list is missing")
    return value


def rows_of(value: object, name: Callable[[str], str], cell: Callable[[object], Value]) -> Rows:
    """Return rows by table, with names and cells as these functions read them."""
    return {
        name(table): [{name(column): cell(each) for column, each in mapping(row).items()} for row in sequence(rows)]
        for table, rows in mapping(value).items()
    }


def checked(document: Document) -> Document:
    """Return a document whose kind, key and place are possible. Raises WrongShapeError if they are not."""
    if document.kind not in KINDS or not document.key or document.place < 0:
        raise WrongShapeError("it is not a document of a known kind")
    return document
