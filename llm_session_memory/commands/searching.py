"""`llm sessions search`: in all sessions, or in one."""

from __future__ import annotations

import sys

import click

from ..model import Filters, Hit
from ..rules import dates
from ..rules.safe_text import one_line, plain
from .common import as_json, complete, local_time, opened, rated_option, session_command

_COUNT = 20
_WIDTH = 40
"""Characters of a model's name."""


@session_command("search", short_help="Search all sessions, or one")
@click.argument("words", nargs=-1, required=True)
@click.option("-s", "--session", metavar="NAME", shell_complete=complete, help="Only in this session")
@click.option(
    "-n", "--count", type=click.IntRange(min=1), default=_COUNT, help=f"How many exchanges at most [{_COUNT}]"
)
@click.option("--since", metavar="DATE", help="Only prompts of this day, or of this ISO time, or later")
@click.option("--until", metavar="DATE", help="Only prompts of this day or earlier, or before this ISO time")
@click.option("-m", "--model", help="Only what this model answered")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="Only sessions with this tag; repeated: with all")
@click.option("-l", "--latest", is_flag=True, help="Newest first instead of best first")
@click.option("--raw", is_flag=True, help='Take WORDS as FTS5 syntax: AND OR NOT NEAR() "phrase" beginning*')
@rated_option("Only exchanges rated", "not rated")
@click.option("json_", "--json", is_flag=True, help="Output as JSON")
def search_command(  # noqa: PLR0913  one parameter an option
    words: tuple[str, ...],
    session: str | None,
    count: int,
    since: str | None,
    until: str | None,
    model: str | None,
    tags: tuple[str, ...],
    latest: bool,  # noqa: FBT001  a flag
    raw: bool,  # noqa: FBT001  a flag
    rated: str | None,
    json_: bool,  # noqa: FBT001  a flag
    database: str | None,
) -> None:
    """Search prompts, replies and tool results of sessions, best first. Any text is a valid query.

    All words have to be there, or, where no exchange has all, some. Phrases go in double quotes. After -- all is text,
    whatever it begins with.

    \b
        llm sessions search harbour office
        llm sessions search '"signs off"' -s work --since 2026-01
        llm sessions search -- --verbose
    """
    filters = Filters(
        tags=tags,
        model=model,
        since=dates.since(since) if since else None,
        until=dates.until(until) if until else None,
        rated=rated,
    )
    with opened(database) as memory:
        hits = memory.search(
            " ".join(words),
            session=session,
            filters=filters,
            count=count,
            latest=latest,
            raw=raw,
            progress=_progress if sys.stderr.isatty() else None,
        )
    if json_:
        as_json([_fields(hit) for hit in hits])
    elif not hits:
        click.echo("Nothing was found.", err=True)
    else:
        click.echo("\n\n".join(map(_shown, hits)))


def _shown(hit: Hit) -> str:
    """Return a hit as people read it: where, when, and a line of it; what is not the person's own says whose it is."""
    where = click.style(f"{plain(hit.session)} #{hit.number}", bold=True)
    head = " · ".join(filter(None, [where, local_time(hit.datetime_utc), one_line(hit.model, _WIDTH)]))
    side = "" if hit.side == "prompt" else f"{hit.side}: "
    return f"{head}\n  {side}{_highlighted(hit)}"


def _progress(done: int, total: int) -> None:
    end = "\n" if done == total else "\r"
    click.echo(f"Indexing sessions: {done:,} of {total:,}{end}", nl=False, err=True)


def _highlighted(hit: Hit) -> str:
    """Return the snippet with its matches in bold; what is not a match is made safe to print, and so is a match."""
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
