"""`llm sessions export` and `import`: write a session to a file, and read it back."""

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
from .common import echo, opened, progress_line, session_argument, session_command

_EVERY = 100
"""How many exchanges between updates of the progress line."""


@session_command("export", short_help="Write a session to a file: JSONL, Markdown or HTML")
@session_argument()
@click.argument("file", required=False, default="-", type=click.Path(allow_dash=True, path_type=Path))
@click.option(
    "--format",
    "format_",
    type=click.Choice(["jsonl", "markdown", "html"]),
    help="Format [by FILE's ending (.md, .html), otherwise jsonl]",
)
@click.option("--force", is_flag=True, help="Replace FILE if it already exists")
def export_command(name: str, file: Path, format_: str | None, force: bool, database: str | None) -> None:  # noqa: FBT001  a flag
    """Write all exchanges of a session to FILE, or to standard output.

    JSONL has everything and can be imported again. Markdown and HTML (one page that needs no other files) are for
    reading.

    \b
        llm sessions export work work.jsonl
        llm sessions export work work.html
        llm sessions export work | gzip > work.jsonl.gz
    """
    with opened(database) as memory, progress_line("exchange", every=_EVERY) as counter:
        if str(file) == "-":
            stream = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", errors="replace", newline="\n")
            try:
                export_session(memory, name, stream, format=format_, progress=counter.show)
            finally:
                stream.detach()  # flushes it, and leaves standard output open
            return
        total = export_session(memory, name, file, format=format_, force=force, progress=counter.show)
    echo(f"Wrote {counted(total, 'exchange')} to {file}.")


@session_command("import", short_help="Import a session from a JSONL file")
@click.argument("file", type=click.File("rb"))
@click.option("--as", "name", metavar="NAME", help="Name of the session [its name in FILE]")
def import_command(file: IO[bytes], name: str | None, database: str | None) -> None:
    """Import a session from FILE (- for standard input), in the JSONL format of `llm sessions export`.

    Lines of {"prompt": "...", "response": "..."} are enough. If a line is wrong, nothing is imported.

    \b
        llm sessions import work.jsonl --as work-again
        zcat work.jsonl.gz | llm sessions import -
    """
    from ..interchange.importing import into

    given = str(getattr(file, "name", "-"))
    where = "standard input" if given in ("<stdin>", "-") else Path(given).name
    with progress_line("exchange", every=_EVERY) as counter:
        found = into(log_path(database), file, name, where, counter.show)
    echo(f"Imported {counted(found.exchanges, 'exchange')} into session “{found.session.name}”.")
    if found.tools:
        offered = ", ".join(map(plain, found.tools))
        click.echo(f"Its next prompts will offer models the tools of its first prompt: {offered}.", err=True)
