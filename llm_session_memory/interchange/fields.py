"""The fields of one JSON object: each is returned with the type it must have, or refused with an error message.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from ..rules.safe_text import one_line
from .lines import FileRefused

_LARGEST = 2**63 - 1
"""SQLite's largest integer."""

_SHOWN = 30
"""How many characters of a wrong value an error shows."""


class Fields:
    """An object in a file. Errors call it `place` (“Line 3 of work.jsonl”). A field that is null counts as missing."""

    def __init__(self, value: Any, place: str) -> None:
        if not isinstance(value, Mapping):
            raise FileRefused(f"{place} is {_kind(value)}, not an object.")
        self.value: Mapping[str, Any] = value
        self.place = place

    def __contains__(self, name: str) -> bool:
        return name in self.value

    def only(self, names: Sequence[str]) -> None:
        """Raise FileRefused if there is a field with another name, because its content would be lost silently."""
        unknown = next((name for name in self.value if name not in names), None)
        if unknown is not None:
            message = f"{self.place} has an unknown field “{one_line(unknown, _SHOWN)}”."
            raise FileRefused(message, f"The fields are: {', '.join(names)}.")

    def wrong(self, name: str, needed: str) -> FileRefused:
        """Return the error for a field that is missing or has the wrong type."""
        if self.value.get(name) is None:
            return FileRefused(f"{self.place} has no “{name}”, which must be {needed}.")
        return FileRefused(f"{self.place}: “{name}” is {_kind(self.value[name])}, not {needed}.")

    def _get(self, name: str, kind: type | tuple[type, ...], needed: str) -> Any:
        value = self.value.get(name)
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            raise self.wrong(name, needed)
        return value

    def text(self, name: str) -> str | None:
        """Return a string, or None."""
        found: str | None = self._get(name, str, "a string")
        return found

    def needed_text(self, name: str) -> str:
        """Return a string that must not be missing; it may be empty."""
        found = self.text(name)
        if found is None:
            raise self.wrong(name, "a string")
        return found

    def whole(self, name: str) -> int | None:
        """Return a whole number of at least 0 that SQLite can store, or None."""
        needed = "a whole number of at least 0"
        found: int | None = self._get(name, int, needed)
        if found is not None and not 0 <= found <= _LARGEST:
            raise self.wrong(name, needed)
        return found

    def number(self, name: str) -> float | None:
        """Return a number, or None."""
        needed = "a number"
        found: float | None = self._get(name, (int, float), needed)
        if found is not None and not abs(found) <= _LARGEST:
            raise self.wrong(name, needed)
        return found

    def flag(self, name: str) -> bool:
        """Return a boolean; False if it is missing."""
        value = self.value.get(name)
        if value is not None and not isinstance(value, bool):
            raise self.wrong(name, "true or false")
        return bool(value)

    def switch(self, name: str) -> bool | None:
        """Return a boolean, or None."""
        return None if self.value.get(name) is None else self.flag(name)

    def mapping(self, name: str) -> dict[str, Any] | None:
        """Return an object unchanged, or None."""
        found: dict[str, Any] | None = self._get(name, dict, "an object")
        return found

    def sequence(self, name: str) -> list[Any]:
        """Return a list unchanged; an empty one if it is missing."""
        found: list[Any] | None = self._get(name, list, "a list")
        return found or []

    def texts(self, name: str) -> list[str]:
        """Return a list of strings; an empty one if it is missing."""
        found = self.sequence(name)
        if not all(isinstance(one, str) for one in found):
            raise self.wrong(name, "a list of strings")
        return found

    def wholes(self, name: str) -> list[int]:
        """Return a list of whole numbers; an empty one if it is missing."""
        found = self.sequence(name)
        if not all(isinstance(one, int) and not isinstance(one, bool) for one in found):
            raise self.wrong(name, "a list of whole numbers")
        return found

    def inner(self, name: str, names: Sequence[str] | None = None) -> Fields | None:
        """Return an object's fields, or None. `names` are the fields that it may have (None: any)."""
        value = self.mapping(name)
        if value is None:
            return None
        found = Fields(value, f"{self.place}, {name}")
        if names is not None:
            found.only(names)
        return found

    def each(self, name: str, called: str, names: Sequence[str] | None = None) -> Iterator[Fields]:
        """Yield the fields of each object of a list. Errors call the objects `called` 1, `called` 2 and so on."""
        for number, one in enumerate(self.sequence(name), 1):
            found = Fields(one, f"{self.place}, {called} {number}")
            if names is not None:
                found.only(names)
            yield found

    def time(self, name: str) -> str:
        """Return a time in its stored form (ISO); an empty string if it is missing."""
        found = self.text(name)
        if not found:
            return ""
        try:
            datetime.fromisoformat(found)
        except ValueError:
            try:  # Python 3.10 can't parse Z
                return datetime.fromisoformat(found.removesuffix("Z") + "+00:00").isoformat()
            except ValueError:
                raise self.wrong(name, "a time such as 2026-09-01T08:00:00+00:00") from None
        return found


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return f"the string “{one_line(value, _SHOWN)}”" if value.isascii() else "a string"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value) if not isinstance(value, int) or abs(value) <= _LARGEST else "a number that is too large"
    if value is None:
        return "null"
    return "a list" if isinstance(value, list) else "an object"
