"""The files of an export that is an archive, the folder that it was unpacked to, or the main file of it alone."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import IO, Any

from ...model import Attachment
from ..lines import FileRefused
from .json_items import items
from .source import HEAD, SourceFile

LARGEST = 100_000_000
"""The most bytes of an attachment that is imported."""

MISSING = f"an attached file that is not in the export, or that has more than {LARGEST // 1_000_000} MB"
"""The loss to count for an attachment that `attachment` does not find."""

_ID = re.compile(r"file[-_][0-9A-Za-z]+")

_KINDS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
)
"""How files of some types begin; an export may give them any name."""


class ExportFiles:
    """The files of an export, by their names in it."""

    def __init__(self, source: SourceFile) -> None:
        self._source = source

    @cached_property
    def _paths(self) -> Mapping[str, str]:
        """The names of the files, as the archive or the folder has them, by their last part."""
        if self._source.is_folder:
            found = [str(path.relative_to(self._source.path)) for path in self._source.files("*")]
        elif self._source.is_zip:
            found = [*self._source.members]
        else:
            found = []
        return {re.split(r"[/\\]", name)[-1]: name for name in sorted(found, reverse=True)}

    @cached_property
    def _by_id(self) -> Mapping[str, str]:
        return {found[0]: name for name in self._paths if (found := _ID.match(name))}

    def matching(self, pattern: str) -> list[str]:
        """Return the names (without folders) that match a pattern, in order; of a single file, always its own."""
        if not self._source.is_folder and not self._source.is_zip:
            return [self._source.path.name]
        return sorted(name for name in self._paths if re.fullmatch(pattern, name))

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """Open a file, given by its name without folders. Raises FileRefused."""
        if self._source.is_zip:
            with self._source.member(self._paths[name]) as stream:
                yield stream
        elif self._source.is_folder:
            with SourceFile(self._source.path / self._paths[name]).open() as stream:
                yield stream
        else:
            with self._source.open() as stream:
                yield stream

    def head(self, name: str) -> bytes:
        """Return the beginning of a file; nothing if it can't be read."""
        try:
            with self.open(name) as stream:
                return stream.read(HEAD)
        except FileRefused:
            return b""

    def begins_with(self, pattern: str, fields: Collection[bytes]) -> bool:
        """Return whether the first file that matches a pattern begins as JSON, and names all these fields there."""
        found = self.matching(pattern)
        head = self.head(found[0]) if found else b""
        return head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"[", b"{") and all(field in head for field in fields)

    def items(self, name: str) -> Iterator[Any]:
        """Yield the items of a JSON file that has a list. Raises FileRefused."""
        where = name if self._source.is_folder or self._source.is_zip else self._source.name
        with self.open(name) as stream:
            yield from items(stream, where)

    def beside(self, name: str) -> Iterator[Any]:
        """Yield the items of a JSON file that an export may have; nothing if it is not there."""
        if name in self._paths:
            yield from self.items(name)

    def attachment(self, file_id: str, type_: str | None) -> Attachment | None:
        """Return the file with an id (see `file_id_in`), or None if it is not there or too large."""
        name = self._by_id.get(file_id)
        if name is None:
            return None
        with self.open(name) as stream:
            content = stream.read(LARGEST + 1)
        if not content or len(content) > LARGEST:
            return None
        return Attachment("", type_of(name, content, type_), None, None, content)


def file_id_in(pointer: object) -> str:
    """Return the id of the file that a pointer such as “file-service://file-AbC” or “sediment://file_0#1” leads to."""
    found = _ID.match(pointer.rpartition("://")[2]) if isinstance(pointer, str) else None
    return found[0] if found else ""


def type_of(name: str, content: bytes, said: str | None) -> str | None:
    """Return the type of a file: what its first bytes say, or else what the export says, or else its name."""
    for beginning, kind in _KINDS:
        if content.startswith(beginning):
            return kind
    if content[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(content[8:12])
    return said or mimetypes.guess_type(name)[0]
