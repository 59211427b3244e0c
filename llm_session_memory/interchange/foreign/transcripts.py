"""What the readers of transcripts share: lines that may be damaged, unknown fields, files inside of JSON. Pure.

A transcript is written by a program that may be killed, and nobody writes it by hand. So a damaged line is left out and
counted, and does not keep all others from being read.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timezone
from itertools import islice
from typing import IO, Any

from ...model import Attachment, Part
from ...rules.safe_text import one_line
from ..lines import FileRefused, objects
from .source import SourceFile
from .values import Losses

_DATA_URL = re.compile(r"data:([\w.+/-]*)(?:;[\w=.+-]+)*;base64,", re.ASCII)
_THOUGHT = re.compile(r"\s*<think(?:ing)?>(.*?)</think(?:ing)?>\s*", re.DOTALL)
_LOOKED_AT = 40
"""How many files of a folder are looked at to recognise it."""


# -- lines ---------------------------------------------------------------


class _Counted:
    """A stream that counts the lines read from it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.lines = 0
        self._whole = True

    def readline(self, most: int = -1) -> bytes:
        read = self._stream.readline(most)
        self.lines += self._whole and bool(read)
        self._whole = read.endswith(b"\n")
        return read


def records(source: SourceFile, losses: Losses) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the place and the value of each line of a file. Raises FileRefused if the file can't be read."""
    where = source.name
    with source.open() as stream:
        counted = _Counted(stream)
        while True:
            try:
                for _, value in objects(counted, where):  # type: ignore[arg-type]  # it reads by lines only
                    yield f"line {counted.lines:,} of {where}", value
            except FileRefused:  # noqa: PERF203  the next line may be whole
                losses.add("a line that is damaged or cut off", f"line {counted.lines:,} of {where}")
            else:
                return


def beginning(head: bytes, most: int = 20) -> list[dict[str, Any]]:
    """Return the JSON objects in the first lines of a file, given its beginning; a line that isn't one ends them."""
    found: list[dict[str, Any]] = []
    for line in head.removeprefix(b"\xef\xbb\xbf").splitlines(keepends=True)[:most]:
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            break
        if not isinstance(value, dict):
            break
        found.append(value)
    return found


def some_files(source: SourceFile, *patterns: str) -> Iterator[SourceFile]:
    """Yield the first files below a folder that match a pattern, to recognise it. It does not walk all of it."""
    for pattern in patterns:
        paths = source.path.rglob(pattern)
        yield from (SourceFile(path) for path in islice(paths, _LOOKED_AT) if path.is_file() and not path.is_symlink())


def last_changed(source: SourceFile) -> str:
    """Return when a file was last changed, for a conversation without times; “” if that is not known."""
    try:
        return datetime.fromtimestamp(source.path.stat().st_mtime, timezone.utc).isoformat()
    except (OSError, OverflowError, ValueError):
        return ""


# -- fields --------------------------------------------------------------


def count_unknown(value: Mapping[str, Any], known: Collection[str], of: str, place: str, losses: Losses) -> None:
    """Count the fields of an object that this version does not know. `of` says what it is, such as “a message”."""
    for name in value:
        if name not in known:
            losses.add(f"the field {one_line(str(name), 40)} of {of}", place)


def mapping(value: Any) -> Mapping[str, Any]:
    """Return an object, or an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def mappings(value: Any) -> list[Mapping[str, Any]]:
    """Return the objects of a list; an empty list for anything else."""
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def text(value: Any) -> str:
    """Return a text, or an empty one for anything else."""
    return value if isinstance(value, str) else ""


def number(value: Any) -> int | None:
    """Return a whole number of at least 0, or None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 53 else None


def folder_name(path: str) -> str | None:
    """Return the last part of a folder's path, of any system; it names a project."""
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1] or None


# -- parts ---------------------------------------------------------------


def text_part(said: str) -> Part:
    """Return a part with a text."""
    return Part({"type": "text", "text": said})


def thought(said: str) -> Part:
    """Return a part with what the model thought; without a text, it says only that the model did."""
    return Part({"type": "reasoning", "text": said} if said else {"type": "reasoning", "text": "", "redacted": True})


def reply_parts(said: str) -> list[Part]:
    """Return a reply as parts: thinking in tags at its beginning is a part of its own."""
    found = _THOUGHT.match(said)
    parts = [thought(found[1].strip())] if found and found[1].strip() else []
    rest = said[found.end() :] if found else said
    return [*parts, text_part(rest)] if rest else parts


def call_part(name: str, arguments: Any, id_: str | None, *, server: bool = False) -> Part:
    """Return a part that calls a tool. Arguments that are JSON in a text are read."""
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments) if arguments.strip() else {}
        except (ValueError, RecursionError):
            arguments = {"input": arguments}
    if not isinstance(arguments, Mapping):
        arguments = {} if arguments is None else {"input": arguments}
    data: dict[str, Any] = {"type": "tool_call", "name": name or "tool", "arguments": dict(arguments)}
    return Part({**data, **_marks(id_, server)})


def result_part(
    output: str, id_: str | None, *, error: bool = False, files: Iterable[Attachment] = (), server: bool = False
) -> Part:
    """Return a part with the result of a tool; its tool's name is added when the call is known."""
    data: dict[str, Any] = {"type": "tool_result", "name": "tool", "output": output}
    if error:
        data["exception"] = one_line(output, 200) or "error"
    return Part({**data, **_marks(id_, server)}, tuple(files))


def _marks(id_: str | None, server: bool) -> dict[str, Any]:  # noqa: FBT001
    return {**({"tool_call_id": id_} if id_ else {}), **({"server_executed": True} if server else {})}


def file_part(attachment: Attachment) -> Part:
    """Return a part with a file."""
    return Part({"type": "attachment"}, (attachment,))


def of_base64(data: Any, type_: Any) -> Attachment | None:
    """Return the file that a text in base64 has, or None if it has none."""
    try:
        content = base64.b64decode(text(data), validate=True)
    except (binascii.Error, ValueError):
        return None
    return Attachment("", text(type_) or None, content=content) if content else None


def of_url(url: Any) -> Attachment | None:
    """Return the file in a data URL, or one behind a web address; None for anything else."""
    address = text(url)
    found = _DATA_URL.match(address)
    if found:
        return of_base64(address[found.end() :], found[1])
    return Attachment("", None, url=address) if address.startswith(("https://", "http://")) else None
