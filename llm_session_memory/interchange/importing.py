"""Import a session's JSONL into a log, through llm's own writer.

The session is made in a temporary database and copied into the log in one transaction (see `store.staging`). So an
import that fails leaves nothing behind, and other programs can use the log meanwhile. Lines are read one at a time, so
the size of the file does not matter.

A file may come from anyone. Its paths to files on this machine are not trusted (see attachments), and the Python code
of an unanswered prompt is stored where `retry` does not run it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, Any

from ..errors import LogUnusable, NameRefused, SessionError
from ..llm_seam import shape
from ..llm_seam.tables import migrated, ready_to_import
from ..memory import Memory
from ..model import Session, Target
from ..rules.records import SEALED
from ..services.bundle import Services
from ..services.deletion import Deletion
from ..services.desk import Desk, now_utc
from ..services.encryption import Unlocking, revealed
from ..store import Log, check_file, history, snapshots
from ..store.staging import Staging
from ..store.tombstones import deleted_among, dig_up
from .fields import Fields
from .importer import Importer, taken
from .lines import FileRefused, objects
from .records import Header, header_of, is_header

Progress = Callable[[int, "int | None"], None]
"""Called with the number of exchanges done, and the number in all (None: the file does not say)."""


@dataclass(frozen=True)
class Imported:
    """An imported session, how many exchanges it has, and the names of the tools that its first prompt offered.

    `project` is the name of its project, or None.
    `left_out` is the number of exchanges of the file that were left out, because they were once deleted from the log.
    """

    session: Session
    exchanges: int
    tools: tuple[str, ...]
    project: str | None = None
    left_out: int = 0


def into(  # noqa: PLR0913  one parameter a choice of the caller
    path: Path,
    stream: IO[Any],
    name: str | None,
    where: str,
    progress: Progress | None = None,
    *,
    restore_deleted: bool = False,
    dry_run: bool = False,
) -> Imported:
    """Import a session into a log, as `read` does. If there is no log yet, it is made when the session is complete.

    With `dry_run`, only find out what would be imported.
    """
    check_file(path)
    if path.exists():
        with Memory(path) as memory:
            return _read(memory, stream, name, where, progress, restore_deleted=restore_deleted, dry_run=dry_run)
    with _Import(path, None) as making:
        making.read(stream, name, where, now_utc().isoformat(), progress)
        if dry_run:
            return making.imported(0)
        found = making.imported(0)
        with Memory(path, create=True) as memory:
            making.copy(memory.desk.log)
        return found


def read_file(  # noqa: PLR0913  one parameter a choice of the caller
    memory: Memory,
    path: Path,
    name: str | None,
    progress: Progress | None = None,
    *,
    restore_deleted: bool = False,
    unlock: Unlocking | None = None,
) -> Session:
    """Import a session from a file, which may be encrypted, as `read` does. Raises FileRefused if it can't be opened.

    `unlock` has the keys, or the passphrase.
    """
    try:
        stream = path.open("rb")
    except OSError as error:
        hint = "Check that it is a file that you may read."
        raise FileRefused(f"{path} can't be read: {error.strerror or error}.", hint) from error
    with stream, revealed(stream, unlock or Unlocking(), path.name) as plain:
        return read(memory, plain, name, path.name, progress, restore_deleted=restore_deleted)


def read(  # noqa: PLR0913  one parameter a choice of the caller
    memory: Memory,
    stream: IO[Any],
    name: str | None,
    where: str,
    progress: Progress | None = None,
    *,
    restore_deleted: bool = False,
) -> Session:
    """Import a session and return it.

    Args:
        memory: The log to import into. It must not be in a transaction.
        stream: The lines, as bytes or text.
        name: The session's name. None takes the name in the header, or generates one if it has none.
        where: What errors call the stream.
        progress: Called after each line.
        restore_deleted: Import exchanges all the same that were once deleted from the log.

    Raises:
        FileRefused: The file can't be imported; the message has the line.
        NameRefused: The name is taken, or breaks the rules.
        LogUnusable: The log can't be written.
        SessionError: All exchanges of the file were once deleted from the log.
    """
    return _read(memory, stream, name, where, progress, restore_deleted=restore_deleted).session


def _read(  # noqa: PLR0913  as above
    memory: Memory,
    stream: IO[Any],
    name: str | None,
    where: str,
    progress: Progress | None,
    *,
    restore_deleted: bool,
    dry_run: bool = False,
) -> Imported:
    """Import a session, or only find out what would be imported."""
    log = memory.desk.log
    ready_to_import(log, dry_run=dry_run)
    with _Import(log.path, None if log.empty() else log) as making:
        making.read(stream, name, where, memory.desk.timestamp(), progress)
        left_out = 0 if restore_deleted else making.leave_out_deleted(where)
        found = making.imported(left_out)
        if not dry_run:
            making.copy(log)
        if restore_deleted and not dry_run:
            with memory.writing():
                dig_up(log, making.staging.log, memory.desk.timestamp())
        return found


class _Import:
    """One import: into a temporary database, and from there into the log. `theirs` is None if there is no log yet."""

    def __init__(self, path: Path, theirs: Log | None) -> None:
        shape.check("files")
        self.theirs = theirs
        self.staging = Staging(path, theirs)

    def read(self, stream: IO[Any], name: str | None, where: str, now: str, progress: Progress | None) -> None:
        """Make the session in the temporary database."""
        header, lines = _begun(stream, where)
        migrated(self.staging.log)
        self.staging.prepare()
        with self.staging.log.writing():
            importer = Importer(self.staging, self.theirs, header, name, where, now)
            for number, value in lines:
                importer.add(number, value)
                if progress:
                    progress(importer.exchanges, header.exchanges)
            self.session = importer.finish()
        self.excerpts = importer.has_excerpts

    def leave_out_deleted(self, where: str) -> int:
        """Take out the exchanges that were once deleted from the log, and return their number."""
        if self.theirs is None or self.theirs.empty():
            return 0
        deleted = {*deleted_among(self.theirs, self.staging.log)}
        if not deleted:
            return 0
        every = history.exchange_turns(self.staging.log, self.session.thread_id)
        gone = tuple(ids[0] for ids in every if not deleted.isdisjoint(ids))
        if len(gone) == len(every):
            message = f"All exchanges of {where} were deleted from this log."
            raise SessionError(message, "To import them anyway, add --restore-deleted.")
        self._drop_snapshots({*gone}, [ids[0] for ids in every])
        Deletion(Desk(self.staging.log)).delete([Target(self.session.thread_id, gone)], tombstones=False)
        return len(gone)

    def imported(self, left_out: int) -> Imported:
        """Return what was made, for the person who imports it."""
        made = Services(Desk(self.staging.log))
        tools = tuple(tool["name"] for tool in made.sessions.first_tools(self.session))
        count, project = made.sessions.exchange_count(self.session), made.projects.name_of(self.session)
        return Imported(self.session, count, tools, project, left_out)

    def _drop_snapshots(self, gone: set[str], every: list[str]) -> None:
        """Drop the snapshots that reach an exchange that is left out: a deletion keeps what a snapshot reaches."""
        log = self.staging.log
        first = next(number for number, id_ in enumerate(every) if id_ in gone)
        with log.writing():
            for row in snapshots.snapshots(log, self.session.thread_id):
                if row["turn_id"] is not None and every.index(row["turn_id"]) >= first:
                    snapshots.delete(log, row["id"])

    def copy(self, log: Log) -> Session:
        """Copy the session into a log and return it."""
        if log.empty():
            migrated(log)
        log.migrate()
        try:
            self.staging.copy(log)
        except NameRefused as error:
            raise taken(self.session.name) from error
        if self.excerpts:
            self._link_excerpts(log)
        return self.session

    def _link_excerpts(self, log: Log) -> None:
        """Tell where recalled excerpts are from. They are there without that, should the log be locked just now."""
        from ..store.index import Index

        with suppress(LogUnusable):
            Index(log).catch_up(self.session.thread_id)
            self.staging.link_excerpts()

    def __enter__(self) -> _Import:  # noqa: PYI034  Self needs Python 3.11
        return self

    def __exit__(self, *error: object) -> None:
        self.staging.close()


def _begun(stream: IO[Any], where: str) -> tuple[Header, Iterator[tuple[int, Mapping[str, Any]]]]:
    """Return the header of a file, empty if it has none, and the other lines with their numbers."""
    lines = objects(stream, where)
    first = next(lines, None)
    if first is None:
        raise FileRefused(f"There is no session in {where}.", "Check that it is the file that you meant.")
    if first[1].get("format") == SEALED:
        raise FileRefused(f"{where} is a sealed session.", "Bring it back with: llm sessions unseal FILE")
    if is_header(first[1]):
        return header_of(first[1], where, f"Line {first[0]:,} of {where}"), lines
    return Header(Fields({}, where), None, None), chain([first], lines)
