"""`llm sessions delete` and `purge`: delete sessions, exchanges and old conversations for good."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import click

from ..errors import SessionError
from ..llm_seam.models import called
from ..llm_seam.template_fragments import hashes
from ..memory import Memory
from ..model import Amounts, Conversation, Deleted, DeletionPlan, Exchange, Filters, Target
from ..rules import dates
from ..rules.names import NO_PROJECT
from ..rules.numbers import parsed_ranges
from .common import COMPLETING, F, as_json, echo, opened, progress_line, session_command
from .deletion_text import MOST, amounts, conversation_lines, exchange_lines, lines, plan_fields
from .selecting import dry_run_option, matching_options, names_argument, selection


@dataclass(frozen=True)
class _What:
    """What a person wants to delete: conversations, exchanges of one conversation, or what was undone."""

    conversations: Sequence[Conversation]
    targets: tuple[Target, ...]
    exchanges: Sequence[Exchange] = ()
    undone: bool = False

    def amounts(self, plan: DeletionPlan) -> str:
        numbers = [exchange.number for exchange in self.exchanges]
        return amounts(plan.amounts, self.conversations, numbers, undone=self.undone)

    def lines(self, most: int | None = None) -> Iterator[str]:
        if self.exchanges:
            return exchange_lines(self.exchanges, most)
        return conversation_lines(self.conversations, most)


@dataclass(frozen=True)
class _How:
    """How a person wants something deleted."""

    dry_run: bool
    yes: bool
    with_traces: bool
    erase: bool
    json: bool


def _how_options(function: F) -> F:
    """Give a command the options of a deletion. It gets what was typed as one argument, `how`."""

    @functools.wraps(function)
    def gathered(*args: Any, **parameters: Any) -> Any:
        names = ("dry_run", "yes", "with_traces", "erase", "json")
        return function(*args, how=_How(**{name: parameters.pop(name) for name in names}), **parameters)

    options: tuple[Callable[[Any], Any], ...] = (
        dry_run_option("Only print what would be deleted, and what would stay; delete nothing"),
        click.option("-y", "--yes", is_flag=True, help="Don't ask before deleting"),
        click.option("--with-traces", is_flag=True, help="Also blank its text in later requests"),
        click.option("--erase", is_flag=True, help="Rewrite the file, so that no deleted bytes are left in it"),
        click.option("--json", is_flag=True, help="Output what goes and what stays as JSON"),
    )
    decorated: Any = gathered
    for option in reversed(options):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]


@session_command("delete", short_help="Delete sessions, or some exchanges, for good")
@names_argument()
@click.option(
    *("--exchange", "exchanges"), multiple=True, metavar="N", help="Only these exchanges, such as 12, 12-14 or 12,14-16"
)
@_how_options
@matching_options()
def delete_command(
    names: tuple[str, ...],
    exchanges: tuple[str, ...],
    matching: Filters | None,
    how: _How,
    database: str | None,
) -> None:
    """Delete sessions, or exchanges of a session, for good. NAME may also be the id of a conversation.

    Whatever another conversation, fork, snapshot or template still needs stays in the log. To take exchanges out of a
    session and keep them in the log, use undo; to take a session out of the lists, archive.

    \b
        llm sessions delete work --dry-run
        llm sessions delete work play --erase
        llm sessions delete work --exchange 12-14
        llm sessions delete --all-matching --tag finished --until 2025
    """
    chosen = selection(names, matching)
    if exchanges and (chosen.several or not names):
        raise click.UsageError("--exchange needs the name of one session.")
    with opened(database) as memory:
        if matching is not None:
            found = [memory.conversations.of(session) for session in chosen.sessions(memory)]
        else:
            found = [*{one.thread_id: one for one in map(memory.conversations.get, names)}.values()]
        if exchanges:
            ranges = [one for text in exchanges for one in parsed_ranges(text)]
            target, said = memory.conversations.exchanges(found[0], ranges)
            _delete(memory, _What(found, (target,), said), how)
        else:
            _delete(memory, _What(found, tuple(Target(one.thread_id) for one in found)), how)


@session_command("purge", short_help="Delete old or unnamed conversations for good")
@click.option("--older-than", metavar="TIME", help="Not used for this long: 30d, 12w, 6m or 1y")
@click.option("--before", metavar="DATE", help="Last used before this day or ISO time")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="With this tag (repeat to require several)")
@click.option(
    "--project",
    metavar="NAME",
    shell_complete=COMPLETING["project"],
    help=f"In this project ({NO_PROJECT}: sessions in no project)",
)
@click.option("-m", "--model", help="Of this model: the session's, or that of the newest reply")
@click.option("--unnamed", is_flag=True, help="Without a name: not a session")
@click.option("--archived", is_flag=True, help="Archived")
@click.option(
    "--undone", is_flag=True, help="Only exchanges that were undone; --older-than and --before say how long ago"
)
@_how_options
def purge_command(
    older_than: str | None,
    before: str | None,
    tags: tuple[str, ...],
    project: str | None,
    model: str | None,
    unnamed: bool,
    archived: bool,
    undone: bool,
    how: _How,
    database: str | None,
) -> None:
    """Delete all conversations that match every filter, for good: sessions and conversations without a name.

    Archived sessions, and sessions with pins, tags, notes or bookmarks, are deleted like all others. To see first what
    would go, use --dry-run. Without a filter, --erase erases what was deleted earlier.

    \b
        llm sessions purge --older-than 30d --unnamed --dry-run
        llm sessions purge --before 2025 --erase
        llm sessions purge --tag scratch --yes
        llm sessions purge --undone --older-than 1y
    """
    only_sessions = bool(tags or project or archived)
    if not (older_than or before or only_sessions or model or unnamed or undone):
        if how.erase:
            _erase(database, how)
            return
        raise click.UsageError("Which conversations? Give a filter, such as --older-than 30d or --unnamed.")
    if unnamed and only_sessions:
        raise click.UsageError(
            "--unnamed can't be combined with --tag, --project or --archived, which only sessions have."
        )
    with opened(database) as memory:
        limits = [dates.ago(older_than, memory.desk.now())] if older_than else []
        limits += [dates.since(before)] if before else []
        filters = Filters(
            tags=tags,
            project=project,
            model=model,
            called=called(model),
            until=min(limits, default=None),
            archived=archived or None,
        )
        what = _undone(memory, filters) if undone else _matching(memory, filters, unnamed=unnamed)
        if what.targets:
            _delete(memory, what, how)
            return
    echo("Nothing matches, so nothing was deleted.", err=True)
    if how.json:
        as_json(plan_fields(DeletionPlan(), ()))


def _matching(memory: Memory, filters: Filters, *, unnamed: bool) -> _What:
    found = memory.conversations.matching(filters, unnamed=unnamed)
    return _What(found, tuple(Target(one.thread_id) for one in found))


def _undone(memory: Memory, filters: Filters) -> _What:
    found = memory.conversations.undone(filters)
    return _What([one for one, _ in found], tuple(target for _, target in found), undone=True)


def _erase(database: str | None, how: _How) -> None:
    """Rewrite the file without deleting anything more."""
    with opened(database) as memory:
        before = memory.path.stat().st_size
        if how.dry_run:
            echo(f"Would rewrite the file ({before:,} bytes), and delete nothing more.")
            return
        memory.deletion.erase()
        echo(f"The file was rewritten: {before:,} bytes before, {memory.path.stat().st_size:,} bytes now.")


def _delete(memory: Memory, what: _What, how: _How) -> None:
    """Print what would go, ask, delete, and print what went, as far as it is asked for."""
    kept = memory.conversations.fragment_numbers(hashes())
    with progress_line("conversation", patience=1) as line:
        if how.dry_run or not how.yes:
            plan = memory.deletion.plan(what.targets, kept_fragments=kept, progress=line.show)
            line.end()
            if how.dry_run:
                _print(plan, what, how)
                echo("Nothing was deleted.", err=True)
                return
            _ask(plan, what, how)

        def show(done: int, total: int) -> None:
            if how.erase and done == total:
                line.say("Rewriting the file…")
            else:
                line.show(done, total)

        done = memory.deletion.delete(
            what.targets, with_traces=how.with_traces, erase=how.erase, kept_fragments=kept, progress=show
        )
    _print(done, what, how)
    if done.stays and not (done.amounts.conversations or done.amounts.exchanges or any(s.undone for s in done.stays)):
        raise SessionError("Nothing was deleted.")


def _ask(plan: DeletionPlan, what: _What, how: _How) -> None:
    """Ask on the terminal. Raises SessionError if there is none, or if the answer is no."""
    if not sys.stdin.isatty():
        raise SessionError(
            "Nothing was deleted, because there is no terminal to ask on.",
            "Add --yes to delete without a question, or --dry-run to see what would go.",
        )
    echo(f"This deletes {what.amounts(plan)}.", err=True)
    for text in (*what.lines(MOST), *lines(plan, most=MOST, blank=how.with_traces)):
        echo(text, err=True)
    if not click.confirm("Delete for good?", err=True):
        raise SessionError("Nothing was deleted.")


def _print(plan: DeletionPlan, what: _What, how: _How) -> None:
    """Print what would go or, after a deletion, what went."""
    if how.json:
        as_json(plan_fields(plan, what.conversations))
        return
    done = isinstance(plan, Deleted)
    if plan.amounts == Amounts() and any(stay.undone for stay in plan.stays):
        was = "was" if done else "would be"
        echo(f"Nothing {was} deleted; exchanges {'were' if done else was} only taken out of a session.")
    else:
        echo(f"{'Deleted' if done else 'Would delete'} {what.amounts(plan)}.")
    for text in (*what.lines(MOST if done else None), *lines(plan, blank=how.with_traces)):
        echo(text)
    if isinstance(plan, Deleted) and plan.erased:
        echo(f"The file was rewritten: {plan.size_before:,} bytes before, {plan.size_after:,} bytes now.")
