"""Names for the sessions that arrive: what their tools call them, made valid and unique. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from contextlib import suppress

from ...errors import NameRefused, SessionError
from ...rules import names
from ...rules.limits import LONGEST_TAG, checked_key, checked_tag
from ...rules.safe_text import storable, without_hidden


def label(text: str | None) -> str | None:
    """Return a valid name for a session or a project that is as close to a text as possible, or None if none is left.

    A “/” becomes a “-”, and hidden characters are left out.
    """
    if not text:
        return None
    kept = " ".join(without_hidden(storable(text)).replace("/", "-").split())
    kept = unicodedata.normalize("NFC", kept)[: names.LONGEST].strip()
    for candidate in (kept, "".join(filter(str.isprintable, kept)).strip()):
        with suppress(NameRefused):
            return names.check(candidate)
    return None


def tag(text: str) -> str | None:
    """Return a valid tag that is as close to a text as possible, or None."""
    try:
        return checked_tag(without_hidden(storable(text))[:LONGEST_TAG])
    except SessionError:
        return None


def fact(text: str) -> str | None:
    """Return a valid key of a fact that is as close to a text as possible, or None."""
    try:
        return checked_key(without_hidden(storable(text)).replace("=", "-")[:LONGEST_TAG])
    except SessionError:
        return None


class Names:
    """The names of a log's sessions, and those that were given since."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._keys = {names.key(one) for one in taken}
        self._next: dict[str, int] = {}

    def is_taken(self, name: str) -> bool:
        """Return whether a session has this name."""
        return names.key(name) in self._keys

    def take(self, name: str) -> str:
        """Return a name that no other session has, as close to `name` as possible: with a number if it is taken."""
        made, stem = name, names.key(name)
        while names.key(made) in self._keys:
            number = self._next.get(stem, 2)
            self._next[stem] = number + 1
            ending = f"-{number}"
            made = name[: names.LONGEST - len(ending)] + ending
        self._keys.add(names.key(made))
        return made
