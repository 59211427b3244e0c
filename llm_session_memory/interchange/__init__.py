"""Sessions in and out of a log: JSONL both ways, Markdown and HTML out.

`exporting` writes the files that `reader.files` makes. `importing` reads a file: `lines`, `fields`, `wire` and
`records` check it, `importer` writes it through llm's own writer, `beside` keeps tags, facts, notes and ratings.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..memory import Memory
    from ..model import Session


def export_session(  # noqa: PLR0913  what a person can ask for, each on its own
    memory: Memory,
    name: str,
    path: str | Path | IO[str],
    *,
    format: str | None = None,  # noqa: A002
    force: bool = False,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Write a session to a file, whole or not at all, or to a text stream; return how many exchanges it has.

    `format` is jsonl, markdown or html; None: what the file's ending says. `progress` gets how many exchanges are done.
    Raises SessionError if the file is there already (unless `force`) or can't be written.
    """
    from .exporting import format_of, write, write_file

    if isinstance(path, (str, Path)):
        kind = format or format_of(Path(path))
        return write_file(memory, name, Path(path), format=kind, force=force, progress=progress)
    return write(memory, name, path, format=format or "jsonl", progress=progress)


def import_session(
    memory: Memory,
    path: str | Path | IO[Any],
    name: str | None = None,
    *,
    progress: Callable[[int, int | None], None] | None = None,
) -> Session:
    """Import a session from a JSONL file, or a stream; return it.

    The session gets `name`, or the name that it had, or else a made-up one. All of it is imported or nothing.
    `progress` gets how many exchanges are done, and of how many. Raises SessionError if the file can't be read, with
    the line, and NameRefused if the name is taken.
    """
    from .importing import read, read_file

    if isinstance(path, (str, Path)):
        return read_file(memory, Path(path), name, progress)
    return read(memory, path, name, Path(str(getattr(path, "name", "the file"))).name, progress)
