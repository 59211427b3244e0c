"""`llm sessions list`: list sessions, all or filtered."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import click
from tabulate import tabulate

from ..llm_seam.models import log_path
from ..memory import Memory
from ..model import Filters, SessionSummary
from ..rules import dates
from ..rules.safe_text import one_line
from .common import as_json, complete, echo, local_time, rated_option, session_command

_PAGE = 20
_WIDTH = 40
"""How many characters of a name, a model or a list of tags are shown."""


@session_command("list", short_help="List sessions, most recently used first")
@click.option("-n", "--count", type=click.IntRange(min=0), default=_PAGE, help="How many to list [20]; 0 for all")
@click.option(
    "--after", metavar="NAME", shell_complete=complete, help="Continue after this session (the last one listed)"
)
@click.option(
    "--tag", "tags", multiple=True, metavar="TAG", help="Only sessions with this tag (repeat to require several)"
)
@click.option("--meta", multiple=True, metavar="KEY=VALUE", help="Only sessions with this fact (KEY alone: any value)")
@click.option("-m", "--model", help="Only sessions with this model")
@click.option("--since", metavar="DATE", help="Only sessions last used on or after this day or ISO time")
@click.option("--until", metavar="DATE", help="Only sessions last used on or before this day, or before this ISO time")
@rated_option("Only sessions with an exchange rated", "without ratings")
@click.option("json_", "--json", is_flag=True, help="Output as JSON")
@click.pass_context
def list_command(  # noqa: PLR0913  one parameter an option
    ctx: click.Context,
    count: int,
    after: str | None,
    tags: tuple[str, ...],
    meta: tuple[str, ...],
    model: str | None,
    since: str | None,
    until: str | None,
    rated: str | None,
    json_: bool,  # noqa: FBT001  a flag
    database: str | None,
) -> None:
    """List sessions, most recently used first, with model, exchanges, tokens in and out, last use and tags.

    \b
        llm sessions
        llm sessions -n 50 --json
        llm sessions list --tag bridge --meta client=harbour --since 2026-01
    """
    path = log_path(database)
    filters = Filters(
        tags=tags,
        meta=dict(map(_fact, meta)),
        model=model,
        since=dates.since(since) if since else None,
        until=dates.until(until) if until else None,
        rated=rated,
    )
    found: Sequence[SessionSummary] = []
    if path.exists():
        with Memory(path, typed=database) as memory:
            found = memory.sessions.list(count + 1 if count else -1, after, filters)
    shown = found[:count] if count else found
    if json_:
        as_json([_fields(line) for line in shown])
    elif shown:
        _print(shown)
        if len(found) > len(shown):
            echo(f"More: {_next(ctx, shown[-1].session.name)}", err=True)
    else:
        echo(_none(path, after, narrowed=filters != Filters()), err=True)


def _fact(text: str) -> tuple[str, str | None]:
    key, equals, value = text.partition("=")
    return key, value if equals else None


def _none(path: Path, after: str | None, *, narrowed: bool) -> str:
    if after:
        return f"No {'matching ' if narrowed else ''}sessions after “{after}” in {path}."
    if narrowed:
        return f"No matching sessions in {path}. List all with: llm sessions -n 0"
    return f'No sessions yet in {path}. Start one with: llm --session NAME "..."'


def _next(ctx: click.Context, last: str) -> str:
    """Return the command for the next page: the same options, continuing after the last session shown."""
    words = ["llm", "sessions", "-n", str(ctx.params["count"]), "--after", last]
    for name, flag in (
        ("tags", "--tag"),
        ("meta", "--meta"),
        ("model", "--model"),
        ("since", "--since"),
        ("until", "--until"),
        ("rated", "--rated"),
        ("database", "-d"),
    ):
        value = ctx.params[name]
        for one in value if isinstance(value, tuple) else [value] if value else []:
            words += [flag, one]
    return shlex.join(words)


_HEADERS = ("name", "model", "exchanges", "tokens in", "tokens out", "last used")
_ALIGN = ("left", "left", "right", "right", "right", "left")


def _print(shown: Sequence[SessionSummary]) -> None:
    headers: tuple[str, ...] = _HEADERS
    align: tuple[str, ...] = _ALIGN
    rows = [_row(line) for line in shown]
    if any(line.tags for line in shown):
        headers, align = (*headers, "tags"), (*align, "left")
        rows = [(*row, one_line(", ".join(line.tags), _WIDTH)) for row, line in zip(rows, shown, strict=True)]
    click.echo(tabulate(rows, headers=headers, tablefmt="plain", colalign=align, disable_numparse=True))


def _row(line: SessionSummary) -> tuple[str, ...]:
    failed = f" ({line.attempts} failed)" if line.attempts else ""
    return (
        one_line(line.session.name, _WIDTH),
        one_line(line.session.settings.model or "", _WIDTH),
        f"{line.exchanges:,}{failed}",
        f"{line.input_tokens:,}",
        f"{line.output_tokens:,}",
        local_time(line.last_used_utc),
    )


def _fields(line: SessionSummary) -> dict[str, object]:
    return {
        "name": line.session.name,
        "thread_id": line.session.thread_id,
        "model": line.session.settings.model,
        "exchanges": line.exchanges,
        "input_tokens": line.input_tokens,
        "output_tokens": line.output_tokens,
        "last_used_utc": dates.zoned(line.last_used_utc),
        "created_utc": dates.zoned(line.session.created_utc),
        "failed_prompts": line.attempts,
        "budget_usd": line.session.budget_usd,
        "tags": list(line.tags),
        "meta": dict(line.meta),
    }
