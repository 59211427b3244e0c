"""`llm sessions import`: read back a session that was exported, or take over the conversations of another tool."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from ..llm_seam.models import log_path
from ..rules.safe_text import plain
from ..rules.words import counted
from .common import echo, local_time, progress_line, session_command
from .encryption_options import decryption_options
from .ending import ending_in_order
from .selecting import dry_run_option

if TYPE_CHECKING:
    from ..interchange.foreign.arrived import Arrivals, Arrived
    from ..interchange.foreign.source import SourceFile
    from ..interchange.foreign.values import Format
    from ..services.encryption import Unlocking

_EVERY = 100
"""How many exchanges between updates of the progress line."""

_FEW = 10
"""Up to this many sessions are listed after an import; a dry run lists all."""


class _FileOrFolder(click.File):
    """A file, open to read its bytes, or the path of a folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, str) and Path(value).is_dir():
            return Path(value)
        return super().convert(value, param, ctx)


@session_command("import", short_help="Import sessions from a file, including those of other tools")
@click.argument("file", type=_FileOrFolder("rb"))
@click.option("--as", "name", metavar="NAME", help="Name of the session [its name in FILE]")
@decryption_options()
@dry_run_option("Only print what would be imported")
@click.option("--restore-deleted", is_flag=True, help="Also import exchanges that were deleted from this log")
@ending_in_order()
def import_command(
    file: IO[bytes] | Path,
    name: str | None,
    dry_run: bool,
    restore_deleted: bool,
    unlock: Unlocking,
    database: str | None,
) -> None:
    """Import a session from FILE (- for standard input), in the JSONL format of `llm sessions export`.

    Lines of {"prompt": "...", "response": "..."} are enough. If a line is wrong, nothing is imported. Exchanges that
    were once deleted from this log are left out, unless you add --restore-deleted.

    FILE can also be a file or a folder of another tool, which is recognised by its contents. Each conversation becomes
    a session, and a branch of it becomes a fork. If you import it again, only what is new is imported.

    An encrypted file (in the age format) is recognised too. Its passphrase is asked for; a key is given with -i.

    \b
        llm sessions import work.jsonl --as work-again
        zcat work.jsonl.gz | llm sessions import -
        llm sessions import work.jsonl.age -i key.txt
        llm sessions import chatgpt-export.zip --dry-run
    """
    from ..interchange.foreign.registry import looked_at

    given = str(getattr(file, "name", "-"))
    where = "standard input" if given in ("<stdin>", "-") else Path(given).name
    with _plain(file, unlock, where) as shown, looked_at(shown, where) as (stream, source, format_):
        if format_ is not None:
            _arrive(database, source, format_, name, restore_deleted=restore_deleted, dry_run=dry_run)
        elif stream is not None:
            _import(stream, where, name, database, restore_deleted=restore_deleted, dry_run=dry_run)


@contextmanager
def _plain(file: IO[bytes] | Path, unlock: Unlocking, where: str) -> Iterator[IO[bytes] | Path]:
    """Give a file as it is, or decrypted."""
    if isinstance(file, Path):
        yield file
        return
    from ..services.encryption import revealed

    if where == "standard input" and click.get_current_context().params.get("passphrase_fd") == 0:
        raise click.UsageError("Standard input is the file, so give the passphrase on another file descriptor.")
    with revealed(file, unlock, where) as stream:
        yield stream


def _import(
    stream: IO[bytes], where: str, name: str | None, database: str | None, *, restore_deleted: bool, dry_run: bool
) -> None:
    """Import a session of our own."""
    from ..interchange.importing import into

    with progress_line("exchange", every=_EVERY) as counter:
        found = into(
            log_path(database), stream, name, where, counter.show, restore_deleted=restore_deleted, dry_run=dry_run
        )
    there = f" in project “{found.project}”" if found.project else ""
    done = "Would import" if dry_run else "Imported"
    echo(f"{done} {counted(found.exchanges, 'exchange')} into session “{found.session.name}”{there}.")
    if found.left_out:
        them, were = ("it", "was") if found.left_out == 1 else ("them", "were")
        what = f"{counted(found.left_out, 'exchange')} {were} left out, because you deleted {them} from this log."
        echo(f"{what} To import {them} as well, import the file under another name with --restore-deleted.", err=True)
    if found.tools:
        offered = ", ".join(map(plain, found.tools))
        click.echo(f"Its next prompts will offer models the tools of its first prompt: {offered}.", err=True)
    if dry_run:
        echo("Dry run: nothing was imported.", err=True)


def _arrive(
    database: str | None, source: SourceFile, format_: Format, name: str | None, *, restore_deleted: bool, dry_run: bool
) -> None:
    """Import what is new in a file or folder of another tool, and print what that is."""
    from ..interchange.foreign.arriving import into

    with progress_line("conversation", every=10, patience=1) as line:
        found = into(
            log_path(database), source, format_, name, line.show, restore_deleted=restore_deleted, dry_run=dry_run
        )
    if dry_run or len(found.arrived) <= _FEW:
        for one in found.arrived:
            echo(_session(one))
    echo(_total(found, source, dry_run=dry_run))
    if found.left_out:
        them, were = ("it", "was") if found.left_out == 1 else ("them", "were")
        what = f"{counted(found.left_out, 'exchange')} {were} left out, because you deleted {them} from this log."
        echo(f"{what} To import {them} as well, add --restore-deleted.", err=True)
    _say_losses(found, all_=dry_run)
    if dry_run:
        echo("Dry run: nothing was imported.", err=True)


def _say_losses(found: Arrivals, *, all_: bool) -> None:
    """Say what could not be taken over: all of it, or the most frequent."""
    most = found.losses.most_common()
    shown = most if all_ or len(most) <= _FEW + 1 else most[:_FEW]
    for what, count in shown:
        times = "" if count == 1 else f" ({count:,} times)"
        echo(f"Not imported: {what}{times}, first in {found.places[what]}.", err=True)
    if len(most) > len(shown):
        rest = sum(count for _, count in most[len(shown) :])
        echo(f"Not imported: {rest:,} others, which --dry-run lists.", err=True)


def _session(one: Arrived) -> str:
    """Return a line about a session: its name, what it got, and when it began."""
    line = f"“{one.name or one.thread_id}”: {counted(one.exchanges, 'exchange' if one.is_new else 'new exchange')}"
    if one.shares:
        return f"{line}, a fork of “{one.shares}”"
    return f"{line}, started {local_time(one.created_utc)}" if one.is_new else line


def _total(found: Arrivals, source: SourceFile, *, dry_run: bool) -> str:
    """Return the sentence that sums up."""
    if not found.arrived:
        return f"Nothing in {source.name} is new ({counted(found.conversations, 'conversation')})."
    new = sum(one.is_new for one in found.arrived)
    into = [counted(new, "new session")] if new else []
    into += [counted(len(found.arrived) - new, "session") + " continued"] if len(found.arrived) > new else []
    done = "Would import" if dry_run else "Imported"
    return f"{done} {counted(found.exchanges, 'exchange')} from {found.title}, in {' and '.join(into)}."
