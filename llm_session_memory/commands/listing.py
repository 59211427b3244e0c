"""`llm sessions list`: which sessions there are."""

from __future__ import annotations

import shlex

import click
from tabulate import tabulate

from ..llm_seam.asking import log_path
from ..memory import Memory
from ..model import SessionSummary
from ..terminal import one_line
from .door import as_json, complete, local_time, session_command

_PAGE = 20
_NAME_WIDTH = 40


@session_command("list", short_help="List sessions, newest use first")
@click.option("-n", "--count", type=click.IntRange(min=0), default=_PAGE, help="How many [20]; 0 for all")
@click.option("--after", metavar="NAME", shell_complete=complete, help="Go on after this session (the last one shown)")
@click.option("json_", "--json", is_flag=True, help="Output as JSON")
def list_command(count: int, after: str | None, json_: bool, database: str | None) -> None:  # noqa: FBT001  a flag
    """List sessions, newest use first: name, model, exchanges, tokens in and out, last use.

    \b
        llm sessions
        llm sessions -n 50 --json
    """
    path = log_path(database)
    found: list[SessionSummary] = []
    if path.exists():
        with Memory(path, typed=database) as memory:
            found = memory.sessions(count + 1 if count else -1, after)
    shown = found[:count] if count else found
    if json_:
        as_json([_fields(line) for line in shown])
        return
    if not shown:
        none = f"There are no sessions after “{after}” in {path}."
        if not after:
            none = f'No sessions yet in {path}. Start one with: llm --session NAME "..."'
        click.echo(none, err=True)
        return
    click.echo(tabulate([_row(line) for line in shown], headers=_HEADERS, tablefmt="plain", colalign=_ALIGN))
    if len(found) > len(shown):
        log = ["-d", database] if database else []
        click.echo(
            f"More: {shlex.join(['llm', 'sessions', '-n', str(count), '--after', shown[-1].session.name, *log])}",
            err=True,
        )


_HEADERS = ("name", "model", "exchanges", "tokens in", "out", "last used")
_ALIGN = ("left", "left", "right", "right", "right", "left")


def _row(line: SessionSummary) -> tuple[str, ...]:
    failed = f" ({line.attempts} failed)" if line.attempts else ""
    return (
        one_line(line.session.name, _NAME_WIDTH),
        line.session.settings.model or "",
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
        "last_used_utc": line.last_used_utc,
        "created_utc": line.session.created_utc,
        "failed_prompts": line.attempts,
    }
