"""Import a session's JSONL into a log, through llm's own writer.

An import is one transaction, so one that fails leaves nothing behind. Lines are read one at a time, so the size of the
file does not matter.

A file may come from anyone. Its paths to files on this machine are not trusted (see attachments), and the Python code
of an unanswered prompt is stored where `retry` does not run it.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, Any

from ..llm_seam import shape
from ..llm_seam.tables import migrated
from ..memory import Memory
from ..model import Session
from ..store import owned_file
from .fields import Fields
from .importer import Importer
from .lines import FileRefused, objects
from .records import Header, header_of, is_header

Progress = Callable[[int, "int | None"], None]
"""Called with the number of exchanges done, and the number in all (None: the file does not say)."""


@dataclass(frozen=True)
class Imported:
    """An imported session, how many exchanges it has, and the names of the tools that its first prompt offered."""

    session: Session
    exchanges: int
    tools: tuple[str, ...]


def into(path: Path, stream: IO[Any], name: str | None, where: str, progress: Progress | None = None) -> Imported:
    """Import a session into a log, as `read` does. A log that was created for it is deleted if the import fails."""
    created, done = owned_file(path), False
    try:
        with Memory(path) as memory:
            if created:
                migrated(memory.desk.log)
            session = read(memory, stream, name, where, progress)
            tools = memory.sessions.first_tools(session)
            found = Imported(session, memory.sessions.exchange_count(session), tuple(tool["name"] for tool in tools))
        done = True
    finally:
        if created and not done:
            path.unlink(missing_ok=True)
    return found


def read_file(memory: Memory, path: Path, name: str | None, progress: Progress | None = None) -> Session:
    """Import a session from a file, as `read` does. Raises FileRefused if it can't be opened."""
    try:
        stream = path.open("rb")
    except OSError as error:
        raise FileRefused(f"{path} can't be read: {error.strerror or error}.") from error
    with stream:
        return read(memory, stream, name, path.name, progress)


def read(memory: Memory, stream: IO[Any], name: str | None, where: str, progress: Progress | None = None) -> Session:
    """Import a session and return it.

    Args:
        memory: The log to import into.
        stream: The lines, as bytes or text.
        name: The session's name. None takes the name in the header, or generates one if it has none.
        where: What errors call the stream.
        progress: Called after each line.

    Raises:
        FileRefused: The file can't be imported; the message has the line.
        NameRefused: The name is taken, or breaks the rules.
        LogUnusable: The log can't be written.
    """
    shape.check("files")
    with _steady(stream) as steady_:
        lines = objects(steady_, where)
        first = next(lines, None)
        if first is None:
            raise FileRefused(f"There is no session in {where}.")
        header = Header(Fields({}, where), None, None)
        if is_header(first[1]):
            header = header_of(first[1], where, f"Line {first[0]:,} of {where}")
        else:
            lines = chain([first], lines)
        with memory.writing():
            if memory.desk.log.empty():  # a new file: create llm's tables, as its first prompt would
                migrated(memory.desk.log)
            memory.desk.log.check_shape()
            memory.desk.log.migrate()
            importer = Importer(memory, header, name, where)
            for number, value in lines:
                importer.add(number, value)
                if progress:
                    progress(importer.exchanges, header.exchanges)
            return importer.finish()


@contextmanager
def _steady(stream: IO[Any]) -> Iterator[IO[Any]]:
    """Give a stream that never waits. A pipe is copied to a file first, because the log is locked while it is read."""
    raw = getattr(stream, "buffer", stream)
    if raw.seekable():
        yield raw
        return
    with tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(raw, copy)
        copy.seek(0)
        yield copy
