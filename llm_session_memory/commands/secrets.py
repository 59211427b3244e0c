"""`llm sessions secrets`: find keys, tokens and passwords in the log, and replace them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import click

from ..errors import SessionError
from ..memory import Memory
from ..model import Redacted, Secret, SecretPlace
from ..rules.secrets import masked
from ..rules.words import counted
from .common import as_json, complete, echo, opened, progress_line, session_command
from .selecting import dry_run_option

_EXTRA = "More kinds are found with: llm install 'llm-session-memory[secrets]'"


@session_command("secrets", short_help="Find keys, tokens and passwords in the log, and replace them")
@click.argument("name", required=False, metavar="[NAME]", shell_complete=complete)
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    metavar="KIND",
    help='Only of this kind, such as "OpenAI key" (repeat for several)',
)
@click.option("--redact", is_flag=True, help="Replace them everywhere in the log")
@dry_run_option("With --redact: only print what would be replaced; replace nothing")
@click.option("-y", "--yes", is_flag=True, help="With --redact: don't ask before replacing")
@click.option(
    "--no-backup", is_flag=True, help="With --redact: don't make a backup first (it would still have the secrets)"
)
@click.option("--json", "as_json_", is_flag=True, help="Output as JSON")
def secrets_command(
    name: str | None,
    kinds: tuple[str, ...],
    redact: bool,
    dry_run: bool,
    yes: bool,
    no_backup: bool,
    as_json_: bool,
    database: str | None,
) -> None:
    """List what looks like a key, a token or a password, by session and exchange, masked. NAME: only in this session.

    The exit status is 1 if there are any, and 0 if there are none.

    --redact replaces each of them everywhere in the log: in messages, in later requests and other sessions that repeat
    it, in indexes, fragments, notes and so on. The file is rewritten, so that no byte of them is left in it. This can't
    be undone. A backup is made first, beside the log; it still has them.

    \b
        llm sessions secrets
        llm sessions secrets work --json
        llm sessions secrets work --redact --dry-run
        llm sessions secrets --redact --kind "OpenAI key"
    """
    if not redact and (dry_run or yes or no_backup):
        raise click.UsageError("--dry-run, --yes and --no-backup are for --redact.")
    with opened(database) as memory:
        found = _found(memory, name, kinds)
        if redact:
            _redact(memory, found, _How(dry_run, yes, not no_backup, as_json_), name)
            return
        if as_json_:
            as_json({"secrets": [_fields(one) for one in found]})
        else:
            _print(found, memory, name)
    if found:
        sys.exit(1)


@dataclass(frozen=True)
class _How:
    """How a person wants secrets replaced."""

    dry_run: bool
    yes: bool
    backup: bool
    json: bool


def _redact(memory: Memory, found: Sequence[Secret], how: _How, name: str | None) -> None:
    """Print what would be replaced, ask, make a backup, and replace."""
    if not found:
        if how.json:
            as_json({"secrets": [], "redacted": None, "backup": None})
        else:
            _print(found, memory, name)
        return
    backup: Path | None = None
    with progress_line("row", patience=1) as line:
        if how.dry_run or not how.yes:
            plan = memory.secrets.plan(found)
            line.end()
            if how.dry_run:
                _tell(found, plan, how, None)
                return
            _list(found, err=True)
            _ask(_amounts(plan), how)
        if how.backup:
            backup = memory.secrets.back_up(line.say)
        done = memory.secrets.redact(found, line.say)
    _tell(found, done, how, backup)


def _tell(found: Sequence[Secret], redacted: Redacted, how: _How, backup: Path | None) -> None:
    """Print what was replaced or, in a dry run, what would be."""
    if how.json:
        fields = {name: getattr(redacted, name) for name in ("rows", "messages", "requests")}
        secrets = [_fields(one) for one in found]
        where = str(backup) if backup else None
        as_json({"secrets": secrets, "redacted": {**fields, "done": not how.dry_run}, "backup": where})
    elif how.dry_run:
        _list(found)
        echo(f"Would replace {_amounts(redacted)}.")
        echo("Nothing was replaced.", err=True)
    else:
        echo(f"Replaced {_amounts(redacted)}.")
        echo(f"The file was rewritten: {redacted.size_before:,} bytes before, {redacted.size_after:,} bytes now.")
        if backup:
            echo(
                f"The log as it was before is in {backup}. It still has the secrets: delete it once everything is well."
            )
        echo("Revoke what is still valid: it may be elsewhere too.", err=True)


def _amounts(plan: Redacted) -> str:
    """Return in words what is replaced."""
    what = f"{counted(plan.secrets, 'secret')} in {counted(plan.rows, 'row')} of the log"
    if not plan.messages:
        return what
    return (
        f"{what}; {counted(plan.messages, 'message')} of {counted(plan.requests, 'call')} of models"
        f" {'gets' if plan.messages == 1 else 'get'} new hashes"
    )


def _ask(amounts: str, how: _How) -> None:
    """Ask on the terminal. Raises SessionError if there is none, or if the answer is no."""
    if not sys.stdin.isatty():
        raise SessionError(
            "Nothing was replaced, because there is no terminal to ask on.",
            "Add --yes to replace without a question, or --dry-run to see what would be replaced.",
        )
    before = "A backup is made first, beside the log." if how.backup else "No backup is made first."
    echo(f"This replaces {amounts}. {before}", err=True)
    if not click.confirm("Replace for good?", err=True):
        raise SessionError("Nothing was replaced.")


def _found(memory: Memory, name: str | None, kinds: Sequence[str]) -> list[Secret]:
    thread_id = memory.conversations.get(name).thread_id if name is not None else None
    with progress_line("row", patience=1) as line:
        found = memory.secrets.find(thread_id, line.show)
    wanted = {one.casefold() for one in kinds}
    return [one for one in found if not wanted or one.kind.casefold() in wanted]


def _print(found: Sequence[Secret], memory: Memory, name: str | None) -> None:
    if not found:
        echo(f"No secrets found in {f'session “{name}”' if name else 'the log'}.")
    _list(found)
    if found:
        them = "it" if len(found) == 1 else "them"
        echo(f"Found {counted(len(found), 'secret')}. Replace {them} with: {_command(memory, name)}", err=True)
    if not memory.secrets.has_package():
        echo(_EXTRA, err=True)


def _command(memory: Memory, name: str | None) -> str:
    return memory.desk.command("secrets", *([name] if name else []), "--redact")


def _list(found: Sequence[Secret], *, err: bool = False) -> None:
    """Print secrets by session and exchange."""
    for title, rows in groupby(_rows(found), key=lambda row: _title(row[0])):
        echo(title, err=err)
        for place, secret in rows:
            number = f"#{place.number} " if place.number else ""
            echo(f"  {number}{place.where}: {secret.kind} {masked(secret.value)}", err=err)


def _rows(found: Sequence[Secret]) -> Iterator[tuple[SecretPlace, Secret]]:
    """Return each place with its secret, by session and exchange."""
    rows = [(place, secret) for secret in found for place in secret.places]
    return iter(sorted(rows, key=lambda row: (row[0].name, row[0].thread_id or "", row[0].number or 0)))


def _title(place: SecretPlace) -> str:
    if place.name:
        return place.name
    return f"{place.thread_id} (no name)" if place.thread_id else "No conversation"


def _fields(secret: Secret) -> dict[str, Any]:
    """Return a secret as JSON; the value itself is never printed."""
    places = [
        {
            "session": place.name or None,
            "thread_id": place.thread_id,
            "exchange": place.number,
            "turn_id": place.turn_id,
            "where": place.where,
        }
        for place in secret.places
    ]
    return {"kind": secret.kind, "masked": masked(secret.value), "places": places}
