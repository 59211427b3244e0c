"""Which kinds of files of other tools can be imported. Each is a module of this package, imported late."""

from __future__ import annotations

import io
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import IO, Any, cast

from ...rules.records import FORMAT
from ..lines import FileRefused
from .source import HEAD, SourceFile
from .values import Format

NAMES: tuple[str, ...] = (
    "chatgpt",
    "claude",
    "claude_code",
    "codex",
    "gemini_cli",
    "gptme",
    "aichat",
    "shell_gpt",
    "mods",
    "qv_session_manager",
    "ollama_prompt",
    "sqlite_tables",
    "sharegpt",
    "openai",
    "table",
)
"""The modules with a FORMAT, in the order in which they are asked whether a file is theirs: the most exact first."""


def formats() -> Iterator[Format]:
    """Yield all formats."""
    for name in NAMES:
        made: Format = import_module(f"{__package__}.{name}").FORMAT
        yield made


def format_of(source: SourceFile) -> Format | None:
    """Return the format of a file or folder, by looking at it, or None. Raises FileRefused if it can't be read."""
    return next((one for one in formats() if one.recognises(source)), None)


def is_ours(head: bytes) -> bool:
    """Return whether a file that begins with these bytes is JSONL as `llm sessions export` writes it, or minimal."""
    line = head.removeprefix(b"\xef\xbb\xbf").lstrip().split(b"\n", 1)[0].strip()
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        value = None
        opening = line[:40].replace(b" ", b"")
        if opening.startswith((b'{"format":"llm-session"', b'{"exchange":', b'{"turns":', b'{"prompt":')):
            return True
    if not isinstance(value, dict):
        return False
    return value.get("format") == FORMAT or "turns" in value or isinstance(value.get("prompt"), str)


def recognised(source: SourceFile) -> Format | None:
    """Return the format of a file or folder, or None for a file that may be one of our own.

    Raises FileRefused for a folder, an archive or a database of no known kind, and for a file that can't be read.
    """
    if not source.is_folder and is_ours(source.head):
        return None
    if source.head.startswith(b"PK\x03\x04") and not source.is_zip:
        raise FileRefused(f"The archive {source.name} is damaged or incomplete.", "Download or copy it again.")
    found = format_of(source)
    if found is None:
        what = "a folder" if source.is_folder else "an archive" if source.is_zip else "a database"
        if not source.may_be_text:
            known = ", ".join(one.title for one in formats())
            message = f"{source.name} is {what}, but not of a kind that can be imported."
            merge = " To merge another log of llm into yours: llm sessions merge FILE" if source.is_sqlite else ""
            raise FileRefused(message, f"Choose one of: {known}.{merge}")
    return found


@contextmanager
def looked_at(file: IO[bytes] | Path, where: str) -> Iterator[tuple[IO[bytes] | None, SourceFile, Format | None]]:
    """Give the format of an open file, or of a folder, and what to read: the stream if it may be one of our own.

    `where` is what errors call it. A stream that isn't a regular file, such as standard input, is looked at too; if it
    is a file of another tool, all of it is first copied to a temporary file.
    """
    if isinstance(file, Path):
        source = SourceFile(file)
        yield None, source, recognised(source)
        return
    path = Path(str(getattr(file, "name", "-")))
    if file.seekable() and path.is_file():
        source = SourceFile(path)
        yield file, source, recognised(source)
        return
    raw: Any = file
    stream = io.BufferedReader(raw, HEAD)
    try:
        with _unlike_ours(stream, where) as copied:
            if copied is None:
                yield cast("IO[bytes]", stream), SourceFile(path), None
            else:
                with copied.open() as again:
                    yield again, copied, recognised(copied)
    finally:
        stream.detach()


@contextmanager
def _unlike_ours(stream: io.BufferedReader, where: str) -> Iterator[SourceFile | None]:
    """Give a temporary copy of a stream, or None if it begins like a file of our own."""
    if is_ours(stream.peek(HEAD)):
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "file"
        with copy.open("wb") as into:
            shutil.copyfileobj(stream, into)
        source = SourceFile(copy)
        source.name = where
        yield source
