"""`llm sessions retry`, `recover`, `demo`: sending again, putting back, trying out."""

from __future__ import annotations

from pathlib import Path

import click

from ..llm_seam.shape import check
from .common import echo, session_argument, session_command


@session_command("retry", short_help="Send a failed prompt again")
@session_argument()
@click.option("--no-stream", is_flag=True, help="Do not stream output")
@click.pass_context
def retry_command(ctx: click.Context, name: str, no_stream: bool, database: str | None) -> None:  # noqa: FBT001  a flag
    """Send the newest prompt of a session that failed or was interrupted again: same text, attachments, tools, options.

    \b
        llm sessions retry work
    """
    check("sessions", "retry")
    from ..llm_seam.retry import retry

    retry(ctx, name, database, no_stream=no_stream)


@session_command("recover", short_help="Put a reply that could not be logged into its session")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def recover_command(file: Path, database: str | None) -> None:
    """Put a reply that could not be logged (a locked or read-only log) into its session. The error named the FILE."""
    check("retry")
    from ..llm_seam.retry import recover

    name, count = recover(file, database)
    echo(f"{count} repl{'y' if count == 1 else 'ies'} put into {name}; {file} is removed.")


@session_command("demo", short_help="Hold a short conversation in a folder of its own, and show what sessions do")
def demo_command(database: str | None) -> None:
    """Hold a short conversation in a session, in a folder of its own, and show the list, transcript and dry run.

    Uses Ollama's first chat model where a server answers, and else a bundled model that only echoes.
    """
    from ..llm_seam.demo import run

    run(database)
