"""`llm sessions export` and `import`: a session as a file, and back."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import IO

import click

from ..interchange import export_session
from ..llm_seam.models import log_path
from ..rules.safe_text import plain
from ..rules.words import counted
from .common import opened, session_argument, session_command

_EVERY = 100
"""Exchanges between two lines of progress."""


@session_command("export", short_help="Write a session to a file: JSONL, Markdown or HTML")
@session_argument()
@click.argument("file", required=False, default="-", type=click.Path(allow_dash=True, path_type=Path))
@click.option(
    "--format",
    "format_",
    type=click.Choice(["jsonl", "markdown", "html"]),
    help="How [jsonl, or what FILE's ending says: .md, .html]",
)
@click.option("--force", is_flag=True, help="Replace FILE if it is there already")
def export_command(name: str, file: Path, format_: str | None, force: bool, database: str | None) -> None:  # noqa: FBT001  a flag
    """Write a session to FILE, or to standard output: every exchange, whole.

    JSONL holds all that there is and can be imported again; Markdown and HTML (one page, nothing else needed) are for
    people.

    \b
        llm sessions export work work.jsonl
        llm sessions export work work.html
        llm sessions export work | gzip > work.jsonl.gz
    """
    with opened(database) as memory, _counted() as counter:
        if str(file) == "-":
            stream = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", errors="replace", newline="\n")
            try:
                export_session(memory, name, stream, format=format_, progress=counter.show)
            finally:
                stream.detach()  # which flushes it, and leaves standard output open
            return
        total = export_session(memory, name, file, format=format_, force=force, progress=counter.show)
    click.echo(f"{counted(total, 'exchange')} written to {file}.")


@session_command("import", short_help="Read a session from a JSONL file")
@click.argument("file", type=click.File("rb"))
@click.option("--as", "name", metavar="NAME", help="The session's name [the one it had]")
def import_command(file: IO[bytes], name: str | None, database: str | None) -> None:
    """Read a session from FILE (- for standard input), as `llm sessions export` writes it.

    Lines of {"prompt": "...", "response": "..."} are enough. All of it is imported or nothing.

    \b
        llm sessions import work.jsonl --as work-again
        zcat work.jsonl.gz | llm sessions import -
    """
    from ..interchange.importing import into

    given = str(getattr(file, "name", "-"))
    where = "standard input" if given in ("<stdin>", "-") else Path(given).name
    with _counted() as counter:
        found = into(log_path(database), file, name, where, counter.show)
    click.echo(f"{counted(found.exchanges, 'exchange')} imported into session {found.session.name}.")
    if found.tools:
        offered = ", ".join(map(plain, found.tools))
        click.echo(f"When it goes on, models are offered the tools of its first prompt: {offered}.", err=True)


class _counted:  # noqa: N801  used as a context manager
    """A line on a terminal that counts exchanges, and is gone at the end."""

    def __init__(self) -> None:
        self._shown = 0

    def __enter__(self) -> _counted:  # noqa: PYI034  Self needs Python 3.11
        return self

    def show(self, done: int, total: int | None = None) -> None:
        """Show how many are done, now and then."""
        if done % _EVERY == 0 and sys.stderr.isatty():
            text = f"{done:,} of {total:,} exchanges" if total else f"{done:,} exchanges"
            self._shown = len(text)
            click.echo(f"\r{text}", nl=False, err=True)

    def end(self) -> None:
        """Take the line away."""
        if self._shown:
            click.echo("\r" + " " * self._shown + "\r", nl=False, err=True)
            self._shown = 0

    def __exit__(self, *error: object) -> None:
        self.end()
