"""Export sessions as JSONL that can be imported again, as Markdown, as HTML pages, as OpenAI's chat format, or as CSV.

All are written while the session is read, a few exchanges at a time, so that a session of any length fits in
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
from ..rules.sanitizing import Hide, Sanitizer
from ..rules.words import counted
from ..services.encryption import ENDING, Locking
from .whole_file import check_file, whole_file, whole_files

if TYPE_CHECKING:
    from ..memory import Memory

FORMATS = {
    "jsonl": ("jsonl", "ndjson"),
    "markdown": ("md", "markdown"),
    "html": ("html", "htm"),
    "openai": ("jsonl", "ndjson"),
    "csv": ("csv",),
}
"""The formats, the default first, with their file endings."""

JOINED = ("openai", "csv")
"""The formats of which one file can have several sessions."""

Progress = Callable[[int], None]
"""Called with the number of exchanges done."""


def format_of(path: Path) -> str:
    """Return the format for a file's ending (before .age), or the default."""
    ending = ending_of(path)
    return next((format_ for format_, endings in FORMATS.items() if ending in endings), "jsonl")


def ending_of(path: Path) -> str:
    """Return how a file's name ends, without .age and without a dot."""
    return Path(path.name.removesuffix(ENDING)).suffix.removeprefix(".").lower()


def write(  # noqa: PLR0913  one parameter a choice of the caller
    memory: Memory,
    name: str,
    stream: IO[str],
    *,
    format: str = "jsonl",  # noqa: A002
    progress: Progress | None = None,
    hide: Hide = None,
) -> int:
    """Write a session to a text stream (in UTF-8) in one of FORMATS, and return how many exchanges it has.

    `hide`: see `export_session`. Raises NoSuchSession, and SessionError for an unknown format.
    """
    _check_format(format, hide)
    shape.check("files")
    return _write(memory, name, stream, format, progress, hide=hide)


def _write(  # noqa: PLR0913  one parameter a choice of the caller
    memory: Memory,
    name: str,
    stream: IO[str],
    format_: str,
    progress: Progress | None = None,
    *,
    heading: bool = True,
    hide: Hide = None,
) -> int:
    thread_id = memory.sessions.get(name).thread_id
    gathering = Gathering(memory.desk.log, thread_id, change=_without_secrets(memory, thread_id, hide))
    known = Known(raw_response, is_server_side)
    done = 0
    for text, finished in pieces(
        gathering, format_, memory.desk.timestamp(), known, heading=heading, sanitizer=_sanitizer(hide)
    ):
        stream.write(text)
        done += finished
        if progress and finished:
            progress(done)
    return gathering.total


def _without_secrets(memory: Memory, thread_id: str, hide: Hide) -> Callable[[str], str] | None:
    """Return what replaces the secrets of a conversation in texts, or None if they stay."""
    if hide != "secrets":
        return None
    from ..rules.secrets import Redactor  # few exports need it

    return Redactor({one.value: one.kind for one in memory.secrets.find(thread_id)}).text


def _sanitizer(hide: Hide) -> Sanitizer | None:
    return Sanitizer() if hide == "texts" else None


def write_file(  # noqa: PLR0913  one parameter a choice of the caller
    memory: Memory,
    name: str,
    path: Path,
    *,
    format: str = "jsonl",  # noqa: A002
    force: bool = False,
    progress: Progress | None = None,
    lock: Locking | None = None,
    hide: Hide = None,
) -> int:
    """Write a session to a file, completely or not at all, and return how many exchanges it has.

    With a lock, the file is encrypted. Raises SessionError if the file already exists (unless `force`) or can't be
    written.
    """
    _check_format(format, hide)
    with whole_file(path, force=force, lock=lock) as stream:
        return write(memory, name, stream, format=format, progress=progress, hide=hide)


def write_files(  # noqa: PLR0913  one parameter a choice of the caller
    memory: Memory,
    names: Sequence[str],
    folder: Path,
    *,
    format: str,  # noqa: A002
    force: bool,
    dry_run: bool,
    progress: Callable[[int, int], None] | None,
    lock: Locking | None,
    hide: Hide = None,
) -> list[tuple[Path, int]]:
    """Write sessions to a folder, one file each, as `export_sessions` says."""
    _check_format(format, hide)
    ending = f".{FORMATS[format][0]}{ENDING if lock else ''}"
    paths = [folder / name for name in file_names(names, ending)]
    _check_folder(folder, paths, force=force)
    if dry_run:
        counts = [memory.sessions.exchange_count(memory.sessions.get(name)) for name in names]
        return [*zip(paths, counts, strict=True)]
    with _made(folder), whole_files(force=force) as files:
        done = []
        for name, path in zip(names, paths, strict=True):
            with files.add(path, lock) as stream:
                done.append((path, write(memory, name, stream, format=format, hide=hide)))
            if progress:
                progress(len(done), len(names))
    return done


def is_joined(path: Path, format_: str | None) -> bool:
    """Return whether `export --to` a path writes one file with all sessions: its ending and the format say so."""
    kind = format_ or format_of(path)
    return kind in JOINED and ending_of(path) in FORMATS[kind] and not path.is_dir()


def check_not_joined(path: Path, format_: str) -> None:
    """Raise SessionError if a path that is to be a folder looks like a file of a format that has one session a file."""
    _check_format(format_)
    if ending_of(path) in FORMATS[format_] and not path.is_dir():
        hint = "Give the name of a folder. One file can have several sessions with --format csv or --format openai."
        raise SessionError(f"{path} is the name of a file, but a file of this format has only one session.", hint)


def write_joined(  # noqa: PLR0913  one parameter a choice of the caller
    memory: Memory,
    names: Sequence[str],
    stream: IO[str],
    format_: str,
    progress: Callable[[int, int], None] | None = None,
    *,
    hide: Hide = None,
) -> list[int]:
    """Write sessions one after the other to a text stream, and return how many exchanges each has.

    Raises NoSuchSession, and SessionError for an unknown format.
    """
    _check_format(format_, hide)
    shape.check("files")
    counts: list[int] = []
    for name in names:
        counts.append(_write(memory, name, stream, format_, heading=not counts, hide=hide))
        if progress:
            progress(len(counts), len(names))
    return counts


def write_joined_file(  # noqa: PLR0913  one parameter a choice of the caller
    memory: Memory,
    names: Sequence[str],
    path: Path,
    *,
    format: str,  # noqa: A002
    force: bool,
    dry_run: bool,
    progress: Callable[[int, int], None] | None,
    lock: Locking | None,
    hide: Hide = None,
) -> list[tuple[Path, int]]:
    """Write sessions to one file, as `export_sessions` says."""
    _check_format(format, hide)
    if dry_run:
        check_file(path, force=force)
        return [(path, sum(memory.sessions.exchange_count(memory.sessions.get(name)) for name in names))]
    with whole_file(path, force=force, lock=lock) as stream:
        return [(path, sum(write_joined(memory, names, stream, format, progress, hide=hide)))]


def _check_format(format_: str, hide: Hide = None) -> None:
    if format_ not in FORMATS:
        raise SessionError(f"Unknown format “{format_}”.", f"Choose one of: {', '.join(FORMATS)}.")
    if hide == "texts" and format_ != "jsonl":
        raise SessionError(
            "Texts can be replaced with their lengths only in JSONL.", "Use --sanitize with that format."
        )


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
        message = f"The folder {folder} can't be created: {error.strerror or error}."
        raise SessionError(message, "Choose another folder.", "Nothing was written.") from error
    try:
        yield
    except BaseException:
        if new:
            with suppress(OSError):
                folder.rmdir()
        raise
