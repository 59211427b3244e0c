"""Writing a session out: as JSONL that can be imported again, as Markdown, as one HTML page.

All three are written as they are read, a few exchanges at a time, so that a session of any length fits.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ..errors import SessionError
from ..llm_seam import shape
from ..llm_seam.writing import is_server_side, raw_response
from ..reader.files.gathering import Gathering
from ..reader.files.jsonl import Known
from ..reader.files.writing import pieces

if TYPE_CHECKING:
    from ..memory import Memory

FORMATS = {"jsonl": ("jsonl", "ndjson"), "markdown": ("md", "markdown"), "html": ("html", "htm")}
"""The formats, the default first, each with the endings of its files."""

Progress = Callable[[int], None]
"""Told how many exchanges are done."""


def format_of(path: Path) -> str:
    """Return the format that a file's ending says, or the default."""
    ending = path.suffix.removeprefix(".").lower()
    return next((format_ for format_, endings in FORMATS.items() if ending in endings), "jsonl")


def write(
    memory: Memory,
    name: str,
    stream: IO[str],
    *,
    format: str = "jsonl",  # noqa: A002
    progress: Progress | None = None,
) -> int:
    """Write a session to a text stream (UTF-8 is meant) in a format of FORMATS; return how many exchanges it has.

    Raises NoSuchSession, and SessionError for an unknown format.
    """
    if format not in FORMATS:
        raise SessionError(f"There is no format “{format}”.", f"Choose one of: {', '.join(FORMATS)}.")
    shape.check("files")
    gathering = Gathering(memory.desk.log, memory.sessions.get(name).thread_id)
    done = 0
    for text, finished in pieces(gathering, format, memory.desk.timestamp(), Known(raw_response, is_server_side)):
        stream.write(text)
        done += finished
        if progress and finished:
            progress(done)
    return gathering.total


def write_file(  # noqa: PLR0913  each a decision of whoever asks
    memory: Memory,
    name: str,
    path: Path,
    *,
    format: str = "jsonl",  # noqa: A002
    force: bool = False,
    progress: Progress | None = None,
) -> int:
    """Write a session to a file, whole or not at all; return how many exchanges it has.

    Raises SessionError where the file is there already (unless `force`) or can't be written.
    """
    target = Path(os.path.realpath(path))
    _check_target(target, path, force=force)
    beside_it = target.with_name(f".{target.name[:200]}.{secrets.token_hex(4)}.part")
    try:
        with beside_it.open("x", encoding="utf-8", errors="replace", newline="\n") as stream:
            total = write(memory, name, stream, format=format, progress=progress)
        if target.exists():
            _check_target(target, path, force=force)
            shutil.copymode(target, beside_it)
        beside_it.replace(target)
    except OSError as error:
        message = f"{path} can't be written: {error.strerror or error}."
        raise SessionError(message, "Nothing was written.") from error
    finally:
        with contextlib.suppress(OSError):
            beside_it.unlink()
    return total


def _check_target(target: Path, path: Path, *, force: bool) -> None:
    if target.exists() and not target.is_file():
        kind = "a folder" if target.is_dir() else "not an ordinary file"
        raise SessionError(f"{path} is {kind}.", "Give the name of a file, or - for standard output.")
    if target.exists() and not force:
        raise SessionError(f"{path} is there already.", "Give another name, or --force to replace it.")
