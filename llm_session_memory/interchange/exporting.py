"""Export a session as JSONL that can be imported again, as Markdown, or as one HTML page.

All three are written while the session is read, a few exchanges at a time, so that a session of any length fits in
memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ..errors import SessionError
from ..llm_seam import shape
from ..llm_seam.writing import is_server_side, raw_response
from ..reader.files.gathering import Gathering
from ..reader.files.jsonl import Known
from ..reader.files.writing import pieces
from ..rules.file_names import file_names
from ..rules.words import counted
from .whole_file import whole_file, whole_files

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


def write_files(  # noqa: PLR0913  one parameter a choice of the caller
    memory: Memory,
    names: Sequence[str],
    folder: Path,
    *,
    format: str,  # noqa: A002
    force: bool,
    dry_run: bool,
    progress: Callable[[int, int], None] | None,
) -> list[tuple[Path, int]]:
    """Write sessions to a folder, one file each, as `export_sessions` says."""
    if format not in FORMATS:
        raise SessionError(f"Unknown format “{format}”.", f"Choose one of: {', '.join(FORMATS)}.")
    paths = [folder / name for name in file_names(names, f".{FORMATS[format][0]}")]
    _check_folder(folder, paths, force=force)
    if dry_run:
        counts = [memory.sessions.exchange_count(memory.sessions.get(name)) for name in names]
        return [*zip(paths, counts, strict=True)]
    with _made(folder), whole_files(force=force) as files:
        done = []
        for name, path in zip(names, paths, strict=True):
            with files.add(path) as stream:
                done.append((path, write(memory, name, stream, format=format)))
            if progress:
                progress(len(done), len(names))
    return done


def _check_folder(folder: Path, paths: Sequence[Path], *, force: bool) -> None:
    """Raise SessionError if the folder is a file, or already has files with these names (unless `force`)."""
    if folder.exists() and not folder.is_dir():
        raise SessionError(f"{folder} is not a folder.", "Give the name of a folder, or - for standard output.")
    there = [path for path in paths if path.exists()]
    if there and not force:
        more = f" and {counted(len(there) - 1, 'other file')}" if len(there) > 1 else ""
        exist = "exist" if more else "exists"
        raise SessionError(
            f"{there[0]}{more} already {exist}.", "Choose another folder, or replace the files with --force."
        )


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """Make a folder, and remove it again if it was new and nothing was written."""
    new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"The folder {folder} can't be made: {error.strerror or error}."
        raise SessionError(message, "Choose another folder. Nothing was written.") from error
    try:
        yield
    except BaseException:
        if new:
            with suppress(OSError):
                folder.rmdir()
        raise
