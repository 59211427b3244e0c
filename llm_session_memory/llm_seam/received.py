"""One reader for all text that a person hands to a command: arguments, names in the environment, standard input.

Text is UTF-8, whatever the locale says. `mended` decodes what Python left undecoded; a byte that is not UTF-8 stays the
half of a character that Python makes of it, so that whoever stores the text can refuse it, and whoever looks for it or
sends it can replace it. Paths stay as they are: a file system may have any bytes in its names.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click

from ..rules.safe_text import mended, without_halves

_PATHS = frozenset(
    {
        "attachments",
        "attachment_types",
        "database",
        "fragments",
        "python_tools",
        "schema_input",
        "system_fragments",
        "template",
        "tools",
    }
)
"""Parameters of llm's commands that are paths, or may be."""

_MARKS = ((b"\xff\xfe\0\0", "utf-32"), (b"\0\0\xfe\xff", "utf-32"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
"""The first bytes of a file in another encoding, and the encoding. Windows' PowerShell writes UTF-16."""

NOTICE = "Part of the command is not UTF-8. Each unreadable byte is read as “\ufffd”."


def arguments(command: click.Command, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return a command's parameters, each text decoded as UTF-8 as far as possible, paths excepted."""
    paths = {one.name for one in command.params if isinstance(one.type, (click.Path, click.File))} | _PATHS
    return {name: value if name in paths else _mended(value) for name, value in parameters.items()}


def is_unreadable(command: click.Command, parameters: Mapping[str, Any]) -> bool:
    """Return whether a text among a command's parameters is not UTF-8."""
    paths = {one.name for one in command.params if isinstance(one.type, (click.Path, click.File))}
    return any(_has_bytes(value) for name, value in parameters.items() if name not in paths)


def readable(options: tuple[tuple[str, Any], ...], say: Callable[[str], None]) -> tuple[tuple[str, Any], ...]:
    """Return model options with “\ufffd” for each byte that is not UTF-8; report it."""
    if not any(map(_has_bytes, options)):
        return options
    say(NOTICE)
    return tuple((without_halves(name), without_halves(value)) for name, value in options)


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return mended(value)
    return tuple(_mended(one) for one in value) if isinstance(value, tuple) else value


def _has_bytes(value: Any) -> bool:
    """Return whether Python could not decode a byte of a text: each is one of 128 halves of characters."""
    if isinstance(value, str):
        return not value.isascii() and any("\udc80" <= character <= "\udcff" for character in value)
    return isinstance(value, tuple) and any(map(_has_bytes, value))


@contextmanager
def standard_input() -> Iterator[None]:
    """Let llm read any bytes from standard input: UTF-8, UTF-16 and UTF-32 with a mark, or bytes to be replaced."""
    stdin: Any = sys.stdin
    if not isinstance(stdin, io.TextIOWrapper):
        yield
        return
    stdin.reconfigure(errors="surrogateescape")  # for `llm chat`, which reads lines
    whole = stdin.read

    def read(size: int | None = -1, /) -> str:
        if size is not None and size >= 0:
            return whole(size)
        raw: bytes = stdin.buffer.read()
        text = _decoded(raw, stdin.encoding)
        return text.replace("\r\n", "\n").replace("\r", "\n")

    stdin.read = read  # type: ignore[method-assign]
    try:
        yield
    finally:
        del stdin.read


def _decoded(raw: bytes, encoding: str) -> str:
    for mark, other in _MARKS:
        if raw.startswith(mark):
            return raw.decode(other, "replace")
    return raw.removeprefix(b"\xef\xbb\xbf").decode(encoding, "surrogateescape")
