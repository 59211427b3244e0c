"""`llm sessions snapshot`, `snapshots` and `restore`: named points in a session to go back to. See also `restoring`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem
from tabulate import tabulate

from ..llm_seam.models import known_snapshots
from ..model import Exchange, Settings
from ..rules.dates import zoned
from ..rules.safe_text import one_line
from ..rules.words import counted
from .common import as_json, complete, echo, local_time, opened, session_argument, session_command
from .encryption_options import decryption_options

if TYPE_CHECKING:
    from ..services.encryption import Unlocking
    from ..services.snapshots import SnapshotPoint

_WIDTH = 60
"""How many characters of a name or a label are shown."""


def _complete_label(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Complete the labels of a session's snapshots."""
    del param
    return known_snapshots(ctx.params.get("database"), ctx.params.get("name") or "", incomplete)


@session_command("snapshot", short_help="Save the state of a session, to go back to it later")
@session_argument()
@click.argument("label", shell_complete=_complete_label)
@click.option("--delete", is_flag=True, help="Delete this snapshot; exchanges stay as they are")
def snapshot_command(name: str, label: str, delete: bool, database: str | None) -> None:
    """Save the current state of a session under LABEL: its last exchange, settings, pins, notes and summary.

    \b
        llm sessions snapshot work "before the refactoring"
        llm sessions restore work "before the refactoring"
        llm sessions snapshot work "before the refactoring" --delete
    """
    with opened(database) as memory:
        point = memory.snapshots.delete(name, label) if delete else memory.snapshots.make(name, label)
        restore = memory.desk.command("restore", point.session.name, point.label)
    if delete:
        echo(f"Deleted the snapshot “{point.label}” of “{point.session.name}”.")
        return
    echo(f"Snapshot “{point.label}” of “{point.session.name}”: {_where(point)}.")
    echo(f"Go back to it with: {restore}", err=True)


@session_command("snapshots", short_help="List snapshots")
@click.argument("name", required=False, shell_complete=complete)
@click.option("json_", "--json", is_flag=True, help="Output as JSON, with settings, pins, notes and summary")
def snapshots_command(name: str | None, json_: bool, database: str | None) -> None:
    """List the snapshots of the session NAME, or of all sessions, oldest first.

    \b
        llm sessions snapshots work
    """
    with opened(database) as memory:
        found = memory.snapshots.list(name)
        where = f"of “{memory.sessions.get(name).name}”" if name else "yet"
        make = memory.desk.command("snapshot", name or "NAME", "LABEL")
    if json_:
        as_json([_fields(point) for point in found])
    elif found:
        rows = [
            (
                one_line(point.session.name, _WIDTH),
                one_line(point.label, _WIDTH),
                "undone" if point.number is None else f"#{point.number}" if point.number else "",
                local_time(point.made_utc),
            )
            for point in found
        ]
        headers = ("session", "snapshot", "exchange", "made")
        click.echo(tabulate(rows, headers=headers, tablefmt="plain", disable_numparse=True))
    else:
        echo(f"No snapshots {where}. Make one with: {make}", err=True)


def _complete_file(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the names of sessions, and of files."""
    return [*map(CompletionItem, complete(ctx, param, incomplete)), CompletionItem(incomplete, type="file")]


@session_command("restore", short_help="Go back to a snapshot, or restore a backup")
@click.argument("name", metavar="NAME|FILE", shell_complete=_complete_file)
@click.argument("label", metavar="[SNAPSHOT]", required=False, shell_complete=_complete_label)
@click.option("--attachments", is_flag=True, help="FILE: also restore missing files of attachments")
@decryption_options()
def restore_command(
    name: str,
    label: str | None,
    attachments: bool,
    unlock: Unlocking,
    database: str | None,
) -> None:
    """Go back to a snapshot of the session NAME, or replace the log with the backup FILE.

    Going back to a snapshot loses nothing. Later exchanges are undone, so `redo` brings them back. If settings, pins or
    notes have changed since, the current ones are kept as another snapshot.

    A backup is checked first, and the log that it replaces is kept beside it under another name. Encrypted backups are
    recognised.

    \b
        llm sessions restore work "before the refactoring"
        llm sessions restore backup.db
        llm sessions restore backup.db.age -i key.txt
    """
    if label is None:
        from .restoring import restore_backup

        restore_backup(name, unlock, attachments=attachments, database=database)
        return
    if attachments or unlock.identities:
        raise click.UsageError("--attachments and -i are for a backup: llm sessions restore FILE")
    with opened(database) as memory:
        done = memory.snapshots.restore(name, label)
        redo = memory.desk.command("redo", done.point.session.name)
        forward = memory.desk.command("restore", done.point.session.name, done.kept or "")
    session = done.point.session.name
    echo(f"“{session}” is back at the snapshot “{done.point.label}”, {_where(done.point)}.")
    if done.undid:
        echo(f"Undid {_which(done.undid)}. Bring back what was undone with: {redo}")
    if done.brought_back:
        echo(f"Brought back {_which(done.brought_back)}.")
    if done.kept:
        echo(f"The point before that is kept as the snapshot “{done.kept}”.")
        echo(f"Go back to it with: {forward}", err=True)
    elif not (done.undid or done.brought_back):
        echo("Nothing has changed since.")


def _where(point: SnapshotPoint) -> str:
    return f"after exchange #{point.number:,}" if point.number else "before the first exchange"


def _which(exchanges: Sequence[Exchange]) -> str:
    first, last = exchanges[0].number, exchanges[-1].number
    numbers = f"#{first:,}" if first == last else f"#{first:,} to #{last:,}"
    return f"{counted(len(exchanges), 'exchange')} ({numbers})"


def _fields(point: SnapshotPoint) -> dict[str, object]:
    state = point.state
    return {
        "session": point.session.name,
        "label": point.label,
        "exchange": point.number,
        "exchange_id": point.turn_id,
        "made_utc": zoned(point.made_utc),
        "settings": {one.name: getattr(state.settings, one.name) for one in fields(Settings)},
        "pins": [*state.pins],
        "notes": [note.text for note in state.notes],
        "summary": state.summary.text if state.summary else None,
    }
