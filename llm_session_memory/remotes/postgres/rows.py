"""Rows of a log as PostgreSQL can hold them, and back, exactly as they were.

SQLite puts any value into any column, and a text may have NUL characters in it. PostgreSQL can't hold a text with NUL,
nor text in a column of numbers. So a column gets what comes nearest, for people who look there, and `remote_odd` has
what it really was, as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ...model.remotes import Value

BIGINT, DOUBLE, TEXT, BYTES = "bigint", "double precision", "text", "bytea"

_MOST = 2**63
_EXACT = 2**53
"""A double holds every whole number up to this one."""

_ESCAPED = "\x01"
"""What begins a name that PostgreSQL can't hold; the name follows in hexadecimal."""


def fits(value: Value, type_: str) -> bool:
    """Return whether a column of a type holds this value exactly."""
    if value is None:
        return True
    if type_ == BIGINT:
        return type(value) is int and -_MOST <= value < _MOST
    if type_ == DOUBLE:
        return type(value) is float and value == value  # noqa: PLR0124  NaN is not equal to itself
    if type_ == BYTES:
        return isinstance(value, bytes)
    return isinstance(value, str) and _holds(value)


def stored(row: Mapping[str, Value], columns: Mapping[str, str]) -> tuple[list[Any], str | None]:
    """Return a row's values, in the order of the columns and of their types, and what is to be in `remote_odd`."""
    values: list[Any] = []
    odd: dict[str, Any] = {}
    absent = []
    for name, type_ in columns.items():
        value = row.get(name)
        if value is None and name not in row:
            absent.append(name)
        elif not fits(value, type_):
            odd[name] = _written(value)
            value = _nearest(value, type_)
        values.append(value)
    odd |= {name: _written(value) for name, value in row.items() if name not in columns}
    if not odd and not absent:
        return values, None
    return values, json.dumps({key: value for key, value in (("values", odd), ("absent", absent)) if value})


def restored(values: Sequence[Any], columns: Sequence[str], odd: str | None) -> dict[str, Value]:
    """Return the row that `stored` was given."""
    row: dict[str, Value] = dict(zip(columns, values, strict=True))
    if odd is not None:
        said = json.loads(odd)
        row |= {name: _read(*value) for name, value in said.get("values", {}).items()}
        for name in said.get("absent", ()):
            row.pop(name, None)
    return row


def key(name: str) -> str:
    """Return a name (a key, an id, a reference) as PostgreSQL can hold it. Nearly all stay as they are."""
    if name.isascii() and "\0" not in name and not name.startswith(_ESCAPED):
        return name
    if _holds(name) and not name.startswith(_ESCAPED):
        return name
    return _ESCAPED + name.encode("utf-8", "surrogatepass").hex()


def name(key_: str) -> str:
    """Return the name that `key` was given."""
    if not key_.startswith(_ESCAPED):
        return key_
    return bytes.fromhex(key_[len(_ESCAPED) :]).decode("utf-8", "surrogatepass")


def _holds(text: str) -> bool:
    if "\0" in text:
        return False
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _nearest(value: Value, type_: str) -> Any:
    """Return what a column of a type holds instead of a value, for people."""
    if type_ == DOUBLE and isinstance(value, int):
        return float(value) if abs(value) < _MOST else None
    if type_ == TEXT:
        text = (
            value
            if isinstance(value, str)
            else value.decode("utf-8", "replace")
            if isinstance(value, bytes)
            else str(value)
        )
        return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    if type_ == BYTES and isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    return None


def _written(value: Value) -> list[str]:
    if isinstance(value, bytes):
        return ["bytes", value.hex()]
    if isinstance(value, str):
        return ["text", value.encode("utf-8", "surrogatepass").hex()]
    if isinstance(value, float):
        return ["real", value.hex()]
    return ["null", ""] if value is None else ["integer", str(value)]


def _read(kind: str, text: str) -> Value:
    if kind == "bytes":
        return bytes.fromhex(text)
    if kind == "text":
        return bytes.fromhex(text).decode("utf-8", "surrogatepass")
    if kind == "real":
        return float.fromhex(text)
    return None if kind == "null" else int(text)
