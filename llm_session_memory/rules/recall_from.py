"""Where the excerpts of a session may come from: the words of `--recall-from`, read and written.

Pure: only the store knows which sessions, tags and projects there are. Values are separated by commas: `self`, `all`,
`tag:TAG`, `project:NAME`, and names of sessions. In double quotes, a value is always the name of a session, so a name
may contain a comma or be “all”; a tag with a comma is `tag:"a, b"`. A session's own excerpts always belong to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from ..errors import SessionError
from .names import key

SELF, ALL = "self", "all"
TAG, PROJECT, NAME = "tag", "project", "name"

HINT = "Give self, all, tag:TAG, project:NAME or names of sessions, separated by commas."

_VALUE = re.compile(r'\s*(?:(?:(tag|project):\s*)?"((?:[^"]|"")*)"|([^,"][^,]*|))\s*(?:,|$)', re.IGNORECASE)


class RecallSource(NamedTuple):
    """One place that excerpts may come from. `kind` is ALL, TAG, PROJECT or NAME; `value` the tag or the name."""

    kind: str
    value: str = ""

    def __str__(self) -> str:
        """Return the source as a person would type it."""
        if self.kind == ALL:
            return ALL
        prefix = "" if self.kind == NAME else f"{self.kind}:"
        plain, doubled = f"{prefix}{self.value}", self.value.replace('"', '""')
        with suppress(SessionError):
            if read(plain) == (self,):
                return plain
        return f'{prefix}"{doubled}"'


def read(text: str) -> tuple[RecallSource, ...]:
    """Return the sources besides the session itself, each once. Raises SessionError if the text can't be read."""
    found: dict[RecallSource, None] = {}
    place = 0
    while place < len(text):
        value = _VALUE.match(text, place)
        if value is None:
            raise SessionError(f"“{text}” has a quotation mark in the wrong place.", HINT)
        kind, quoted, bare = value.groups()
        if quoted is None:
            source = _source(bare.strip())
        else:
            source = RecallSource((kind or NAME).casefold(), quoted.replace('""', '"').strip())
        if source is not None and source.kind != ALL and not source.value:
            raise SessionError(f"“{text}” has an empty value.", HINT)
        if source is not None:
            found[source] = None
        place = value.end()
    if text.rstrip().endswith(",") or not text.strip():
        raise SessionError(f"“{text}” has an empty value.", HINT)
    return (RecallSource(ALL),) if RecallSource(ALL) in found else tuple(found)


def _source(value: str) -> RecallSource | None:
    """Return what a value without quotes means; None is the session itself."""
    if value.casefold() == SELF:
        return None
    if value.casefold() == ALL:
        return RecallSource(ALL)
    kind, colon, rest = value.partition(":")
    if colon and kind.casefold() in (TAG, PROJECT):
        return RecallSource(kind.casefold(), rest.strip())
    return RecallSource(NAME, value)


def written(sources: tuple[RecallSource, ...]) -> str:
    """Return sources as one text that `read` reads."""
    return ", ".join(map(str, sources)) or SELF


def normal(text: str) -> str:
    """Return a value of `--recall-from` in its normal form. Raises SessionError if it can't be read."""
    return written(read(text))


def replaced(text: str, kind: str, old_key: str, new: str) -> str:
    """Return a stored value after a session or project (given by the key of its name) was renamed."""
    try:
        sources = read(text)
    except SessionError:  # somebody wrote it by hand
        return text
    return written(
        tuple(RecallSource(kind, new) if one.kind == kind and key(one.value) == old_key else one for one in sources)
    )


def checked(text: str, known: Callable[[RecallSource], str | None]) -> str:
    """Return a value in its normal form, with the names as they are stored.

    `known` returns the stored form of a tag or name, or None if there is none. Raises SessionError for an unknown one.
    """
    found = []
    for one in read(text):
        stored = "" if one.kind == ALL else known(one)
        if stored is None:
            raise unknown(one)
        found.append(RecallSource(one.kind, stored))
    return written(tuple(dict.fromkeys(found)))


def unknown(source: RecallSource) -> SessionError:
    """Return the error for a session, tag or project that there is none of."""
    if source.kind == TAG:
        return SessionError(f"No session has the tag “{source.value}”.", "See the tags with: llm sessions tag")
    if source.kind == PROJECT:
        return SessionError(f"Project “{source.value}” not found.", "List projects with: llm sessions project")
    return SessionError(f"Session “{source.value}” not found.", "List sessions with: llm sessions")
