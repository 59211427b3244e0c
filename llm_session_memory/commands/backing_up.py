"""`llm sessions backup`: copy the log to a file while it is in use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..rules.words import counted
from .common import echo, opened, progress_line, session_command
from .encryption_options import Encrypting, check_plain_name, encryption_options
from .ending import ending_in_order

if TYPE_CHECKING:
    from ..services.backup import Backup


@session_command("backup", short_help="Copy the log to a file while it is in use")
@click.argument("file", required=False, metavar="FILE", type=click.Path())
@click.option("--overwrite", is_flag=True, help="Replace FILE if it exists")
@click.option(
    "--dir", "folder", metavar="FOLDER", type=click.Path(), help="Write to this folder, to a file named by the date"
)
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    metavar="N",
    help="Keep the newest N backups in --dir, and delete older ones",
)
@click.option("--attachments", is_flag=True, help="Also copy the files of attachments that the log has only by path")
@encryption_options()
def backup_command(
    file: str | None,
    overwrite: bool,
    folder: str | None,
    keep: int | None,
    attachments: bool,
    encrypt: Encrypting | None,
    database: str | None,
) -> None:
    """Write a copy of the whole log to FILE, and check it. Other programs can use the log meanwhile.

    Only you can read the file. Bring it back with: llm sessions restore FILE

    \b
        llm sessions backup backup.db
        llm sessions backup backup.db --overwrite --attachments
        llm sessions backup --dir ~/backups --keep 7
        llm sessions backup backup.db.age --encrypt
        llm sessions backup backup.db.age -r ~/.ssh/id_ed25519.pub
    """
    if (file is None) == (folder is None):
        raise click.UsageError("Give a FILE, or a folder with --dir FOLDER.")
    if keep is not None and folder is None:
        raise click.UsageError("--keep needs a folder: --dir FOLDER.")
    if overwrite and folder is not None:
        raise click.UsageError("--overwrite needs a FILE; with --dir, every backup has a name of its own.")
    check_plain_name(file or "", encrypt)
    with opened(database) as memory:
        lock = encrypt.lock() if encrypt else None
        with copying_line() as show:
            if file is not None:
                made = memory.backups.make(
                    Path(file), overwrite=overwrite, lock=lock, attachments=attachments, progress=show
                )
            else:
                made = memory.backups.rotate(
                    Path(folder or ""), keep=keep, lock=lock, attachments=attachments, progress=show
                )
    _print(made, Path(file) if file is not None else made.path)


@contextmanager
def copying_line() -> Iterator[Callable[[str, int, int], None]]:
    """Give a function that shows on the terminal what is done, and how many bytes of how many.

    Meanwhile, `kill` and a closed terminal end the command as Ctrl-C does, so that no half-written file is left.
    """
    with progress_line("byte", patience=0.5) as line, ending_in_order():

        def show(what: str, done: int, total: int) -> None:
            of = f" of {total / 1e6:,.0f}" if total else ""
            line.say(f"{what}: {done / 1e6:,.0f}{of} MB" if done else f"{what}…")

        yield show


def _print(made: Backup, path: Path) -> None:
    kind = "encrypted " if made.encrypted else ""
    echo(f"Wrote {path}: {kind}backup of the log, {made.size:,} bytes, checked.")
    if made.files:
        echo(f"Copied {counted(made.files, 'file')} of attachments to {path}.attachments.")
    for gone in made.missing:
        echo(f"Not in the backup, because it does not exist: {gone}", err=True)
    for old in made.removed:
        echo(f"Deleted the old backup {old}.")
