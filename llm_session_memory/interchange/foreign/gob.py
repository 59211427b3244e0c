"""Read a value in Go's gob encoding, in which mods keeps conversations. Pure.

The encoding is that of https://pkg.go.dev/encoding/gob: a stream of messages, each a length and a type's number. A
negative number is followed by the definition of the type, a positive one by a value. Structs become dicts by the names
of their fields (fields with Go's zero value are missing), slices lists, strings str, and bytes bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

_BOOL, _INT, _UINT, _BYTES, _STRING = 1, 2, 3, 5, 6
_DEFINITION, _FIELDS = 16, 22
_DEEPEST = 20
_LONGEST_NUMBER = 8


class NotGob(ValueError):
    """The bytes are not a value in gob encoding, or one of a kind that is not read here."""


@dataclass(frozen=True)
class _Type:
    """A struct with the names and types of its fields, a list of one type, or a map."""

    fields: tuple[tuple[str, int], ...] = ()
    element: int | None = None
    key: int | None = None


_COMMON = ("CommonType", 18)
_KNOWN = {
    16: _Type((("ArrayT", 17), ("SliceT", 19), ("StructT", 20), ("MapT", 23))),
    17: _Type((_COMMON, ("Elem", _INT), ("Len", _INT))),
    18: _Type((("Name", _STRING), ("Id", _INT))),
    19: _Type((_COMMON, ("Elem", _INT))),
    20: _Type((_COMMON, ("Field", _FIELDS))),
    21: _Type((("Name", _STRING), ("Id", _INT))),
    22: _Type(element=21),
    23: _Type((_COMMON, ("Key", _INT), ("Elem", _INT))),
}
"""The types with which types are defined, by their numbers in Go's library."""


def decoded(data: bytes) -> Any:
    """Return the first value of a stream. Raises NotGob."""
    return _Stream(data).value()


@dataclass
class _Stream:
    data: bytes
    at: int = 0
    types: dict[int, _Type] = field(default_factory=lambda: dict(_KNOWN))

    def value(self) -> Any:
        while True:
            length = self._uint()
            end = self.at + length
            if not 0 < length <= len(self.data) - self.at:
                raise NotGob("it is cut off")
            number = self._int()
            if number >= 0:
                if number in self.types and self.types[number].fields:
                    return self._read(number)
                if self._uint() != 0:  # before a value that is not a struct
                    raise NotGob("a value has no beginning")
                return self._read(number)
            self.types[-number] = _defined(self._read(_DEFINITION))
            self.at = end

    def _read(self, number: int, depth: int = 0) -> Any:
        if depth > _DEEPEST:
            raise NotGob("it is nested too deeply")
        basic: dict[int, Callable[[], Any]] = {
            _BOOL: lambda: bool(self._uint()),
            _INT: self._int,
            _UINT: self._uint,
            _BYTES: self._bytes,
            _STRING: lambda: self._bytes().decode("utf-8", "replace"),
        }
        if number in basic:
            return basic[number]()
        kind = self.types.get(number)
        if kind is None:
            raise NotGob(f"it has a value of type {number}")
        if kind.key is not None and kind.element is not None:
            key, element = kind.key, kind.element
            if key not in basic:
                raise NotGob("a map has keys that are not texts or numbers")
            return {self._read(key, depth + 1): self._read(element, depth + 1) for _ in range(self._count())}
        if kind.element is not None:
            return [self._read(kind.element, depth + 1) for _ in range(self._count())]
        return self._struct(kind, depth)

    def _struct(self, kind: _Type, depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        place = -1
        while step := self._uint():
            place += step
            if place >= len(kind.fields):
                raise NotGob("a struct has more fields than its type")
            name, number = kind.fields[place]
            made[name] = self._read(number, depth + 1)
        return made

    # -- numbers -------------------------------------------------------

    def _uint(self) -> int:
        if self.at >= len(self.data):
            raise NotGob("it is cut off")
        first = self.data[self.at]
        self.at += 1
        if first < 1 << 7:
            return first
        count = 256 - first
        if count > _LONGEST_NUMBER or self.at + count > len(self.data):
            raise NotGob("a number is too long")
        self.at += count
        return int.from_bytes(self.data[self.at - count : self.at], "big")

    def _int(self) -> int:
        number = self._uint()
        return ~(number >> 1) if number & 1 else number >> 1

    def _count(self) -> int:
        """Return how many elements follow; each takes at least a byte."""
        count = self._uint()
        if count > len(self.data) - self.at:
            raise NotGob("it is cut off")
        return count

    def _bytes(self) -> bytes:
        count = self._count()
        self.at += count
        return self.data[self.at - count : self.at]


def _defined(definition: dict[str, Any]) -> _Type:
    """Return a type, given its definition."""
    if "StructT" in definition:
        fields = definition["StructT"].get("Field", [])
        return _Type(tuple((str(one.get("Name", "")), int(one.get("Id", 0))) for one in fields))
    if "SliceT" in definition:
        return _Type(element=int(definition["SliceT"].get("Elem", 0)))
    if "ArrayT" in definition:
        return _Type(element=int(definition["ArrayT"].get("Elem", 0)))
    if "MapT" in definition:
        return _Type(key=int(definition["MapT"].get("Key", 0)), element=int(definition["MapT"].get("Elem", 0)))
    raise NotGob("it has a type that encodes itself")
