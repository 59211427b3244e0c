"""`llm sessions archive` and `unarchive`: take sessions out of lists, but not out of the log, and bring them back."""

from __future__ import annotations

from dataclasses import replace

import click

from ..model import Filters
from ..rules.dates import zoned
from .common import as_json, echo, opened, session_command
from .selecting import dry_run_option, matching_options, names_argument, one_transaction, selection, summed_up

_SAID = {
    (True, True): "is archived",
    (True, False): "was archived already",
    (False, True): "is back in lists",
    (False, False): "is not archived",
}
"""What is said of a session, by whether it is archived now and whether that has changed."""

_WOULD = {**_SAID, (True, True): "would be archived", (False, True): "would be back in lists"}
"""The same in a dry run."""


@session_command("archive", short_help="Take sessions out of lists, but not out of the log")
@names_argument()
@matching_options()
@dry_run_option()
@click.option("json_", "--json", is_flag=True, help="Output as JSON")
def archive_command(
    names: tuple[str, ...],
    matching: Filters | None,
    dry_run: bool,
    json_: bool,
    database: str | None,
) -> None:
    """Archive sessions. They are left out of lists and completion, and models don't find them; nothing is deleted.

    An archived session can still be shown, searched, exported and prompted by its name.

    \b
        llm sessions archive work
        llm sessions archive --all-matching --tag finished --until 2025 --dry-run
    """
    _change(names, matching, database, archived=True, dry_run=dry_run, json_=json_)


@session_command("unarchive", short_help="Bring archived sessions back into lists")
@names_argument(archived=True)
@matching_options()
@dry_run_option()
@click.option("json_", "--json", is_flag=True, help="Output as JSON")
def unarchive_command(
    names: tuple[str, ...],
    matching: Filters | None,
    dry_run: bool,
    json_: bool,
    database: str | None,
) -> None:
    """Bring archived sessions back into lists.

    \b
        llm sessions list --archived
        llm sessions unarchive work
    """
    if matching is not None:
        matching = replace(matching, archived=True)
    _change(names, matching, database, archived=False, dry_run=dry_run, json_=json_)


def _change(
    names: tuple[str, ...],
    matching: Filters | None,
    database: str | None,
    *,
    archived: bool,
    dry_run: bool,
    json_: bool,
) -> None:
    """Archive the chosen sessions or bring them back, and print one line for each."""
    chosen = selection(names, matching)
    with opened(database) as memory, one_transaction(memory, dry_run=dry_run):
        sessions = chosen.sessions(memory)
        changed = [memory.sessions.archive(session.name, archived=archived) for session in sessions]
        after = [memory.sessions.get(session.name) for session in sessions]
    if json_:
        times = [(session.name, session.archived_utc and zoned(session.archived_utc)) for session in after]
        as_json([{"name": name, "archived_utc": utc} for name, utc in times])
    else:
        for session, is_new in zip(after, changed, strict=True):
            echo(f"“{session.name}” {(_WOULD if dry_run else _SAID)[archived, is_new]}.")
    if dry_run or chosen.several:
        click.echo(summed_up(sum(changed), len(after), dry_run=dry_run), err=True)
