"""`llm sessions seal` and `unseal`: put sessions into encrypted files, out of the log, and bring them back."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import LogUnusable, SessionError
from ..llm_seam.models import log_path
from ..llm_seam.template_fragments import hashes
from ..memory import Memory
from ..model import Filters, Target
from ..rules.words import counted
from .common import echo, opened, session_command
from .deletion_text import lines
from .encryption_options import decryption_options, sealing_options
from .ending import ending_in_order
from .selecting import dry_run_option, matching_options, names_argument, selection

if TYPE_CHECKING:
    from ..interchange.sealing import SealedGroup
    from ..services.encryption import Locking, Unlocking


@session_command("seal", short_help="Encrypt sessions into files, and erase them from the log")
@names_argument()
@click.option("--to", metavar="FOLDER", type=click.Path(file_okay=False, exists=True), help="Folder [the log's]")
@click.option("--forget", is_flag=True, help="Keep no record in the log: neither the name nor the file")
@click.option("--with-traces", is_flag=True, help="Also blank their text in later requests of other sessions")
@sealing_options()
@dry_run_option("Only print what would be sealed")
@click.option("-y", "--yes", is_flag=True, help="Don't ask before erasing")
@matching_options()
@ending_in_order()
def seal_command(
    names: tuple[str, ...],
    to: str | None,
    forget: bool,
    with_traces: bool,
    keys: Callable[[], tuple[Locking, Unlocking]],
    dry_run: bool,
    yes: bool,
    matching: Filters | None,
    database: str | None,
) -> None:
    """Encrypt each session into a file beside the log, compare the two, and erase the session from the log.

    The file has everything, so `unseal` brings the session back as it was, under the same ids. Sessions that share
    exchanges, as forks do, go into one file. If you lose the passphrase or the key, the session is lost.

    \b
        llm sessions seal work
        llm sessions seal work play --to /media/stick -r ~/.ssh/id_ed25519.pub -i ~/.ssh/id_ed25519
        llm sessions list --sealed
    """
    from ..interchange.sealing import groups, seal

    with opened(database) as memory:
        found = groups(memory, selection(names, matching).sessions(memory), Path(to) if to else None)
        kept = memory.conversations.fragment_numbers(hashes())
        plan = memory.deletion.plan([Target(id_) for one in found for id_ in one.threads], kept_fragments=kept)
        for one in found:
            echo(f"{'Would seal' if dry_run else 'To seal:'} {_what(memory, one)}, into {one.path}.", err=not dry_run)
        for text in lines(plan, blank=with_traces):
            echo(text, err=not dry_run)
        if dry_run:
            echo("Dry run: nothing was sealed.", err=True)
            return
        lock, unlock = keys()
        if not yes:
            _ask("Erase from the log when that is done?", "sealed")
        done: list[SealedGroup] = []
        try:
            for one in found:
                what = _what(memory, one)
                seal(memory, one, lock, unlock, forget=forget, with_traces=with_traces, kept_fragments=kept)
                done.append(one)
                echo(f"Sealed {what}, into {one.path}.")
        finally:
            if done:
                _erase(memory, done)


def _what(memory: Memory, group: SealedGroup) -> str:
    names = [f"“{one.name}”" for one in group.sessions]
    count = sum(map(memory.sessions.exchange_count, group.sessions))
    return f"session{'s' if len(names) > 1 else ''} {' and '.join(names)} ({counted(count, 'exchange')})"


def _erase(memory: Memory, done: Sequence[SealedGroup]) -> None:
    them = "it" if len(done) == 1 else "them"
    try:
        memory.deletion.erase()
    except LogUnusable as error:
        message = f"Sealed and deleted, but not yet erased from the file. {error.message}"
        hint = f"Erase {them} later with: {memory.desk.command('purge', '--erase')}"
        raise LogUnusable(message, hint) from error
    echo(f"The log was rewritten: no byte of {them} is left in the file.")


def _ask(question: str, done: str) -> None:
    """Ask on the terminal. Raises SessionError if there is none, or if the answer is no."""
    if not sys.stdin.isatty():
        hint = "Add --yes to do it without a question."
        raise SessionError(f"Nothing was {done}, because there is no terminal to ask on.", hint)
    if not click.confirm(question, err=True):
        raise SessionError(f"Nothing was {done}.")


@session_command("unseal", short_help="Bring a sealed session back into the log")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("--as", "name", metavar="NAME", help="Name of the session [the name that it had]")
@decryption_options()
@click.option("-y", "--yes", is_flag=True, help="Don't ask before unsealing a file that this log did not seal")
@ending_in_order()
def unseal_command(
    file: str,
    name: str | None,
    unlock: Unlocking,
    yes: bool,
    database: str | None,
) -> None:
    """Bring the sessions in a sealed file back into the log, as they were, under the same ids. The file is kept.

    \b
        llm sessions unseal work.sealed.age
        llm sessions unseal work.sealed.age --as work-of-2025 -i ~/.ssh/id_ed25519
    """
    from ..interchange.sealing import is_known, unseal

    path = log_path(database)
    if not yes and not is_known(path, Path(file)):
        unknown = f"{path} has no record that it sealed {file}."
        echo(f"{unknown} A file from somebody else can change what is sent.", err=True)
        _ask("Do you know where it is from, and want to unseal it?", "unsealed")
    found = unseal(path, Path(file), unlock, name)
    names = " and ".join(f"“{one}”" for one in found.names)
    echo(
        f"Session{'s' if len(found.names) > 1 else ''} {names} came back, with {counted(found.exchanges, 'exchange')}."
    )
    echo(f"{file} is still there. Delete it if you don't need it any more.", err=True)
