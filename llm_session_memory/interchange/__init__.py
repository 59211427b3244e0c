"""Export and import sessions: JSONL, OpenAI's chat format and CSV both ways, Markdown and HTML out only.

`exporting` writes the files that `reader.files` composes. `importing` reads a file: `lines`, `fields`, `wire` and
`records` check it, `importer` writes it through llm's own writer, `beside` stores tags, facts, notes and ratings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..memory import Memory
    from ..model import Session
    from ..rules.sanitizing import Hide
    from ..services.encryption import Locking, Unlocking
    from .foreign.arrived import Arrivals


def export_session(  # noqa: PLR0913  one parameter a choice of the caller
    memory: Memory,
    name: str,
    path: str | Path | IO[str],
    *,
    format: str | None = None,  # noqa: A002
    force: bool = False,
    progress: Callable[[int], None] | None = None,
    lock: Locking | None = None,
    hide: Hide = None,
) -> int:
    """Write a session to a file or a text stream, and return how many exchanges it has.

    A file is written completely or not at all.

    Args:
        memory: The log that has the session.
        name: The session's name.
        path: The file, or a text stream.
        format: jsonl, markdown, html, openai or csv. None chooses by the file's ending; otherwise it is jsonl.
        force: Replace the file if it already exists.
        progress: Called with the number of exchanges done.
        lock: Encrypt the file (not a stream: see `services.encryption.encrypted`).
        hide: "secrets" replaces what looks like a secret; "texts" replaces all texts by their lengths (only in jsonl).

    Raises:
        SessionError: There is no such session or format, or the file exists (without `force`) or can't be written.
    """
    from .exporting import format_of, write, write_file

    if isinstance(path, (str, Path)):
        kind = format or format_of(Path(path))
        return write_file(memory, name, Path(path), format=kind, force=force, progress=progress, lock=lock, hide=hide)
    return write(memory, name, path, format=format or "jsonl", progress=progress, hide=hide)


def export_sessions(  # noqa: PLR0913  one parameter a choice of the caller
    memory: Memory,
    names: Sequence[str],
    folder: str | Path,
    *,
    format: str | None = None,  # noqa: A002
    force: bool = False,
    dry_run: bool = False,
    progress: Callable[[int, int], None] | None = None,
    lock: Locking | None = None,
    hide: Hide = None,
) -> list[tuple[Path, int]]:
    """Write sessions to files, all of them or none, and return each file with its number of exchanges.

    Each session gets a file in the folder. If `folder` ends in `.csv` (or, with the format openai, in `.jsonl`), it is
    one file with all sessions.

    Args:
        memory: The log that has the sessions.
        names: The sessions' names. Characters that a file name can't have become “_”.
        folder: The folder, which is made if it is missing; or a file, as above.
        format: jsonl (the default), markdown, html, openai or csv.
        force: Replace files that already exist.
        dry_run: Write nothing.
        progress: Called with the number of sessions done, and the number in all.
        lock: Encrypt the files. The names of those in a folder then end with .age.
        hide: As in `export_session`.

    Raises:
        SessionError: There is no such session or format, or a file exists (without `force`) or can't be written.
    """
    from .exporting import check_not_joined, format_of, is_joined, write_files, write_joined_file

    path = Path(folder)
    if is_joined(path, format):
        kind = format or format_of(path)
        return write_joined_file(
            memory, names, path, format=kind, force=force, dry_run=dry_run, progress=progress, lock=lock, hide=hide
        )
    kind = format or "jsonl"
    check_not_joined(path, format or format_of(path))
    return write_files(
        memory, names, path, format=kind, force=force, dry_run=dry_run, progress=progress, lock=lock, hide=hide
    )


def import_session(  # noqa: PLR0913  one parameter a choice of the caller
    memory: Memory,
    path: str | Path | IO[Any],
    name: str | None = None,
    *,
    progress: Callable[[int, int | None], None] | None = None,
    restore_deleted: bool = False,
    unlock: Unlocking | None = None,
) -> Session:
    """Import a session from a JSONL file or a stream, and return it. If anything is wrong, nothing is imported.

    Args:
        memory: The log to import into.
        path: The file, or a stream of text or bytes.
        name: The session's name. None takes the name in the file, or generates one if it has none.
        progress: Called with the number of exchanges done, and the number in all if the file says it.
        restore_deleted: Import exchanges too that were once deleted from the log. Otherwise they are left out.
        unlock: The keys, or the passphrase, of an encrypted file (see `services.encryption`).

    Raises:
        SessionError: The file can't be read; the message has the line.
        NameRefused: The name is taken, or breaks the rules.
    """
    from .importing import read, read_file

    if isinstance(path, (str, Path)):
        return read_file(memory, Path(path), name, progress, restore_deleted=restore_deleted, unlock=unlock)
    where = Path(str(getattr(path, "name", "the file"))).name
    return read(memory, path, name, where, progress, restore_deleted=restore_deleted)


def import_conversations(  # noqa: PLR0913  one parameter a choice of the caller
    memory: Memory,
    path: str | Path,
    name: str | None = None,
    *,
    progress: Callable[[int, int | None], None] | None = None,
    restore_deleted: bool = False,
    dry_run: bool = False,
) -> Arrivals:
    """Import what is new in a file or folder of another tool, and return what that is. It is all of it, or nothing.

    Args:
        memory: The log to import into. It must not be in a transaction.
        path: The file or folder. Its kind is recognised by looking into it.
        name: The session's name, if there is only one conversation. None: what its tool calls each.
        progress: Called with the number of conversations done, and None.
        restore_deleted: Import exchanges too that were once deleted from the log. Otherwise they are left out.
        dry_run: Import nothing.

    Raises:
        SessionError: The file is of no known kind, or is not as its kind should be; the message has the place.
        NameRefused: The name is taken, or breaks the rules.
    """
    from .foreign.arriving import within
    from .foreign.registry import recognised
    from .foreign.source import SourceFile
    from .lines import FileRefused

    source = SourceFile(Path(path))
    format_ = recognised(source)
    if format_ is None:
        raise FileRefused(
            f"{source.name} is not a file of any tool that can be imported.",
            "See what can be imported with: llm sessions import --help",
        )
    return within(memory, source, format_, name, progress, restore_deleted=restore_deleted, dry_run=dry_run)
