"""Export a session as JSONL that can be imported again, as Markdown, or as one HTML page.

All three are written while the session is read, a few exchanges at a time, so that a session of any length fits in
memory.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ..errors import SessionError
from ..llm_seam import shape
from ..llm_seam.writing import is_server_side, raw_response
from ..reader.files.gathering import Gathering
from ..reader.files.jsonl import Known
from ..reader.files.writing import pieces
from .whole_file import whole_file

if TYPE_CHECKING:
    from ..memory import Memory

FORMATS = {"jsonl": ("jsonl", "ndjson"), "markdown": ("md", "markdown"), "html": ("html", "htm")}
"""The formats, the default first, with their file endings."""

Progress = Callable[[int], None]
"""Called with the number of exchanges done."""


def format_of(path: Path) -> str:
    """Return the format for a file's ending, or the default."""
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
    """Write a session to a text stream (in UTF-8) in one of FORMATS, and return how many exchanges it has.

    Raises NoSuchSession, and SessionError for an unknown format.
    """
    if format not in FORMATS:
        raise SessionError(f"Unknown format “{format}”.", f"Choose one of: {', '.join(FORMATS)}.")
    shape.check("files")
    gathering = Gathering(memory.desk.log, memory.sessions.get(name).thread_id)
    done = 0
    for text, finished in pieces(gathering, format, memory.desk.timestamp(), Known(raw_response, is_server_side)):
        stream.write(text)
        done += finished
        if progress and finished:
            progress(done)
    return gathering.total


def write_file(  # noqa: PLR0913  one parameter a choice of the caller
    memory: Memory,
    name: str,
    path: Path,
    *,
    format: str = "jsonl",  # noqa: A002
    force: bool = False,
    progress: Progress | None = None,
) -> int:
    """Write a session to a file, completely or not at all, and return how many exchanges it has.

    Raises SessionError if the file already exists (unless `force`) or can't be written.
    """
    with whole_file(path, force=force) as stream:
        return write(memory, name, stream, format=format, progress=progress)
