"""`llm sessions search`: search all sessions, or one."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from ..llm_seam.models import called
from ..model import Filters, Hit
from ..rules import dates
from ..rules.names import NO_PROJECT
from ..rules.safe_text import one_line, plain
from .common import as_json, complete, complete_project, local_time, opened, rated_option, session_command
from .remote_argument import remote_option

if TYPE_CHECKING:
    from ..model.remotes import RemoteSettings

_COUNT = 20
_WIDTH = 40
"""How many characters of a model's name are shown."""


@session_command("search", short_help="Search all sessions, or one")
@click.argument("words", nargs=-1, required=True)
@click.option("-s", "--session", metavar="NAME", shell_complete=complete, help="Search only this session")
@click.option(
    "-n", "--count", type=click.IntRange(min=1), default=_COUNT, help=f"Show at most this many exchanges [{_COUNT}]"
)
@click.option("--since", metavar="DATE", help="Only prompts sent on or after this day or ISO time")
@click.option("--until", metavar="DATE", help="Only prompts sent on or before this day, or before this ISO time")
@click.option("-m", "--model", help="Only exchanges answered by this model")
@click.option(
    "--tag", "tags", multiple=True, metavar="TAG", help="Only sessions with this tag (repeat to require several)"
)
@click.option(
    "--project",
    metavar="NAME",
    shell_complete=complete_project,
    help=f"Only sessions in this project ({NO_PROJECT}: in no project)",
)
@click.option("-l", "--latest", is_flag=True, help="Newest first, not best first")
@click.option("--raw", is_flag=True, help='Read WORDS as FTS5 syntax: AND OR NOT NEAR() "phrase" prefix*')
@rated_option("Only exchanges rated", "without a rating")
@remote_option
@click.option("json_", "--json", is_flag=True, help="Output as JSON")
def search_command(
    words: tuple[str, ...],
    session: str | None,
    count: int,
    since: str | None,
    until: str | None,
    model: str | None,
    tags: tuple[str, ...],
    project: str | None,
    latest: bool,
    raw: bool,
    rated: str | None,
    remote: str | None,
    json_: bool,
    database: str | None,
) -> None:
    """Search the prompts, replies and tool results of sessions, best match first. Any text is a valid query.

    An exchange must contain all the words; if none does, exchanges with some of them are shown. Longer words that begin
    with a word come after the word itself. Put phrases in double quotes. End a word with * to find
    all words that begin with it. Put -- before words that begin with a dash.

    \b
        llm sessions search harbour office
        llm sessions search '"signs off"' -s work --since 2026-01
        llm sessions search foundations --project bridge
        llm sessions search -- --verbose
        llm sessions search harbour --remote team

    With --remote, the prompts and replies that are kept there are searched, but no tool results.
    """
    if remote is not None and raw:
        raise click.UsageError("--raw can't be combined with --remote.")
    filters = Filters(
        tags=tags,
        model=model,
        called=called(model),
        since=dates.since(since) if since else None,
        until=dates.until(until) if until else None,
        rated=rated,
        project=project,
    )
    with opened(database) as memory:
        if remote is not None:
            hits = _there(memory.remotes.get(remote), " ".join(words), filters, session, count, latest=latest)
        else:
            hits = memory.search(
                " ".join(words),
                session=session,
                filters=filters,
                count=count,
                latest=latest,
                raw=raw,
                progress=_progress if sys.stderr.isatty() else None,
                notice=lambda sentence: click.echo(sentence, err=True),
            )
    if json_:
        as_json([_fields(hit) for hit in hits])
    elif not hits:
        click.echo("No matches.", err=True)
    else:
        click.echo("\n\n".join(map(_shown, hits)))


def _there(
    settings: RemoteSettings, text: str, filters: Filters, session: str | None, count: int, *, latest: bool
) -> list[Hit]:
    """Return what a search on a remote finds."""
    from ..remotes.asking import asking
    from ..remotes.postgres.searching import found

    with asking(settings) as server:
        return found(server, text, filters, session=session, count=count, latest=latest)


def _shown(hit: Hit) -> str:
    """Return a hit as text: session and number, time, model, and a snippet, with its side if it is not the prompt."""
    where = click.style(f"{plain(hit.session)} #{hit.number}", bold=True)
    head = " · ".join(filter(None, [where, local_time(hit.datetime_utc), one_line(hit.model, _WIDTH)]))
    side = "" if hit.side == "prompt" else f"{hit.side}: "
    return f"{head}\n  {side}{_highlighted(hit)}"


def _progress(done: int, total: int) -> None:
    end = "\n" if done == total else "\r"
    click.echo(f"Indexing sessions: {done:,} of {total:,}{end}", nl=False, err=True)


def _highlighted(hit: Hit) -> str:
    """Return the snippet with its matches in bold, all of it made safe to print."""
    text, out, at = hit.snippet, "", 0
    for start, end in hit.marks:
        out += plain(text[at:start]) + click.style(plain(text[start:end]), bold=True, underline=True)
        at = end
    return out + plain(text[at:])


def _fields(hit: Hit) -> dict[str, object]:
    return {
        "session": hit.session,
        "thread_id": hit.thread_id,
        "number": hit.number,
        "exchange_id": hit.exchange_id,
        "side": hit.side,
        "snippet": hit.snippet,
        "marks": [list(mark) for mark in hit.marks],
        "score": hit.score,
        "model": hit.model,
        "datetime_utc": hit.datetime_utc,
    }
