"""`llm sessions merge` and `conflicts`: put the log of another machine into this one, and see what lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from ..llm_seam.models import log_path
from ..llm_seam.tables import migrated
from ..llm_seam.template_fragments import hashes
from ..memory import Memory
from ..model.merging import Conflict, Merged
from ..rules.words import counted
from .common import as_json, echo, local_time, opened, progress_line, session_command
from .ending import ending_in_order
from .selecting import dry_run_option
from .syncing_text import newer

_MOST = 20
"""How many new sessions are listed; --json has all of them."""


@session_command("merge", short_help="Put the log of another machine into this one")
@click.argument("other", metavar="OTHER.db", type=click.Path())
@click.option(
    "--host", metavar="NAME", help="What to call the other machine in names [the name of OTHER.db or of its folder]"
)
@dry_run_option("Only print what would be added and changed")
@click.option("--json", "json_", is_flag=True, help="Output as JSON")
@ending_in_order()
def merge_command(
    other: str,
    host: str | None,
    dry_run: bool,
    json_: bool,
    database: str | None,
) -> None:
    """Put another log into this one: all conversations, sessions, notes, ratings and so on that this one lacks.

    OTHER.db is only read. Merging it again adds only what is new. If both logs have a setting, rating or title, the
    newer one wins; list the others with: llm sessions conflicts. What was deleted in OTHER.db is deleted here too.

    \b
        llm sessions merge laptop.db --dry-run
        llm sessions merge laptop.db
        llm sessions merge backup/logs.db --host laptop
    """
    with (
        _log(log_path(database), dry_run=dry_run) as path,
        progress_line("turn", patience=1) as line,
        Memory(path, create=True, typed=database) as memory,
    ):
        kept = memory.conversations.fragment_numbers(hashes())
        done = memory.merging.merge(
            Path(other), migrated, host=host, dry_run=dry_run, kept_fragments=kept, say=line.say
        )
        hint = memory.desk.command("conflicts")
    if json_:
        as_json(asdict(done))
        return
    for text in _lines(done, would=dry_run, hint=hint):
        echo(text)
    if dry_run:
        echo("Dry run: nothing was merged.", err=True)


@contextmanager
def _log(path: Path, *, dry_run: bool) -> Iterator[Path]:
    """Give the log to merge into. A new one is removed if the merge fails; a dry run makes one elsewhere."""
    if path.exists():
        yield path
    elif dry_run:
        with TemporaryDirectory() as folder:
            yield Path(folder, "logs.db")
    else:
        try:
            yield path
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def _lines(done: Merged, *, would: bool, hint: str) -> list[str]:
    """Return what a merge did, or would do, a line for each kind of thing."""
    if done == Merged():
        return ["Nothing to merge: this log has everything that the other one has."]
    said = []
    if done.turns or done.conversations:
        more = [counted(getattr(done, name), name[:-1]) for name in ("messages", "fragments", "attachments")]
        what = f"{counted(done.conversations, 'new conversation')} and {counted(done.turns, 'new turn')}"
        said.append(f"{'Would add' if would else 'Added'} {what} ({', '.join(more)}).")
    for theirs, name in done.sessions[:_MOST]:
        said.append(f"New session “{name}”" + (f", there called “{theirs}”." if name != theirs else "."))
    if len(done.sessions) > _MOST:
        said.append(f"And {counted(len(done.sessions) - _MOST, 'more new session')}.")
    for kept, *others in done.branches:
        names = ", ".join(f"“{name}”" for name in others)
        said.append(f"A session was continued in both logs. Its branches share the beginning: “{kept}”, {names}.")
    if done.changed:
        said.append(f"{newer(done.changed)} newer in the other log and replaced.")
    if done.conflicts:
        said.append(f"{counted(done.conflicts, 'older value')} kept apart. List them with: {hint}")
    if done.deleted:
        said.append(f"{counted(done.deleted, 'exchange')} deleted here, because the other log deleted them.")
    if done.left_out:
        said.append(f"{counted(done.left_out, 'exchange')} left out, because this log deleted them.")
    return [*said, *done.stayed]


@session_command("conflicts", short_help="List what lost to newer values")
@click.option("--forget", is_flag=True, help="Forget all of them")
@click.option("--json", "json_", is_flag=True, help="Output as JSON")
def conflicts_command(forget: bool, json_: bool, database: str | None) -> None:
    """List the settings, ratings, titles and so on that lost to newer ones when logs were merged or synced.

    \b
        llm sessions conflicts
        llm sessions conflicts --forget
    """
    with opened(database) as memory:
        if forget:
            echo(f"Forgot {counted(memory.merging.forget_conflicts(), 'conflict')}.")
            return
        print_conflicts(memory, json_=json_)


def print_conflicts(memory: Memory, *, json_: bool) -> None:
    """List what lost to newer values in merges, pulls and pushes."""
    found = memory.merging.conflicts()
    if json_:
        as_json([asdict(one) for one in found])
        return
    if not found:
        echo("No conflicts.", err=True)
    for one in found:
        echo(_line(one))


def _set(one: Conflict) -> str:
    """Return when and where a value was set, and by whom, as far as it is known."""
    when = f"set {local_time(one.changed_utc)}" if one.changed_utc else ""
    by = f"by {one.person}" if one.person else ""
    on = f"on {one.machine}" if one.machine else ""
    return " ".join(part for part in (when, by, on) if part)


def _line(one: Conflict) -> str:
    about = " ".join(part for part in (one.name, one.key) if part)
    values = ", ".join(f"{name}: {value}" for name, value in one.row.items() if value is not None)
    when = f" ({_set(one)})" if _set(one) else ""
    return f"{one.kind} of {about}{when}: {values or 'no value'}" if about else f"{one.kind}{when}: {values}"
