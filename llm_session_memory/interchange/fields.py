"""The fields of one JSON object, each taken out as what it must be, or refused with a sentence.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from ..rules.safe_text import one_line
from .lines import NOTHING, FileRefused

_LARGEST = 2**63 - 1
"""SQLite's largest whole number."""

_SHOWN = 30
"""Characters of a wrong value that an error shows."""


class Fields:
    """An object of a file: `place` is what errors call it (“Line 3 of work.jsonl”). A field of null is not there."""

    def __init__(self, value: Any, place: str) -> None:
        if not isinstance(value, Mapping):
            raise FileRefused(f"{place} is {_kind(value)}, not an object.")
        self.value: Mapping[str, Any] = value
        self.place = place

    def __contains__(self, name: str) -> bool:
        return name in self.value

    def only(self, names: Sequence[str]) -> None:
        """Raise FileRefused if there is a field of another name: what it says would be lost without a word."""
        unknown = next((name for name in self.value if name not in names), None)
        if unknown is not None:
            message = f"{self.place} has an unknown field “{one_line(unknown, _SHOWN)}”."
            raise FileRefused(message, f"The fields are: {', '.join(names)}. {NOTHING}")

    def wrong(self, name: str, needed: str) -> FileRefused:
        """Return the error for a field that is not what it must be."""
        if self.value.get(name) is None:
            return FileRefused(f"{self.place} has no “{name}”, which must be {needed}.")
        return FileRefused(f"{self.place}: “{name}” is {_kind(self.value[name])}, not {needed}.")

    def _get(self, name: str, kind: type | tuple[type, ...], needed: str) -> Any:
        value = self.value.get(name)
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            raise self.wrong(name, needed)
        return value

    def text(self, name: str) -> str | None:
        """Return a text, or None."""
        found: str | None = self._get(name, str, "a text")
        return found

    def needed_text(self, name: str) -> str:
        """Return a text that must be there; it may be empty."""
        found = self.text(name)
        if found is None:
            raise self.wrong(name, "a text")
        return found

    def whole(self, name: str) -> int | None:
        """Return a whole number, not below 0, that SQLite can keep; or None."""
        needed = "a whole number from 0"
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
        """Return true or false; false where it is not there."""
        value = self.value.get(name)
        if value is not None and not isinstance(value, bool):
            raise self.wrong(name, "true or false")
        return bool(value)

    def mapping(self, name: str) -> dict[str, Any] | None:
        """Return an object as it is, or None."""
        found: dict[str, Any] | None = self._get(name, dict, "an object")
        return found

    def sequence(self, name: str) -> list[Any]:
        """Return a list as it is; an empty one where it is not there."""
        found: list[Any] | None = self._get(name, list, "a list")
        return found or []

    def texts(self, name: str) -> list[str]:
        """Return a list of texts; an empty one where it is not there."""
        found = self.sequence(name)
        if not all(isinstance(one, str) for one in found):
            raise self.wrong(name, "a list of texts")
        return found

    def wholes(self, name: str) -> list[int]:
        """Return a list of whole numbers; an empty one where it is not there."""
        found = self.sequence(name)
        if not all(isinstance(one, int) and not isinstance(one, bool) for one in found):
            raise self.wrong(name, "a list of whole numbers")
        return found

    def inner(self, name: str, names: Sequence[str] | None = None) -> Fields | None:
        """Return an object's fields, or None; `names` are those that it may have."""
        value = self.mapping(name)
        if value is None:
            return None
        found = Fields(value, f"{self.place}, {name}")
        if names is not None:
            found.only(names)
        return found

    def each(self, name: str, called: str, names: Sequence[str] | None = None) -> Iterator[Fields]:
        """Yield the fields of each object of a list; errors call them `called` 1, 2 and so on."""
        for number, one in enumerate(self.sequence(name), 1):
            found = Fields(one, f"{self.place}, {called} {number}")
            if names is not None:
                found.only(names)
            yield found

    def time(self, name: str) -> str:
        """Return a time as it is stored (ISO); empty where it is not there."""
        found = self.text(name)
        if not found:
            return ""
        try:
            datetime.fromisoformat(found)
        except ValueError:
            try:  # Python 3.10 does not know Z
                return datetime.fromisoformat(found.removesuffix("Z") + "+00:00").isoformat()
            except ValueError:
                raise self.wrong(name, "a time such as 2026-09-01T08:00:00+00:00") from None
        return found


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return f"the text “{one_line(value, _SHOWN)}”" if value.isascii() else "a text"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value) if not isinstance(value, int) or abs(value) <= _LARGEST else "too large a number"
    if value is None:
        return "null"
    return "a list" if isinstance(value, list) else "an object"
