"""`llm sessions fork`: continue from any exchange of a session in a new one."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from ..llm_seam.forks import point_in
from ..llm_seam.models import known_bookmarks, known_snapshots
from ..llm_seam.shape import check
from ..rules.safe_text import one_line
from ..rules.words import counted
from .budgets import budget_of, budget_option, warn
from .common import echo, exchange_number, opened, session_argument, session_command
from .settings_options import Changes, changed, settings_options

_WIDTH = 60
"""How many characters of a bookmark's label are shown."""


def _complete_point(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the labels of a session's snapshots, and the numbers of exchanges that have a bookmark."""
    del param
    given = ctx.params.get("database"), ctx.params.get("name") or "", incomplete
    bookmarks = [CompletionItem(number, help=one_line(label, _WIDTH)) for number, label in known_bookmarks(*given)]
    return [*map(CompletionItem, known_snapshots(*given)), *bookmarks]


@session_command("fork", short_help="Continue from an exchange in a new session")
@session_argument()
@click.option(
    "--at",
    metavar="N",
    shell_complete=_complete_point,
    help="Last exchange to share, or the label of a snapshot [the newest]",
)
@click.option("--as", "new_name", metavar="NAME", help="Name of the new session [NAME-2, or the next that is free]")
@settings_options
@budget_option("the new session")
def fork_command(
    name: str,
    at: str | None,
    new_name: str | None,
    changes: Changes,
    budget_usd: str | None,
    database: str | None,
) -> None:
    """Make a new session that begins with the exchanges of another, up to exchange N, and then goes its own way.

    The exchanges are shared, not copied: what you say, undo or delete in one session changes nothing in the other. The
    new session gets the settings, tags, facts and notes of the other one, and the pins, ratings, bookmarks and summary
    of what they share. At a snapshot, it gets the settings, pins and notes of that time. NAME can also be the id of a
    conversation without a name.

    \b
        llm sessions fork work --at 12 --as work-b
        llm sessions fork work --at "before the refactoring"
        llm sessions fork work --model llama3 --system "Answer in one sentence."
        llm --session work --fork-at 12 "Try it the other way"     # fork and prompt in one go
    """
    check("forks")
    with opened(database) as memory:
        number = exchange_number(at)
        snapshot = memory.snapshots.get(name, at) if at is not None and number is None else None
        point = point_in(memory, name, memory.snapshots.number(name, snapshot.label) if snapshot else number)
        settings = changed(snapshot.state.settings if snapshot else point.settings, changes)
        dollars = None if budget_usd is None else budget_of(budget_usd, None)
        with memory.writing():
            made = memory.forks.make(point, new_name, settings=settings)
            if snapshot is not None:
                memory.snapshots.give(snapshot, made)
            if budget_usd is not None:
                memory.costs.set_budget(made.name, dollars)
        if dollars is not None:
            warn(memory, settings.model)
        shared = memory.sessions.exchange_count(made)
    echo(f"Session “{made.name}” shares {counted(shared, 'exchange')} with {point.title}, up to #{point.number}.")
