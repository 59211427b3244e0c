"""Import the conversations of another tool into a log, through llm's own writer.

As with our own files, they are made in a temporary database and copied into the log in one transaction.
"""

from __future__ import annotations

from pathlib import Path

from ...errors import NameRefused
from ...llm_seam import shape
from ...llm_seam.tables import migrated, ready_to_import
from ...memory import Memory
from ...services.desk import now_utc
from ...store import Log, check_file, origins
from ...store.staging import Staging
from ...store.tombstones import dig_up
from ..lines import NOTHING, FileRefused
from .arrival import Arrival
from .arrived import Arrivals
from .source import SourceFile
from .values import Format, Progress


def into(  # noqa: PLR0913  one parameter a choice of the caller
    path: Path,
    source: SourceFile,
    format_: Format,
    name: str | None = None,
    progress: Progress | None = None,
    *,
    restore_deleted: bool = False,
    dry_run: bool = False,
) -> Arrivals:
    """Import what is new in a file or folder of another tool into a log: all of it, or nothing.

    Args:
        path: The log. It is made if there is none.
        source: The file or folder.
        format_: Its format.
        name: The session's name, if the file has one conversation. None: what its tool calls each.
        progress: Called with the number of conversations done.
        restore_deleted: Import exchanges too that were once deleted from the log. Otherwise they are left out.
        dry_run: Only find out what would be imported.

    Raises:
        FileRefused: The file is not as its format says; the message has the place.
        NameRefused: The name is taken, or breaks the rules.
        LogUnusable: The log can't be written, or was changed meanwhile.
        SessionError: The file has no conversations, or several that were to have one name.
    """
    check_file(path)
    shape.check("files")
    if not path.exists():
        with _Staged(path, None) as staged:
            found = staged.read(source, format_, name, progress, restore_deleted=restore_deleted)
            if not dry_run and found.arrived:
                with Memory(path, create=True) as memory:
                    staged.copy(memory.desk.log)
            return found
    with Memory(path) as memory:
        return within(memory, source, format_, name, progress, restore_deleted=restore_deleted, dry_run=dry_run)


def within(  # noqa: PLR0913  as above
    memory: Memory,
    source: SourceFile,
    format_: Format,
    name: str | None = None,
    progress: Progress | None = None,
    *,
    restore_deleted: bool = False,
    dry_run: bool = False,
) -> Arrivals:
    """Import into an open log, as `into` does. It must not be in a transaction."""
    log = memory.desk.log
    ready_to_import(log, dry_run=dry_run)
    with _Staged(log.path, None if log.empty() else log) as staged:
        found = staged.read(source, format_, name, progress, restore_deleted=restore_deleted)
        if not dry_run and found.arrived:
            staged.copy(log)
            if restore_deleted:
                staged.dig_up(memory)
        return found


class _Staged:
    """The conversations in a temporary database. `theirs` is the log, or None if there is none yet."""

    def __init__(self, path: Path, theirs: Log | None) -> None:
        self.theirs = theirs
        self.staging = Staging(path, theirs)

    def read(
        self, source: SourceFile, format_: Format, name: str | None, progress: Progress | None, *, restore_deleted: bool
    ) -> Arrivals:
        """Write what is new into the temporary database, and return what that is."""
        migrated(self.staging.log)
        self.staging.prepare()
        with self.staging.log.writing():
            now = now_utc().isoformat()
            arrival = Arrival(
                self.staging, self.theirs, format_, source.name, name, now, restore_deleted=restore_deleted
            )
            for conversation in format_.conversations(source, arrival.losses):
                arrival.add(conversation)
                if progress:
                    progress(arrival.conversations, None)
        if arrival.is_empty:
            raise FileRefused(
                f"There are no conversations in {source.name} ({format_.title}).",
                "Check that it is the file that you meant.",
            )
        return Arrivals(
            title=format_.title,
            conversations=arrival.conversations,
            arrived=tuple(arrival.arrived.values()),
            left_out=arrival.left_out,
            losses=arrival.losses.counts,
            places=arrival.losses.places,
        )

    def copy(self, log: Log) -> None:
        """Copy what is new into a log."""
        if log.empty():
            migrated(log)
        log.migrate()
        try:
            self.staging.copy(log)
        except NameRefused as error:
            raise NameRefused(error.message, "Import again, or give another name with --as.", NOTHING) from error

    def dig_up(self, memory: Memory) -> None:
        """Remove the tombstones of what was imported."""
        made = self.staging.log
        with memory.writing():
            dig_up(memory.desk.log, made, memory.desk.timestamp())
            origins.dig_up(memory.desk.log, origins.marks_of(made))

    def __enter__(self) -> _Staged:  # noqa: PYI034  Self needs Python 3.11
        return self

    def __exit__(self, *error: object) -> None:
        self.staging.close()
