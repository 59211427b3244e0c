"""`llm sessions retry`, `recover`, `demo`: send a failed prompt again, log a kept reply, try sessions out."""

from __future__ import annotations

from pathlib import Path

import click

from ..llm_seam.shape import check
from .common import echo, session_argument, session_command


@session_command("retry", short_help="Send a failed prompt again")
@session_argument()
@click.option("-m", "--model", metavar="MODEL", help="Send it to this model instead")
@click.option("--no-stream", is_flag=True, help="Don't stream the reply")
@click.option("--over-budget", is_flag=True, help="Send it even if it would exceed the budget in dollars")
@click.pass_context
def retry_command(
    ctx: click.Context,
    name: str,
    model: str | None,
    no_stream: bool,
    over_budget: bool,
    database: str | None,
) -> None:
    """Send a session's newest failed or interrupted prompt again, with the same text, attachments, tools and options.

    \b
        llm sessions retry work
        llm sessions retry work -m llama3
    """
    check("sessions", "retry")
    from ..llm_seam.retry import retry

    retry(ctx, name, database, model=model, no_stream=no_stream, over_budget=over_budget)


@session_command("recover", short_help="Put a reply that could not be logged into its session")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def recover_command(file: Path, database: str | None) -> None:
    """Put a reply that could not be logged (because the log was locked or read-only) into its session.

    The error message names the FILE that the reply was saved in.
    """
    check("retry")
    from ..llm_seam.retry import recover

    name, count = recover(file, database)
    echo(f"Put {count} repl{'y' if count == 1 else 'ies'} into session “{name}” and removed {file}.")


@session_command("demo", short_help="Show what sessions do, with a short conversation in a temporary folder")
def demo_command(database: str | None) -> None:
    """Hold a short conversation in a temporary folder, then show the list, the transcript and a dry run.

    Uses Ollama's first chat model if a server answers, otherwise a bundled model.
    """
    from ..llm_seam.demo import run

    run(database)
