"""`llm sessions export`: write sessions to files."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import click
from click.shell_completion import CompletionItem

from ..errors import SessionError
from ..interchange import export_session, export_sessions
from ..interchange.whole_file import check_file
from ..memory import Memory
from ..model import Filters
from ..rules.safe_text import mended
from ..rules.sanitizing import Hide
from ..rules.words import counted
from ..services.encryption import Locking
from .common import complete, echo, opened, progress_line, session_command
from .encryption_options import Encrypting, check_binary_output, check_plain_name, encryption_options
from .ending import ending_in_order
from .selecting import dry_run_option, matching_options, selection

_EVERY = 100
"""How many exchanges between updates of the progress line."""


def _complete_rest(ctx: click.Context, param: click.Parameter, incomplete: str) -> Sequence[str | CompletionItem]:
    """Complete a file or, after `--to`, more names of sessions."""
    return complete(ctx, param, incomplete) if ctx.params.get("to") else [CompletionItem(incomplete, type="file")]


@session_command("export", short_help="Write sessions to files: JSONL, Markdown, HTML, CSV")
@click.argument("name", required=False, metavar="NAME", shell_complete=complete)
@click.argument("rest", nargs=-1, metavar="[FILE]", type=click.Path(), shell_complete=_complete_rest)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["jsonl", "markdown", "html", "openai", "csv"]),
    help="Format [by FILE's ending (.md, .html, .csv), otherwise jsonl]",
)
@click.option("--force", is_flag=True, help="Replace files that already exist")
@click.option(
    "--to",
    metavar="FOLDER",
    type=click.Path(),
    help="Write each session to a file in this folder (-: all to standard output; a name that ends in .csv, or in"
    " .jsonl with --format openai: all to one file); then all arguments are names",
)
@click.option("--redact", is_flag=True, help="Replace what looks like a key, a token or a password")
@click.option("--sanitize", is_flag=True, help="Replace all texts with their lengths, for a bug report (JSONL)")
@encryption_options()
@matching_options()
@dry_run_option("Only print which files would be written")
@ending_in_order()
def export_command(
    name: str | None,
    rest: tuple[str, ...],
    format_: str | None,
    force: bool,
    to: str | None,
    redact: bool,
    sanitize: bool,
    encrypt: Encrypting | None,
    matching: Filters | None,
    dry_run: bool,
    database: str | None,
) -> None:
    """Write all exchanges of a session to FILE, or to standard output. With --to, write several sessions.

    JSONL has everything and can be imported again. Markdown and HTML (one page that needs no other files) are for
    reading. CSV has a row for each exchange. openai is one line per session in OpenAI's chat format, to train a model
    with.

    \b
        llm sessions export work work.jsonl
        llm sessions export work work.html
        llm sessions export work | gzip > work.jsonl.gz
        llm sessions export work work.jsonl.age --encrypt
        llm sessions export work work.md --redact
        llm sessions export work bug.jsonl --sanitize
        llm sessions export work play --to sessions
        llm sessions export --all-matching --tag bridge --to sessions --format markdown
        llm sessions export --all-matching --all --to all.csv
        llm sessions export --all-matching --rated up --to train.jsonl --format openai
    """
    if redact and sanitize:
        raise click.UsageError("Give --redact or --sanitize, not both: without texts there are no secrets to redact.")
    hide: Hide = "secrets" if redact else "texts" if sanitize else None
    check_plain_name(to or (rest[0] if rest else ""), encrypt)
    if to is not None:
        names = () if name is None else (name, *map(mended, rest))
        with opened(database) as memory:
            found = [one.name for one in selection(names, matching).sessions(memory)]
            lock = _lock(encrypt, to, dry_run=dry_run)
            _export_several(memory, found, to, format_, force=force, dry_run=dry_run, lock=lock, hide=hide)
        return
    if matching is not None or len(rest) > 1 or dry_run:
        raise click.UsageError("To export several sessions, give a folder: --to FOLDER, or a file: --to FILE.csv.")
    if name is None:
        raise click.UsageError("Missing argument 'NAME'.")
    with opened(database) as memory:
        memory.sessions.get(name)  # a typo is told before a passphrase is asked for
        file = Path(rest[0] if rest else "-")
        if str(file) != "-":
            check_file(file, force=force)
        _export(memory, name, file, format_, force=force, lock=_lock(encrypt, str(file)), hide=hide)


def _lock(encrypt: Encrypting | None, to: str, *, dry_run: bool = False) -> Locking | None:
    """Return who can read what is written, after what can be checked before a passphrase is asked for."""
    if encrypt is None:
        return None
    if dry_run:
        return Locking()  # no key is needed to say how the names of the files end
    if to == "-":
        check_binary_output()
    return encrypt.lock()


def _export_several(
    memory: Memory,
    names: Sequence[str],
    to: str,
    format_: str | None,
    *,
    force: bool,
    dry_run: bool,
    lock: Locking | None,
    hide: Hide,
) -> None:
    """Write sessions to a folder or, one after the other, to standard output."""
    if to == "-":
        if format_ == "html":
            raise SessionError("Several HTML pages can't go to standard output.", "Give a folder: --to FOLDER.")
        from ..interchange.exporting import JOINED, write_joined

        if dry_run:
            for name in names:
                echo(f"{name}: {counted(memory.sessions.exchange_count(memory.sessions.get(name)), 'exchange')}")
        else:
            with _standard_output(lock) as stream, progress_line("session", patience=1) as line:
                if format_ in JOINED:
                    write_joined(memory, names, stream, format_, line.show, hide=hide)
                    return
                for number, name in enumerate(names, 1):
                    export_session(memory, name, stream, format=format_, hide=hide)
                    line.show(number, len(names))
    else:
        with progress_line("session", patience=1) as line:
            written = export_sessions(
                memory,
                names,
                to,
                format=format_,
                force=force,
                dry_run=dry_run,
                progress=line.show,
                lock=lock,
                hide=hide,
            )
        for path, count in written:
            echo(f"{'' if dry_run else 'Wrote '}{path}: {counted(count, 'exchange')}")
    if dry_run:
        echo(f"Dry run: {counted(len(names), 'session')} would be written. Nothing was written.", err=True)


def _export(
    memory: Memory, name: str, file: Path, format_: str | None, *, force: bool, lock: Locking | None, hide: Hide
) -> None:
    """Write one session to a file, or to standard output."""
    with progress_line("exchange", every=_EVERY) as counter:
        if str(file) == "-":
            with _standard_output(lock) as stream:
                export_session(memory, name, stream, format=format_, progress=counter.show, hide=hide)
            return
        total = export_session(
            memory, name, file, format=format_, force=force, progress=counter.show, lock=lock, hide=hide
        )
    echo(f"Wrote {counted(total, 'exchange')} to {file}.")


@contextmanager
def _standard_output(lock: Locking | None) -> Iterator[IO[str]]:
    """Give a stream of UTF-8 to standard output, which stays open; with a lock, it is encrypted."""
    from ..interchange.whole_file import text

    with text(sys.stdout.buffer, lock) as stream:
        yield stream
    sys.stdout.buffer.flush()
